// xterm.js writes rules into <style> elements and `style` attributes, which a strict policy forbids
// to everybody. On the page of a terminal the same rules go through the object model instead, which
// is allowed: it needs no exception, and shows what programs write under the policy of all pages.

const { createElement } = document;
const { setAttribute, remove } = Element.prototype;

/** Stands where a <style> would; its rules are a sheet of the document. */
function styleElement() {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  const element = createElement.call(document, "span");
  element.hidden = true;
  Object.defineProperty(element, "textContent", {
    set: (/** @type {string} */ rules) => sheet.replaceSync(rules),
  });
  element.remove = () => {
    const sheets = document.adoptedStyleSheets;
    document.adoptedStyleSheets = sheets.filter((each) => each !== sheet);
    remove.call(element);
  };
  return element;
}

document.createElement = (/** @type {string} */ tag, /** @type {any} */ options) =>
  tag === "style" ? styleElement() : createElement.call(document, tag, options);

Element.prototype.setAttribute = function (name, value) {
  if (name === "style" && this instanceof HTMLElement) this.style.cssText = value;
  else setAttribute.call(this, name, value);
};
