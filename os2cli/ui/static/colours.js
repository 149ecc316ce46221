// The switch between the system's colours, light and dark.

const NEXT = /** @type {Record<string, string>} */ ({ "": "dark", dark: "light", light: "" });
const LABELS = /** @type {Record<string, string>} */ ({
  "": "system",
  dark: "dark",
  light: "light",
});

export function watchColours() {
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("theme"));
  const root = document.documentElement;
  const showLabel = () => {
    const label = `Colours: ${LABELS[root.dataset.theme ?? ""]}`;
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  button.addEventListener("click", () => {
    const theme = NEXT[root.dataset.theme ?? ""];
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    try {
      localStorage.setItem("os2-theme", theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    showLabel();
  });
  showLabel();
}
