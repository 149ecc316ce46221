import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CommandFailed, reasonIn, run } from "../lib/command.ts";

describe("reasonIn", () => {
  test("finds what a program complains about", () => {
    const output = "Cloning into 'x'...\nremote: counting\nfatal: not found\nhint: try again\n";
    assert.equal(reasonIn(output), "fatal: not found");
  });

  test("takes the last line when nothing looks like a complaint", () => {
    assert.equal(reasonIn("one\r\ntwo\n\n"), "two");
  });

  test("has nothing to say about silence", () => assert.equal(reasonIn(" \n"), undefined));
});

describe("run", () => {
  test("returns what was written to stdout only", async () => {
    assert.equal(await run("sh", ["-c", "echo out; echo err >&2"]), "out\n");
  });

  test("says why a program failed", async () => {
    const failing = run("sh", ["-c", "echo 'fatal: no luck' >&2; exit 3"]);
    await assert.rejects(failing, { message: "sh: fatal: no luck" });
  });

  test("says so when a program doesn't exist", async () => {
    await assert.rejects(run("no-such-program", []), CommandFailed);
  });

  test("ends a program that takes too long, with what it started", async () => {
    const slow = run("sh", ["-c", "sleep 60 & wait"], { seconds: 0.2 });
    await assert.rejects(slow, { message: "sh took longer than 0.2 s" });
  });
});
