// The README matches the code.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findServices, USUAL_PLACES } from "../entry/services.ts";
import { readSettings } from "../entry/settings.ts";
import { parseMetadata } from "../server/metadata.ts";

const SANDBOX = join(import.meta.dirname, "..");
const read = (name: string) => readFileSync(join(SANDBOX, name), "utf8");
const README = read("README.md");

/** Returns the cells of the table whose first column has the title. */
function table(title: string): string[][] {
  const lines = README.split("\n");
  const head = lines.findIndex((line) => new RegExp(`^\\| ${title} +\\|`).test(line));
  assert.notEqual(head, -1, `no table of ${title}s`);
  const rest = lines.slice(head + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codeIn = (text = "") => [...text.matchAll(/`([^`]+)`/g)].map((found) => found[1] ?? "");

/** Every file of the image except the page, which has no environment. */
function sources(): string {
  const parts = ["bin", "entry", "lib", "server", "services"];
  const inFolders = parts.flatMap((part) =>
    readdirSync(join(SANDBOX, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith("public"))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
  return [...inFolders, read("entry.ts"), read("git-credential.ts")].join("\n");
}

describe("the README", () => {
  test("lists the build arguments with their defaults", () => {
    const declared = [...read("Dockerfile").matchAll(/^ARG (\w+)=(\S+)$/gm)];
    const expected = declared.map(([, name, value]) => [name, value]).sort();
    const listed = table("argument").map(([name, value]) => [codeIn(name)[0], codeIn(value)[0]]);
    assert.ok(expected.length > 0);
    assert.deepEqual(listed.sort(), expected);
  });

  test("lists the variables that are read, and no other", () => {
    const names = sources().matchAll(/\b(?:ITERATE|OS2|GITHUB|GH)_[A-Z][A-Z_]*\b/g);
    const listed = table("variable").flatMap(([name]) => codeIn(name));
    assert.deepEqual(listed.sort(), [...new Set([...names].map(([name]) => name))].sort());
  });

  test("knows their defaults", () => {
    const defaults = new Map(
      table("variable").map(([name, value]) => [codeIn(name)[0], codeIn(value)[0]]),
    );
    const settings = readSettings({});
    assert.equal(defaults.get("ITERATE_REPO_DIR"), settings.repository);
    assert.equal(defaults.get("ITERATE_REPO_MOUNT"), settings.mount);
    assert.match(
      read("server/main.ts"),
      new RegExp(`\\|\\| ${defaults.get("ITERATE_SERVER_PORT")}\\)`),
    );
  });

  test("names the places where services are looked for", () => {
    const text = README.replaceAll("\n", " ");
    assert.ok(text.includes(USUAL_PLACES.map((place) => `\`${place}\``).join(", ")));
  });

  test("lists the services of the image", () => {
    const listed = table("service").map(([name, port, health]) => [
      codeIn(name)[0],
      Number(port),
      codeIn(health)[0],
    ]);
    const services = readdirSync(join(SANDBOX, "services")).map((name) => {
      const { port, healthEndpoint } = parseMetadata(read(`services/${name}/metadata.json`));
      return [name, port, healthEndpoint];
    });
    assert.deepEqual(listed.sort(), services.sort());
  });

  test("lists the fields of metadata.json", () => {
    const declared = read("server/metadata.ts").matchAll(/^ {2}readonly (\w+)\?:/gm);
    const listed = table("field").map(([name]) => codeIn(name)[0]);
    assert.deepEqual(listed.sort(), [...declared].map(([, name]) => name).sort());
  });

  describe("has an example that", () => {
    const folder = mkdtempSync(join(tmpdir(), "readme-"));
    after(() => rmSync(folder, { recursive: true }));

    test("makes a service", async () => {
      const script = /```sh\n(mkdir -p .os2\/services.*?)```/s.exec(README)?.[1];
      assert.ok(script);
      execFileSync("sh", ["-e", "-c", script], { cwd: folder });
      const services = join(folder, ".os2", "services");
      const hello = join(services, "hello");
      assert.deepEqual(await findServices(services), [hello]);
      const metadata = readFileSync(join(hello, "metadata.json"), "utf8");
      assert.deepEqual(parseMetadata(metadata), JSON.parse(metadata));
      execFileSync(process.execPath, ["--check", join(hello, "server.cjs")]);
      for (const program of ["run", "log/run"]) execFileSync("sh", ["-n", join(hello, program)]);
    });
  });
});
