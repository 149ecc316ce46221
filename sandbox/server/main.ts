// The service `iterate-server`: the machine's page and API.
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
// interfaces of its host sets one.
const host = process.env["ITERATE_SERVER_HOST"]?.trim() || "0.0.0.0";
const hosts = new Hosts(process.env);
const redact = redactor(process.env);
machineServer({ machine, services, redact, port, hosts }).listen(port, host, () => {
  console.log(`iterate-server: listening on port ${port}`);
});
