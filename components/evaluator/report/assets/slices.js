// Where on the rows a variant gains and loses: a heat map of id frequencies, and dots for the rest.

const sliced = DATA.variants.filter((v) => Object.keys(v.slices).length > 0);
const slicedMetrics = Object.keys(DATA.slice_metrics).filter((name) =>
  sliced.some((v) => v.slices[name]),
);
const sliceVariant = fillSelect(
  "slice-variant",
  sliced.map((v) => [v.name, v.name]),
  () => drawSlices(),
);
const sliceMetric = fillSelect(
  "slice-metric",
  slicedMetrics.map((name) => [name, DATA.slice_metrics[name].title]),
  () => drawSlices(),
);
if (sliced.some((v) => v.name === DATA.chosen)) sliceVariant.value = DATA.chosen;

// Returns the chosen variant's parts that were measured.
function sliceParts() {
  const variant = sliced.find((v) => v.name === sliceVariant.value);
  const values = (variant && variant.slices[sliceMetric.value]) || [];
  return DATA.slices
    .map(([feature, key, value, rows], number) => {
      if (!values[number]) return null;
      const [change, low, high, level] = values[number];
      return { feature, key, value, rows, change, low, high, level, isClear: low > 0 || high < 0 };
    })
    .filter((part) => part !== null);
}

// Returns +1 if larger is better, -1 if smaller is, 0 if neither.
function direction() {
  return { higher: 1, lower: -1 }[DATA.slice_metrics[sliceMetric.value].better] || 0;
}

function signedTo(value, decimals) {
  const text = Math.abs(value).toFixed(decimals);
  return (value < 0 && Number(text) > 0 ? "−" : "+") + text;
}

// Returns a part's difference and its interval, with the digits that the difference needs.
function changeTexts(part) {
  const decimals = decimalsOf([part.change]);
  return [part.change, part.low, part.high].map((value) => signedTo(value, decimals));
}

function sliceHover(part) {
  const [change, low, high] = changeTexts(part);
  return (
    `<b>${plain(part.key)} = ${plain(part.value)}</b><br>${change} ` +
    `(${low} to ${high})<br>here ${part.level.toFixed(4)}, ` +
    `${part.rows.toLocaleString("en")} rows<br>${part.isClear ? "differs from 0" : "the interval holds 0"}`
  );
}

function sliceFinding(parts) {
  const title = DATA.slice_metrics[sliceMetric.value].title;
  const clear = parts.filter((part) => part.isClear);
  const sign = direction() || 1;
  const worst = clear.filter((part) => part.change * sign < 0 || !direction());
  worst.sort((a, b) =>
    direction() ? (a.change - b.change) * sign : Math.abs(b.change) - Math.abs(a.change),
  );
  let text = `${sliceVariant.value}: ${title} differs from ${DATA.baseline} in ${clear.length} of ${parts.length} slices`;
  text += ` (about ${Math.round((1 - DATA.confidence) * parts.length)} would by chance).`;
  if (worst.length > 0) {
    const { key, value, rows } = worst[0];
    const [change, low, high] = changeTexts(worst[0]);
    text += ` ${direction() ? "Worst" : "Farthest"}: ${key} = ${value}, ${change}`;
    text += ` (${low} to ${high}; ${rows.toLocaleString("en")} rows).`;
  } else {
    text += " It clearly loses in none of them.";
  }
  return text;
}

// Returns the colors from worse over gray to better; the page's ink is readable on all of them.
function worseToBetter() {
  const ends = isDark() ? ["#b4530f", "#1f6fb8"] : ["#f2a25c", "#7db9ec"];
  const scale = [
    [0, ends[0]],
    [0.5, isDark() ? "#232b34" : "#f3f5f7"],
    [1, ends[1]],
  ];
  if (direction() >= 0) return scale;
  return scale.map(([at]) => [at, scale[2 - 2 * at][1]]);
}

function drawScale(end, decimals) {
  const names = { 1: ["worse", "better"], "-1": ["better", "worse"], 0: ["lower", "higher"] }[
    direction()
  ];
  const [low, bar, high] = document.getElementById("slice-scale").children;
  low.textContent = `${names[0]} ${signedTo(-end, decimals)}`;
  high.textContent = `${names[1]} ${signedTo(end, decimals)}`;
  bar.style.background = `linear-gradient(to right, ${worseToBetter().map((stop) => stop[1])})`;
}

