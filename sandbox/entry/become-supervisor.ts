// The last thing the entry does: it stops being itself.
import { setImmediate } from "node:timers/promises";

/** Replaces this process, whatever its id, by the supervisor. Doesn't return. */
export async function becomeSupervisor(
  scanDirectory: string,
  workingFolder: string,
): Promise<void> {
  // A signal that has arrived by now is handled here; after the next line nobody would.
  await setImmediate();
  process.chdir(workingFolder);
  // Node.js ignores signals (SIGXFSZ, and SIGPIPE unless it resets it) and every service would inherit
  // that: `env` puts it right.
  process.execve?.(
    "/usr/bin/env",
    ["env", "--default-signal", "s6-svscan", scanDirectory],
    process.env as Record<string, string>,
  );
  throw new Error("this Node.js can't replace itself: version 24 is needed");
}
