// The service `iterate-server`: the machine's page and API.
import { once } from "node:events";
import { LOG_DIRECTORY, RECORDED_TOOLS, SCAN_DIRECTORY } from "../lib/paths.ts";
import { redactor } from "../lib/redact.ts";
import { changedPort } from "../lib/service-port.ts";
import { Hosts } from "./hosts.ts";
import { Machine } from "./machine.ts";
import { machineServer } from "./server.ts";
import { Services } from "./services.ts";

const port = Number(process.env["ITERATE_SERVER_PORT"]?.trim() || 3000);
const machine = new Machine(process.env, port, RECORDED_TOOLS);
const services = new Services(SCAN_DIRECTORY, LOG_DIRECTORY, (service) =>
  service === "iterate-server" ? port : changedPort(service, process.env),
);

// All interfaces of the machine: the provider decides what is published. A machine that shares the
// interfaces of its host sets those that it may use.
const addresses = (process.env["ITERATE_SERVER_HOST"]?.trim() || "0.0.0.0").split(/[\s,]+/);
const hosts = new Hosts(process.env);
const redact = redactor(process.env);
// One after the other: what answers on the last is this server on all of them.
for (const address of addresses) {
  const server = machineServer({ machine, services, redact, port, hosts });
  await once(server.listen(port, address), "listening");
}
console.log(`iterate-server: listening on port ${port}`);
