// The log of the selected service.
import { get, Refused } from "./api.js";
import { at, element, setText } from "./dom.js";
import { clock, count, parseLine } from "./format.js";

const LINES = 300;

let service;
let shown;

export function showLogOf(name) {
  service = name;
  shown = undefined;
  setText(at("log-of"), name ?? "");
  at("log-title").title = name ?? "";
  at("follow").checked = true;
}

export async function updateLog() {
  if (service === undefined || (shown && (!at("follow").checked || isSelecting()))) return;
  const name = service;
  const log = await get(`/api/services/${encodeURIComponent(name)}/logs?lines=${LINES}`).catch(
    (error) => {
      if (error instanceof Refused && error.status === 404) return undefined; // just removed
      throw error;
    },
  );
  const key = JSON.stringify(log);
  // The answer may be late: by then another service, or some text, may be selected.
  if (!log || name !== service || key === shown || (shown && isSelecting())) return;
  shown = key;
  show(log);
}

function isSelecting() {
  const selection = getSelection();
  return selection && !selection.isCollapsed && at("log").contains(selection.anchorNode);
}

function show({ file, lines }) {
  const panel = at("log");
  if (lines.length === 0) {
    const why = file
      ? "Nothing has been logged yet."
      : "This service writes to the container’s own log: see “docker logs”.";
    panel.replaceChildren(element("p", why, "empty"));
  } else {
    const list = element("ol");
    list.append(...itemsOf(lines));
    panel.replaceChildren(list);
  }
  // Only an element that scrolls should take the keyboard focus.
  panel.tabIndex = panel.scrollHeight > panel.clientHeight ? 0 : -1;
  panel.scrollTop = panel.scrollHeight;
  setText(at("log-file"), file ?? "No log file");
  setText(at("log-count"), lines.length === 0 ? "" : describe(lines.length));
}

function describe(number) {
  return number < LINES ? count(number, "line") : `last ${LINES} lines`;
}

/** The lines, with the date above the first line of each day. */
function* itemsOf(lines) {
  let day = new Date().toDateString();
  for (const line of lines) {
    const { text, date } = parseLine(line);
    if (date && date.toDateString() !== day) {
      day = date.toDateString();
      yield element("li", date.toLocaleDateString("en", { dateStyle: "long" }), "day");
    }
    const item = element("li");
    const stamp = element("time", date && clock(date));
    if (date) {
      stamp.dateTime = date.toISOString();
      stamp.title = `${date.toISOString().replace("T", " ").slice(0, -1)} UTC`;
    }
    item.append(stamp, element("span", text));
    yield item;
  }
}

at("follow").addEventListener("change", () => {
  if (!at("follow").checked) return;
  at("log").scrollTop = at("log").scrollHeight;
  updateLog().catch(() => {}); // The next poll reports the lost connection.
});

// A reader who scrolled up must not be pulled away by new lines.
at("log").addEventListener("scroll", () => {
  const { scrollTop, scrollHeight, clientHeight } = at("log");
  at("follow").checked = scrollHeight - scrollTop - clientHeight < 24;
});
