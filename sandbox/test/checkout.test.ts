// The checkout with real repositories on this host.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { checkOut } from "../entry/checkout.ts";

const IDENTITY = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@test",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@test",
};

describe("checkOut", () => {
  const root = mkdtempSync(join(tmpdir(), "checkout-"));
  const origin = join(root, "origin");
  const remote = { url: `file://${origin}` };
  let folder: string;
  let number = 0;
  let first: string;

  const git = (cwd: string, ...args: string[]) =>
    execFileSync("git", args, {
      cwd,
      encoding: "utf8",
      env: { ...process.env, ...IDENTITY },
    }).trim();
  const commit = (text: string) => {
    writeFileSync(join(origin, "file"), text);
    git(origin, "add", ".");
    git(origin, "commit", "-qm", text);
    return git(origin, "rev-parse", "HEAD");
  };
  const content = () => readFileSync(join(folder, "file"), "utf8");

  before(() => {
    mkdirSync(origin);
    git(origin, "init", "-q", "-b", "trunk");
    first = commit("one");
    git(origin, "tag", "v1");
    commit("two");
  });
  beforeEach(() => {
    number += 1;
    folder = join(root, `machine-${number}`);
  });
  after(() => rmSync(root, { recursive: true }));

  test("takes the default branch", async () => {
    assert.match(await checkOut(remote, undefined, folder), /^cloned .*: trunk at /);
    assert.equal(git(folder, "status", "--porcelain"), "");
  });

  test("takes a tag and a commit", async () => {
    await checkOut(remote, "v1", folder);
    assert.equal(content(), "one");
    await checkOut(remote, "trunk", folder);
    await checkOut(remote, first, folder);
    assert.equal(git(folder, "rev-parse", "HEAD"), first);
  });

  test("names a ref that does not exist", async () => {
    await assert.rejects(checkOut(remote, "missing", folder), /no branch, tag or commit missing/);
  });

  test("follows the branch", async () => {
    await checkOut(remote, "trunk", folder);
    const text = `follows ${number}`;
    commit(text);
    assert.match(await checkOut(remote, "trunk", folder), /^updated /);
    assert.equal(content(), text);
  });

  test("keeps uncommitted work", async () => {
    await checkOut(remote, "trunk", folder);
    commit(`newer ${number}`);
    writeFileSync(join(folder, "file"), "mine");
    assert.match(await checkOut(remote, "trunk", folder), /^kept with 1 uncommitted change: trunk/);
    assert.equal(content(), "mine");
  });

  test("keeps commits that were not pushed", async () => {
    await checkOut(remote, "trunk", folder);
    writeFileSync(join(folder, "mine"), "mine");
    git(folder, "add", ".");
    git(folder, "commit", "-qm", "mine");
    assert.match(await checkOut(remote, "trunk", folder), /with 1 local commit$/);
    assert.ok(existsSync(join(folder, "mine")));
  });

  test("keeps commits that are on no branch", async () => {
    await checkOut(remote, "v1", folder);
    git(folder, "commit", "-q", "--allow-empty", "-m", "mine");
    assert.match(
      await checkOut(remote, "trunk", folder),
      /^kept with commits that are on no branch/,
    );
  });

  test("starts without the remote once it has the repository", async () => {
    await checkOut(remote, "trunk", folder);
    const gone = { url: `file://${root}/gone` };
    assert.match(
      await checkOut(gone, "trunk", folder),
      /^kept at trunk .* no update could be fetched/,
    );
  });

  test("does not count dependencies as work", async () => {
    await checkOut(remote, "trunk", folder);
    mkdirSync(join(folder, "node_modules"));
    writeFileSync(join(folder, "node_modules", "x"), "");
    assert.match(await checkOut(remote, "trunk", folder), /^updated /);
  });

  test("finishes what an interrupted start began", async () => {
    await checkOut(remote, "trunk", folder);
    const text = `finished ${number}`;
    commit(text);
    writeFileSync(join(folder, ".git", "os2-unfinished"), "");
    writeFileSync(join(folder, ".git", "index.lock"), "");
    writeFileSync(join(folder, "file"), "half of it");
    await checkOut(remote, "trunk", folder);
    assert.equal(content(), text);
  });

  test("does not touch a directory with other files", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "file"), "mine");
    await assert.rejects(checkOut(remote, "trunk", folder), /has files and is not a git checkout/);
    assert.equal(content(), "mine");
  });
});
