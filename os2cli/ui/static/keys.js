// Keyboard shortcuts: letters for common actions, arrows in lists, Esc to close.

import { base } from "./base.js";

const shortcuts = /** @type {HTMLDialogElement} */ (document.getElementById("shortcuts"));
let going = false;

export function watchKeys() {
  const help = /** @type {HTMLButtonElement} */ (document.getElementById("help"));
  help.addEventListener("click", () => shortcuts.showModal());
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
    }
  });
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key === "Escape") {
    leave(target);
    return;
  }
  const typing = target.matches("input, textarea, select, [contenteditable], .xterm *");
  if (typing || document.querySelector("dialog[open]")) {
    if (target.id === "filter" && (event.key === "ArrowDown" || event.key === "Enter"))
      step(event, 1);
    return;
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp")
    step(event, event.key === "ArrowDown" ? 1 : -1);
  else if (going) go(event.key);
  else letter(event);
}

/** @param {KeyboardEvent} event */
function letter(event) {
  if (event.key === "?") shortcuts.showModal();
  else if (event.key === "n") location.assign(`${base}/machines/new`);
  else if (event.key === "/") document.getElementById("filter")?.focus();
  else if (event.key === "g") {
    going = true;
    setTimeout(() => {
      going = false;
    }, 1000);
    return;
  } else return;
  event.preventDefault();
}

/** @param {string} key */
function go(key) {
  going = false;
  const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  if (link instanceof HTMLAnchorElement) location.assign(link.href);
}

/** @param {HTMLElement} target */
function leave(target) {
  const menu = target.closest("details.menu[open]");
  if (menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
  } else if (target instanceof HTMLInputElement && target.id === "filter") {
    target.value = "";
    target.dispatchEvent(new Event("input", { bubbles: true }));
    target.blur();
  }
}

/** @param {KeyboardEvent} event @param {number} by */
function step(event, by) {
  const menu = document.activeElement?.closest("details.menu[open]");
  const all = menu
    ? Array.from(menu.querySelectorAll("summary, .menu-item"))
    : Array.from(document.querySelectorAll("[data-list] [data-item]")).filter(
        (item) => !item.closest("tr")?.hidden,
      );
  if (!all.length) return;
  const at = document.activeElement?.closest("tr")?.querySelector("[data-item]");
  const from = menu
    ? all.indexOf(/** @type {Element} */ (document.activeElement))
    : at
      ? all.indexOf(at)
      : -1;
  const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
  if (next instanceof HTMLElement) {
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
}
