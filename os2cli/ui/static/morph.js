// Updates the page to new HTML element by element: the focus stays, open menus stay open, and
// unchanged elements are not touched.

/** @param {Element} shown @param {string} html */
export function morphInto(shown, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  morphChildren(shown, template.content);
}

/** @param {ParentNode & Node} shown @param {ParentNode & Node} wanted */
function morphChildren(shown, wanted) {
  const keyed = new Map();
  for (const child of Array.from(shown.childNodes)) {
    const key = keyOf(child);
    if (key) keyed.set(key, child);
  }
  let at = shown.firstChild;
  for (const next of Array.from(wanted.childNodes)) {
    const key = keyOf(next);
    let match = key ? keyed.get(key) : null;
    if (!match && !key && at && !keyOf(at) && at.nodeName === next.nodeName) match = at;
    if (!match) {
      shown.insertBefore(next, at);
      continue;
    }
    if (at && match === at) at = at.nextSibling;
    else shown.insertBefore(match, at);
    keyed.delete(key);
    morphNode(match, next);
  }
  while (at) {
    const after = at.nextSibling;
    at.remove();
    at = after;
  }
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof HTMLElement ? (node.dataset.key ?? "") : "";
}

/** @param {Node} shown @param {Node} wanted */
function morphNode(shown, wanted) {
  if (!(shown instanceof Element && wanted instanceof Element)) {
    if (shown.nodeValue !== wanted.nodeValue) shown.nodeValue = wanted.nodeValue;
    return;
  }
  if (shown.isEqualNode(wanted)) return;
  if (shown.nodeName !== wanted.nodeName) {
    shown.replaceWith(wanted);
    return;
  }
  for (const { name } of Array.from(shown.attributes)) {
    // Keep what the user opened and what scripts set.
    if (!wanted.hasAttribute(name) && !["open", "hidden", "data-shown"].includes(name)) {
      shown.removeAttribute(name);
    }
  }
  for (const { name, value } of Array.from(wanted.attributes)) {
    if (name === "hidden" && shown instanceof HTMLElement && shown.dataset.shown) continue;
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  morphChildren(shown, wanted);
}
