// A working tree of the host: its files are copied at each start, so that the machine can change its copy and
// the host's stays as it is. What the machine changed since the last copy stays, and is named.
import { chmod, copyFile, mkdir, rename, rm, rmdir, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type ByteName, parentOf, pathOf, shown } from "../lib/bytes.ts";
import { type MountedFile, type MountedTree, readMount, Unfinished } from "./mount-files.ts";
import { BroughtFiles, contentOf, statOf } from "./mount-record.ts";

const AT_ONCE = 32;
const NAMED = 5;
/** Files are copied here and then moved: a killed machine has none that is half a file. */
const INCOMING = ".os2-incoming";

export async function syncMount(mount: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  try {
    return await new Sync(
      mount,
      folder,
      await readMount(mount),
      await BroughtFiles.read(folder),
    ).run();
  } catch (error) {
    if (error instanceof Unfinished) return `kept the files of the last start: ${error.message}`;
    throw error;
  }
}

class Sync {
  readonly #mount: string;
  readonly #folder: string;
  readonly #tree: MountedTree;
  readonly #brought: BroughtFiles;
  readonly #changed: ByteName[] = [];
  readonly #onBothSides: ByteName[] = [];
  readonly #unreadable: ByteName[] = [];
  #started = 0;
  #copied = 0;
  #removed = 0;

  constructor(mount: string, folder: string, tree: MountedTree, brought: BroughtFiles) {
    this.#mount = mount;
    this.#folder = folder;
    this.#tree = tree;
    this.#brought = brought;
  }

  async run(): Promise<string> {
    const incoming = join(this.#folder, INCOMING);
    await rm(incoming, { recursive: true, force: true });
    for (const name of [...this.#brought.ofImage, ...this.#brought.names]) {
      if (!this.#tree.files.has(name)) await this.#drop(name);
    }
    await mkdir(incoming);
    await inParallel([...this.#tree.files], ([name, file]) => this.#settle(name, file));
    await rm(incoming, { recursive: true, force: true });
    await this.#brought.save();
    return this.#summary();
  }

  /** Removes what the host no longer has, unless the machine changed it. */
  async #drop(name: ByteName): Promise<void> {
    const copy = this.#brought.ofImage.has(name) ? "same" : await this.#brought.compare(name);
    if (copy === "same") {
      await this.#remove(name);
      this.#removed += 1;
    } else if (copy === "changed") this.#onBothSides.push(name);
    this.#brought.forget(name);
  }

  async #settle(name: ByteName, file: MountedFile): Promise<void> {
    const before = this.#brought.get(name);
    if (!before && this.#brought.ofImage.has(name)) return await this.#bring(name, file);
    const copy = await this.#brought.compare(name);
    const isNewHere = before?.version !== file.version;
    // Without a record it was never here; with one, the machine removed it.
    if (copy === "same" ? isNewHere : copy === "absent" && !before) {
      await this.#bring(name, file);
    } else if (copy !== "same") {
      if (isNewHere && (await this.#isEqual(name, file)))
        await this.#brought.note(name, file.version);
      else (isNewHere ? this.#onBothSides : this.#changed).push(name);
    }
  }

  async #bring(name: ByteName, file: MountedFile): Promise<void> {
    const source = pathOf(this.#mount, name);
    const target = pathOf(this.#folder, name);
    this.#started += 1;
    const incoming = pathOf(this.#folder, `${INCOMING}/${this.#started}`);
    try {
      if (file.target !== undefined) await symlink(Buffer.from(file.target, "latin1"), incoming);
      else await copyFile(source, incoming);
    } catch (error) {
      return this.#skip(name, error as NodeJS.ErrnoException);
    }
    if (file.target === undefined) {
      await chmod(incoming, file.mode | 0o600);
      if (file.modified !== undefined) await utimes(incoming, file.modified, file.modified);
    }
    await mkdir(pathOf(this.#folder, parentOf(name)), { recursive: true });
    await rename(incoming, target);
    await this.#brought.note(name, file.version);
    this.#copied += 1;
  }

  /** The host may write to its files at any time, and need not let this machine's user read them all. */
  #skip(name: ByteName, { code, message }: NodeJS.ErrnoException): void {
    if (code === "EACCES" || code === "EPERM") this.#unreadable.push(name);
    else if (code !== "ENOENT" && code !== "ENOTDIR") throw new Error(message);
  }

  /** Whether the machine has made the same change as the host. */
  async #isEqual(name: ByteName, file: MountedFile): Promise<boolean> {
    const [source, target] = [pathOf(this.#mount, name), pathOf(this.#folder, name)];
    const ours = await statOf(target);
    if (file.target !== undefined) {
      return ours !== undefined && (await contentOf(target, ours)) === `link ${file.target}`;
    }
    const theirs = await statOf(source);
    if (!theirs || !ours || theirs.size !== ours.size) return false;
    const digest = async (path: Buffer, stat: typeof ours) =>
      (await contentOf(path, stat)).replace(/^\d+ /, "");
    return (await digest(source, theirs)) === (await digest(target, ours));
  }

  /** Removes a file and the directories left empty: some tools give a meaning to an empty directory. */
  async #remove(name: ByteName): Promise<void> {
    await rm(pathOf(this.#folder, name), { force: true, recursive: true });
    for (let parent = parentOf(name); parent; parent = parentOf(parent)) {
      try {
        await rmdir(pathOf(this.#folder, parent));
      } catch {
        return; // not empty, or already gone
      }
    }
  }

  #summary(): string {
    const counts = `${this.#tree.files.size} files, ${this.#copied} copied, ${this.#removed} removed`;
    return [
      `synced ${this.#mount}: ${counts}`,
      ...naming("kept as changed in the machine", this.#changed),
      ...naming("kept the machine's, changed on the host as well", this.#onBothSides),
      ...naming("not readable", this.#unreadable),
      ...this.#tree.notes.slice(0, NAMED),
    ].join("; ");
  }
}

function naming(what: string, names: readonly ByteName[]): string[] {
  if (names.length === 0) return [];
  const first = [...names].sort().slice(0, NAMED).map(shown).join(", ");
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return [`${what}: ${first}${more}`];
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
