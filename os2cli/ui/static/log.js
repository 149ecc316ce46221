// A log, as it is written.

import { element } from "./notes.js";

const MAX_LINES = 5000;

export function watchLog() {
  const box = document.querySelector("[data-log]");
  const tools = document.querySelector("[data-log-tools]");
  if (!(box instanceof HTMLElement)) return;
  const form = () => new FormData(tools instanceof HTMLFormElement ? tools : undefined);
  /** @type {EventSource | null} */
  let source = null;
  const start = () => {
    source?.close();
    const chosen = form();
    const url = new URL(box.dataset.log ?? "", location.href);
    const service = String(chosen.get("service") ?? "").trim();
    if (service) url.searchParams.set("service", service);
    if (tools && !chosen.get("follow")) url.searchParams.set("once", "");
    show(box, "Loading logs…");
    source = new EventSource(url);
    source.addEventListener("lines", (event) => add(box, JSON.parse(event.data)));
    source.addEventListener("end", (event) => {
      source?.close();
      const { error } = JSON.parse(event.data);
      if (error) show(box, error.hint ? `${error.message} – ${error.hint}` : error.message);
      else if (!box.querySelector("div")) show(box, "No output yet.");
    });
    source.addEventListener("error", () => {
      // The browser would reconnect from the start and show every line twice.
      if (source?.readyState !== EventSource.CLOSED) source?.close();
    });
  };
  tools?.addEventListener("change", start);
  tools?.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  window.addEventListener("pagehide", () => source?.close());
  start();
}

/** @param {HTMLElement} box @param {string} words */
function show(box, words) {
  box.replaceChildren(element("p", "log-state", words));
}

/** @param {HTMLElement} box @param {string[]} lines */
function add(box, lines) {
  box.querySelector(".log-state")?.remove();
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.append(...lines.map((line) => element("div", "", line)));
  while (box.children.length > MAX_LINES) box.firstElementChild?.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
}
