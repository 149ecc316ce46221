// Parts of a page that are refreshed while the page is visible.

import { morphInto } from "./morph.js";
import { piece } from "./server.js";

/** @type {Map<Element, () => Promise<void>>} */
const parts = new Map();

export function watchParts() {
  for (const part of document.querySelectorAll("[data-live]"))
    watch(/** @type {HTMLElement} */ (part));
}

/** Refresh all parts now, after a change. */
export function refresh() {
  for (const again of parts.values()) again();
}

/** @param {HTMLElement} part */
function watch(part) {
  const every = Number(part.dataset.every);
  let timer = 0;
  let busy = false;
  const again = async () => {
    clearTimeout(timer);
    if (busy) return;
    busy = true;
    part.setAttribute("aria-busy", "true");
    const html = await piece(part.dataset.live ?? "");
    if (html !== null) {
      morphInto(part, html);
      part.dispatchEvent(new CustomEvent("os2:changed", { bubbles: true }));
    }
    part.setAttribute("aria-busy", "false");
    busy = false;
    if (every && document.visibilityState === "visible") timer = window.setTimeout(again, every);
  };
  parts.set(part, again);
  document.addEventListener("visibilitychange", () => {
    if (every && document.visibilityState === "visible") again();
  });
  if (every && !part.querySelector(".waiting")) timer = window.setTimeout(again, every);
  else again();
}
