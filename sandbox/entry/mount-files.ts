// The files of a mounted tree. os2 on the host has git and lists them; without its list this machine asks git
// itself, or takes every file of a directory that is not a checkout.
import type { BigIntStats } from "node:fs";
import { existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { type ByteName, pathOf, shown } from "../lib/bytes.ts";
import { Git } from "../lib/git.ts";

/** Where os2 puts its list: no tree has a file below `.git`. */
export const LIST = ".git/os2-files";
const LIST_FORM = "os2-files 1";
const MAX_LIST_BYTES = 512 * 1024 * 1024;

/** Never copied: git's database, and dependencies, which may be built for another system. */
const LEFT_BEHIND = new Set([".git", "node_modules"]);

export interface MountedFile {
  /** Equal as long as the host has not changed the file. */
  readonly version: string;
  /** Of a link, one character for each byte. An engine takes no link that leads out of the mount. */
  readonly target?: string;
  readonly mode: number;
  /** In seconds; none for a link. */
  readonly modified?: number;
}

export interface MountedTree {
  readonly files: ReadonlyMap<ByteName, MountedFile>;
  /** What the host could not or would not send, in sentences. */
  readonly notes: readonly string[];
}

export async function readMount(mount: string): Promise<MountedTree> {
  const list = join(mount, LIST);
  if (existsSync(list)) return parseList(await readList(list));
  const files = new Map<ByteName, MountedFile>();
  for (const name of await listFiles(mount)) {
    const found = await describe(mount, name);
    if (found) files.set(name, found);
  }
  return { files, notes: [] };
}

/** Files that git tracks or would offer to track; every file if the directory is not a checkout. */
export async function listFiles(folder: string, prefix: ByteName = ""): Promise<ByteName[]> {
  if (!existsSync(pathOf(folder, `${prefix}.git`))) return await walk(folder, prefix);
  const git = new Git(pathOf(folder, prefix).toString());
  const output = await git
    .bytes("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    .catch((error: Error) => {
      // Every file would go along otherwise, also those that git ignores.
      throw new Error(
        `git cannot list ${join(folder, shown(prefix))}, so that it is unknown what is ignored (a ` +
          `worktree's .git is outside of its directory; os2 lists it on the host): ${error.message}`,
      );
    });
  const files: ByteName[] = [];
  for (const name of new Set(output.split("\0").filter(Boolean))) {
    const path = prefix + name;
    const stat = await lstat(pathOf(folder, path)).catch(() => undefined);
    // A submodule is listed as a directory; one that is not checked out has no `.git`, and nothing else.
    if (stat?.isDirectory()) {
      const inner = path.endsWith("/") ? path : `${path}/`;
      if (existsSync(pathOf(folder, `${inner}.git`))) {
        files.push(...(await listFiles(folder, inner)));
      }
    } else if (stat?.isFile() || stat?.isSymbolicLink()) {
      files.push(path);
    }
  }
  return files;
}

async function walk(folder: string, prefix: ByteName): Promise<ByteName[]> {
  const files: ByteName[] = [];
  const place = pathOf(folder, prefix);
  for (const entry of await readdir(place, { withFileTypes: true, encoding: "buffer" })) {
    const name = entry.name.toString("latin1");
    if (LEFT_BEHIND.has(name)) continue;
    if (entry.isDirectory()) files.push(...(await walk(folder, `${prefix}${name}/`)));
    else if (entry.isFile() || entry.isSymbolicLink()) files.push(prefix + name);
  }
  return files;
}

async function describe(mount: string, name: ByteName): Promise<MountedFile | undefined> {
  const path = pathOf(mount, name);
  const stat: BigIntStats | undefined = await lstat(path, { bigint: true }).catch(() => undefined);
  // Git lists what was deleted, and what turned into a directory since.
  if (stat?.isSymbolicLink()) return asLink((await readlink(path, "buffer")).toString("latin1"));
  if (!stat?.isFile()) return undefined;
  return asFile(Number(stat.mode & 0o777n), stat.size, stat.mtimeNs);
}

function asLink(target: string): MountedFile {
  return { version: `link ${target}`, target, mode: 0o777 };
}

function asFile(mode: number, size: bigint, modified: bigint): MountedFile {
  const version = `${mode.toString(8)} ${size} ${modified}`;
  return { version, mode, modified: Number(modified / 1_000_000n) / 1000 };
}

async function readList(list: string): Promise<string> {
  const { size } = await lstat(list);
  if (size > MAX_LIST_BYTES) throw new Error(`${list} is larger than any list of files`);
  return await readFile(list, "latin1");
}

/** Reads what `os2cli/snapshots/context/mounted.py` writes: records that end in a zero byte. */
function parseList(text: string): MountedTree {
  const [form, ...records] = text.split("\0").slice(0, -1);
  if (form !== LIST_FORM) throw new Unfinished(records[0] && shown(records[0].slice(1)));
  const files = new Map<ByteName, MountedFile>();
  const notes: string[] = [];
  let name: ByteName | undefined;
  for (const record of records) {
    const kind = record[0];
    const rest = record.slice(1);
    if (kind === "n") notes.push(shown(rest));
    else if (kind === "p") name = rest;
    else if (kind === "l" && name !== undefined) files.set(name, asLink(rest));
    else if (kind === "f" && name !== undefined) {
      const [mode = "", size = "", modified = ""] = rest.split(" ");
      files.set(name, asFile(Number.parseInt(mode, 8), BigInt(size), BigInt(modified)));
    }
  }
  return { files, notes };
}

/** Thrown when the host was interrupted while it sent its files, or cannot read them. */
export class Unfinished extends Error {
  constructor(reason = "the host's did not arrive whole") {
    super(reason);
  }
}
