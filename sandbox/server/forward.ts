// The web pages of other services, through the one published port of the machine: requests for
// `SERVICE.MACHINE.localhost` or `SERVICE.localhost` go to that service. Browsers resolve these names to their
// own host, so each service is an origin of its own, its page may use any path, and no other host can have the
// name.
import { request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";

export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
): Promise<void> {
  const { method, url: path, headers } = request;
  const asked = ask({ host: "127.0.0.1", port, method, path, headers, agent: false });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.on("response", resolve).on("error", reject);
  // A client that disconnects cancels its request.
  response.on("close", () => asked.destroy());
  request.pipe(asked);
  try {
    const answer = await promise;
    response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
    await pipeline(answer, response);
  } catch {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { "content-type": "text/plain" }).end("the service is silent\n");
  }
}

/** Forwards a WebSocket: what follows the request's head is passed on unchanged. */
export async function forwardUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  port: number,
): Promise<void> {
  const service = connect(port, "127.0.0.1");
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  service.write(`${lines.join("\r\n")}\r\n\r\n`);
  service.write(head);
  // A broken connection closes the other; no client is left to answer.
  await Promise.allSettled([pipeline(socket, service), pipeline(service, socket)]);
}
