// The form for a new machine: the options of a type, the source preview, rows of variables.

import { base } from "./base.js";
import { submit } from "./forms.js";
import { morphInto } from "./morph.js";
import { piece } from "./server.js";

const WAIT = 250;

export function watchCreate() {
  const form = document.getElementById("create");
  if (!(form instanceof HTMLFormElement)) return;
  const type = /** @type {HTMLSelectElement} */ (form.elements.namedItem("type"));
  let timer = 0;
  const showSoon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => showSource(form, false), WAIT);
  };
  const update = () => {
    showOptions(form, type);
    showSource(form, false);
  };
  type.addEventListener("change", update);
  for (const name of ["stage", "snapshot"]) {
    form.querySelector(`[name="${name}"]`)?.addEventListener("input", showSoon);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  form.addEventListener("click", (event) => clicked(form, /** @type {Element} */ (event.target)));
  form.querySelector("[data-reveal]")?.addEventListener("change", (event) => {
    reveal(form, /** @type {HTMLInputElement} */ (event.target).checked);
  });
  update();
}

/** @param {HTMLFormElement} form @param {HTMLSelectElement} type */
function showOptions(form, type) {
  const supported = new Set((type.selectedOptions[0].dataset.options ?? "").split(" "));
  for (const part of form.querySelectorAll("[data-option]")) {
    if (!(part instanceof HTMLElement)) continue;
    const unsupported = !supported.has(part.dataset.option ?? "");
    part.toggleAttribute("data-foreign", unsupported);
    for (const input of part.querySelectorAll("input")) input.disabled = unsupported;
  }
  for (const words of form.querySelectorAll("[data-type]")) {
    if (words instanceof HTMLElement) words.hidden = words.dataset.type !== type.value;
  }
}

/** @param {HTMLFormElement} form @param {boolean} refresh */
async function showSource(form, refresh) {
  const box = /** @type {HTMLElement} */ (form.querySelector("[data-source]"));
  const data = new FormData(form);
  const query = new URLSearchParams();
  for (const name of ["type", "stage", "snapshot"]) query.set(name, String(data.get(name) ?? ""));
  if (refresh) query.set("refresh", "");
  box.setAttribute("aria-busy", "true");
  const search = query.toString();
  box.dataset.search = search;
  const html = await piece(`${base}/machines/preview?${search}`);
  if (box.dataset.search !== search) return;
  if (html !== null) morphInto(box, html);
  box.setAttribute("aria-busy", "false");
}

/** @param {HTMLFormElement} form @param {Element} target */
function clicked(form, target) {
  const add = target.closest("[data-add-row]");
  if (add instanceof HTMLElement) addRow(form, add.dataset.addRow ?? "", "", "").focus();
  const remove = target.closest("[data-remove-row]");
  if (remove) removeRow(/** @type {Element} */ (remove.closest(".pair")));
  if (target.closest("[data-refresh]")) showSource(form, true);
  const paste = target.closest("[data-paste]");
  const panel = /** @type {HTMLElement} */ (form.querySelector("#paste"));
  if (paste) {
    panel.hidden = !panel.hidden;
    paste.setAttribute("aria-expanded", String(!panel.hidden));
    panel.querySelector("textarea")?.focus();
  }
  if (target.closest("[data-paste-take]")) {
    const text = /** @type {HTMLTextAreaElement} */ (panel.querySelector("textarea"));
    for (const [key, value] of parseEnv(text.value)) addRow(form, "env", key, value);
    text.value = "";
    panel.hidden = true;
  }
}

/** @param {HTMLFormElement} form @param {string} kind @param {string} key @param {string} value */
function addRow(form, kind, key, value) {
  const rows = /** @type {HTMLElement} */ (form.querySelector(`[data-rows="${kind}"]`));
  const empty = Array.from(rows.querySelectorAll(".pair")).find((row) =>
    Array.from(row.querySelectorAll("input")).every((input) => !input.value),
  );
  const row =
    key && empty ? empty : /** @type {Element} */ (rows.querySelector(".pair")?.cloneNode(true));
  const [first, second] = row.querySelectorAll("input");
  first.value = key;
  second.value = value;
  first.removeAttribute("aria-invalid");
  if (row !== empty) rows.append(row);
  return first;
}

/** @param {Element} row */
function removeRow(row) {
  const rows = /** @type {Element} */ (row.parentElement);
  if (rows.querySelectorAll(".pair").length > 1) row.remove();
  else for (const input of row.querySelectorAll("input")) input.value = "";
  rows.querySelector("input")?.focus();
}

/** @param {HTMLFormElement} form @param {boolean} shown */
function reveal(form, shown) {
  for (const input of form.querySelectorAll('input[name="env_value"]')) {
    /** @type {HTMLInputElement} */ (input).type = shown ? "text" : "password";
  }
}

/** @param {string} text @returns {[string, string][]} */
export function parseEnv(text) {
  /** @type {[string, string][]} */
  const pairs = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) continue;
    const quoted = /^(["'])(.*)\1$/.exec(match[2]);
    pairs.push([match[1], quoted ? quoted[2] : match[2].replace(/\s+#.*$/, "")]);
  }
  return pairs;
}
