// The list of services: their states and the selected one.
import { at, element, setState, setText } from "./dom.js";
import { addressOf, clock, duration } from "./format.js";

const STATES = {
  ready: "Ready",
  starting: "Starting",
  restarting: "Restarting",
  unhealthy: "Unhealthy",
  down: "Down",
};

/** Worst first: the summary shows the first state that any service is in. */
const WORST_FIRST = ["unhealthy", "restarting", "starting", "down"];

const rows = new Map();
let selected;
let tellSelected = () => {};

export function onSelect(listener) {
  tellSelected = listener;
}

/** Without a connection, the last known states are shown as outdated. */
export function showServices(services, { ownPort, unknownSince }) {
  removeOthers(services);
  const list = at("service-list");
  if (rows.size === 0) list.replaceChildren();
  if (services.length === 0) list.append(element("li", "This machine runs no services.", "empty"));
  for (const [index, service] of services.entries()) {
    const row = rows.get(service.name) ?? makeRow(service);
    // Moving an element takes its focus.
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    showService(row, service, { ownPort, unknownSince });
  }
  const { state, text } = unknownSince
    ? { state: "unknown", text: `Unknown since ${clock(unknownSince).slice(0, 5)}` }
    : summaryOf(services);
  setState(at("summary"), state);
  setText(at("summary-text"), text);
  if (!rows.has(selected)) select(firstChoice(services));
}

/** The state of all services in a few words. */
export function summaryOf(services) {
  const states = services.map(stateOf);
  const worst = WORST_FIRST.find((state) => states.includes(state));
  if (worst) {
    const number = states.filter((state) => state === worst).length;
    return { state: worst, text: `${number} of ${states.length} ${STATES[worst].toLowerCase()}` };
  }
  if (states.length === 0) return { state: "unknown", text: "No services" };
  return {
    state: "ready",
    text: states.length === 1 ? "Ready" : `All ${states.length} services ready`,
  };
}

/** A service that is up but does not answer is unhealthy, which its supervisor cannot know. */
function stateOf({ state, health }) {
  return state === "ready" && health === "failing" ? "unhealthy" : state;
}

function removeOthers(services) {
  for (const [name, row] of rows) {
    if (services.some((service) => service.name === name)) continue;
    row.remove();
    rows.delete(name);
  }
}

function makeRow({ name }) {
  const row = at("service-template").content.firstElementChild.cloneNode(true);
  row.querySelector("button").addEventListener("click", () => select(name));
  rows.set(name, row);
  return row;
}

function showService(row, service, { ownPort, unknownSince }) {
  const state = stateOf(service);
  setState(row, unknownSince ? "unknown" : state);
  setText(row.querySelector(".service-name"), service.displayName);
  setText(row.querySelector(".service-description"), service.description);
  setText(
    row.querySelector(".service-state"),
    unknownSince ? `Was ${STATES[state].toLowerCase()}` : STATES[state],
  );
  setText(row.querySelector(".service-detail"), detailsOf(service));
  row.querySelector(".service-text").title = service.name;
  showLink(row.querySelector("a"), service, ownPort);
}

function detailsOf({ port, pid, seconds, ended }) {
  const age = seconds === null ? "" : `${duration(seconds)}${pid ? "" : " ago"}`;
  return [port && `:${port}`, pid && `pid ${pid}`, ended, age].filter(Boolean).join(" · ");
}

function showLink(link, service, ownPort) {
  const address =
    service.hasWebUI && service.port ? addressOf(service, ownPort, location) : undefined;
  link.hidden = !address;
  if (!address || link.href === address) return;
  link.href = address;
  setText(link.querySelector(".hidden-text"), ` ${service.displayName} in a new tab`);
}

/* The selection: kept in the page's address, so that a log can be linked to and survives a reload. */

function firstChoice(services) {
  const wanted = new URLSearchParams(location.search).get("service");
  const choice =
    services.find(({ name }) => name === wanted) ??
    services.find(({ hasLog }) => hasLog) ??
    services[0];
  return choice?.name;
}

function select(name) {
  if (selected !== undefined && name !== undefined) {
    history.replaceState(null, "", `?service=${encodeURIComponent(name)}`);
  }
  selected = name;
  for (const [other, row] of rows) {
    row.querySelector("button").setAttribute("aria-pressed", String(other === name));
  }
  tellSelected(name);
}

const MOVES = {
  ArrowDown: (at, number) => Math.min(at + 1, number - 1),
  ArrowUp: (at) => Math.max(at - 1, 0),
  Home: () => 0,
  End: (_, number) => number - 1,
};

at("service-list").addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  const buttons = [...at("service-list").querySelectorAll("button")];
  const index = buttons.indexOf(document.activeElement);
  if (!move || index === -1 || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const button = buttons[move(index, buttons.length)];
  button.focus();
  if (button !== buttons[index]) button.click();
});
