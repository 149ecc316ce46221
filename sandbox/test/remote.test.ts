import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { credentialsFor, parseRemote, remoteOf } from "../lib/remote.ts";

const token = (password: string) => ({ username: "x-access-token", password });

describe("parseRemote", () => {
  test("takes a user and a password out of the address", () => {
    assert.deepEqual(parseRemote("https://me:p%40ss@host.test/a/b.git"), {
      url: "https://host.test/a/b.git",
      credentials: { username: "me", password: "p@ss" },
    });
  });

  test("takes a lone user for a token", () => {
    assert.deepEqual(parseRemote("https://abc@host.test/a").credentials, token("abc"));
  });

  test("survives a password that isn't encoded as it should be", () => {
    assert.equal(parseRemote("https://me:100%@host.test/a").credentials?.password, "100%");
  });

  for (const url of [
    "git@host.test:a/b.git",
    "ssh://git@host.test/a",
    "file:///srv/a.git",
    "/srv/a",
  ]) {
    test(`leaves ${url} alone`, () => assert.deepEqual(parseRemote(url), { url }));
  }
});

describe("remoteOf", () => {
  test("is nothing without an address", () => {
    assert.equal(remoteOf({}), undefined);
    assert.equal(remoteOf({ ITERATE_REPO_URL: "  ", ITERATE_REPO_TOKEN: "t" }), undefined);
  });

  test("prefers the token made for the repository", () => {
    const env = {
      ITERATE_REPO_URL: "https://me:old@github.com/a/b",
      ITERATE_REPO_TOKEN: "mine",
      GITHUB_TOKEN: "general",
    };
    assert.deepEqual(remoteOf(env)?.credentials, token("mine"));
  });

  test("falls back to GitHub's own variables, for GitHub only", () => {
    const env = { GH_TOKEN: "gh" };
    const at = (url: string) => remoteOf({ ...env, ITERATE_REPO_URL: url })?.credentials;
    assert.deepEqual(at("https://github.com/a/b"), token("gh"));
    assert.equal(at("https://github.com.evil.test/a/b"), undefined);
    assert.equal(at("http://github.com/a/b"), undefined);
  });
});

describe("credentialsFor", () => {
  const env = {
    ITERATE_REPO_URL: "https://host.test/a",
    ITERATE_REPO_TOKEN: "t",
    GITHUB_TOKEN: "g",
  };

  test("answers for the repository's host", () => {
    assert.deepEqual(credentialsFor("https://host.test", env), token("t"));
  });

  test("answers for GitHub with its own token", () => {
    assert.deepEqual(credentialsFor("https://github.com", env), token("g"));
  });

  for (const origin of [
    "https://other.test",
    "http://host.test",
    "https://host.test:8443",
    "nonsense",
  ]) {
    test(`has nothing for ${origin}`, () => assert.equal(credentialsFor(origin, env), undefined));
  }
});
