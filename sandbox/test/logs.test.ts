import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { lastLines, logFileOf, readTail } from "../server/logs.ts";

describe("logFileOf", () => {
  test("is in the log folder", () => {
    assert.equal(logFileOf("/var/log", "web"), "/var/log/web/current");
    assert.equal(logFileOf("/var/log", "/var/log/web"), "/var/log/web/current");
    assert.equal(logFileOf("/logs", "/var/log/web"), "/logs/web/current");
  });

  for (const directory of ["..", "../../etc", "/etc", "/var/logs", ".", "/var/log", "web/../.."]) {
    test(`is never in ${directory}`, () =>
      assert.equal(logFileOf("/var/log", directory), undefined));
  }
});

describe("lastLines", () => {
  test("are the last ones", () => assert.deepEqual(lastLines("a\nb\nc\n", 2), ["b", "c"]));
  test("include one that isn't complete yet", () =>
    assert.deepEqual(lastLines("a\nb", 2), ["a", "b"]));
  test("leave out one that lost its beginning", () => {
    assert.deepEqual(lastLines("alf\nwhole\n", 9, true), ["whole"]);
  });
  test("have no colours and controls, but tabs", () => {
    assert.deepEqual(lastLines("\u001b[31mred\u001b[0m\tand\u0007 more\r\n", 1), ["red\tand more"]);
  });
  test("are none in an empty file", () => assert.deepEqual(lastLines("", 5), []));
});

describe("readTail", () => {
  const folder = mkdtempSync(join(tmpdir(), "logs-"));
  after(() => rmSync(folder, { recursive: true }));

  test("reads the end of a long file", async () => {
    const file = join(folder, "current");
    writeFileSync(file, Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join(""));
    assert.deepEqual(await readTail(file, 2), ["line 99998", "line 99999"]);
  });

  test("reads no more than its share of a file of any size", async () => {
    const file = join(folder, "huge");
    // A sparse file takes no disk space; reading all of it would need 8 GB.
    writeFileSync(file, "");
    truncateSync(file, 8 * 1024 ** 3);
    appendFileSync(file, "\nthe end\n");
    assert.deepEqual(await readTail(file, 1), ["the end"]);
    const lines = Array.from({ length: 60_000 }, (_, i) => `line ${i}`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    const read = await readTail(file, 60_000);
    assert.ok(read.length > 10_000 && read.length < 60_000);
    assert.deepEqual(read, lines.slice(-read.length));
  });

  test("never begins in the middle of a line, or of a letter", async () => {
    const file = join(folder, "letters");
    writeFileSync(file, `${"ä€".repeat(200_000)}\nlast\n`);
    assert.deepEqual(await readTail(file, 10), ["last"]);
  });

  test("finds no lines where there is no file", async () => {
    assert.deepEqual(await readTail(join(folder, "missing"), 2), []);
  });
});
