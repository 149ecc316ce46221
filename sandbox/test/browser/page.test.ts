// The page of a machine in a real browser. The machine `browsed` has a service `hello` with a web page
// besides those of the image; these tests may kill its processes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch, MACHINE, open, untilReady } from "./browser.ts";

const B = "example-service-b-depends-on-a";
const SERVICES = ["Example service A", "Example service B", "Hello", "iterate server"];

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(async () => await browser.close());

function row(page: Page, name: string) {
  return page.locator(".service", { has: page.getByText(name, { exact: true }) });
}

interface Service {
  readonly name: string;
  readonly pid: number;
}

async function pidOf(name: string): Promise<number> {
  const answer = await fetch(`${MACHINE}/api/services`);
  const { services } = (await answer.json()) as { services: Service[] };
  return services.find((service) => service.name === name)?.pid ?? 0;
}

test("it shows the machine, its services and its tools, and nothing goes wrong", async () => {
  const { page, complaints } = await open(browser);
  await untilReady(page);

  assert.equal(await page.title(), "browsed · os2");
  assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "browsed");
  assert.equal(await page.locator("#summary-text").innerText(), "All 4 services ready");
  assert.deepEqual(await page.locator(".service-name").allInnerTexts(), SERVICES);
  const tools = await page.locator("#tools").innerText();
  for (const tool of ["node", "pnpm", "tsx", "gh", "claude", "opencode"]) {
    assert.match(tools, new RegExp(`^${tool}\\n\\d+\\.`, "m"));
  }
  assert.deepEqual(complaints, []);
});

test("a log is read by selecting its service, and can be linked to", async () => {
  const { page } = await open(browser);
  await untilReady(page);
  await row(page, "Example service B").getByRole("button").click();
  await page.locator("#log", { hasText: "listening on port 3002" }).waitFor();
  assert.match(
    await page.locator("#log-file").innerText(),
    /\/var\/log\/example-service-b\/current/,
  );

  await page.reload();
  await page.locator("#log", { hasText: "listening on port 3002" }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("service"), B);
});

test("the services can be walked through by keyboard", async () => {
  const { page } = await open(browser);
  await untilReady(page);
  await row(page, "Example service A").getByRole("button").focus();
  await page.keyboard.press("ArrowDown");
  const chosen = page.locator('.service-select[aria-pressed="true"] .service-name');
  assert.equal(await chosen.innerText(), "Example service B");
  await page.keyboard.press("End");
  assert.equal(await chosen.innerText(), "iterate server");
});

test("a service that does not answer is seen, also from another tab, until it does", async () => {
  const { page } = await open(browser);
  await untilReady(page);
  const pid = await pidOf(B);

  process.kill(pid, "SIGSTOP");
  try {
    await page.locator('#summary[data-state="unhealthy"]').waitFor();
    assert.equal(await page.locator("#summary-text").innerText(), "1 of 4 unhealthy");
    assert.equal(await page.title(), "1 of 4 unhealthy · browsed · os2");
    assert.match(await row(page, "Example service B").innerText(), /^Unhealthy$/m);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await untilReady(page);
});

test("a service that ended is back as another process, with a new line in its log", async () => {
  const { page } = await open(browser, {}, `/?service=${B}`);
  await untilReady(page);
  const lines = page.locator("#log li", { hasText: "listening on port 3002" });
  await lines.first().waitFor();
  const before = await lines.count();
  const pid = await pidOf(B);

  process.kill(pid, "SIGKILL");

  await lines.nth(before).waitFor();
  await untilReady(page);
  assert.notEqual(await pidOf(B), pid);
});

test("a lost connection is shown, and states are shown as outdated until it is back", async () => {
  const { page } = await open(browser);
  await untilReady(page);

  await page.context().setOffline(true);
  await page.getByText("Connection lost, retrying").waitFor();
  await page.getByText("Was ready").first().waitFor();
  assert.match(await page.title(), /^Connection lost/);

  await page.context().setOffline(false);
  await page.getByText("Live", { exact: true }).waitFor();
  await untilReady(page);
});

test("another service's page opens at an origin of its own, through the same port", async () => {
  const { page } = await open(browser);
  await untilReady(page);
  const opened = page.waitForEvent("popup");
  await row(page, "Hello").getByRole("link").click();
  const other = await opened;
  await other.waitForLoadState();
  assert.equal(other.url(), "http://hello.localhost:3000/");
  assert.equal(await other.locator("body").innerText(), "hello from a service");
});

for (const width of [320, 768, 1920]) {
  test(`at ${width} pixels nothing needs horizontal scrolling`, async () => {
    const { page } = await open(browser, { viewport: { width, height: 800 } });
    await untilReady(page);
    const needed = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(needed) <= width, `${needed} px`);
  });
}

test("dark mode is dark, and text has enough contrast in both modes", async () => {
  for (const [colorScheme, isDark] of [
    ["light", false],
    ["dark", true],
  ] as const) {
    const { page } = await open(browser, { colorScheme });
    await untilReady(page);
    const ground = await luminance(page, "background-color", "body");
    assert.equal(ground < 0.2, isDark, `${colorScheme}: ${ground}`);
    for (const text of [".service-description", ".service-state", ".facts dt", ".hint"]) {
      const card = await luminance(page, "background-color", ".card");
      const own = await luminance(page, "color", text);
      const contrast = (Math.max(card, own) + 0.05) / (Math.min(card, own) + 0.05);
      assert.ok(contrast >= 4.5, `${colorScheme} ${text}: ${contrast.toFixed(2)}`);
    }
  }
});

/** Relative luminance as WCAG 2 defines it, from 0 for black to 1 for white. */
async function luminance(page: Page, property: string, selector: string): Promise<number> {
  const style = `getComputedStyle(document.querySelector(${JSON.stringify(selector)}))`;
  const colour: string = await page.evaluate(`${style}.getPropertyValue("${property}")`);
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? [])
    .map((value) => Number(value) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
