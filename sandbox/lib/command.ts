// Child programs: each in its own process group, with a deadline, and never left running.
import { spawn } from "node:child_process";

export interface Options {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly seconds?: number;
  /** Of stdout; `latin1` keeps every byte. */
  readonly encoding?: "utf8" | "latin1";
  /** The prefix of the reason; by default the program and its subcommand. */
  readonly name?: string;
}

export class CommandFailed extends Error {}

const running = new Set<number>();

/** Runs a program and returns its stdout. An error gives the reason in one line. */
export async function run(
  program: string,
  args: readonly string[],
  {
    cwd,
    env = process.env,
    seconds = 60,
    encoding = "utf8",
    name = nameOf(program, args),
  }: Options = {},
): Promise<string> {
  const child = spawn(program, args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid) running.add(child.pid);
  let stdout = "";
  let everything = "";
  child.stdout.setEncoding(encoding).on("data", (text: string) => {
    stdout += text;
    everything += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    everything += text;
  });
  let late = false;
  const alarm = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, seconds * 1000);

  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on("error", (error) => reject(new CommandFailed(`${name}: ${error.message}`)));
  child.on("close", (code, signal) => {
    if (late) reject(new CommandFailed(`${name} took longer than ${seconds} s`));
    else if (code === 0) resolve(stdout);
    else
      reject(
        new CommandFailed(`${name}: ${reasonIn(everything) ?? `ended with ${signal ?? code}`}`),
      );
  });
  try {
    return await promise;
  } finally {
    clearTimeout(alarm);
    if (child.pid) running.delete(child.pid);
  }
}

/** Names a program in a reason: `git fetch`, but not `sh -c`. */
function nameOf(program: string, [first = ""]: readonly string[]): string {
  return /^[a-z][\w-]*$/.test(first) ? `${program} ${first}` : program;
}

/** Kills every program that `run` is waiting for. */
export function killRunning(): void {
  for (const pid of running) killGroup(pid);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has already ended.
  }
}

const COMPLAINT = /^\s*(?:remote: )?(?:fatal|error|ERROR|err_pnpm\w*|\[?ERR_\w+\]?)\b/i;

/** The lines of the output that look like errors, else the last line. */
export function reasonIn(output: string): string | undefined {
  const lines = output
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter(Boolean);
  const complaints = lines.filter((line) => COMPLAINT.test(line));
  return (complaints.length > 0 ? complaints.slice(0, 3) : lines.slice(-1)).join("; ") || undefined;
}
