// A directory of the host, copied to a machine with real git.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { listFiles, syncMount } from "../entry/mount.ts";

describe("a mounted folder", () => {
  const root = mkdtempSync(join(tmpdir(), "mount-"));
  const home = process.env["HOME"];
  let number = 0;
  let host: string;
  let copy: string;

  const git = (...args: string[]) => execFileSync("git", args, { cwd: host });
  const write = (folder: string, name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  const read = (name: string) => readFileSync(join(copy, name), "utf8");
  const sync = () => syncMount(host, copy);

  beforeEach(() => {
    number += 1;
    host = join(root, `host-${number}`);
    copy = join(root, `copy-${number}`);
    mkdirSync(host);
    // The record of copied files is here.
    process.env["HOME"] = join(root, "home");
    git("init", "-q");
    write(host, ".gitignore", "ignored\nnode_modules/\n");
    write(host, "src/a.txt", "a");
    git("add", ".");
    write(host, "untracked.txt", "u");
    write(host, "ignored", "i");
    write(host, "node_modules/x/index.js", "x");
  });
  after(() => {
    process.env["HOME"] = home;
    rmSync(root, { recursive: true });
  });

  test("is what git tracks or would offer to track", async () => {
    assert.deepEqual((await listFiles(host)).sort(), [".gitignore", "src/a.txt", "untracked.txt"]);
  });

  test("is every file where there is no git, but for dependencies", async () => {
    rmSync(join(host, ".git"), { recursive: true });
    const files = (await listFiles(host)).sort();
    assert.deepEqual(files, [".gitignore", "ignored", "src/a.txt", "untracked.txt"]);
  });

  test("is copied once, and then only what changed", async () => {
    assert.equal(await sync(), `synced ${host}: 3 files, 3 copied, 0 removed`);
    assert.equal(await sync(), `synced ${host}: 3 files, 0 copied, 0 removed`);
    write(host, "src/a.txt", "longer");
    assert.equal(await sync(), `synced ${host}: 3 files, 1 copied, 0 removed`);
    assert.equal(read("src/a.txt"), "longer");
    assert.ok(!existsSync(join(copy, ".git")) && !existsSync(join(copy, "ignored")));
  });

  test("wins over what the machine made of a file", async () => {
    await sync();
    write(copy, "src/a.txt", "the machine's");
    await sync();
    assert.equal(read("src/a.txt"), "a");
  });

  test("notices a change that leaves the size as it was", async () => {
    await sync();
    write(host, "src/a.txt", "b");
    utimesSync(join(host, "src/a.txt"), 1_000_000, 1_000_000);
    await sync();
    assert.equal(read("src/a.txt"), "b");
  });

  test("removes the files it copied, and no others", async () => {
    await sync();
    write(copy, "src/mine.txt", "mine");
    write(copy, "node_modules/y/index.js", "y");
    rmSync(join(host, "src"), { recursive: true });
    rmSync(join(host, "untracked.txt"));
    assert.equal(await sync(), `synced ${host}: 1 files, 0 copied, 2 removed`);
    assert.ok(!existsSync(join(copy, "src/a.txt")) && !existsSync(join(copy, "untracked.txt")));
    assert.equal(read("src/mine.txt"), "mine");
    assert.equal(read("node_modules/y/index.js"), "y");
  });

  test("keeps links, also those to nowhere, and programs", async () => {
    symlinkSync("src/a.txt", join(host, "link"));
    symlinkSync("/nowhere", join(host, "dangling"));
    write(host, "tool", "#!/bin/sh\n");
    chmodSync(join(host, "tool"), 0o755);
    await sync();
    assert.equal(readlinkSync(join(copy, "link")), "src/a.txt");
    assert.equal(readlinkSync(join(copy, "dangling")), "/nowhere");
    assert.equal(statSync(join(copy, "tool")).mode & 0o777, 0o755);
  });

  test("may turn a file into a folder and a folder into a link", async () => {
    await sync();
    rmSync(join(host, "untracked.txt"));
    write(host, "untracked.txt/inside", "inside");
    rmSync(join(host, "src"), { recursive: true });
    symlinkSync("untracked.txt", join(host, "src"));
    await sync();
    assert.equal(read("untracked.txt/inside"), "inside");
    assert.ok(lstatSync(join(copy, "src")).isSymbolicLink());
    assert.equal(await sync(), `synced ${host}: 3 files, 0 copied, 0 removed`);
  });

  test("is left as it is", async () => {
    chmodSync(join(host, "src/a.txt"), 0o444);
    const before = statSync(join(host, ".git", "index")).mtimeMs;
    await sync();
    await sync();
    assert.equal(statSync(join(host, ".git", "index")).mtimeMs, before);
    // The machine can change its copy of a read-only file.
    assert.equal(statSync(join(copy, "src/a.txt")).mode & 0o777, 0o644);
  });

  test("may have names that git would quote, or that look like something else", async () => {
    for (const name of ['odd "näme"\n\t.txt', " first", "zz last ", "-f"]) {
      write(host, name, name);
      await sync();
      assert.equal(read(name), name);
    }
  });

  test("copies its submodules", async () => {
    const inner = join(host, "lib");
    mkdirSync(inner);
    execFileSync("git", ["init", "-q"], { cwd: inner });
    write(inner, "inner.txt", "inner");
    execFileSync("git", ["add", "."], { cwd: inner });
    const who = ["-c", "user.name=a", "-c", "user.email=a@test"];
    execFileSync("git", [...who, "commit", "-qm", "inner"], { cwd: inner });
    execFileSync("git", ["add", "lib"], { cwd: host, stdio: "ignore" });
    await sync();
    assert.equal(read("lib/inner.txt"), "inner");
    assert.ok(!existsSync(join(copy, "lib/.git")));
  });
});
