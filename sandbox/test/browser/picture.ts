// Writes a picture of the machine's page to stdout: PNG in base64, as engine logs are text.
import { launch, open, untilReady } from "./browser.ts";

const browser = await launch();
const { page } = await open(browser, { deviceScaleFactor: 2 }, "/?service=iterate-server");
await untilReady(page);
await page.locator("#log li").first().waitFor();
process.stdout.write((await page.screenshot()).toString("base64"));
await browser.close();
