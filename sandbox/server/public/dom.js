// Elements are made once and then only their text changes, so that focus, selection and scrolling
// survive each update.

export const at = (id) => document.getElementById(id);

export function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Leaves what is the same alone: a changed text is read out again by a screen reader. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Colour, shape and text of a state go together: nothing is told by colour alone. */
export function setState(target, state) {
  target.dataset.state = state;
  const use = target.querySelector("use");
  if (use.getAttribute("href") !== `#icon-${state}`) use.setAttribute("href", `#icon-${state}`);
}
