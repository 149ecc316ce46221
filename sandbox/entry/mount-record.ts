// What was copied from a mounted tree, so that at the next start it is known what the machine has changed since.
import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { createReadStream } from "node:fs";
import { lstat, mkdir, readFile, readlink, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { type ByteName, parentOf, pathOf } from "../lib/bytes.ts";
import { BAKED_REPOSITORY, RECORDED_FILES } from "../lib/paths.ts";

export interface Brought {
  /** The host's version that the copy was made of. */
  readonly version: string;
  /** What a look at the copy showed: equal as long as no program has touched it. */
  readonly look: string;
  /** The copy's content and mode, for copies that were only touched. */
  readonly content: string;
}

export type Copy = "same" | "changed" | "absent";

export class BroughtFiles {
  readonly #folder: string;
  readonly #files: Map<ByteName, Brought>;
  /** Files of the image, which stand for no work of the machine; until the first copy is complete. */
  readonly ofImage: ReadonlySet<ByteName>;

  private constructor(
    folder: string,
    files: Map<ByteName, Brought>,
    ofImage: ReadonlySet<ByteName>,
  ) {
    this.#folder = folder;
    this.#files = files;
    this.ofImage = ofImage;
  }

  static async read(folder: string): Promise<BroughtFiles> {
    const known = (await readJson(recordOf(folder))) as Record<string, Brought> | undefined;
    if (known) return new BroughtFiles(folder, new Map(Object.entries(known)), new Set());
    const recorded = folder === BAKED_REPOSITORY ? await readJson(RECORDED_FILES) : undefined;
    return new BroughtFiles(folder, new Map(), new Set((recorded as ByteName[]) ?? []));
  }

  get names(): ByteName[] {
    return [...this.#files.keys()];
  }

  get(name: ByteName): Brought | undefined {
    return this.#files.get(name);
  }

  /** Notes that the copy is now the host's `version`. */
  async note(name: ByteName, version: string): Promise<void> {
    const path = pathOf(this.#folder, name);
    const stat = await lstat(path, { bigint: true });
    this.#files.set(name, { version, look: lookOf(stat), content: await contentOf(path, stat) });
  }

  forget(name: ByteName): void {
    this.#files.delete(name);
  }

  /** Compares the copy with what was brought; a directory is compared as a missing file if it is empty. */
  async compare(name: ByteName): Promise<Copy> {
    const parents = await this.#parents(name);
    if (parents !== "real") return parents;
    const path = pathOf(this.#folder, name);
    const stat = await statOf(path);
    if (!stat) return "absent";
    const brought = this.#files.get(name);
    if (!brought || stat.isDirectory()) return "changed";
    if (lookOf(stat) === brought.look) return "same";
    return (await contentOf(path, stat)) === brought.content ? "same" : "changed";
  }

  /** Whether the directories of a name are directories; a link could lead out of the repository. */
  async #parents(name: ByteName): Promise<"real" | "absent" | "changed"> {
    for (const parent of parentsOf(name)) {
      const stat = await statOf(pathOf(this.#folder, parent));
      if (!stat) return "absent";
      if (!stat.isDirectory()) return "changed";
    }
    return "real";
  }

  /** Writes the record as a whole or not at all: a machine may be killed at any time. */
  async save(): Promise<void> {
    const file = recordOf(this.#folder);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.new`, JSON.stringify(Object.fromEntries(this.#files)));
    await rename(`${file}.new`, file);
  }
}

export async function contentOf(path: Buffer, stat: BigIntStats): Promise<string> {
  if (stat.isSymbolicLink()) return `link ${(await readlink(path, "buffer")).toString("latin1")}`;
  if (!stat.isFile()) return "other";
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return `${(stat.mode & 0o777n).toString(8)} ${hash.digest("hex")}`;
}

export async function statOf(path: Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** The directories above a name, the outermost first. */
function parentsOf(name: ByteName): ByteName[] {
  const parents: ByteName[] = [];
  for (let parent = parentOf(name); parent; parent = parentOf(parent)) parents.unshift(parent);
  return parents;
}

/** No program can set the time of the last change (ctime). */
function lookOf(stat: BigIntStats): string {
  return `${stat.mode.toString(8)} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined; // Not written yet.
  }
}

function recordOf(folder: string): string {
  const name = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  return join(homedir(), ".local/state/os2", `brought-${name}.json`);
}
