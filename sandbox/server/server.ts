// The one port of the machine: its own page and API, and the pages of services that have one.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { forward, forwardUpgrade, serviceInHost } from "./forward.ts";
import { handler, type Parts } from "./handler.ts";

export function machineServer(parts: Parts & { readonly port: number }): Server {
  const { services, port: ownPort } = parts;
  const answer = handler(parts);

  /** Returns the port to forward a request to; never this server's own, which would loop. */
  async function portFor({ headers }: IncomingMessage): Promise<number | undefined> {
    const name = serviceInHost(headers.host);
    const port = name && (await services.webPort(name));
    return port && port !== ownPort ? port : undefined;
  }

  const server = createServer(async (request, response) => {
    const port = await portFor(request);
    if (port) await forward(request, response, port);
    else await answer(request, response);
  });
  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => socket.destroy()); // An error without a listener would end this service.
    const port = await portFor(request);
    if (port) await forwardUpgrade(request, socket, head, port);
    else socket.destroy();
  });
  return server;
}
