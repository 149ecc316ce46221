// The page: polls the machine every two seconds.
import { get, Refused } from "./api.js";
import { at, setText } from "./dom.js";
import { showLogOf, updateLog } from "./log.js";
import { nameOf, showMachine, showUptime } from "./machine.js";
import { onSelect, showServices, summaryOf } from "./services.js";

const EVERY = 2000;
/** The facts about the machine change less often than its services. */
const INFO_EVERY = 15_000;

let info;
let infoIsDueAt = 0;
let services = [];
let isLive = false;
let answeredAt;
let timer;
let isAsking = false;

async function update() {
  if (performance.now() >= infoIsDueAt) {
    info = await get("/api/info");
    infoIsDueAt = performance.now() + INFO_EVERY;
    showMachine(info);
  }
  ({ services } = await get("/api/services"));
  isLive = true;
  answeredAt = new Date();
  show();
  await updateLog();
}

function lose(error) {
  isLive = false;
  infoIsDueAt = 0; // The next answer may come from another machine.
  show(error instanceof Refused ? error.message : "Connection lost");
}

function show(problem) {
  at("connection").dataset.state = isLive ? "live" : "lost";
  setText(at("connection"), isLive ? "Live" : `${problem}, retrying`);
  // Before the first answer, no state can be outdated.
  if (!answeredAt) return;
  showServices(services, { ownPort: info.port, unknownSince: isLive ? undefined : answeredAt });
  document.title = titleOf();
}

/** Shows a problem in the title, which is visible from other tabs. */
function titleOf() {
  const { state, text } = isLive ? summaryOf(services) : { text: "Connection lost" };
  return `${state === "ready" ? "" : `${text} · `}${nameOf(info)} · os2`;
}

async function refresh() {
  if (isAsking) return;
  isAsking = true;
  clearTimeout(timer);
  await update().catch(lose);
  isAsking = false;
  if (!document.hidden) timer = setTimeout(refresh, EVERY);
}

onSelect((name) => {
  showLogOf(name);
  updateLog().catch(() => {}); // The next poll reports the lost connection.
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(() => {
  if (isLive) showUptime();
}, 1000);
refresh();
