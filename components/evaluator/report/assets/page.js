"use strict";
// The page's numbers, its light and dark theme, the sortable table, and printing.

const DATA = JSON.parse(document.getElementById("data").textContent);
const ROOT = document.documentElement;
const PRINT_WIDTH = 680; // px; A4 and letter are wider
const drawings = []; // functions that draw a plot anew
const pending = []; // what Plotly has begun to draw

function isDark() {
  if ("printing" in ROOT.dataset) return false;
  if (ROOT.dataset.theme) return ROOT.dataset.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Returns the theme's colors as they are now.
function colors() {
  const probe = document.body.appendChild(document.createElement("span"));
  const found = {};
  for (const name of ["page", "panel", "ink", "muted", "line", "accent", "bad"]) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

function drawAll() {
  delete ROOT.dataset.drawn;
  pending.length = 0;
  for (const draw of drawings) draw();
  Promise.all(pending).then(() => {
    ROOT.dataset.drawn = "";
  });
}

function showTheme() {
  const button = document.getElementById("theme");
  button.textContent = isDark() ? "Light" : "Dark";
  button.setAttribute("aria-pressed", String(isDark()));
}

function setTheme(theme) {
  if (theme) ROOT.dataset.theme = theme;
  else delete ROOT.dataset.theme;
  showTheme();
  drawAll();
}

// Fills a select, hides its label where there is nothing to choose, and calls back on a change.
function fillSelect(id, options, onChange) {
  const select = document.getElementById(id);
  for (const [value, text] of options) select.add(new Option(text, value));
  select.closest("label").hidden = options.length < 2;
  select.addEventListener("change", onChange);
  return select;
}

// Returns how many decimals show two digits of the largest of some numbers: 4 to 8.
function decimalsOf(values) {
  const largest = Math.max(...values.map(Math.abs));
  return largest > 0 ? Math.min(8, Math.max(4, 1 - Math.floor(Math.log10(largest)))) : 4;
}

function sortRows(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const isName = column === 0;
  const wasDescending = header.getAttribute("aria-sort") === "descending";
  const wasSorted = header.getAttribute("aria-sort") !== "none";
  const descending = wasSorted ? !wasDescending : !isName;
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const order = (row) => row.cells[column].dataset.order;
  const compare = (a, b) =>
    isName ? order(a).localeCompare(order(b)) : Number(order(a)) - Number(order(b));
  const rows = [...table.tBodies[0].rows];
  const known = rows.filter((row) => order(row) !== "").sort(compare);
  if (descending) known.reverse();
  table.tBodies[0].append(...known, ...rows.filter((row) => order(row) === ""));
}

function startPage() {
  showTheme();
  document.getElementById("theme").addEventListener("click", () => {
    setTheme(isDark() ? "light" : "dark");
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (!("printing" in ROOT.dataset)) setTheme(""); // paper is light anyway
  });
  for (const header of document.querySelectorAll(".sortable thead th")) {
    header.querySelector("button").addEventListener("click", () => sortRows(header));
  }
  document.getElementById("all-columns").addEventListener("change", (event) => {
    document.getElementById("variants").classList.toggle("wide", event.target.checked);
  });
  let theme = "";
  let closed = [];
  addEventListener("beforeprint", () => {
    theme = ROOT.dataset.theme || "";
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    ROOT.dataset.printing = "";
    setTheme("light");
  });
  addEventListener("afterprint", () => {
    delete ROOT.dataset.printing;
    for (const details of closed) details.open = false;
    setTheme(theme);
  });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width || "printing" in ROOT.dataset) return;
    width = innerWidth;
    drawAll();
  });
}

startPage();
