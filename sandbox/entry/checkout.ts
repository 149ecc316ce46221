// A checkout of the remote repository, created and updated in place without losing work in it.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Git } from "../lib/git.ts";
import { BAKED_REPOSITORY } from "../lib/paths.ts";
import type { Remote } from "../lib/remote.ts";

interface Target {
  /** A commit in git's syntax. */
  readonly commit: string;
  /** The local branch to check out; none for a tag or a commit. */
  readonly branch?: string;
}

export async function checkOut(
  { url }: Remote,
  ref: string | undefined,
  folder: string,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const git = new Git(folder);
  const unfinished = new UnfinishedMark(folder);
  if (!existsSync(join(folder, ".git"))) {
    await refuseForeignFiles(folder);
    await git.run("init", "--quiet");
    await unfinished.set();
  }
  await removeStaleLocks(folder);
  // Without a commit or after an interrupted checkout, the files are from git, not from a user.
  const isNew = unfinished.isSet || !(await git.ask("rev-parse", "--verify", "--quiet", "HEAD"));
  await pointTo(git, url);

  if (!isNew) {
    const work = await localWork(git);
    if (work) return `kept with ${work}: ${await position(git)}`;
  }
  try {
    await git.transfer("fetch", "--quiet", "--prune", "--tags", "--force", "origin");
  } catch (error) {
    // A machine that has its repository also starts without the network.
    if (isNew || !(error instanceof Error)) throw error;
    return `kept at ${await position(git)}, as no update could be fetched: ${error.message}`;
  }
  const target = await resolve(git, ref);
  await unfinished.set();
  const ahead = await moveTo(git, target);
  // The copy in the image had files that this commit lacks; ignored ones such as dependencies stay.
  if (isNew) await git.run("clean", "-ffdq");
  if (existsSync(join(folder, ".gitmodules"))) {
    await git.transfer("submodule", "update", "--init", "--recursive", "--quiet");
  }
  await unfinished.clear();
  return `${isNew ? "cloned" : "updated"} ${url}: ${await position(git)}${ahead}`;
}

/** A mark that exists while a checkout runs: an interrupted one leaves the tree between two commits. */
class UnfinishedMark {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, ".git", "os2-unfinished");
  }

  get isSet(): boolean {
    return existsSync(this.#file);
  }

  async set(): Promise<void> {
    await writeFile(this.#file, "");
  }

  async clear(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}

/** Rejects files without `.git`, which belong to a user; the copy in the image may be replaced. */
async function refuseForeignFiles(folder: string): Promise<void> {
  if ((await readdir(folder)).length === 0) return;
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  const isMounted = mounts.split("\n").some((line) => line.split(" ")[4] === folder);
  if (folder === BAKED_REPOSITORY && !isMounted) return;
  throw new Error(`${folder} has files and is not a git checkout`);
}

/** Removes locks of killed git processes: no other process runs yet. */
async function removeStaleLocks(folder: string): Promise<void> {
  for (const name of [
    "index.lock",
    "shallow.lock",
    "config.lock",
    "HEAD.lock",
    "packed-refs.lock",
  ]) {
    await rm(join(folder, ".git", name), { force: true });
  }
}

async function pointTo(git: Git, url: string): Promise<void> {
  await git.run("config", "remote.origin.url", url);
  await git.run("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
  // Installed dependencies do not count as work, even if the repository does not ignore them.
  const exclude = join(git.folder, ".git", "info", "exclude");
  await mkdir(join(git.folder, ".git", "info"), { recursive: true });
  const lines = existsSync(exclude) ? await readFile(exclude, "utf8") : "";
  if (!lines.includes("node_modules/")) await writeFile(exclude, `${lines}node_modules/\n`);
}

/** Describes the work that a checkout would lose or hide. */
async function localWork(git: Git): Promise<string | undefined> {
  const changes = (await git.run("status", "--porcelain")).split("\n").filter(Boolean).length;
  if (changes > 0) return `${count(changes, "uncommitted change")}`;
  const holders = await git.run("for-each-ref", "--count=1", "--contains=HEAD");
  return holders.trim() ? undefined : "commits that are on no branch";
}

async function resolve(git: Git, ref: string | undefined): Promise<Target> {
  if (ref === undefined) return await defaultBranch(git);
  const has = async (name: string) =>
    await git.ask("rev-parse", "--verify", "--quiet", `${name}^{commit}`);
  if (await has(`refs/remotes/origin/${ref}`)) return branchOf(ref);
  const known = (await has(`refs/tags/${ref}`)) ?? (isCommit(ref) ? await has(ref) : undefined);
  if (known) return { commit: known };
  try {
    // A commit that is on no branch any more, or a ref outside branches and tags.
    await git.transfer("fetch", "--quiet", "origin", ref);
  } catch {
    throw new Error(`the remote has no branch, tag or commit ${ref}`);
  }
  return { commit: (await git.run("rev-parse", "FETCH_HEAD^{commit}")).trim() };
}

async function defaultBranch(git: Git): Promise<Target> {
  const answer = await git.transfer("ls-remote", "--symref", "origin", "HEAD");
  const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer)?.[1];
  if (branch) return branchOf(branch);
  throw new Error("the remote has no default branch: set ITERATE_GIT_REF");
}

function branchOf(name: string): Target {
  return { commit: `refs/remotes/origin/${name}`, branch: name };
}

function isCommit(text: string): boolean {
  return /^[0-9a-f]{7,64}$/i.test(text);
}

/** Returns a suffix for the message: a branch with local commits is not moved back. */
async function moveTo(git: Git, { commit, branch }: Target): Promise<string> {
  // A transfer: filters such as Git LFS get their files from the remote.
  if (!branch) {
    await git.transfer("checkout", "--quiet", "--force", "--detach", commit);
    return "";
  }
  const local = `refs/heads/${branch}`;
  const ahead = (await git.ask("rev-parse", "--verify", "--quiet", local))
    ? Number(
        await git.run("rev-list", "--count", local, "--not", await forkPoint(git, commit, local)),
      )
    : 0;
  if (ahead > 0) {
    await git.transfer("checkout", "--quiet", "--force", branch);
    return `, with ${count(ahead, "local commit")}`;
  }
  await git.transfer("checkout", "--quiet", "--force", "-B", branch, "--track", `origin/${branch}`);
  return "";
}

/** The remote branch as it was when the local one forked: the remote may have rewritten it since. */
async function forkPoint(git: Git, remote: string, local: string): Promise<string> {
  return (await git.ask("merge-base", "--fork-point", remote, local)) || remote;
}

async function position(git: Git): Promise<string> {
  const commit = (await git.run("rev-parse", "--short", "HEAD")).trim();
  const branch = await git.ask("symbolic-ref", "--short", "--quiet", "HEAD");
  return branch ? `${branch} at ${commit}` : commit;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
