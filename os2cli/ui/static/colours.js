// The switch between the system's colours, light and dark.

const NEXT = /** @type {Record<string, string>} */ ({ "": "dark", dark: "light", light: "" });
const WORDS = /** @type {Record<string, string>} */ ({
  "": "as the system",
  dark: "dark",
  light: "light",
});

export function watchColours() {
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("theme"));
  const root = document.documentElement;
  const say = () => {
    const words = `Colours: ${WORDS[root.dataset.theme ?? ""]}`;
    button.setAttribute("aria-label", words);
    button.title = words;
  };
  button.addEventListener("click", () => {
    const theme = NEXT[root.dataset.theme ?? ""];
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    try {
      localStorage.setItem("os2-theme", theme);
    } catch {
      // It lasts as long as the page then.
    }
    say();
  });
  say();
}
