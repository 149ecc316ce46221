// The ends of log files.
import { open } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { USUAL_LOG_DIRECTORY } from "../lib/paths.ts";

/** Enough for any screen; a log may not fit into memory. */
const MOST_BYTES = 256 * 1024;

/** Returns the current log file in `directory`, which must be inside `root`, the machine's `/var/log`. */
export function logFileOf(root: string, directory: string): string | undefined {
  const usual = `${USUAL_LOG_DIRECTORY}/`;
  const path = resolve(
    root,
    directory.startsWith(usual) ? directory.slice(usual.length) : directory,
  );
  return path.startsWith(root + sep) ? resolve(path, "current") : undefined;
}

export async function readTail(file: string, count: number): Promise<string[]> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, "r");
  } catch {
    return []; // the logger has not created it yet
  }
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - MOST_BYTES);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(size - start),
      0,
      size - start,
      start,
    );
    return lastLines(buffer.toString("utf8", 0, bytesRead), count, start > 0);
  } finally {
    await handle.close();
  }
}

/** Returns the last lines; with `isCut`, the first line of the text is incomplete and is dropped. */
export function lastLines(text: string, count: number, isCut = false): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (isCut) lines.shift();
  return lines.slice(-count).map(withoutControls);
}

/** Removes colours and cursor movements, which only a terminal understands; a tab is text. */
function withoutControls(line: string): string {
  return stripVTControlCharacters(line).replace(/(?!\t)\p{Cc}/gu, "");
}
