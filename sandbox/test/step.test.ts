// What a start writes to the container's log, from another process.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { oneLine, StepFailed } from "../lib/step.ts";

const STEPS = new URL("../lib/step.ts", import.meta.url).href;

/** Runs code that uses `steps`, which write to the file descriptors directly. */
function logOf(code: string) {
  const script = `
    import { Steps, StepFailed } from ${JSON.stringify(STEPS)};
    import { setTimeout } from "node:timers/promises";
    const steps = new Steps((text) => text.replaceAll("s3cr3t", "***"));
    ${code}`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", script],
    { encoding: "utf8" },
  );
  return { stdout, stderr, status };
}

describe("Steps", () => {
  test("report what was done and how long it took", () => {
    const { stdout, stderr } = logOf(`
      await steps.run("nap", async () => { await setTimeout(120); return "slept with s3cr3t"; });`);
    const seconds = /^entry: nap: slept with \*\*\* \((\d\.\d\d) s\)\n$/.exec(stdout)?.[1];
    assert.ok(Number(seconds) >= 0.1 && Number(seconds) < 5, stdout);
    assert.equal(stderr, "");
  });

  test("complain in one line", () => {
    const { stdout, stderr } = logOf(`
      try { await steps.run("clone", async () => { throw new Error("first\\n\\tsecond\\r\\u001b[31m s3cr3t"); }); }
      catch (error) { steps.complain(error.message); }`);
    assert.equal(stdout, "");
    assert.equal(stderr, "entry: step clone failed: first second [31m ***\n");
  });

  test("know which one is running", () => {
    const { stdout } = logOf(`
      steps.say(steps.current);
      await steps.run("one", async () => { steps.say(steps.current); return "done"; });`);
    assert.match(stdout, /^entry: start\nentry: one\nentry: one: done /);
  });
});

describe("oneLine", () => {
  test("makes one line of any text", () => {
    assert.equal(oneLine("  a\r\n\tb\u0000\u0085c\u2028d  "), "a b c d");
  });
  test("ends somewhere", () => {
    const line = oneLine("x".repeat(5000));
    assert.equal(line.length, 1000);
    assert.ok(line.endsWith("…"));
  });
});

test("a failure names its step", () => {
  const failure = new StepFailed("services", "no such folder");
  assert.equal(failure.step, "services");
  assert.equal(failure.message, "step services failed: no such folder");
});
