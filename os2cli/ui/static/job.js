// A running job: phases, status, messages and the end of its log, from the server's events.

import { element } from "./notes.js";

const MAX_LINES = 2000;
const TONES = /** @type {Record<string, string>} */ ({
  running: "busy",
  cancelling: "busy",
  done: "good",
  failed: "bad",
  cancelled: "idle",
});

export function watchJob() {
  const job = document.getElementById("job");
  if (!job || !("jobEvents" in job.dataset)) return;
  const view = new JobView(job);
  if (["running", "cancelling"].includes(job.dataset.state ?? "")) view.listen();
}

class JobView {
  /** @param {HTMLElement} job */
  constructor(job) {
    this.job = job;
    this.phases = part(job, "[data-phases]");
    this.lines = part(job, "[data-lines]");
    this.messages = part(job, "[data-messages]");
    this.started = performance.now() - 1000 * Number(part(job, "[data-elapsed]").dataset.elapsed);
    this.lines.scrollTop = this.lines.scrollHeight;
    const cancel = job.querySelector("[data-cancel]");
    cancel?.addEventListener("submit", (event) => {
      event.preventDefault();
      cancel.querySelector("button")?.setAttribute("disabled", "");
      fetch(/** @type {HTMLFormElement} */ (cancel).action, {
        method: "POST",
        headers: { Accept: "application/json" },
      });
    });
  }

  listen() {
    const source = new EventSource(`${this.job.dataset.jobEvents}?after=${this.job.dataset.after}`);
    const on = (/** @type {string} */ kind, /** @type {(data: any) => void} */ take) =>
      source.addEventListener(kind, (event) => take(JSON.parse(event.data)));
    on("everything", (data) => this.all(data));
    on("phase", (data) => this.phase(data.number, data));
    on("status", (data) => this.status(data.text));
    on("message", (data) => this.message(data));
    on("log", (data) => this.line(data.line));
    on("end", (data) => {
      source.close();
      this.end(data);
    });
    this.clock = setInterval(() => this.tick(), 500);
    this.tick();
  }

  tick() {
    const seconds = Math.floor((performance.now() - this.started) / 1000);
    part(this.job, "[data-elapsed]").textContent = `${seconds} s`;
  }

  /** @param {any} data */
  all(data) {
    this.phases.replaceChildren();
    this.messages.replaceChildren();
    this.lines.replaceChildren();
    for (const [number, phase] of data.phases.entries()) this.phase(number, phase);
    for (const message of data.messages) this.message(message);
    for (const line of data.lines) this.line(line);
    this.status(data.status);
  }

  /** @param {number} number @param {any} phase */
  phase(number, phase) {
    let row = /** @type {HTMLElement | undefined} */ (this.phases.children[number]);
    if (!row) {
      row = element("li");
      const mark = element("span", "phase-mark");
      mark.setAttribute("aria-hidden", "true");
      const seconds = element("span", "num");
      seconds.dataset.phaseSeconds = "";
      row.append(
        mark,
        element("span", "phase-title", phase.title),
        element("span", "sr"),
        element("span", "phase-status"),
        seconds,
      );
      this.phases.append(row);
    }
    const state = phase.running ? "running" : phase.ok ? "done" : "failed";
    row.dataset.state = state;
    part(row, ".sr").textContent = state;
    part(row, "[data-phase-seconds]").textContent = phase.running
      ? ""
      : `${phase.seconds.toFixed(1)} s`;
    if (!phase.running) part(row, ".phase-status").textContent = "";
  }

  /** @param {string} text */
  status(text) {
    const running = Array.from(
      this.phases.querySelectorAll('[data-state="running"] .phase-status'),
    ).pop();
    if (running) running.textContent = text;
  }

  /** @param {{ kind: string, text: string }} message */
  message(message) {
    const row = element("li", "", message.text);
    row.dataset.kind = message.kind;
    this.messages.append(row);
    if (message.text.startsWith("Cancelling")) this.state("cancelling");
  }

  /** @param {string} text */
  line(text) {
    const box = this.lines;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    box.append(element("div", "", text));
    while (box.children.length > MAX_LINES) box.firstElementChild?.remove();
    if (atEnd) box.scrollTop = box.scrollHeight;
    part(this.job, "[data-line-count]").textContent = `${box.children.length} lines`;
  }

  /** @param {string} state */
  state(state) {
    this.job.dataset.state = state;
    const status = part(this.job, "[data-job-state] .status");
    status.dataset.tone = TONES[state];
    status.lastChild?.replaceWith(`${state.charAt(0).toUpperCase()}${state.slice(1)}`);
  }

  /** @param {any} result */
  end(result) {
    clearInterval(this.clock);
    this.state(result.state);
    part(this.job, "[data-elapsed]").textContent = `${Math.floor(result.seconds)} s`;
    const cancel = this.job.querySelector("[data-cancel]");
    if (cancel instanceof HTMLElement) cancel.hidden = true;
    const box = element("div", "notice");
    box.dataset.tone = TONES[result.state];
    if (result.outcome) {
      box.append(element("p", "notice-title", result.outcome), links(result.links));
    } else if (result.error) {
      box.append(element("p", "notice-title", result.error.message));
      if (result.error.hint) box.append(element("p", "hint", result.error.hint));
      if (!this.lines.children.length) for (const line of result.error.log_tail) this.line(line);
    } else {
      box.append(element("p", "notice-title", "Cancelled. Everything was rolled back."));
    }
    part(this.job, "[data-job-result]").replaceChildren(box);
    const running = document.getElementById("running");
    if (running?.lastChild) {
      const left = Math.max(0, Number(running.lastChild.nodeValue) - 1);
      running.lastChild.nodeValue = String(left);
      running.hidden = left === 0;
    }
    document.title = `${result.state === "done" ? "✓" : "✗"} ${document.title}`;
  }
}

/** @param {[string, string][]} all */
function links(all) {
  const row = element("p", "row");
  all.forEach(([label, href], number) => {
    const link = element("a", number ? "button" : "button primary", label);
    link.setAttribute("href", href);
    if (href.includes("/open")) {
      link.setAttribute("target", "_blank");
      link.setAttribute("rel", "noopener noreferrer");
    }
    row.append(link);
  });
  return row;
}

/** @param {Element} within @param {string} selector */
function part(within, selector) {
  return /** @type {HTMLElement} */ (within.querySelector(selector));
}