function drawBands(parts) {
  const { ink, muted } = colors();
  const features = [...new Set(parts.map((part) => part.feature))].reverse();
  const clear = parts.filter((part) => part.isClear);
  hasData("slice-scale", clear.length > 0);
  if (!hasData("slice-bands", features.length > 0)) return;
  const find = (feature, band) =>
    parts.find((part) => part.feature === feature && part.value === band);
  const grid = (value, missing = null) =>
    features.map((feature) =>
      DATA.bands.map((band) => {
        const part = find(feature, band);
        return part ? value(part) : missing;
      }),
    );
  const changes = (clear.length > 0 ? clear : parts).map((part) => Math.abs(part.change));
  const end = Math.max(...changes) || 1e-4;
  const decimals = decimalsOf(changes);
  const narrow = isNarrow("slice-bands");
  const common = {
    type: "heatmap",
    x: DATA.bands,
    y: features.map((name, row) => row),
    zmin: -end,
    zmax: end,
    zmid: 0,
    colorscale: worseToBetter(),
    xgap: 2,
    ygap: 2,
    hoverongaps: false,
    hovertemplate: "%{customdata}<extra></extra>",
    customdata: grid(sliceHover),
  };
  const number = (part) => signedTo(part.change, narrow ? Math.max(4, decimals - 1) : decimals);
  const font = { size: narrow ? (decimals > 5 ? 9 : 10) : 12 };
  drawScale(end, decimals);
  draw(
    "slice-bands",
    [
      {
        ...common,
        z: grid((part) => (part.isClear ? part.change : null)),
        text: grid((part) => (part.isClear ? number(part) : ""), ""),
        texttemplate: "%{text}",
        textfont: { ...font, color: ink },
        showscale: false,
      },
      {
        ...common,
        z: grid((part) => (part.isClear ? null : 0)),
        text: grid((part) => (part.isClear ? "" : number(part)), ""),
        texttemplate: "%{text}",
        showscale: false,
        textfont: { ...font, color: muted },
      },
    ],
    {
      height: 40 + 24 * features.length,
      xaxis: axis("", { side: "top", fixedrange: true, showgrid: false }),
      yaxis: rowsAxis(
        features.map((name) => shortened(name, narrow ? 10 : 24)),
        { fixedrange: true, showgrid: false },
      ),
      margin: { l: 40, r: 8, t: 30, b: 8 },
    },
  );
}

function drawOthers(parts) {
  const { ink, muted, bad } = colors();
  if (!hasData("slice-others", parts.length > 0)) return;
  const narrow = isNarrow("slice-others");
  const shown = [...parts].reverse();
  const names = shown.map((part) => shortened(`${part.key}: ${part.value}`, narrow ? 22 : 40));
  const color = (part) => {
    if (!part.isClear) return muted;
    return direction() * part.change < 0 ? bad : hues()[0];
  };
  draw(
    "slice-others",
    shown.map((part, row) => ({
      x: [part.change],
      y: [row],
      mode: "markers",
      customdata: [sliceHover(part)],
      marker: { size: 9, color: color(part), symbol: part.isClear ? "circle" : "circle-open" },
      error_x: {
        type: "data",
        symmetric: false,
        array: [part.high - part.change],
        arrayminus: [part.change - part.low],
        color: color(part),
        thickness: 1.5,
      },
      hovertemplate: "%{customdata}<extra></extra>",
    })),
    {
      height: 90 + 24 * shown.length,
      xaxis: axis(
        `${DATA.slice_metrics[sliceMetric.value].title} against ${shortened(DATA.baseline, 24)}`,
        {
          exponentformat: "none",
          zeroline: true,
          zerolinecolor: ink,
          zerolinewidth: 1.5,
          nticks: 6,
        },
      ),
      yaxis: rowsAxis(names),
    },
  );
}

function drawSlices() {
  const text = document.getElementById("c-slices");
  if (sliced.length === 0) {
    text.textContent = "No slice was measured.";
    hasData("slice-scale", false);
    hasData("slice-bands", false);
    hasData("slice-others", false);
    return;
  }
  const parts = sliceParts();
  text.textContent = sliceFinding(parts);
  drawBands(parts.filter((part) => part.feature !== null));
  drawOthers(parts.filter((part) => part.feature === null));
}

drawings.push(drawSlices);
drawAll();
