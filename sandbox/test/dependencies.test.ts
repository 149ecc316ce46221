// When dependencies are installed, with a program instead of pnpm that counts its runs.
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { installDependencies } from "../entry/dependencies.ts";

describe("installDependencies", () => {
  const root = mkdtempSync(join(tmpdir(), "dependencies-"));
  const path = process.env["PATH"];
  const calls = join(root, "calls");
  let repository: string;
  let number = 0;

  const pnpm = (script: string) => {
    writeFileSync(join(root, "bin", "pnpm"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(root, "bin", "pnpm"), 0o755);
  };
  const write = (name: string, text: string) => writeFileSync(join(repository, name), text);
  const log = () => (existsSync(calls) ? readFileSync(calls, "utf8") : "");

  mkdirSync(join(root, "bin"));
  beforeEach(() => {
    process.env["PATH"] = `${join(root, "bin")}:${path}`;
    number += 1;
    repository = join(root, `repository-${number}`);
    mkdirSync(repository);
    rmSync(calls, { force: true });
    pnpm(`echo "$PWD $CI $*" >> ${calls}`);
  });
  after(() => {
    process.env["PATH"] = path;
    rmSync(root, { recursive: true });
  });

  for (const file of [undefined, "package.json", "pnpm-lock.yaml"]) {
    test(`does nothing for a repository with ${file ?? "neither"} alone`, async () => {
      if (file) write(file, "");
      assert.equal(await installDependencies(repository), "none declared");
      assert.equal(log(), "");
    });
  }

  test("installs what the lockfile names, and again only when it changes", async () => {
    write("package.json", "{}");
    write("pnpm-lock.yaml", "one");
    assert.equal(await installDependencies(repository), "installed with pnpm");
    const call = `${repository} true install --frozen-lockfile\n`;
    assert.equal(log(), call);
    assert.equal(await installDependencies(repository), "up to date");
    write("package.json", '{"name":"renamed"}');
    assert.equal(await installDependencies(repository), "up to date");
    assert.equal(log(), call);
    write("pnpm-lock.yaml", "two");
    assert.equal(await installDependencies(repository), "installed with pnpm");
    assert.equal(log(), call + call);
  });

  test("reinstalls deleted dependencies", async () => {
    write("package.json", "{}");
    write("pnpm-lock.yaml", "one");
    await installDependencies(repository);
    rmSync(join(repository, "node_modules"), { recursive: true });
    assert.equal(await installDependencies(repository), "installed with pnpm");
  });

  test("reports why it failed, and retries the next time", async () => {
    write("package.json", "{}");
    write("pnpm-lock.yaml", "one");
    const works = readFileSync(join(root, "bin", "pnpm"), "utf8").split("\n")[1] ?? "";
    pnpm("echo ' ERR_PNPM_OUTDATED_LOCKFILE  it is outdated'; exit 1");
    await assert.rejects(installDependencies(repository), {
      message: "pnpm install: ERR_PNPM_OUTDATED_LOCKFILE  it is outdated",
    });
    pnpm(works);
    assert.equal(await installDependencies(repository), "installed with pnpm");
  });
});
