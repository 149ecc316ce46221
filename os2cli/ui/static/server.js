// Requests to os2 ui: JSON and parts of pages, and a notice while it is unreachable.

const offline = /** @type {HTMLElement} */ (document.getElementById("offline"));

/** @param {string} url */
export async function piece(url) {
  const answer = await reach(url, { headers: { Accept: "text/html" } });
  if (!answer?.ok) return null;
  showRunning(answer.headers.get("X-Os2-Running") ?? "");
  return answer.text();
}

/**
 * Send a form; returns `{job}` or `{error}`.
 * @param {HTMLFormElement} form
 */
export async function send(form) {
  const answer = await reach(form.action, {
    method: "POST",
    body: new URLSearchParams(/** @type {any} */ (new FormData(form))),
    headers: { Accept: "application/json" },
  });
  return readJson(answer);
}

/** @param {string} url */
export async function fetchJson(url) {
  return readJson(await reach(url, { headers: { Accept: "application/json" } }));
}

/** @param {Response | null} answer */
async function readJson(answer) {
  if (!answer) return { error: { message: "cannot reach os2 ui", hint: "restart it: os2 ui" } };
  try {
    return await answer.json();
  } catch {
    return { error: { message: `os2 ui returned ${answer.status}`, hint: "reload the page" } };
  }
}

/** @param {string} url @param {RequestInit} options */
async function reach(url, options) {
  try {
    const answer = await fetch(url, { credentials: "same-origin", ...options });
    offline.hidden = true;
    return answer;
  } catch {
    offline.hidden = document.visibilityState !== "visible";
    return null;
  }
}

/** @param {string} count */
function showRunning(count) {
  const shown = document.getElementById("running");
  if (!shown || !count) return;
  shown.hidden = count === "0";
  if (shown.lastChild) shown.lastChild.nodeValue = count;
}
