// Convergence and calibration.

// Returns the curves that were recorded: value -> [title, points of a variant].
function curveKinds() {
  const kinds = {
    "evals-examples": [
      "held-out logloss by rows",
      (v) => [v.evals.examples, v.evals.logloss],
    ],
    "evals-seconds": [
      "held-out logloss by seconds",
      (v) => [v.evals.seconds, v.evals.logloss],
    ],
    "loss-examples": [
      "training loss by rows",
      (v) => [v.loss.examples, v.loss.logloss],
    ],
  };
  return Object.fromEntries(
    Object.entries(kinds).filter(([, kind]) => DATA.variants.some((v) => kind[1](v)[0].length > 0)),
  );
}

function variantLegend(id) {
  const rows = isNarrow(id) ? DATA.variants.length : Math.ceil(DATA.variants.length / 6);
  return { showlegend: true, height: (isNarrow(id) ? 330 : 420) + 20 * rows };
}

// Returns the variants with the baseline and the chosen last: they are drawn above the others.
function drawnOrder(variants) {
  const rank = (v) => (v.name === DATA.chosen ? 2 : v.name === DATA.baseline ? 1 : 0);
  return [...variants].sort((a, b) => rank(a) - rank(b));
}

const CURVES = curveKinds();
const curveSelect = fillSelect(
  "curve",
  Object.entries(CURVES).map(([value, kind]) => [value, kind[0]]),
  () => drawCurves(),
);

function drawCurves() {
  const { bad } = colors();
  if (!hasData("convergence", curveSelect.value !== "")) return;
  const [, points] = CURVES[curveSelect.value];
  const shown = drawnOrder(DATA.variants.filter((v) => points(v)[0].length > 0));
  // A curve falls steeply at first; what follows is what one wants to see.
  const later = shown.flatMap((v) => points(v)[1].slice(Math.floor(points(v)[1].length / 10)));
  const target = curveSelect.value.startsWith("evals") ? DATA.target_logloss : null;
  if (target !== null) later.push(target);
  const [low, high] = [Math.min(...later), Math.max(...later)];
  const margin = 0.06 * (high - low || 0.01);
  const decimals = decimalsOf([high - low]);
  const level =
    target === null ? null : levelLine(target, `target ${target.toFixed(decimals)}`, bad, "dash");
  if (level) level[1].yanchor = "top"; // the curves come from above
  draw(
    "convergence",
    shown.map((v) => {
      const { color, dash, width } = styleOf(v);
      return {
        x: points(v)[0],
        y: points(v)[1],
        mode: points(v)[0].length < 40 ? "lines+markers" : "lines",
        name: shortened(v.name, 24),
        line: { color, dash, width },
        marker: { color, size: 5 },
        hovertemplate: `<b>${plain(v.name)}</b><br>%{x:,} → %{y:.${decimals}f}<extra></extra>`,
      };
    }),
    {
      ...variantLegend("convergence"),
      xaxis: axis(
        curveSelect.value.endsWith("seconds") ? "seconds of training" : "rows trained on",
        { rangemode: "tozero" },
      ),
      yaxis: axis(
        curveSelect.value.startsWith("loss")
          ? "training loss (moving mean), nats"
          : "held-out logloss, nats",
        { range: [low - margin, high + margin], exponentformat: "none" },
      ),
      shapes: level ? [level[0]] : [],
      annotations: level ? [level[1]] : [],
    },
  );
}

function drawCalibration() {
  const { muted } = colors();
  const shown = drawnOrder(DATA.variants.filter((v) => v.calibration.length > 0));
  if (!hasData("calibration", shown.length > 0)) return;
  const end =
    1.05 * Math.max(...shown.flatMap((v) => v.calibration.map((bin) => Math.max(bin[0], bin[1]))));
  const compared = [DATA.baseline, DATA.chosen];
  const traces = shown.map((v) => {
    const { color, dash, width } = styleOf(v);
    const bins = v.calibration;
    return {
      x: bins.map((bin) => bin[0]),
      y: bins.map((bin) => bin[1]),
      mode: "lines+markers",
      name: shortened(v.name, 24),
      visible: compared.includes(v.name) ? true : "legendonly",
      line: { color, dash, width },
      marker: { color, size: 6 },
      error_y: {
        type: "data",
        symmetric: false,
        array: bins.map((bin) => bin[3] - bin[1]),
        arrayminus: bins.map((bin) => bin[1] - bin[2]),
        color,
        thickness: 1.2,
        width: 3,
      },
      text: bins.map((bin) => `${bin[4].toLocaleString("en")} rows`),
      hovertemplate: `<b>${plain(v.name)}</b><br>predicted %{x:.4f}<br>clicked %{y:.4f}<br>%{text}<extra></extra>`,
    };
  });
  const right = {
    type: "line",
    x0: 0,
    y0: 0,
    x1: end,
    y1: end,
    line: { color: muted, dash: "dot", width: 1.5 },
  };
  draw("calibration", traces, {
    ...variantLegend("calibration"),
    xaxis: axis("mean prediction", { range: [0, end] }),
    yaxis: axis("click rate", { range: [0, end] }),
    shapes: [right],
  });
}

drawings.push(drawCurves, drawCalibration);
