// The machine: its name, uptime, tools and repository. Of the environment, only the two names that are
// meant to be shown leave the machine.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { Git } from "../lib/git.ts";
import { parseRemote } from "../lib/remote.ts";

export interface Tool {
  readonly name: string;
  readonly version: string;
}

export interface Repository {
  readonly folder: string;
  readonly remote: string | null;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly subject: string | null;
}

export interface Info {
  readonly name: string | null;
  readonly snapshot: string | null;
  readonly version: string;
  /** The port of the page inside the machine. */
  readonly port: number;
  /** Seconds since the machine, not this service, was started. */
  readonly uptime: number;
  readonly cpus: number;
  readonly memory: number;
  readonly architecture: string;
  readonly tools: readonly Tool[];
  readonly repository: Repository;
}

export class Machine {
  readonly #env: NodeJS.ProcessEnv;
  readonly #port: number;
  readonly #tools: readonly Tool[];
  readonly #version = ownVersion();

  constructor(env: NodeJS.ProcessEnv, port: number, recordedTools: string) {
    this.#env = env;
    this.#port = port;
    this.#tools = readTools(recordedTools);
  }

  health(): { status: "ok"; version: string; uptime: number } {
    return { status: "ok", version: this.#version, uptime: Math.round(process.uptime() * 10) / 10 };
  }

  async info(): Promise<Info> {
    return {
      name: this.#env["OS2_MACHINE_NAME"]?.trim() || null,
      snapshot: this.#env["OS2_SNAPSHOT"]?.trim() || null,
      version: this.#version,
      port: this.#port,
      uptime: await secondsSinceStart(this.#env["OS2_FIRST_PROCESS"] || "1"),
      cpus: availableParallelism(),
      memory: Math.min(process.constrainedMemory() || totalmem(), totalmem()),
      architecture: process.arch,
      tools: this.#tools,
      repository: await describeRepository(this.#env["ITERATE_REPO_DIR"] ?? process.cwd()),
    };
  }
}

function ownVersion(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function readTools(file: string): Tool[] {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Tool[];
  } catch {
    return []; // outside the image, during development
  }
}

/** Returns the age of a process: the kernel counts its start in ticks since the host's boot. */
async function secondsSinceStart(pid: string): Promise<number> {
  const TICKS_PER_SECOND = 100;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const uptime = await readFile("/proc/uptime", "utf8");
    // The start is the 20th field after the program's name, which may contain anything.
    const started = Number(stat.slice(stat.lastIndexOf(")")).split(" ")[20]) / TICKS_PER_SECOND;
    return Math.max(0, Math.round(Number.parseFloat(uptime) - started));
  } catch {
    return Math.round(process.uptime()); // not on Linux, during development
  }
}

export async function describeRepository(folder: string): Promise<Repository> {
  const git = new Git(folder);
  const [remote, branch, head] = await Promise.all([
    git.ask("config", "remote.origin.url"),
    git.ask("symbolic-ref", "--short", "--quiet", "HEAD"),
    // Unlike `log` it takes nothing from the repository's settings.
    git.ask("rev-list", "--max-count=1", "--format=%s", "HEAD"),
  ]);
  const [, commit, subject = ""] = /^commit (\S+)(?:\n(.*))?/.exec(head ?? "") ?? [];
  return {
    folder,
    remote: remote ? parseRemote(remote).url : null,
    branch: branch ?? null,
    commit: commit ?? null,
    subject: commit ? subject : null,
  };
}
