// A repository whose own .git is hostile: nothing that reads it runs a program of it. Each key that this git
// knows and that may name a program is set to one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { listFiles } from "../entry/mount-files.ts";
import { Git } from "../lib/git.ts";
import { describeRepository } from "../server/machine.ts";

const HOOKS = [
  "fsmonitor-watchman",
  "post-checkout",
  "post-index-change",
  "pre-auto-gc",
  "query-watchman",
  "reference-transaction",
];
const MAY_RUN =
  /askpass|browser|clean|cmd|command$|driver|editor|external|fsmonitor|helper|hook|pager|process|program|proxy|smudge|ssh|textconv|uploadpack|receivepack|vcs|\.update|tool\..*path/i;
const MORE_KEYS = [
  ...["rev-list", "symbolic-ref", "config", "ls-files", "log"].flatMap((name) => [
    `alias.${name}`,
    `pager.${name}`,
  ]),
  ...["clean", "smudge", "process"].map((name) => `filter.evil.${name}`),
  ...["command", "textconv", "external"].map((name) => `diff.evil.${name}`),
  ...["uploadpack", "receivepack", "vcs", "proxy", "url"].map((name) => `remote.origin.${name}`),
  ...["", "openpgp.", "ssh.", "x509."].map((name) => `gpg.${name}program`),
  "gpg.ssh.defaultKeyCommand",
  "merge.evil.driver",
  "credential.https://example.invalid.helper",
  "submodule.evil.update",
  "trailer.evil.command",
  "trailer.evil.cmd",
  "hook.evil.command",
];
const SIGNATURES = {
  openpgp: "PGP SIGNATURE",
  ssh: "SSH SIGNATURE",
  x509: "SIGNED MESSAGE",
};

/** Every key that this git lists, with names for what it leaves open. */
function keys(): string[] {
  const listed = execFileSync("git", ["help", "--config"], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().replace(/<(?:name|remote)>/g, "origin"))
    .map((line) => line.replace(/<[^>]*>|\*/g, "evil"))
    .filter((key) => /^[a-z][a-z0-9]*(?:\.\S+)?\.[a-z][a-z0-9-]*$/i.test(key) && MAY_RUN.test(key));
  return [...new Set([...MORE_KEYS, ...listed])];
}

