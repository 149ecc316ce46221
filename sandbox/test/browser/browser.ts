// Chromium, from Debian or from npm, with the machine's page open.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

export const MACHINE = "http://localhost:3000";
const FROM_DEBIAN = "/usr/bin/chromium";
/** The browser of a test may only reach the machine. */
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

export async function launch(): Promise<Browser> {
  if (existsSync(FROM_DEBIAN)) {
    // The container isolates it: Chromium's own sandbox would need privileges.
    return await chromium.launch({
      executablePath: FROM_DEBIAN,
      args: QUIET,
      chromiumSandbox: false,
    });
  }
  // Installed only in the browser's image, so there are no types here.
  const packaged: string = "@sparticuz/chromium";
  const { default: fromNpm } = await import(packaged);
  return await chromium.launch({
    executablePath: await fromNpm.executablePath(),
    args: [...QUIET, "--headless=shell", "--no-zygote"],
    chromiumSandbox: false,
  });
}

/** The machine's page and the errors on it. */
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
