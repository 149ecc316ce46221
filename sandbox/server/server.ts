// The one port of the machine: its own page and API, and the pages of services that have one.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { forward, forwardUpgrade } from "./forward.ts";
import { handler, type Parts } from "./handler.ts";
import type { Hosts } from "./hosts.ts";

const MISDIRECTED = "this machine has another name\n";

export function machineServer(
  parts: Parts & { readonly port: number; readonly hosts: Hosts },
): Server {
  const { services, port: ownPort, hosts } = parts;
  const answer = handler(parts);

  const isForUs = ({ headers, socket }: IncomingMessage) =>
    hosts.accept(headers.host, socket.localAddress);

  /** Returns the port to forward a request to; never this server's own, which would loop. */
  async function portFor({ headers }: IncomingMessage): Promise<number | undefined> {
    const name = hosts.service(headers.host);
    const port = name && (await services.webPort(name));
    return port && port !== ownPort ? port : undefined;
  }

  const server = createServer(async (request, response) => {
    if (!isForUs(request)) {
      response.writeHead(421, { "content-type": "text/plain", connection: "close" });
      response.end(MISDIRECTED);
      return;
    }
    const port = await portFor(request);
    if (port) await forward(request, response, port);
    else await answer(request, response);
  });
  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => socket.destroy()); // An error without a listener would end this service.
    if (!isForUs(request)) {
      const head =
        "HTTP/1.1 421 Misdirected Request\r\ncontent-type: text/plain\r\nconnection: close";
      socket.end(`${head}\r\ncontent-length: ${MISDIRECTED.length}\r\n\r\n${MISDIRECTED}`);
      return;
    }
    const port = await portFor(request);
    if (port) await forwardUpgrade(request, socket, head, port);
    else socket.destroy();
  });
  return server;
}
