import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { loadAssets } from "../server/assets.ts";

describe("loadAssets", () => {
  const folder = mkdtempSync(join(tmpdir(), "assets-"));
  after(() => rmSync(folder, { recursive: true }));

  test("knows the type of every file of the page", () => {
    const assets = loadAssets();
    const files = readdirSync(join(import.meta.dirname, "../server/public"));
    assert.equal(assets.size, files.length);
    assert.equal(assets.get("/")?.type, "text/html; charset=utf-8");
    assert.equal(assets.get("/page.js")?.type, "text/javascript; charset=utf-8");
    assert.equal(assets.get("/page.css")?.type, "text/css; charset=utf-8");
    assert.equal(assets.get("/icon.svg")?.type, "image/svg+xml");
  });

  test("leaves out what a page has no use for", () => {
    for (const name of ["index.html", ".env", "notes.md", "key.pem"]) {
      writeFileSync(join(folder, name), name);
    }
    mkdirSync(join(folder, "folder"));
    assert.deepEqual([...loadAssets(folder).keys()], ["/"]);
  });

  test("are self-sufficient: nothing is loaded from elsewhere, nothing is written inline", () => {
    for (const [path, { body, type }] of loadAssets()) {
      const text = body.toString();
      const addresses = text.match(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z]+[^\s"')]*/gi) ?? [];
      const foreign = addresses.filter((one) => !one.startsWith("http://www.w3.org/"));
      assert.deepEqual(foreign, [], path);
      if (type.startsWith("text/html")) {
        assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/i);
      }
    }
  });
});
