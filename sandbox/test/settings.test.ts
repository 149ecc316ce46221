import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isRef, readSettings } from "../entry/settings.ts";

describe("isRef", () => {
  for (const ref of ["main", "feature/a-b", "v1.0", "1a2b3c4", "refs/pull/7/head", "user@host"]) {
    test(`${ref} may be one`, () => assert.ok(isRef(ref)));
  }
  for (const ref of [
    "-x",
    "--upload-pack=touch /tmp/x",
    "a..b",
    "a b",
    "main~1",
    "main^",
    "HEAD@{1}",
    "a:b",
  ]) {
    test(`${ref} can't be one`, () => assert.ok(!isRef(ref)));
  }
});

describe("readSettings", () => {
  test("has a default for everything", () => {
    assert.deepEqual(readSettings({}), { repository: "/home/node/repo", mount: "/mnt/repo" });
  });

  test("takes an empty variable for an unset one", () => {
    assert.deepEqual(
      readSettings({ ITERATE_REPO_DIR: "", ITERATE_GIT_REF: " " }),
      readSettings({}),
    );
  });

  test("keeps the credentials out of the address", () => {
    const { remote } = readSettings({ ITERATE_REPO_URL: "https://t@host.test/a" });
    assert.equal(remote?.url, "https://host.test/a");
  });

  const wrong = {
    ITERATE_SERVER_PORT: "http",
    ITERATE_REPO_DIR: "repo",
    ITERATE_REPO_MOUNT: "./x",
    ITERATE_GIT_REF: "--all",
    ITERATE_REPO_URL: "--upload-pack=x",
  };
  for (const [name, value] of Object.entries(wrong)) {
    test(`names ${name} when it is wrong`, () => {
      assert.throws(
        () => readSettings({ [name]: value }),
        new RegExp(`^Error: step settings failed: ${name} `),
      );
    });
  }
});
