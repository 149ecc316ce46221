// A terminal in the page, at the other end of a shell in a machine.
//
// What is typed goes out as bytes, what the shell writes comes in as bytes; the rest is JSON: the
// size, how many bytes have been shown, how the shell ended. The server holds back what has not been
// shown yet, so that `yes` fills neither the wire nor this page.
import "./terminal-styles.js";
import { FitAddon } from "./vendor/xterm/addon-fit.mjs";
import { Terminal } from "./vendor/xterm/xterm.mjs";

const LEAVE = "F6";
const PIECE = 16 * 1024;
const TOLD_AFTER = 32 * 1024;

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const place = part("terminal");
const reconnect = part("reconnect");

function colours() {
  const style = getComputedStyle(place);
  const [ground, ink] = [style.backgroundColor, style.color];
  return {
    background: ground,
    foreground: ink,
    cursor: ink,
    cursorAccent: ground,
    selectionBackground: "#3b82f666",
  };
}

const terminal = new Terminal({
  cursorBlink: false,
  fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSize: matchMedia("(max-width: 600px)").matches ? 12 : 14,
  // Programs choose their colours for the dark; on a light ground they must be readable, too.
  minimumContrastRatio: 4.5,
  scrollback: 5000,
  theme: colours(),
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(place);

/** @type {WebSocket | null} */
let socket = null;
const open = () => socket?.readyState === WebSocket.OPEN;
/** @param {object} what */
const tell = (what) => open() && socket?.send(JSON.stringify(what));

/** @param {string} text */
function say(text, more = "") {
  part("terminal-state").textContent = text;
  part("terminal-hint").textContent = more;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function type(bytes) {
  if (!open()) return;
  for (let at = 0; at < bytes.length; at += PIECE) socket?.send(bytes.subarray(at, at + PIECE));
}

function connect() {
  const address = new URL(place.dataset.socket ?? "", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("columns", String(terminal.cols));
  address.searchParams.set("rows", String(terminal.rows));
  reconnect.hidden = true;
  say("Connecting…");
  const mine = new WebSocket(address);
  socket = mine;
  mine.binaryType = "arraybuffer";
  let shown = 0;
  let ended = "";
  mine.addEventListener("open", () => {
    say("Connected");
    terminal.focus();
  });
  mine.addEventListener("message", ({ data }) => {
    if (typeof data === "string") {
      ended = end(JSON.parse(data));
      return;
    }
    terminal.write(new Uint8Array(data), () => {
      shown += data.byteLength;
      if (shown < TOLD_AFTER || socket !== mine) return;
      tell({ shown });
      shown = 0;
    });
  });
  mine.addEventListener("close", () => {
    if (!ended) say("The connection is lost.", "The shell was ended with it.");
    reconnect.hidden = false;
    // Nobody shall type on into nothing.
    if (place.contains(document.activeElement)) reconnect.focus();
  });
}

/** @param {{ exit?: number, failed?: string, hint?: string }} told */
function end(told) {
  if ("exit" in told) say(`The shell ended with code ${told.exit}.`);
  else say(told.failed ?? "", told.hint);
  return "told";
}

terminal.onData((text) => type(new TextEncoder().encode(text)));
terminal.onBinary((text) => type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
terminal.onResize(({ cols, rows }) => tell({ columns: cols, rows }));
terminal.attachCustomKeyEventHandler((event) => {
  if (event.key !== LEAVE) return true;
  if (event.type === "keydown") {
    event.preventDefault();
    (reconnect.hidden ? part("terminal-leave") : reconnect).focus();
  }
  return false;
});
reconnect.addEventListener("click", () => {
  terminal.reset();
  connect();
});

new ResizeObserver(() => fit.fit()).observe(place);
const repaint = () => {
  terminal.options.theme = colours();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
fit.fit();
connect();
