import assert from "node:assert/strict";
import { test } from "node:test";
import { redactor } from "../lib/redact.ts";

test("hides the values of variables that are named like secrets", () => {
  const redact = redactor({
    GITHUB_TOKEN: "ghp_123456",
    MY_API_KEY: "key 42!",
    NAME: "quiet-otter",
  });
  assert.equal(redact("ghp_123456, key 42!, key%2042!, quiet-otter"), "***, ***, ***, quiet-otter");
});

test("hides credentials in addresses", () => {
  const redact = redactor({});
  assert.equal(
    redact("from https://me:pass@host.test/a to ssh://git@h/b"),
    "from https://***@host.test/a to ssh://***@h/b",
  );
});

test("hides the whole of a secret that begins with another", () => {
  assert.equal(redactor({ A_TOKEN: "secret", B_TOKEN: "secret-longer" })("secret-longer"), "***");
});

test("keeps words that are too short to be secrets", () => {
  assert.equal(redactor({ A_TOKEN: "none" })("none of them"), "none of them");
});
