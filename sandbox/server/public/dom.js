// Elements are created once and then only their text changes, so that focus, selection and scroll
// position survive each update.

export const at = (id) => document.getElementById(id);

export function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Sets the text only if it differs: a screen reader reads a changed text again. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Sets the colour and the shape of a state: colour alone must not carry meaning. */
export function setState(target, state) {
  target.dataset.state = state;
  const use = target.querySelector("use");
  if (use.getAttribute("href") !== `#icon-${state}`) use.setAttribute("href", `#icon-${state}`);
}
