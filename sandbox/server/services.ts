// The services: what the supervisor reports and how they answer.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../lib/command.ts";
import { isServiceName } from "../lib/service-name.ts";
import { logFileOf, readTail } from "./logs.ts";
import { type Metadata, parseMetadata } from "./metadata.ts";
import { parseStatus, STATUS_FIELDS, type Status } from "./status.ts";

export type Health = "ok" | "failing" | "unchecked";

export interface Service extends Status {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly port: number | null;
  readonly hasWebUI: boolean;
  readonly health: Health;
  readonly hasLog: boolean;
}

export interface Log {
  /** The log file; nothing for a service that logs to the container. */
  readonly file: string | null;
  readonly lines: readonly string[];
}

export class Services {
  readonly #folder: string;
  readonly #logs: string;
  readonly #changedPort: (service: string) => number | undefined;

  /** `changedPort` returns the port that the environment sets for a service. */
  constructor(
    folder: string,
    logs: string,
    changedPort: (service: string) => number | undefined = () => undefined,
  ) {
    this.#folder = folder;
    this.#logs = logs;
    this.#changedPort = changedPort;
  }

  async list(): Promise<Service[]> {
    const names = await this.#names();
    return await Promise.all(names.map((name) => this.#describe(name)));
  }

  async tail(name: string, lines: number): Promise<Log | undefined> {
    if (!(await this.#names()).includes(name)) return undefined;
    const file = await this.#logFile(name, await this.#metadata(name));
    return { file: file ?? null, lines: file ? await readTail(file, lines) : [] };
  }

  /** Returns the port of a service's web page. `name` is case-insensitive, as host names are. */
  async webPort(name: string): Promise<number | undefined> {
    const found = (await this.#names()).find((one) => one.toLowerCase() === name.toLowerCase());
    if (!found) return undefined;
    const { port, hasWebUI } = await this.#metadata(found);
    return hasWebUI ? port : undefined;
  }

  async #names(): Promise<string[]> {
    return (await entriesOf(this.#folder)).filter(isServiceName).sort();
  }

  async #describe(name: string): Promise<Service> {
    const [metadata, status] = await Promise.all([this.#metadata(name), this.#status(name)]);
    return {
      name,
      displayName: metadata.displayName ?? name,
      description: metadata.description ?? "",
      port: metadata.port ?? null,
      hasWebUI: metadata.hasWebUI ?? false,
      health: await checkHealth(metadata),
      hasLog: (await this.#logFile(name, metadata)) !== undefined,
      ...status,
    };
  }

  async #metadata(name: string): Promise<Metadata> {
    const text = await readFile(join(this.#folder, name, "metadata.json"), "utf8").catch(
      () => "{}",
    );
    const metadata = parseMetadata(text);
    const port = this.#changedPort(name) ?? metadata.port;
    return port === undefined ? metadata : { ...metadata, port };
  }

  async #status(name: string): Promise<Status> {
    const folder = join(this.#folder, name);
    const tellsReadiness = (await entriesOf(folder)).includes("notification-fd");
    const output = await run("s6-svstat", ["-o", STATUS_FIELDS, folder]).catch(() => undefined);
    return parseStatus(output, tellsReadiness);
  }

  async #logFile(name: string, metadata: Metadata): Promise<string | undefined> {
    const hasLogger = (await entriesOf(join(this.#folder, name))).includes("log");
    return hasLogger ? logFileOf(this.#logs, metadata.logDirectory ?? name) : undefined;
  }
}

/** Returns an empty list for a directory that is gone. */
async function entriesOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

async function checkHealth({ port, healthEndpoint }: Metadata): Promise<Health> {
  if (port === undefined || healthEndpoint === undefined) return "unchecked";
  try {
    const url = `http://127.0.0.1:${port}${healthEndpoint}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(1000), redirect: "manual" });
    await response.body?.cancel();
    return response.ok ? "ok" : "failing";
  } catch {
    return "failing";
  }
}
