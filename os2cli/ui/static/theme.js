document.documentElement.classList.add("scripted");
// Before anything is painted, so that nobody sees the other colours first.
try {
  const theme = localStorage.getItem("os2-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's colours it is.
}
