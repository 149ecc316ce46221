// Talking to os2: JSON and pieces of pages, and a word when it is gone.

const offline = /** @type {HTMLElement} */ (document.getElementById("offline"));

/** @param {string} url */
export async function piece(url) {
  const answer = await reach(url, { headers: { Accept: "text/html" } });
  if (!answer?.ok) return null;
  showRunning(answer.headers.get("X-Os2-Running") ?? "");
  return answer.text();
}

/**
 * What a form's answer says: `{job}` or `{error}`.
 * @param {HTMLFormElement} form
 */
export async function send(form) {
  const answer = await reach(form.action, {
    method: "POST",
    body: new URLSearchParams(/** @type {any} */ (new FormData(form))),
    headers: { Accept: "application/json" },
  });
  return told(answer);
}

/** @param {string} url */
export async function look(url) {
  return told(await reach(url, { headers: { Accept: "application/json" } }));
}

/** @param {Response | null} answer */
async function told(answer) {
  if (!answer)
    return { error: { message: "os2 ui does not answer", hint: "start it again: os2 ui" } };
  try {
    return await answer.json();
  } catch {
    return { error: { message: `os2 answered ${answer.status}`, hint: "load the page again" } };
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
