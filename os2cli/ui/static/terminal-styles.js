// xterm.js writes rules into <style> elements and `style` attributes, which a strict
// Content-Security-Policy forbids. On the terminal's page the same rules go through the CSS object
// model, which is allowed, so that this page needs no exception from the policy of all pages.

const { createElement } = document;
const { setAttribute, remove } = Element.prototype;

/** Return a stand-in for a <style>; its rules become a style sheet of the document. */
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
