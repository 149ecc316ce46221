// A machine's log as it is written.

import { element } from "./notes.js";

const MOST_LINES = 5000;

export function watchLog() {
  const box = document.querySelector("[data-log]");
  const tools = document.querySelector("[data-log-tools]");
  if (!(box instanceof HTMLElement)) return;
  const form = () => new FormData(tools instanceof HTMLFormElement ? tools : undefined);
  /** @type {EventSource | null} */
  let source = null;
  const begin = () => {
    source?.close();
    const chosen = form();
    const url = new URL(box.dataset.log ?? "", location.href);
    const service = String(chosen.get("service") ?? "").trim();
    if (service) url.searchParams.set("service", service);
    if (tools && !chosen.get("follow")) url.searchParams.set("once", "");
    say(box, "Loading the log…");
    source = new EventSource(url);
    source.addEventListener("lines", (event) => add(box, JSON.parse(event.data)));
    source.addEventListener("end", (event) => {
      source?.close();
      const { error } = JSON.parse(event.data);
      if (error) say(box, error.hint ? `${error.message} – ${error.hint}` : error.message);
      else if (!box.querySelector("div")) say(box, "Nothing has been written yet.");
    });
    source.addEventListener("error", () => {
      // A browser would begin again from the start, and every line would be there twice.
      if (source?.readyState !== EventSource.CLOSED) source?.close();
    });
  };
  tools?.addEventListener("change", begin);
  tools?.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  window.addEventListener("pagehide", () => source?.close());
  begin();
}

/** @param {HTMLElement} box @param {string} words */
function say(box, words) {
  box.replaceChildren(element("p", "log-state", words));
}

/** @param {HTMLElement} box @param {string[]} lines */
function add(box, lines) {
  box.querySelector(".log-state")?.remove();
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  box.append(...lines.map((line) => element("div", "", line)));
  while (box.children.length > MOST_LINES) box.firstElementChild?.remove();
  if (atEnd) box.scrollTop = box.scrollHeight;
}
