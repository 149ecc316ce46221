// A terminal in the page, at the other end of a shell in a machine.
//
// Input and output are bytes; the rest is JSON: the size, how many bytes were shown, how the shell
// ended. The server holds output back until it is shown, so that `yes` floods neither the
// connection nor this page.
import "./terminal-styles.js";
import { FitAddon } from "./vendor/xterm/addon-fit.mjs";
import { Terminal } from "./vendor/xterm/xterm.mjs";

const LEAVE = "F6";
const CHUNK = 16 * 1024;
const REPORT_AFTER = 32 * 1024;

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const box = part("terminal");
const reconnect = part("reconnect");

function colours() {
  const style = getComputedStyle(box);
  const [background, foreground] = [style.backgroundColor, style.color];
  return {
    background,
    foreground,
    cursor: foreground,
    cursorAccent: background,
    selectionBackground: "#3b82f666",
  };
}

const terminal = new Terminal({
  cursorBlink: false,
  fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSize: matchMedia("(max-width: 600px)").matches ? 12 : 14,
  // Programs choose colours for dark backgrounds; they must also be readable on light ones.
  minimumContrastRatio: 4.5,
  scrollback: 5000,
  theme: colours(),
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(box);

/** @type {WebSocket | null} */
let socket = null;
const open = () => socket?.readyState === WebSocket.OPEN;
/** @param {object} what */
const report = (what) => open() && socket?.send(JSON.stringify(what));

/** @param {string} text */
function show(text, hint = "") {
  part("terminal-state").textContent = text;
  part("terminal-hint").textContent = hint;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function type(bytes) {
  if (!open()) return;
  for (let at = 0; at < bytes.length; at += CHUNK) socket?.send(bytes.subarray(at, at + CHUNK));
}

function connect() {
  const address = new URL(box.dataset.socket ?? "", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("columns", String(terminal.cols));
  address.searchParams.set("rows", String(terminal.rows));
  reconnect.hidden = true;
  show("Connecting…");
  const mine = new WebSocket(address);
  socket = mine;
  mine.binaryType = "arraybuffer";
  let shown = 0;
  let ended = "";
  mine.addEventListener("open", () => {
    show("Connected");
    terminal.focus();
  });
  mine.addEventListener("message", ({ data }) => {
    if (typeof data === "string") {
      ended = end(JSON.parse(data));
      return;
    }
    terminal.write(new Uint8Array(data), () => {
      shown += data.byteLength;
      if (shown < REPORT_AFTER || socket !== mine) return;
      report({ shown });
      shown = 0;
    });
  });
  mine.addEventListener("close", () => {
    if (!ended) show("Connection lost.", "The shell was ended.");
    reconnect.hidden = false;
    // Keep the user from typing into a dead terminal.
    if (box.contains(document.activeElement)) reconnect.focus();
  });
}

/** @param {{ exit?: number, failed?: string, hint?: string }} message */
function end(message) {
  if ("exit" in message) show(`The shell exited with code ${message.exit}.`);
  else show(message.failed ?? "", message.hint);
  return "ended";
}

terminal.onData((text) => type(new TextEncoder().encode(text)));
terminal.onBinary((text) => type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
terminal.onResize(({ cols, rows }) => report({ columns: cols, rows }));
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

new ResizeObserver(() => fit.fit()).observe(box);
const repaint = () => {
  terminal.options.theme = colours();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
fit.fit();
connect();
