"use strict";
// The page's light and dark theme: the reader's own, until the button is pressed.

const ROOT = document.documentElement;
const DARK = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return ROOT.dataset.theme ? ROOT.dataset.theme === "dark" : DARK.matches;
}

function showTheme() {
  const button = document.getElementById("theme");
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-pressed", String(isDark()));
}

document.getElementById("theme").addEventListener("click", () => {
  ROOT.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
DARK.addEventListener("change", showTheme);
showTheme();
