// Writes a picture of the machine's page, as PNG, to stdout.
import { launch, open, untilReady } from "./browser.ts";

const browser = await launch();
const { page } = await open(browser, { deviceScaleFactor: 2 }, "/?service=iterate-server");
await untilReady(page);
process.stdout.write(await page.screenshot());
await browser.close();