describe("a hostile repository", () => {
  const root = mkdtempSync(join(tmpdir(), "hostile-"));
  const marks = join(root, "marks");
  let number = 0;

  const git = (cwd: string, args: string[], input = "") =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@test", ...args], {
      cwd,
      input,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "ignore"],
    }).trim();
  const ran = () => readdirSync(marks).sort();
  const section = (key: string, value: string) => {
    const [first = "", ...rest] = key.split(".");
    const last = rest.pop();
    const sub = rest.length > 0 ? ` ${JSON.stringify(rest.join("."))}` : "";
    return `[${first}${sub}]\n\t${last} = ${JSON.stringify(value)}\n`;
  };
  /** Makes a program that leaves a mark with the name. */
  const program = (name: string) => {
    const file = join(root, `program-${++number}`);
    writeFileSync(file, `#!/bin/sh\ntouch '${join(marks, name.replaceAll("/", "_"))}'\n`);
    chmodSync(file, 0o755);
    return file;
  };
  /** Copies the template and adds settings. */
  const hostile = (kind: string, ...settings: [string, string][]) => {
    const folder = join(root, `repository-${++number}`);
    cpSync(join(root, kind), folder, { recursive: true });
    for (const [key, value] of settings) {
      appendFileSync(join(folder, ".git/config"), section(key, value));
    }
    return folder;
  };
  /** Reads all that a machine does; returns whether git could. */
  const readAll = async (folder: string) => {
    const [{ commit }, listed] = await Promise.all([
      describeRepository(folder),
      new Git(folder).ask("ls-files"),
      listFiles(folder).catch(() => undefined),
    ]);
    return commit !== null && listed !== undefined;
  };
  /** Tries several keys at once, and one by one where git rejects the value of one. */
  const tryKeys = async (kind: string, cases: readonly [string, string][]): Promise<void> => {
    const folder = hostile(kind, ...cases);
    const worked = await readAll(folder);
    rmSync(folder, { recursive: true });
    if (worked || cases.length === 1) return;
    const half = Math.ceil(cases.length / 2);
    await tryKeys(kind, cases.slice(0, half));
    await tryKeys(kind, cases.slice(half));
  };

  before(() => {
    mkdirSync(marks);
    for (const [kind, armour] of Object.entries(SIGNATURES)) {
      const folder = join(root, kind);
      mkdirSync(folder);
      git(folder, ["init", "-q", "-b", "main"]);
      writeFileSync(join(folder, ".gitattributes"), "* filter=evil diff=evil merge=evil\n");
      git(folder, ["add", "."]);
      const tree = git(folder, ["write-tree"]);
      const who = "a <a@test> 1700000000 +0000";
      const signature = `-----BEGIN ${armour}-----\n \n AAAA\n -----END ${armour}-----`;
      const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\ngpgsig ${signature}\n\nsigned\n`;
      const commit = git(folder, ["hash-object", "-t", "commit", "-w", "--stdin"], text);
      git(folder, ["update-ref", "refs/heads/main", commit]);
      writeFileSync(join(folder, "new"), "1");
      const settings: [string, string][] = [
        ["core.repositoryFormatVersion", "1"],
        ["extensions.partialClone", "origin"],
        ["remote.origin.url", folder],
        ["remote.origin.promisor", "true"],
        ["protocol.allow", "always"],
        ["protocol.ext.allow", "always"],
        ["log.showSignature", "true"],
        ["gpg.ssh.allowedSignersFile", join(folder, "new")],
      ];
      for (const each of settings) appendFileSync(join(folder, ".git/config"), section(...each));
      for (const name of HOOKS) {
        cpSync(program(`hook ${name}`), join(folder, ".git/hooks", name));
      }
    }
  });
  after(() => rmSync(root, { recursive: true }));

  test("is one that a git without protection runs programs of", () => {
    const folder = hostile("openpgp", ["gpg.program", program("control")]);
    git(folder, ["log", "-1"]);
    assert.deepEqual(ran(), ["control"]);
    rmSync(join(marks, "control"));
  });

  test("runs nothing, for each key of its settings", { timeout: 120_000 }, async () => {
    const cases = keys().flatMap((key) =>
      (MORE_KEYS.includes(key) ? ["", "!"] : [""]).map((prefix): [string, string] => [
        key,
        `${prefix}${program(key)}`,
      ]),
    );
    assert.ok(cases.length > 90, `${cases.length} cases`);
    // Neighbours are in different groups: of `gpg.program` and `gpg.openpgp.program` one counts.
    const groups = Map.groupBy(cases, (_, index) => index % 8);
    for (const group of groups.values()) await tryKeys("openpgp", group);
    for (const kind of Object.keys(SIGNATURES)) {
      for (const each of cases.filter(([key]) => /^gpg\b.*(?:program|command)$/i.test(key))) {
        await tryKeys(kind, [each]);
      }
    }
    assert.deepEqual(ran(), []);
  });

  test("fetches nothing that it lacks", async () => {
    for (const url of ["ext::sh -c :% touch", "ssh://h/x", "/nowhere"]) {
      const folder = hostile(
        "openpgp",
        ["remote.origin.uploadpack", program("uploadpack")],
        ["core.sshCommand", program("ssh")],
        ["remote.origin.url", url],
      );
      const head = git(folder, ["rev-parse", "HEAD"]);
      rmSync(join(folder, ".git/objects", head.slice(0, 2), head.slice(2)));
      await readAll(folder);
      assert.equal((await describeRepository(folder)).commit, null);
    }
    assert.deepEqual(ran(), []);
  });

  test("is not read through what the environment names", async () => {
    const variables = {
      GIT_DIR: join(root, "ssh/.git"),
      GIT_EXTERNAL_DIFF: program("diff"),
      GIT_PAGER: program("pager"),
    };
    Object.assign(process.env, variables);
    try {
      const folder = hostile("openpgp", ["remote.origin.url", "https://example.invalid/right"]);
      assert.equal((await describeRepository(folder)).remote, "https://example.invalid/right");
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name];
    }
    assert.deepEqual(ran(), []);
  });

  test("is described all the same", async () => {
    const folder = hostile("ssh");
    const { branch, commit, subject } = await describeRepository(folder);
    assert.equal(branch, "main");
    assert.equal(commit, git(folder, ["rev-parse", "HEAD"]));
    assert.equal(subject, "signed");
  });
});
