// The page: asks the machine every two seconds and shows what it says.
import { get, Refused } from "./api.js";
import { at, setText } from "./dom.js";
import { showLogOf, updateLog } from "./log.js";
import { nameOf, showMachine, showUptime } from "./machine.js";
import { onSelect, showServices, summaryOf } from "./services.js";

const EVERY = 2000;
/** What the machine is changes less often than what it does. */
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
  infoIsDueAt = 0; // The machine that comes back may be another one.
  show(error instanceof Refused ? error.message : "Connection lost");
}

function show(problem) {
  at("connection").dataset.state = isLive ? "live" : "lost";
  setText(at("connection"), isLive ? "Live" : `${problem}, trying again`);
  // Before the first answer there is nothing to be shown as old.
  if (!answeredAt) return;
  showServices(services, { ownPort: info.port, unknownSince: isLive ? undefined : answeredAt });
  document.title = titleOf();
}

/** Says what is wrong where it is seen from other tabs. */
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
  updateLog().catch(() => {}); // The next round says that the connection is lost.
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
setInterval(() => {
  if (isLive) showUptime();
}, 1000);
refresh();
