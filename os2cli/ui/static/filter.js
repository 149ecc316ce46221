// Shows only the rows of a list that contain every word of the filter.

import { base } from "./base.js";

export function watchFilter() {
  const input = document.getElementById("filter");
  if (!(input instanceof HTMLInputElement)) return;
  const key = `os2-filter ${location.pathname.slice(base.length)}`;
  input.value = sessionStorage.getItem(key) ?? "";
  const apply = () => {
    sessionStorage.setItem(key, input.value);
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const list of document.querySelectorAll('[data-filtered="#filter"]')) narrow(list, words);
  };
  input.addEventListener("input", apply);
  document.addEventListener("os2:changed", apply);
  apply();
}

/** @param {Element} list @param {string[]} words */
function narrow(list, words) {
  let matches = 0;
  const rows = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("tr[data-text]"));
  for (const row of rows) {
    const text = (row.dataset.text ?? "").toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    if (!row.hidden) matches += 1;
  }
  const none = list.querySelector("[data-none]");
  if (none instanceof HTMLElement) {
    none.hidden = matches > 0 || rows.length === 0;
    none.dataset.shown = "";
  }
}
