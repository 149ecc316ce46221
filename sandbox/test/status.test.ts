import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseStatus } from "../server/status.ts";

describe("parseStatus", () => {
  test("a service that said it is ready", () => {
    assert.deepEqual(parseStatus("true true true 24 4 -1 NA\n", true), {
      state: "ready",
      pid: 24,
      seconds: 4,
      ended: null,
    });
  });

  test("one that hasn't said so yet, and one that never will", () => {
    const output = "true true false 24 4 -1 NA";
    assert.equal(parseStatus(output, true).state, "starting");
    assert.equal(parseStatus(output, false).state, "ready");
  });

  test("one that ended and will be started again", () => {
    const status = parseStatus("false true false -1 0 1 NA", true);
    assert.deepEqual(status, { state: "restarting", pid: null, seconds: 0, ended: "exit code 1" });
  });

  test("one that was killed and is to stay down", () => {
    const status = parseStatus("false false false -1 9 -1 SIGKILL", true);
    assert.deepEqual(status, { state: "down", pid: null, seconds: 9, ended: "SIGKILL" });
  });

  for (const output of [undefined, "", "s6-supervise not running"]) {
    test(`is down when the supervisor says ${output}`, () => {
      assert.equal(parseStatus(output, true).state, "down");
    });
  }
});
