document.documentElement.classList.add("scripted");
// Before the first paint, so that the wrong colours don't flash.
try {
  const theme = localStorage.getItem("os2-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's colours apply.
}
