// The page: asks the API and shows what it says. Elements are made once and then only their text
// changes, so that focus, selection and scrolling survive each update.

const SERVICES_EVERY = 2000;
const LOG_EVERY = 1500;
const INFO_EVERY = 15_000;

const STATES = {
  ready: "Ready",
  starting: "Starting",
  restarting: "Restarting",
  unhealthy: "Unhealthy",
  down: "Down",
};

/** Worst first: the summary tells the first of them that any service is in. */
const WORST_FIRST = ["unhealthy", "restarting", "starting", "down"];

const at = (id) => document.getElementById(id);

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Leaves what is the same alone: a changed text is read out again by a screen reader. */
function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

function setIcon(parent, state) {
  const use = parent.querySelector("use");
  if (use.getAttribute("href") !== `#icon-${state}`) use.setAttribute("href", `#icon-${state}`);
}

function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([number]) => number > 0)
    .map((part) => part.join(""))
    .join(" ");
}

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(8000) });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return await response.json();
}

/* The connection */

function showConnection(isLive) {
  at("connection").dataset.state = isLive ? "live" : "lost";
  setText(at("connection"), isLive ? "Live" : "Connection lost, trying again");
  document.body.classList.toggle("is-stale", !isLive);
  if (!isLive) showSummary("unknown", "State unknown");
}

/** Repeats `work` while somebody may be looking. */
function repeat(work, milliseconds) {
  const round = async () => {
    if (!document.hidden) await work().catch(() => showConnection(false));
    setTimeout(round, milliseconds);
  };
  round();
}

/* The machine */

let info;
let infoAt = 0;

async function updateInfo() {
  info = await get("/api/info");
  infoAt = performance.now();
  const name = info.name ?? "Unnamed machine";
  setText(at("machine-name"), name);
  document.title = `${name} · os2`;
  showFacts(at("machine"), [
    ["Image", info.snapshot ?? "local"],
    ["Processors", `${info.cpus} × ${info.architecture}`],
    ["Memory", `${(info.memory / 1024 ** 3).toFixed(1)} GiB`],
    ["Sandbox", info.version],
  ]);
  showRepository(info.repository);
  showFacts(
    at("tools"),
    info.tools.map(({ name, version }) => [name, version]),
    "No versions were recorded when this image was built.",
  );
  showUptime();
}

function showUptime() {
  if (!info) return;
  const seconds = info.uptime + (performance.now() - infoAt) / 1000;
  const line = at("machine-facts");
  if (!line.querySelector("[data-uptime]")) {
    const uptime = element("span");
    uptime.dataset.uptime = "";
    const image = element("span");
    image.append(element("code", info.snapshot ?? "local image"));
    line.replaceChildren(image, uptime);
  }
  setText(line.querySelector("[data-uptime]"), `up ${duration(seconds)}`);
}

