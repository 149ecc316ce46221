import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findServices, merge } from "../entry/services.ts";
import { isServiceName } from "../lib/service-name.ts";

describe("isServiceName", () => {
  for (const name of ["web", "example-service-a", "A.b_c-1"]) {
    test(`${name} is one`, () => assert.ok(isServiceName(name)));
  }
  for (const name of ["", ".", "..", ".s6-svscan", "-x", "a/b", "a\0", "a b", "x".repeat(64)]) {
    test(`${JSON.stringify(name)} is none`, () => assert.ok(!isServiceName(name)));
  }
});

test("a service of the repository replaces one of the same name", () => {
  assert.deepEqual(merge(["/own/a", "/own/b"], ["/repo/b", "/repo/0"]), [
    "/repo/0",
    "/own/a",
    "/repo/b",
  ]);
});

describe("findServices", () => {
  const folder = mkdtempSync(join(tmpdir(), "services-"));
  after(() => rmSync(folder, { recursive: true }));
  for (const [name, mode] of Object.entries({ runs: 0o755, data: 0o644, ".hidden": 0o755 })) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "run"), "#!/bin/sh\n");
    chmodSync(join(folder, name, "run"), mode);
  }
  mkdirSync(join(folder, "empty"));

  test("takes folders with a program to run", async () => {
    assert.deepEqual(await findServices(folder), [join(folder, "runs")]);
  });

  test("doesn't ask for the mode of the image's own", async () => {
    const found = await findServices(folder, { ours: true });
    assert.deepEqual(found, [join(folder, "data"), join(folder, "runs")]);
  });
});
