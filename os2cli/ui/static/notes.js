// Short words at the edge of the page: what a job came to.

import { lookAgain } from "./live.js";
import { look } from "./server.js";

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
 * In the same place, so that nothing on the page moves.
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
 * Say that a job runs, look again as it goes, and say how it ended.
 * @param {{ id: string, url: string, title: string }} job
 */
export async function follow(job) {
  const box = toast("busy", `${job.title}…`, { href: job.url, stay: true });
  lookAgain();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    const now = await look(job.url);
    if (now.state === "running" || now.state === "cancelling") continue;
    lookAgain();
    if (now.outcome) fill(box, "good", now.outcome, {});
    else if (now.state === "cancelled") fill(box, "idle", `${job.title}: cancelled`, {});
    else
      fill(box, "bad", now.error?.message ?? "it failed", {
        hint: now.error?.hint,
        href: job.url,
        stay: true,
      });
    return;
  }
}

/** @param {string} tag @param {string} [name] @param {string} [text] */
export function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}
