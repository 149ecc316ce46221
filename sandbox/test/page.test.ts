// The page's formats of numbers, times and URLs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

// A zone that is not UTC, so that the two cannot be confused.
process.env["TZ"] = "America/New_York";

// The page's files are plain JavaScript, without types.
const { addressOf, clock, count, duration, parseLine } = await import(
  new URL("../server/public/format.js", import.meta.url).href
);

describe("duration", () => {
  for (const [seconds, text] of [
    [0, "0s"],
    [0.9, "0s"],
    [59, "59s"],
    [60, "1m"],
    [302, "5m 2s"],
    [3600, "1h"],
    [3605, "1h"],
    [93_784, "1d 2h"],
  ]) {
    test(`${seconds} s are ${text}`, () => assert.equal(duration(seconds), text));
  }
});

test("one is singular", () => {
  assert.deepEqual(
    [0, 1, 2].map((number) => count(number, "line")),
    ["0 lines", "1 line", "2 lines"],
  );
});

describe("parseLine", () => {
  test("reads the logger's time as UTC, and leaves the rest as it is", () => {
    const { text, date } = parseLine('2026-11-21 18:47:42.058084008  {"a": 1}  ');
    assert.equal(date.toISOString(), "2026-11-21T18:47:42.058Z");
    assert.equal(text, '{"a": 1}  ');
  });
  for (const line of ["", "no time", "2026-11-21", "12:00:00 noon"]) {
    test(`finds no time in ${JSON.stringify(line)}`, () =>
      assert.deepEqual(parseLine(line), { text: line }));
  }
});

test("clock is the time of day here", () => {
  assert.equal(clock(new Date(2026, 0, 2, 3, 4, 5)), "03:04:05");
});

describe("addressOf", () => {
  const address = (url: string, service = {}) =>
    addressOf({ name: "web", port: 5173, ...service }, 3000, new URL(url));

  test("goes through the page's own port on this host", () => {
    assert.equal(address("http://localhost:10123"), "http://web.localhost:10123/");
    assert.equal(address("http://127.0.0.1:10123"), "http://web.localhost:10123/");
    assert.equal(address("http://a.b.localhost:10123"), "http://web.localhost:10123/");
  });
  test("stays below the machine's own name", () => {
    assert.equal(address("http://otter.localhost:10123"), "http://web.otter.localhost:10123/");
  });
  test("puts the port in front of a preview address", () => {
    assert.equal(address("https://3000-abc.preview.test"), "https://5173-abc.preview.test/");
  });
  test("is another port of a machine that is reached itself", () => {
    assert.equal(address("http://172.17.0.2:3000"), "http://172.17.0.2:5173/");
  });
  test("is none where only the page is reached, nor for the page", () => {
    assert.equal(address("https://machine.test"), undefined);
    assert.equal(address("http://localhost:10123", { port: 3000 }), undefined);
    assert.equal(address("http://localhost:10123", { name: "a.b" }), undefined);
  });
});
