// Toasts at the edge of the page: the results of jobs.

import { refresh } from "./live.js";
import { fetchJson } from "./server.js";

const toasts = /** @type {HTMLElement} */ (document.getElementById("toasts"));
const POLL = 700;
const STAY = 6000;

/**
 * @typedef {{ hint?: string | null, href?: string, stay?: boolean }} More
 * @param {string} tone @param {string} text @param {More} [more]
 */
export function toast(tone, text, more = {}) {
  const box = element("div", "toast");
  fill(box, tone, text, more);
  toasts.append(box);
  while (toasts.children.length > 4) toasts.firstElementChild?.remove();
  return box;
}

/**
 * Replace the content in place, so that nothing on the page moves.
 * @param {HTMLElement} box @param {string} tone @param {string} text @param {More} more
 */
function fill(box, tone, text, more) {
  const status = element("span", "status");
  status.dataset.tone = tone;
  status.append(element("span", "dot"));
  const words = element("div");
  words.append(element("p", "notice-title", text));
  if (more.hint) words.append(element("p", "hint", more.hint));
  if (more.href) {
    const link = element("a", "", "Show");
    link.setAttribute("href", more.href);
    words.append(link);
  }
  const close = element("button", "link", "Dismiss");
  close.addEventListener("click", () => box.remove());
  box.replaceChildren(status, words, close);
  if (!more.stay) setTimeout(() => box.remove(), STAY);
}

/**
 * Show a job in a toast, refresh the page, and show the result.
 * @param {{ id: string, url: string, title: string }} job
 */
export async function follow(job) {
  const box = toast("busy", `${job.title}…`, { href: job.url, stay: true });
  refresh();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    const current = await fetchJson(job.url);
    if (current.state === "running" || current.state === "cancelling") continue;
    refresh();
    if (current.outcome) fill(box, "good", current.outcome, {});
    else if (current.state === "cancelled") fill(box, "idle", `${job.title}: cancelled`, {});
    else
      fill(box, "bad", current.error?.message ?? "failed", {
        hint: current.error?.hint,
        href: job.url,
        stay: true,
      });
    return;
  }
}

/** @param {string} tag @param {string} [name] @param {string} [text] */
export function element(tag, name, text) {
  const created = document.createElement(tag);
  if (name) created.className = name;
  if (text !== undefined) created.textContent = text;
  return created;
}