function showRepository({ folder, remote, branch, commit, subject }) {
  const facts = [
    ["Branch", commit ? (branch ?? "detached") : null],
    ["Commit", commit?.slice(0, 10)],
    ["Remote", remote?.replace(/^https?:\/\//, "").replace(/\.git$/, "")],
    ["Folder", folder],
  ].filter(([, value]) => value);
  showFacts(at("repository"), facts);
  const note = subject ?? "The copy in the image, without git history.";
  at("repository").append(element("dd", note, "wide"));
}

function showFacts(list, facts, whenEmpty = "") {
  if (facts.length === 0) {
    list.replaceChildren(element("dd", whenEmpty, "wide"));
    return;
  }
  list.replaceChildren(
    ...facts.flatMap(([term, value]) => [element("dt", term), element("dd", value)]),
  );
}

/* The services */

const rows = new Map();
let selected;

/** A service that is up and doesn't answer is worse than what its supervisor can know. */
function stateOf({ state, health }) {
  return state === "ready" && health === "failing" ? "unhealthy" : state;
}

async function updateServices() {
  const { services } = await get("/api/services");
  showConnection(true);
  const list = at("service-list");
  if (services.length === 0) {
    list.replaceChildren(element("li", "This machine runs no services.", "empty"));
    rows.clear();
    showSummary("unknown", "No services");
    return;
  }
  if (rows.size === 0) list.replaceChildren();
  for (const name of rows.keys()) {
    if (services.some((service) => service.name === name)) continue;
    rows.get(name).remove();
    rows.delete(name);
  }
  for (const service of services) {
    if (!rows.has(service.name)) {
      rows.set(service.name, makeRow(service));
      list.append(rows.get(service.name));
    }
    showService(rows.get(service.name), service);
  }
  summarise(services.map(stateOf));
  if (!selected) select((services.find(({ hasLog }) => hasLog) ?? services[0]).name);
}

function makeRow({ name }) {
  const row = at("service-template").content.firstElementChild.cloneNode(true);
  row.querySelector("button").addEventListener("click", () => select(name));
  return row;
}

function showService(row, service) {
  const state = stateOf(service);
  row.dataset.state = state;
  setIcon(row, state);
  setText(row.querySelector(".service-name"), service.displayName);
  setText(row.querySelector(".service-description"), service.description);
  setText(row.querySelector(".service-state"), STATES[state]);
  setText(row.querySelector(".service-detail"), details(service));
  row.title = service.name;
  const link = row.querySelector("a");
  const address = service.hasWebUI && service.port ? addressOf(service.port) : undefined;
  link.hidden = !address;
  if (address && link.href !== address) {
    link.href = address;
    setText(link.querySelector(".hidden-text"), ` ${service.displayName} in a new tab`);
  }
}

function details({ port, pid, seconds, ended }) {
  const age = seconds === null ? undefined : duration(seconds);
  return [port && `:${port}`, pid && `pid ${pid}`, ended ?? age].filter(Boolean).join(" · ");
}

/** Where another port of this machine is reached; nothing for the one that this page is from. */
function addressOf(port) {
  const { protocol, hostname } = location;
  if (!info || port === info.port) return undefined;
  // A preview address names the port in front; elsewhere the port is published as itself.
  const own = `${info.port}-`;
  if (hostname.startsWith(own)) return `${protocol}//${port}-${hostname.slice(own.length)}/`;
  return `${protocol}//${hostname}:${port}/`;
}

function summarise(states) {
  const worst = WORST_FIRST.find((state) => states.includes(state));
  const number = states.filter((state) => state === worst).length;
  if (worst) showSummary(worst, `${number} of ${states.length} ${STATES[worst].toLowerCase()}`);
  else showSummary("ready", states.length === 1 ? "Ready" : `All ${states.length} services ready`);
}

function showSummary(state, text) {
  at("summary").dataset.state = state;
  setIcon(at("summary"), state);
  setText(at("summary-text"), text);
}

/* The log */

function select(name) {
  selected = name;
  for (const [other, row] of rows) {
    row.querySelector("button").setAttribute("aria-pressed", String(other === name));
  }
  setText(at("log-of"), name);
  shown = undefined;
  updateLog().catch(() => showConnection(false));
}

let shown;

async function updateLog() {
  if (!selected) return;
  const name = selected;
  const log = await get(`/api/services/${encodeURIComponent(name)}/logs?lines=300`);
  // The answer may be late, and somebody may be reading or copying what is there.
  const key = JSON.stringify([name, log.lines]);
  if (name !== selected || key === shown || isSelecting()) return;
  shown = key;
  showLog(log);
}

function isSelecting() {
  const selection = getSelection();
  return selection && !selection.isCollapsed && at("log").contains(selection.anchorNode);
}

function showLog({ file, lines }) {
  const panel = at("log");
  if (lines.length === 0) {
    const why = file
      ? "Nothing has been logged yet."
      : "This service writes to the container’s own log: see “docker logs”.";
    panel.replaceChildren(element("p", why, "empty"));
  } else {
    const list = element("ol");
    list.append(...lines.map(logLine));
    panel.replaceChildren(list);
    if (at("follow").checked) panel.scrollTop = panel.scrollHeight;
  }
  setText(at("log-foot"), file ? `${file} · last ${lines.length} lines` : "No log file");
}

function logLine(line) {
  const [, time, text] = /^(\d{4}-\d\d-\d\d[ T][\d:.]+)\s+(.*)$/.exec(line) ?? [null, "", line];
  const item = element("li");
  const stamp = element("time", time.slice(11, 19));
  if (time) stamp.title = `${time} UTC`;
  item.append(stamp, element("span", text));
  return item;
}

at("follow").addEventListener("change", () => {
  if (at("follow").checked) at("log").scrollTop = at("log").scrollHeight;
});

// Scrolling up means reading: new lines must not pull the reader away.
at("log").addEventListener("scroll", () => {
  const { scrollTop, scrollHeight, clientHeight } = at("log");
  at("follow").checked = scrollHeight - scrollTop - clientHeight < 24;
});

repeat(updateInfo, INFO_EVERY);
repeat(updateServices, SERVICES_EVERY);
repeat(updateLog, LOG_EVERY);
setInterval(showUptime, 1000);
