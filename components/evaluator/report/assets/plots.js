// What all plots share: colors, axes, texts.

// Colors that people with any color vision can tell apart (Okabe and Ito 2008), a bit darker on
// white and lighter on black; with four dashes they make 28 styles.
const LIGHT_HUES = ["#0072b2", "#c05a00", "#8a5a9e", "#1b96a6", "#b3245f", "#7a7400", "#6b6b6b"];
const DARK_HUES = ["#56b4e9", "#f0a04b", "#d5a6e6", "#7fd3d8", "#f286b6", "#e3d84a", "#b8b8b8"];
const DASHES = ["solid", "dash", "dot", "dashdot"];

function hues() {
  return isDark() ? DARK_HUES : LIGHT_HUES;
}

// Returns a variant's color, dash and width, the same in all plots.
function styleOf(variant) {
  const { ink, accent } = colors();
  if (variant.name === DATA.chosen) return { color: accent, dash: "solid", width: 3.5 };
  if (variant.name === DATA.baseline) return { color: ink, dash: "solid", width: 2.5 };
  const others = DATA.variants.filter((v) => ![DATA.chosen, DATA.baseline].includes(v.name));
  const number = others.findIndex((v) => v.name === variant.name);
  const all = hues();
  return {
    color: all[number % all.length],
    dash: DASHES[Math.floor(number / all.length) % DASHES.length],
    width: 1.6,
  };
}

// Returns a text as Plotly shows it: it reads some HTML.
function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

// Returns a text of at most this length; names often differ at their ends.
function cut(text, length) {
  const end = Math.floor(length / 2) - 1;
  return text.length > length ? `${text.slice(0, length - end - 1)}…${text.slice(-end)}` : text;
}

function shortened(text, length) {
  return plain(cut(text, length));
}

// Returns the width of a label in pixels.
function textWidth(text, weight) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${weight} 12px ${getComputedStyle(document.body).fontFamily}`;
  return context.measureText(text).width;
}

// Returns three significant digits, or all before the point, as `numbers.significant` does.
function significant(value) {
  const rounded = Number(value.toPrecision(3));
  const digits = rounded === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
  const places = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en", places);
}

function bytesText(value) {
  for (const [unit, size] of [
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ]) {
    if (Number(value.toPrecision(3)) >= size) return `${significant(value / size)} ${unit}`;
  }
  return `${value} B`;
}

function widthOf(id) {
  if ("printing" in ROOT.dataset) return PRINT_WIDTH;
  return document.getElementById(id).clientWidth;
}

function isNarrow(id) {
  return widthOf(id) < 560;
}

function axis(title, more) {
  const { ink, muted, line } = colors();
  return {
    title: { text: title, font: { color: ink, size: 13 }, standoff: 10 },
    tickfont: { color: muted, size: 12 },
    gridcolor: line,
    zerolinecolor: line,
    linecolor: line,
    automargin: true,
    ...more,
  };
}

// Returns an axis of rows 0, 1, ... from below; two rows may have the same name.
function rowsAxis(names, more) {
  const tickvals = names.map((name, row) => row);
  const range = [-0.5, names.length - 0.5];
  return axis("", {
    tickmode: "array",
    tickvals,
    ticktext: names,
    range,
    zeroline: false,
    ...more,
  });
}

function draw(id, traces, layout) {
  const { page, panel, ink, line } = colors();
  const family = getComputedStyle(document.body).fontFamily;
  const wheel = matchMedia("(pointer: fine)").matches;
  const whole = {
    width: widthOf(id),
    height: 420,
    paper_bgcolor: page,
    plot_bgcolor: page,
    font: { family, color: ink, size: 12 },
    margin: { l: 60, r: 16, t: 16, b: 48 },
    hoverlabel: {
      bgcolor: panel,
      bordercolor: line,
      font: { family, color: ink, size: 13 },
      align: "left",
    },
    hovermode: "closest",
    showlegend: false,
    dragmode: wheel && !isNarrow(id) ? "zoom" : false,
    legend: {
      orientation: "h",
      x: 0,
      y: -0.2,
      yanchor: "top",
      maxheight: 5000,
      font: { color: ink },
    },
    ...layout,
  };
  pending.push(Plotly.react(id, traces, whole, { displayModeBar: false }));
}

// Hides a section's figure where nothing was measured; the caption says so.
function hasData(id, has) {
  document.getElementById(id).classList.toggle("empty", !has);
  return has;
}

// Returns a horizontal line and its label, which covers what would strike it through.
function levelLine(y, text, color, dash, side = "left") {
  const line = {
    type: "line",
    layer: "below",
    xref: "paper",
    x0: 0,
    x1: 1,
    y0: y,
    y1: y,
    line: { color, dash, width: 1.5 },
  };
  const label = {
    xref: "paper",
    x: side === "left" ? 0 : 1,
    y,
    text,
    showarrow: false,
    xanchor: side,
    yanchor: "bottom",
    yshift: 1,
    bgcolor: colors().page,
    font: { color, size: 12 },
  };
  return [line, label];
}
