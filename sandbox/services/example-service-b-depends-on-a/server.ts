// An example of a service that depends on another.
import { createServer } from "node:http";

const PORT = Number(process.env["EXAMPLE_SERVICE_B_DEPENDS_ON_A_PORT"] || 3002);
const SERVICE_A = `http://127.0.0.1:${process.env["EXAMPLE_SERVICE_A_PORT"] || 3001}`;

async function ping(): Promise<string> {
  const response = await fetch(`${SERVICE_A}/ping`, { signal: AbortSignal.timeout(2000) });
  return `${await response.text()}pong from example-service-b\n`;
}

createServer(async (request, response) => {
  if (request.url === "/health") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: "ok" }));
  } else if (request.url === "/ping") {
    try {
      response.end(await ping());
    } catch (error) {
      console.error("example-service-b: service A doesn't answer:", error);
      response.writeHead(502).end("service A doesn't answer\n");
    }
  } else {
    response.writeHead(404).end("not found\n");
  }
}).listen(PORT, "127.0.0.1", () => {
  console.log(`example-service-b: listening on port ${PORT}`);
});
