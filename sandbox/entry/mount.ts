// A working tree of the host, mounted read-only: its files are copied at each start, so that the machine
// can change its copy and the host's stays as it is.
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  rmdir,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Git } from "../lib/git.ts";
import { BAKED_REPOSITORY, RECORDED_FILES } from "../lib/paths.ts";

/** Never copied: git's database, and dependencies, which may be built for another system. */
const LEFT_BEHIND = new Set([".git", "node_modules"]);
const AT_ONCE = 32;

export async function syncMount(mount: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const files = await listFiles(mount);
  const kept = new Set(files);
  const gone = (await filesOfLastTime(folder)).filter((file) => !kept.has(file));
  for (const file of gone) await remove(folder, file);
  let changed = 0;
  await inParallel(files, async (file) => {
    if (await bring(join(mount, file), join(folder, file))) changed += 1;
  });
  await rememberFiles(folder, files);
  return `synced ${mount}: ${files.length} files, ${changed} copied, ${gone.length} removed`;
}

/** Files that git tracks or would offer to track; every file if the directory is not a checkout. */
export async function listFiles(folder: string): Promise<string[]> {
  const git = new Git(folder);
  const output = await git.ask("ls-files", "-z", "--cached", "--others", "--exclude-standard");
  if (output === undefined) return await walk(folder);
  const files: string[] = [];
  for (const name of new Set(output.split("\0").filter(Boolean))) {
    const stat = await lstat(join(folder, name)).catch(() => undefined);
    // A submodule is listed as a directory; a file deleted on the host is listed but missing.
    if (stat?.isDirectory()) {
      files.push(...(await listFiles(join(folder, name))).map((inner) => join(name, inner)));
    } else if (stat?.isFile() || stat?.isSymbolicLink()) {
      files.push(name);
    }
  }
  return files;
}

async function walk(folder: string, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const name = join(prefix, entry.name);
    if (LEFT_BEHIND.has(entry.name)) continue;
    if (entry.isDirectory()) files.push(...(await walk(folder, name)));
    else if (entry.isFile() || entry.isSymbolicLink()) files.push(name);
  }
  return files;
}

/** Copies a file or link unless the copy is the same; returns whether it did. */
async function bring(source: string, target: string): Promise<boolean> {
  const from = await lstat(source);
  const to = await lstat(target).catch(() => undefined);
  if (from.isSymbolicLink()) {
    const link = await readlink(source);
    if (to?.isSymbolicLink() && (await readlink(target)) === link) return false;
    await makeRoom(target);
    await symlink(link, target);
    return true;
  }
  if (to?.isFile() && to.mode === from.mode && isSameVersion(to, from)) return false;
  await makeRoom(target);
  await copyFile(source, target);
  await chmod(target, from.mode | 0o600);
  await utimes(target, from.atime, from.mtime);
  return true;
}

/** Compares size and time, as rsync does: reading every file twice would cost more than copying. */
function isSameVersion(a: Stats, b: Stats): boolean {
  // A copy's time has milliseconds only.
  return a.size === b.size && Math.abs(a.mtimeMs - b.mtimeMs) < 2;
}

/** Removes a file and the directories left empty: some tools give a meaning to an empty directory. */
async function remove(folder: string, file: string): Promise<void> {
  await rm(join(folder, file), { force: true, recursive: true });
  for (let parent = dirname(file); parent !== "."; parent = dirname(parent)) {
    try {
      await rmdir(join(folder, parent));
    } catch {
      return; // not empty, or already gone
    }
  }
}

async function makeRoom(target: string): Promise<void> {
  await rm(target, { force: true, recursive: true });
  await mkdir(dirname(target), { recursive: true });
}

/** The record of copied files: those deleted on the host are removed, the machine's own stay. */
export async function rememberFiles(folder: string, files: string[]): Promise<void> {
  const file = memoryOf(folder);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(files));
}

async function filesOfLastTime(folder: string): Promise<string[]> {
  const candidates = [memoryOf(folder), ...(folder === BAKED_REPOSITORY ? [RECORDED_FILES] : [])];
  for (const candidate of candidates) {
    try {
      return JSON.parse(await readFile(candidate, "utf8")) as string[];
    } catch {
      // Not written yet, or truncated when the machine was killed: nothing is removed then.
    }
  }
  return [];
}

function memoryOf(folder: string): string {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  return join(homedir(), ".local/state/os2", `synced-${name}.json`);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
