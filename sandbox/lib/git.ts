// Git, started without prompts and so that the repository that it reads makes it run nothing else: its
// `.git/config` may come from anywhere, and a machine without an engine has no border to this host. The list
// and the reasons are those of os2cli/host/git.py.
import { devNull } from "node:os";
import { run } from "./command.ts";

/** The deadline of a transfer; one that stalls fails long before. */
const NETWORK_SECONDS = 900;

/** Settings with which a repository names a program, and what else lets one in. */
export const OFF = {
  "core.fsmonitor": "false",
  "core.hooksPath": devNull,
  "core.gitProxy": "",
  "core.editor": "false",
  "core.pager": "cat",
  "core.alternateRefsCommand": "true",
  "diff.external": "",
  "log.showSignature": "false",
  "gpg.program": "false",
  "gpg.openpgp.program": "false",
  "gpg.ssh.program": "false",
  "gpg.x509.program": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "submodule.recurse": "false",
  "fetch.recurseSubmodules": "false",
  "safe.bareRepository": "explicit",
};

/** The same of what a transfer needs. */
export const OFFLINE = {
  "core.sshCommand": "false",
  "core.askPass": "",
  "credential.helper": "",
  "protocol.allow": "never",
};

const UNATTENDED = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "false",
  GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=accept-new",
  // Reading a tree must not write to it: it may be mounted read-only.
  GIT_OPTIONAL_LOCKS: "0",
  // A missing object is not fetched: the remote's `uploadpack` is a command.
  GIT_NO_LAZY_FETCH: "1",
  // The minimum bytes per second, and for how many seconds a transfer may be slower.
  GIT_HTTP_LOW_SPEED_LIMIT: "1000",
  GIT_HTTP_LOW_SPEED_TIME: "30",
  LC_ALL: "C.UTF-8",
};

/** Git before 2.45 fetches a missing object all the same, and fails without a protocol. */
const NO_PROTOCOL = { GIT_ALLOW_PROTOCOL: "none" };

/** Variables that point git elsewhere or name a program, e.g. a hook's GIT_DIR. */
const ELSEWHERE =
  /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|EXTERNAL_DIFF|PAGER|EDITOR|SEQUENCE_EDITOR|PROXY_COMMAND|SSH|EXEC_PATH|TRACE.*)$/;

export class Git {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs a command that needs no remote in the directory and returns its output. */
  async run(...args: string[]): Promise<string> {
    return await this.#git({ ...OFF, ...OFFLINE }, args, NO_PROTOCOL, 120);
  }

  /** Does the same for output with names of files; see `bytes.ts`. */
  async bytes(...args: string[]): Promise<string> {
    return await this.#git({ ...OFF, ...OFFLINE }, args, NO_PROTOCOL, 120, "latin1");
  }

  /** Runs a command that talks to the remote and returns its output. */
  async transfer(...args: string[]): Promise<string> {
    return await this.#git({ ...OFF, "protocol.ext.allow": "never" }, args, {}, NETWORK_SECONDS);
  }

  /** Returns the output without its last newline, or nothing if git fails. */
  async ask(...args: string[]): Promise<string | undefined> {
    try {
      return (await this.run(...args)).trimEnd();
    } catch {
      return undefined;
    }
  }

  async #git(
    off: Record<string, string>,
    args: string[],
    more: Record<string, string>,
    seconds: number,
    encoding: "utf8" | "latin1" = "utf8",
  ): Promise<string> {
    const inherited = Object.entries(process.env).filter(([name]) => !ELSEWHERE.test(name));
    const env = { ...Object.fromEntries(inherited), ...UNATTENDED, ...more };
    const options = Object.entries(off).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
    return await run("git", ["--no-pager", ...options, ...args], {
      cwd: this.folder,
      env,
      seconds,
      encoding,
      name: `git ${args[0]}`,
    });
  }
}
