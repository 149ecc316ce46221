// The page and the API over real connections, with services in a temporary directory.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { redactor } from "../lib/redact.ts";
import { Hosts } from "../server/hosts.ts";
import { Machine } from "../server/machine.ts";
import { machineServer } from "../server/server.ts";
import { Services } from "../server/services.ts";

const SECRET = "s3cr3t-of-the-test";
const env = { OS2_MACHINE_NAME: "otter", SOME_TOKEN: SECRET, PLAIN: "a-plain-value" };

describe("the machine's server", () => {
  const root = mkdtempSync(join(tmpdir(), "handler-"));
  const file = (...path: string[]) => join(root, ...path);
  const path = process.env["PATH"];
  writeFileSync(file("tools.json"), '[{"name":"node","version":"24.0.0"}]');
  const server = machineServer({
    machine: new Machine({ ...env, ITERATE_REPO_DIR: root }, 3000, file("tools.json")),
    services: new Services(file("services"), file("logs"), (name) =>
      name === "web" ? 4000 : undefined,
    ),
    redact: redactor(env),
    port: 3000,
    hosts: new Hosts(env),
  });
  let port: number;

  /** `fetch` would normalise the path before sending it. */
  async function ask(path: string, { method = "GET", headers = {} } = {}) {
    const sent = request({ host: "127.0.0.1", port, path, method, headers });
    const answer = Promise.withResolvers<import("node:http").IncomingMessage>();
    sent.on("response", answer.resolve).on("error", answer.reject).end();
    const response = await answer.promise;
    const body = await text(response);
    return { status: response.statusCode, headers: response.headers, body };
  }
  const json = async (path: string) => JSON.parse((await ask(path)).body);

  before(async () => {
    mkdirSync(file("bin"));
    // Replaces the supervisor: reports every service but one as up.
    writeFileSync(
      file("bin", "s6-svstat"),
      '#!/bin/sh\ncase "$3" in */broken) exit 1;; esac\necho true true true 24 5 -1 NA\n',
    );
    chmodSync(file("bin", "s6-svstat"), 0o755);
    process.env["PATH"] = `${file("bin")}:${path}`;
    for (const name of ["web", "broken", "quiet"])
      mkdirSync(file("services", name), { recursive: true });
    mkdirSync(file("services", ".s6-svscan"));
    mkdirSync(file("services", "web", "log"));
    writeFileSync(
      file("services", "web", "metadata.json"),
      JSON.stringify({ displayName: "Web", description: `uses ${SECRET}`, port: 1 }),
    );
    mkdirSync(file("logs", "web"), { recursive: true });
    writeFileSync(file("logs", "web", "current"), `one\ntwo with ${SECRET}\nthree\n`);
    writeFileSync(file("secret"), SECRET);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    process.env["PATH"] = path;
    server.close();
    server.closeAllConnections();
    rmSync(root, { recursive: true });
  });

  test("serves the page, and what it loads", async () => {
    const page = await ask("/");
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    const links = [...page.body.matchAll(/(?:src|href)="(\/[^"]*\.\w+)"/g)].map((link) => link[1]);
    assert.deepEqual(new Set(links), new Set(["/icon.svg", "/page.css", "/page.js"]));
    for (const link of links) assert.equal((await ask(link ?? "")).status, 200, link);
  });

  test("answers to its own names only", async () => {
    for (const path of ["/", "/api/health", "/api/services/web/logs"]) {
      for (const host of ["localhost:1", "127.0.0.1", "[::1]:3000", "otter.localhost"]) {
        assert.equal((await ask(path, { headers: { host } })).status, 200, host);
      }
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        const { status, headers, body } = await ask(path, {
          method,
          headers: { host: "evil.test" },
        });
        assert.equal(status, 421);
        assert.equal(headers["access-control-allow-origin"], undefined);
        assert.match(body, method === "HEAD" ? /^$/ : /^[^\n]+\n$/);
      }
    }
  });

  test("reports its health", async () => {
    const { status, version, uptime } = await json("/api/health");
    assert.equal(status, "ok");
    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.ok(uptime > 0);
  });

  test("describes the machine", async () => {
    const info = await json("/api/info");
    assert.equal(info.name, "otter");
    assert.equal(info.snapshot, null);
    assert.deepEqual(info.tools, [{ name: "node", version: "24.0.0" }]);
    assert.equal(info.repository.folder, root);
    assert.equal(info.repository.commit, null);
    assert.ok(info.memory > 0 && info.cpus > 0 && info.uptime >= 0);
  });

  test("lists all services, also those without a supervisor", async () => {
    const { services } = await json("/api/services");
    const states = services.map((one: { name: string; state: string }) => [one.name, one.state]);
    assert.deepEqual(states, [
      ["broken", "down"],
      ["quiet", "ready"],
      ["web", "ready"],
    ]);
    const web = services[2];
    assert.equal(web.displayName, "Web");
    assert.equal(web.port, 4000); // the environment overrides the file
    assert.equal(web.hasLog, true);
    assert.equal(services[1].health, "unchecked");
  });

  test("serves the end of a log", async () => {
    const log = await json("/api/services/web/logs?lines=2");
    assert.deepEqual(log, { file: file("logs/web/current"), lines: ["two with ***", "three"] });
    assert.deepEqual(await json("/api/services/quiet/logs"), { file: null, lines: [] });
  });

  for (const lines of ["0", "-1", "2001", "1.5", "many", ""]) {
    test(`rejects ${JSON.stringify(lines)} as a number of lines`, async () => {
      assert.equal((await ask(`/api/services/web/logs?lines=${lines}`)).status, 400);
    });
  }

  for (const path of [
    "/missing",
    "/index.html",
    "/../package.json",
    "/..%2fpackage.json",
    "/%2e%2e/package.json",
    "/page.js/",
    "/api/services/missing/logs",
    "/api/services/..%2f..%2fsecret/logs",
    "/api/services/../secret/logs",
    "/api/services/.s6-svscan/logs",
    "/api/services//logs",
  ]) {
    test(`has nothing at ${path}`, async () => {
      const { status, body } = await ask(path);
      assert.equal(status, 404);
      assert.ok(!body.includes(SECRET));
    });
  }

  test("rejects an invalid URL", async () => assert.equal((await ask("//")).status, 400));

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    test(`rejects ${method}`, async () => {
      const { status, headers } = await ask("/api/services", { method });
      assert.equal(status, 405);
      assert.equal(headers["allow"], "GET, HEAD");
    });
  }

  test("answers HEAD without a body", async () => {
    const { status, headers, body } = await ask("/api/health", { method: "HEAD" });
    assert.deepEqual([status, body], [200, ""]);
    assert.ok(Number(headers["content-length"]) > 0);
  });

  for (const path of ["/", "/page.js", "/api/info", "/missing"]) {
    test(`protects ${path}`, async () => {
      const { headers } = await ask(path, { headers: { origin: "https://other.test" } });
      const policy = String(headers["content-security-policy"]);
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(headers["cross-origin-resource-policy"], "same-origin");
      assert.equal(headers["cache-control"], "no-store");
      const shared = Object.keys(headers).filter((name) => name.startsWith("access-control-"));
      assert.deepEqual(shared, []);
    });
  }

  test("lets no value of the environment out", async () => {
    const paths = ["/", "/api/health", "/api/info", "/api/services", "/api/services/web/logs"];
    const bodies = await Promise.all(paths.map(async (path) => (await ask(path)).body));
    for (const value of [SECRET, env.PLAIN]) {
      assert.ok(bodies.every((body) => body.length > 0 && !body.includes(value)));
    }
  });

  test("survives a client that sends garbage", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.end("nonsense\r\n\r\n");
    assert.match(await text(socket), /^HTTP\/1\.1 400 /);
    assert.equal((await ask("/api/health")).status, 200);
  });
});
