// A service's page, reached by name through the port of the machine.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { Hosts } from "../server/hosts.ts";
import { Machine } from "../server/machine.ts";
import { machineServer } from "../server/server.ts";
import { Services } from "../server/services.ts";

describe("requests for a service", () => {
  const root = mkdtempSync(join(tmpdir(), "forward-"));
  const web = createServer(async (incoming, response) => {
    const body = await text(incoming);
    response.writeHead(201, { "x-from": "web", "content-type": "text/plain" });
    response.end(`${incoming.method} ${incoming.url} ${incoming.headers.host} ${body}`);
  });
  web.on("upgrade", (_, socket, head) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
    );
    socket.write(head);
    socket.pipe(socket);
  });
  let machine: Server;
  let port: number;

  const listen = async (server: Server) => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };
  const service = (name: string, metadata: object) => {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, "metadata.json"), JSON.stringify(metadata));
  };
  async function ask(host: string, path = "/", body = "") {
    const sent = request({
      host: "127.0.0.1",
      port,
      path,
      method: body ? "POST" : "GET",
      headers: { host },
    });
    const answer = Promise.withResolvers<import("node:http").IncomingMessage>();
    sent.on("response", answer.resolve).on("error", answer.reject).end(body);
    const response = await answer.promise;
    return {
      status: response.statusCode,
      from: response.headers["x-from"],
      body: await text(response),
    };
  }

  before(async () => {
    const webPort = await listen(web);
    service("Web", { port: webPort, hasWebUI: true });
    service("database", { port: webPort });
    service("gone", { port: 1, hasWebUI: true });
    service("self", { port: 3000, hasWebUI: true });
    machine = machineServer({
      machine: new Machine({}, 3000, ""),
      services: new Services(root, root),
      redact: (text) => text,
      port: 3000,
      hosts: new Hosts({ OS2_MACHINE_NAME: "otter" }),
    });
    port = await listen(machine);
  });
  after(() => {
    for (const server of [web, machine]) {
      server.close();
      server.closeAllConnections();
    }
    rmSync(root, { recursive: true });
  });

  test("reach it with method, path, host and body", async () => {
    const answer = await ask("web.localhost:10123", "/a/../b?c=1", "hello");
    assert.deepEqual(answer, {
      status: 201,
      from: "web",
      body: "POST /a/../b?c=1 web.localhost:10123 hello",
    });
  });

  test("reach it below the machine's name", async () => {
    assert.equal((await ask("web.otter.localhost:10123")).from, "web");
  });

  test("are answered when it doesn't listen", async () => {
    assert.equal((await ask("gone.localhost")).status, 502);
  });

  const ours = ["database", "self", "missing", "otter", "database.otter", "otter.otter"];
  for (const host of ["localhost", ...ours.map((name) => `${name}.localhost`)]) {
    test(`stay with the machine for ${host}`, async () => {
      const { status, from, body } = await ask(host);
      assert.deepEqual([status, from], [200, undefined]);
      assert.match(body, /^<!doctype html>/);
    });
  }

  const upgrade = (host: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      `GET /ws HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nping`,
    );
    return socket;
  };

  test("may become a WebSocket", async () => {
    const socket = upgrade("web.localhost");
    let got = "";
    for await (const chunk of socket) {
      got += String(chunk);
      if (got.endsWith("ping")) break;
    }
    assert.match(got, /^HTTP\/1\.1 101 .*\r\n\r\nping$/s);
  });

  test("cannot become one under another name", async () => {
    for (const host of ["web.evil.test", "evil.test", "web.badger.localhost"]) {
      assert.match(await text(upgrade(host)), /^HTTP\/1\.1 421 .*another name\n$/s);
    }
  });

  test("cannot be WebSockets of the machine itself", async () => {
    assert.equal(await text(upgrade("localhost")), "");
  });
});
