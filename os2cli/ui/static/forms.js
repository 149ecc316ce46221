// Forms that start a job: sent without leaving the page, with errors at their fields.

import { element, follow } from "./notes.js";
import { piece, send } from "./server.js";

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("dialog"));

export function watchForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !("job" in form.dataset)) return;
    event.preventDefault();
    submit(form);
  });
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a[data-dialog]");
    if (link instanceof HTMLAnchorElement && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      ask(link.href);
    }
    if (target?.closest("dialog [data-close]")) {
      event.preventDefault();
      dialog.close();
    }
    if (target === dialog) dialog.close();
  });
}

/** @param {string} url */
async function ask(url) {
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.removeAttribute("open");
  const html = await piece(`${url}${url.includes("?") ? "&" : "?"}part`);
  if (html === null) {
    location.assign(url);
    return;
  }
  dialog.innerHTML = html;
  dialog.showModal();
  const first =
    dialog.querySelector("input:not([type=hidden])") ?? dialog.querySelector("[data-close]");
  if (first instanceof HTMLElement) first.focus();
}

/** @param {HTMLFormElement} form */
export async function submit(form) {
  clearErrors(form);
  const must = form.querySelector("[data-must]");
  if (must instanceof HTMLInputElement && must.value.trim() !== must.dataset.must) {
    fieldError(must, `Type ${must.dataset.must} to confirm`);
    return;
  }
  const button = form.querySelector("button:not([type=button])");
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  const answer = await send(form);
  button?.setAttribute("aria-busy", "false");
  if (answer.error) {
    showError(form, answer.error);
    return;
  }
  form.closest("details.menu")?.removeAttribute("open");
  if (dialog.contains(form)) dialog.close();
  if (form.dataset.job === "go" || form.id === "create") location.assign(answer.job.url);
  else follow(answer.job);
}

/** @param {HTMLFormElement} form @param {{ message: string, hint: string | null, field?: string | null }} error */
function showError(form, error) {
  const name = (error.field ?? "").replaceAll("-", "_");
  const field = name ? form.querySelector(`[name="${name}"], [name="${name}_key"]`) : null;
  const words = error.hint ? `${capital(error.message)} – ${error.hint}` : capital(error.message);
  if (
    field instanceof HTMLInputElement &&
    field.type !== "hidden" &&
    !field.closest("[hidden], [data-foreign]")
  ) {
    const closed = field.closest("details:not([open])");
    closed?.setAttribute("open", "");
    fieldError(field, words);
    return;
  }
  const box = form.querySelector(".form-error");
  if (box instanceof HTMLElement) {
    box.replaceChildren(element("p", "notice-title", capital(error.message)));
    if (error.hint) box.append(element("p", "hint", error.hint));
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
  } else {
    import("./notes.js").then(({ toast }) =>
      toast("bad", error.message, { hint: error.hint, stay: true }),
    );
  }
}

/** @param {HTMLInputElement} input @param {string} words */
function fieldError(input, words) {
  const message = element("p", "field-error", words);
  message.id = `${input.name}-error`;
  message.setAttribute("role", "alert");
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", message.id);
  (input.closest(".field, .rows") ?? input).append(message);
  input.focus();
}

/** @param {HTMLFormElement} form */
function clearErrors(form) {
  for (const message of form.querySelectorAll(".field-error")) message.remove();
  for (const input of form.querySelectorAll("[aria-invalid]"))
    input.removeAttribute("aria-invalid");
  const box = form.querySelector(".form-error");
  if (box instanceof HTMLElement) box.hidden = true;
}

/** @param {string} text */
function capital(text) {
  return text.startsWith("--") ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
