// Chromium, from Debian or from npm, and a page of it on the machine.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

export const MACHINE = "http://localhost:3000";
const FROM_DEBIAN = "/usr/bin/chromium";
/** The browser of a test asks nobody but the machine. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export async function launch(): Promise<Browser> {
  if (existsSync(FROM_DEBIAN)) {
    // The container keeps it in: its own sandbox would need privileges in there.
    return await chromium.launch({
      executablePath: FROM_DEBIAN,
      args: QUIET,
      chromiumSandbox: false,
    });
  }
  // Installed only where it is needed, so that there is nothing here to take its types from.
  const packaged: string = "@sparticuz/chromium";
  const { default: fromNpm } = await import(packaged);
  return await chromium.launch({
    executablePath: await fromNpm.executablePath(),
    args: [...QUIET, "--headless=shell", "--no-zygote"],
    chromiumSandbox: false,
  });
}

/** The machine's page, and what went wrong on it. */
export async function open(
  browser: Browser,
  options: BrowserContextOptions = {},
  path = "/",
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(`${MACHINE}${path}`);
  return { page, complaints };
}

/** Waits until all services are ready. */
export async function untilReady(page: Page): Promise<void> {
  await page.locator('#summary[data-state="ready"]').waitFor();
}
