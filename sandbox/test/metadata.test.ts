import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseMetadata } from "../server/metadata.ts";

describe("parseMetadata", () => {
  test("keeps what has the right form and drops the rest", () => {
    const text = JSON.stringify({ displayName: "Web", port: 80, hasWebUI: "yes", extra: 1 });
    assert.deepEqual(parseMetadata(text), { displayName: "Web", port: 80 });
  });

  for (const text of ["", "{", "null", "[]", "7"]) {
    test(`finds nothing in ${JSON.stringify(text)}`, () =>
      assert.deepEqual(parseMetadata(text), {}));
  }

  for (const port of [0, 65536, 80.5, "80", -1]) {
    test(`${JSON.stringify(port)} is not a port`, () => {
      assert.deepEqual(parseMetadata(JSON.stringify({ port })), {});
    });
  }

  for (const healthEndpoint of ["@other.test/", "health", "http://other.test/", "/a b"]) {
    test(`${healthEndpoint} is not a path`, () => {
      assert.deepEqual(parseMetadata(JSON.stringify({ healthEndpoint })), {});
    });
  }
});
