// An example of a service that takes time to start.
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";

const PORT = Number(process.env["EXAMPLE_SERVICE_A_PORT"] || 3001);
const START_UP_MILLISECONDS = 2000;

console.log(`example-service-a: starting, takes ${START_UP_MILLISECONDS} ms`);
await setTimeout(START_UP_MILLISECONDS);

createServer((request, response) => {
  const answers: Record<string, string> = {
    "/health": JSON.stringify({ status: "ok" }),
    "/ping": "pong from example-service-a\n",
  };
  const answer = answers[request.url ?? ""];
  response.writeHead(answer ? 200 : 404, {
    "content-type": answer?.startsWith("{") ? "application/json" : "text/plain",
  });
  response.end(answer ?? "not found\n");
}).listen(PORT, "127.0.0.1", () => {
  console.log(`example-service-a: listening on port ${PORT}`);
});
