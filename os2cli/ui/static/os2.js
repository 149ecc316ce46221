// What every page runs; each part checks whether the page has its elements.

import { base } from "./base.js";
import { watchColours } from "./colours.js";
import { watchCreate } from "./create.js";
import { watchFilter } from "./filter.js";
import { watchForms } from "./forms.js";
import { watchJob } from "./job.js";
import { watchKeys } from "./keys.js";
import { watchParts } from "./live.js";
import { watchLog } from "./log.js";
import { toast } from "./notes.js";

watchColours();
watchKeys();
watchForms();
watchCreate();
watchParts();
watchFilter();
watchJob();
watchLog();

document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  if (!(button instanceof HTMLElement)) return;
  await navigator.clipboard.writeText(button.dataset.copy ?? "");
  toast("good", "Copied");
});
for (const link of document.querySelectorAll("[data-again]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    location.assign(`${base}/doctor`);
  });
}
