// Git, run without prompts.
import { run } from "./command.ts";

/** The deadline of a transfer; one that stalls fails long before. */
const NETWORK_SECONDS = 900;

const UNATTENDED = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "false",
  GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=accept-new",
  // Reading a tree must not write to it: it may be mounted read-only.
  GIT_OPTIONAL_LOCKS: "0",
  // The minimum bytes per second, and for how many seconds a transfer may be slower.
  GIT_HTTP_LOW_SPEED_LIMIT: "1000",
  GIT_HTTP_LOW_SPEED_TIME: "30",
  LC_ALL: "C.UTF-8",
};

export class Git {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs a command in the directory and returns its output. */
  async run(...args: string[]): Promise<string> {
    return await this.#git(args, 120);
  }

  /** Runs a command that talks to the remote and returns its output. */
  async transfer(...args: string[]): Promise<string> {
    return await this.#git(args, NETWORK_SECONDS);
  }

  /** Returns the output without its last newline, or nothing if git fails. */
  async ask(...args: string[]): Promise<string | undefined> {
    try {
      return (await this.run(...args)).trimEnd();
    } catch {
      return undefined;
    }
  }

  async #git(args: string[], seconds: number): Promise<string> {
    const env = { ...process.env, ...UNATTENDED };
    return await run("git", args, { cwd: this.folder, env, seconds });
  }
}
