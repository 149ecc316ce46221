// A directory of the host, copied to a machine with real git.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
import { syncMount } from "../entry/mount.ts";
import { LIST, listFiles } from "../entry/mount-files.ts";

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

  test("keeps what the machine changed, and names it", async () => {
    await sync();
    write(copy, "src/a.txt", "the machine's");
    rmSync(join(copy, "untracked.txt"));
    const kept = "kept as changed in the machine: src/a.txt, untracked.txt";
    for (const _ of ["first", "second"]) {
      assert.equal(await sync(), `synced ${host}: 3 files, 0 copied, 0 removed; ${kept}`);
      assert.equal(read("src/a.txt"), "the machine's");
      assert.ok(!existsSync(join(copy, "untracked.txt")));
    }
  });

  const HOST = { same: "0", changed: "host's", deleted: undefined } as const;
  const MACHINE = { same: "0", changed: "machine's", deleted: undefined, equal: "host's" } as const;
  for (const [theirs, hostText] of Object.entries(HOST)) {
    for (const [ours, machineText] of Object.entries(MACHINE)) {
      test(`decides: ${theirs} on the host, ${ours} in the machine`, async () => {
        const put = (folder: string, text: string | undefined) => {
          if (text === undefined) rmSync(join(folder, "x"));
          else if (text !== "0") writeFileSync(join(folder, "x"), text);
        };
        write(host, "x", "0");
        await sync();
        put(host, hostText);
        put(copy, machineText);

        const said = await sync();
        const again = await sync();

        const is = existsSync(join(copy, "x")) ? read("x") : undefined;
        const isEqual = hostText === machineText;
        assert.equal(is, ours === "same" ? hostText : machineText);
        // What was kept is named at each start, until both sides agree.
        assert.equal(/x/.test(said.replace(host, "")), !isEqual && ours !== "same");
        assert.equal(
          /the machine's, changed on the host as well: x/.test(said),
          {
            same: false,
            changed: ours === "changed" || ours === "deleted",
            deleted: ours === "changed" || ours === "equal",
          }[theirs as keyof typeof HOST],
        );
        assert.equal(/: x/.test(again), !isEqual && ours !== "same" && theirs !== "deleted");
      });
    }
  }

  test("does not take a copy that was only touched for a change", async () => {
    await sync();
    utimesSync(join(copy, "src/a.txt"), 1, 1);
    write(host, "src/a.txt", "new");
    assert.equal(await sync(), `synced ${host}: 3 files, 1 copied, 0 removed`);
  });

  test("sees a change of the machine that leaves size and time as they were", async () => {
    await sync();
    const { atime, mtime } = statSync(join(copy, "src/a.txt"));
    writeFileSync(join(copy, "src/a.txt"), "b");
    utimesSync(join(copy, "src/a.txt"), atime, mtime);
    write(host, "src/a.txt", "longer");
    await sync();
    assert.equal(read("src/a.txt"), "b");
  });

  test("keeps a program that the machine made of a file", async () => {
    await sync();
    chmodSync(join(copy, "src/a.txt"), 0o755);
    assert.match(await sync(), /; kept as changed in the machine: src\/a\.txt$/);
  });

  test("keeps what the machine made where the host has something else", async () => {
    await sync();
    rmSync(join(copy, "src"), { recursive: true });
    const outside = join(root, `outside-${number}`);
    mkdirSync(outside);
    symlinkSync(outside, join(copy, "src"));
    rmSync(join(copy, "untracked.txt"));
    write(copy, "untracked.txt/mine", "mine");
    write(copy, "new.txt", "mine");
    write(host, "src/a.txt", "longer");
    write(host, "src/b.txt", "b");
    write(host, "untracked.txt", "longer");
    write(host, "new.txt", "host");
    const both =
      "kept the machine's, changed on the host as well: new.txt, src/a.txt, src/b.txt, untracked.txt";
    assert.equal(await sync(), `synced ${host}: 5 files, 0 copied, 0 removed; ${both}`);
    assert.deepEqual(readdirSync(outside), []);
    assert.equal(read("untracked.txt/mine"), "mine");
  });

  test("names only a few of many files", async () => {
    for (let each = 0; each < 9; each += 1) write(host, `many/${each}`, "x");
    await sync();
    rmSync(join(copy, "many"), { recursive: true });
    assert.match(await sync(), /: many\/0, many\/1, many\/2, many\/3, many\/4 and 4 more$/);
  });

  test("ends, and leaves out a submodule that is not checked out", async () => {
    const commit = "1".repeat(40);
    git("update-index", "--add", "--cacheinfo", `160000,${commit},lib`);
    mkdirSync(join(host, "lib"));
    assert.equal(await sync(), `synced ${host}: 3 files, 3 copied, 0 removed`);
  });

  test("is not copied with what may be ignored where git cannot tell", async () => {
    rmSync(join(host, ".git"), { recursive: true });
    writeFileSync(join(host, ".git"), "gitdir: /elsewhere/.git/worktrees/w\n");
    await assert.rejects(sync(), /^Error: git cannot list .*worktree/);
    assert.ok(!existsSync(join(copy, "ignored")));
  });

  test("keeps the bytes of names that are not UTF-8", async () => {
    const name = (folder: string) =>
      Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]);
    writeFileSync(name(host), "x");
    await sync();
    assert.equal(readFileSync(name(copy), "utf8"), "x");
    assert.equal(await sync(), `synced ${host}: 4 files, 0 copied, 0 removed`);
  });

  test("leaves no file behind that is half copied", async () => {
    await sync();
    write(copy, ".os2-incoming/7", "half");
    await sync();
    assert.ok(!existsSync(join(copy, ".os2-incoming")));
  });

  describe("in a random walk", () => {
    // Names that are also each other's directories: a file may take a directory's place and back.
    const names = ["a", "b", "d", "d/x", "d/y", "d/e", "d/e/z"];
    const isFile = (path: string) => existsSync(path) && lstatSync(path).isFile();
    const isNested = (one: string, two: string) =>
      `${one}/`.startsWith(`${two}/`) || `${two}/`.startsWith(`${one}/`);
    const filesAbove = (folder: string, name: string) =>
      names.filter((each) => name.startsWith(`${each}/`) && isFile(join(folder, each)));

    for (let seed = 1; seed <= 20; seed += 1) {
      test(`nothing of the machine's is lost, and all else is the host's (${seed})`, async () => {
        let state = seed;
        const below = (limit: number) => {
          state = (state * 48271) % 2147483647;
          return state % limit;
        };
        rmSync(join(host, ".git"), { recursive: true });
        mkdirSync(copy);
        const own = new Map<string, string | undefined>();
        for (let round = 0; round < 15; round += 1) {
          const name = names[below(names.length)] as string;
          if (below(3) > 0) {
            for (const above of filesAbove(host, name)) rmSync(join(host, above));
            rmSync(join(host, name), { recursive: true, force: true });
            write(host, name, `host ${round}`);
          } else if (isFile(join(host, name))) rmSync(join(host, name));

          const other = names[below(names.length)] as string;
          const isDirectory = existsSync(join(copy, other)) && !isFile(join(copy, other));
          if (!isDirectory && filesAbove(copy, other).length === 0) {
            const text = below(3) > 0 ? `machine ${round}` : undefined;
            if (text !== undefined) write(copy, other, text);
            else rmSync(join(copy, other), { force: true });
            own.set(other, text);
          }

          await sync();

          for (const [mine, text] of own) {
            const path = join(copy, mine);
            if (text !== undefined) assert.equal(isFile(path) && readFileSync(path, "utf8"), text);
          }
          for (const each of names) {
            if (![...own.keys()].some((mine) => isNested(mine, each)) && isFile(join(host, each))) {
              assert.equal(read(each), readFileSync(join(host, each), "utf8"));
            }
          }
        }
      });
    }
  });

  describe("with the host's list", () => {
    const list = (...records: string[]) =>
      write(host, LIST, records.map((record) => `${record}\0`).join(""));
    beforeEach(() => rmSync(join(host, ".git"), { recursive: true }));

    test("is what the list has", async () => {
      list("os2-files 1", "nlib is not sent", "psrc/a.txt", "f644 1 1700000000123456789");
      assert.equal(await sync(), `synced ${host}: 1 files, 1 copied, 0 removed; lib is not sent`);
      assert.equal(statSync(join(copy, "src/a.txt")).mtimeMs, 1700000000123);
      assert.ok(!existsSync(join(copy, "ignored")));
      write(host, "src/a.txt", "changed, but not sent as that");
      await sync();
      assert.equal(read("src/a.txt"), "a");
      list("os2-files 1", "psrc/a.txt", "f644 1 1700000000123456790");
      await sync();
      assert.equal(read("src/a.txt"), "changed, but not sent as that");
    });

    test("stays as it was if the list did not arrive whole", async () => {
      list("os2-files 1", "psrc/a.txt", "f644 1 17");
      await sync();
      list("unfinished");
      assert.match(await sync(), /^kept the files of the last start: the host's did not arrive/);
      list("unfinished", "nrepo not found");
      assert.equal(await sync(), "kept the files of the last start: repo not found");
      assert.equal(read("src/a.txt"), "a");
    });

    test("may have links, and names with line ends", async () => {
      symlinkSync("nowhere", join(host, "a\nlink"));
      list("os2-files 1", "pa\nlink", "lnowhere", "pmissing", "f644 1 1");
      assert.equal(await sync(), `synced ${host}: 2 files, 1 copied, 0 removed`);
      assert.equal(readlinkSync(join(copy, "a\nlink")), "nowhere");
    });

    test("has links that no engine unpacks in a mount", async () => {
      list("os2-files 1", "pout", "l../../out");
      assert.equal(await sync(), `synced ${host}: 1 files, 1 copied, 0 removed`);
      assert.equal(readlinkSync(join(copy, "out")), "../../out");
      rmSync(join(copy, "out"));
      symlinkSync("../../both", join(copy, "out"));
      list("os2-files 1", "pout", "l../../both");
      assert.equal(await sync(), `synced ${host}: 1 files, 0 copied, 0 removed`);
    });
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
