// The machine: its name, uptime, repository and tools.
import { at, element, setText } from "./dom.js";
import { duration } from "./format.js";

let uptime = 0;
let askedAt = 0;

export function showMachine(info) {
  setText(at("machine-name"), nameOf(info));
  setText(at("machine-image"), info.snapshot ?? "local image");
  uptime = info.uptime;
  askedAt = performance.now();
  showUptime();
  showRepository(info.repository);
  showFacts(at("machine"), [
    ["Processors", `${info.cpus} × ${info.architecture}`],
    ["Memory", `${(info.memory / 1024 ** 3).toFixed(1)} GiB`],
    ["Sandbox", info.version],
  ]);
  const tools = info.tools.map(({ name, version }) => [name, version]);
  showFacts(at("tools"), tools, tools.length === 0 && "Not recorded in this image.");
  at("about").removeAttribute("aria-busy");
}

export function nameOf({ name }) {
  return name ?? "Unnamed machine";
}

/** Counts up between two answers. */
export function showUptime() {
  const seconds = uptime + (performance.now() - askedAt) / 1000;
  setText(at("machine-uptime"), `up ${duration(seconds)}`);
}

function showRepository({ folder, remote, branch, commit, subject }) {
  const facts = [
    ["Branch", commit && (branch ?? "detached")],
    ["Commit", commit?.slice(0, 10)],
    ["Remote", remote?.replace(/^https?:\/\//, "").replace(/\.git$/, "")],
    ["Folder", folder],
  ];
  const note = commit ? subject : "No git history: files only.";
  showFacts(
    at("repository"),
    facts.filter(([, value]) => value),
    note,
  );
}

function showFacts(list, facts, note) {
  const rows = facts.flatMap(([term, value]) => [element("dt", term), element("dd", value)]);
  if (note) rows.push(element("dd", note, "wide"));
  // Text that is selected stays selected if nothing has changed.
  const text = rows.map((row) => row.textContent).join("\n");
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...rows);
}
