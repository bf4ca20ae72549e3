// The Pareto plot: auc_roc against cost, with names where they fit.

// Bytes differ by powers of ten; a variant of 0 bytes stands at 1.
function isLogCost() {
  return DATA.cost.unit === "bytes";
}

function paretoRanges(points) {
  const ys = points.flatMap((p) => p.difference.slice());
  if (DATA.max_auc_loss !== null) ys.push(-DATA.max_auc_loss);
  if (DATA.best_auc_gain !== null) ys.push(DATA.best_auc_gain);
  const margin = 0.08 * Math.max(Math.max(...ys) - Math.min(...ys), 1e-4);
  const isLog = isLogCost();
  const at = (cost) => (isLog ? Math.log10(Math.max(cost, 1)) : cost);
  const xs = points.map((p) => at(p.cost));
  const wide = Math.max(
    0.09 * (Math.max(...xs) - Math.min(...xs)),
    isLog ? 0.15 : 0.02 * Math.abs(xs[0]) || 1,
  );
  return {
    at,
    isLog,
    x: [Math.min(...xs) - wide, Math.max(...xs) + wide],
    y: [Math.min(...ys) - margin, Math.max(...ys) + margin],
  };
}

// Returns where a name may stand beside a point of the screen: near places first.
function placesOf([x, y], width) {
  const boxes = {};
  for (const [side, left] of [
    ["right", x + 9],
    ["left", x - 9 - width],
  ]) {
    boxes[`top ${side}`] = [left, y - 21, left + width, y - 4];
    boxes[`bottom ${side}`] = [left, y + 4, left + width, y + 21];
    boxes[`middle ${side}`] = [left, y - 8, left + width, y + 8];
  }
  boxes["top center"] = [x - width / 2, y - 27, x + width / 2, y - 10];
  boxes["bottom center"] = [x - width / 2, y + 10, x + width / 2, y + 27];
  return Object.entries(boxes);
}

function meet(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

// Returns how far a point is from a box.
function distance(box, [x, y]) {
  const dx = Math.max(box[0] - x, 0, x - box[2]);
  return Math.hypot(dx, Math.max(box[1] - y, 0, y - box[3]));
}

// Returns where things are on the screen, in pixels of the plot's area: markers, the lines through
// the points, and the boxes in which a level's label may stand.
function screenOf(points, front, levels, ranges, width, height) {
  const right = (cost) => ((ranges.at(cost) - ranges.x[0]) / (ranges.x[1] - ranges.x[0])) * width;
  const down = (y) => (1 - (y - ranges.y[0]) / (ranges.y[1] - ranges.y[0])) * height;
  const centers = points.map((p) => [right(p.cost), down(p.difference[0])]);
  const markers = points.map((p, number) => {
    const [[x, y], half] = [centers[number], p.name === DATA.chosen ? 8 : 6];
    return [x - half, y - half, x + half, y + half];
  });
  const lines = points.map((p, number) => {
    const x = centers[number][0];
    return [x - 4, down(p.difference[2]), x + 4, down(p.difference[1])];
  });
  for (let i = 1; i < front.length; i += 1) {
    const [from, to] = [front[i - 1], front[i]].map((p) => centers[points.indexOf(p)]);
    const [x, y] = DATA.cost.better === "lower" ? [to[0], from[1]] : [from[0], to[1]];
    lines.push([Math.min(from[0], to[0]), y - 1, Math.max(from[0], to[0]), y + 1]);
    lines.push([x - 1, Math.min(from[1], to[1]), x + 1, Math.max(from[1], to[1])]);
  }
  const labels = levels.map(({ y, text }) => {
    const [long, bottom] = [textWidth(text, 400) + 4, down(y)];
    const places = [
      ["left", [0, bottom - 18, long, bottom]],
      ["right", [width - long, bottom - 18, width, bottom]],
    ];
    const isFree = ([, box]) => ![...markers, ...lines].some((other) => meet(other, box));
    return text ? places.find(isFree) || places[0] : ["left", null];
  });
  for (const { y } of levels) lines.push([0, down(y) - 1, width, down(y) + 1]);
  return { centers, markers, lines, labels, width, height };
}

// Returns for each point the place of its name, or null where there is none. A name keeps off
// markers, labels and other names, off the lines where it can, and stands nearer to its own point
// than to any other; the chosen and the baseline are named in any case.
function placeNames(points, names, screen) {
  const { centers, lines } = screen;
  const taken = [...screen.markers, ...screen.labels.map((label) => label[1]).filter(Boolean)];
  return points.map((p, number) => {
    const isNeeded = [DATA.chosen, DATA.baseline].includes(p.name);
    const long = textWidth(names[number], p.name === DATA.chosen ? 700 : 400) + 4;
    const inside = placesOf(centers[number], long).filter(
      ([, box]) =>
        box[0] >= 0 && box[2] <= screen.width && box[1] >= 0 && box[3] <= screen.height,
    );
    const free = inside.filter(([, box]) => !taken.some((other) => meet(other, box)));
    const near = free.filter(([, box]) => {
      const own = distance(box, centers[number]);
      return centers.every((c, other) => other === number || distance(box, c) > own + 2);
    });
    const clear = near.find(([, box]) => !lines.some((line) => meet(line, box)));
    const found = clear || near[0] || (isNeeded ? free[0] || inside[0] : null);
    if (!found) return null;
    taken.push(found[1]);
    return found[0];
  });
}

function drawPareto() {
  const { ink, muted, accent, bad, page } = colors();
  const points = DATA.variants
    .filter((v) => v.cost !== null && (v.difference || v.name === DATA.baseline) && !v.diverged)
    .map((v) => ({
      ...v,
      difference: v.difference || [0, 0, 0],
      cost: isLogCost() ? Math.max(v.cost, 1) : v.cost,
    }));
  if (!hasData("pareto", points.length > 0)) return;
  // The chosen and the baseline get a place for their names first.
  const rank = (v) =>
    v.name === DATA.chosen ? 0 : v.name === DATA.baseline ? 1 : v.is_on_front ? 2 : 3;
  points.sort((a, b) => rank(a) - rank(b));
  const ranges = paretoRanges(points);
  const height = isNarrow("pareto") ? 380 : 460;
  const margin = { l: 72, r: 16, t: 16, b: 52 };
  const front = points
    .filter((v) => DATA.has_front_line && v.is_on_front)
    .sort((a, b) => a.cost - b.cost);
  const width = widthOf("pareto") - margin.l - margin.r;
  const narrow = isNarrow("pareto");
  const levels = [{ y: 0, text: "", color: muted, dash: "solid" }];
  if (DATA.max_auc_loss !== null) {
    const text = `${narrow ? "allowed" : "largest allowed"} loss ${DATA.max_auc_loss}`;
    levels.push({ y: -DATA.max_auc_loss, text, color: bad, dash: "dash" });
  }
  if (DATA.best_auc_gain !== null)
    levels.push({ y: DATA.best_auc_gain, text: "best achievable", color: muted, dash: "dot" });
  const inner = height - margin.t - margin.b;
  const screen = screenOf(points, front, levels, ranges, width, inner);
  const names = points.map((v) => cut(v.name, narrow ? 15 : 32));
  const places = placeNames(points, names, screen);
  const colorOf = (v) =>
    v.name === DATA.chosen ? accent : v.name === DATA.baseline ? ink : hues()[0];
  const traces = [
    {
      x: front.map((v) => v.cost),
      y: front.map((v) => v.difference[0]),
      mode: "lines",
      hoverinfo: "skip",
      line: { shape: DATA.cost.better === "lower" ? "hv" : "vh", color: muted, width: 1.5 },
    },
    ...points.map((v) => ({
      x: [v.cost],
      y: [v.difference[0]],
      mode: "none",
      hoverinfo: "skip",
      error_y: {
        type: "data",
        symmetric: false,
        array: [v.difference[2] - v.difference[0]],
        arrayminus: [v.difference[0] - v.difference[1]],
        color: colorOf(v),
        thickness: 1.4,
        width: 4,
      },
    })),
    // Above all intervals, so that no name is struck through.
    ...points.map((v, number) => ({
      x: [v.cost],
      y: [v.difference[0]],
      name: plain(v.name),
      mode: places[number] ? "markers+text" : "markers",
      text: [plain(names[number])],
      textposition: places[number] || "top center",
      textfont: { color: colorOf(v), size: 12, weight: v.name === DATA.chosen ? 700 : 400 },
      marker: {
        size: v.name === DATA.chosen ? 15 : 10,
        color: v.is_on_front ? colorOf(v) : page,
        symbol: v.name === DATA.chosen ? "star" : v.name === DATA.baseline ? "square" : "circle",
        line: { color: colorOf(v), width: 1.8 },
      },
      hovertemplate: `<b>${plain(v.name)}</b><br>${v.details.map(plain).join("<br>")}<extra></extra>`,
    })),
  ];
  const drawn = levels.map(({ y, text, color, dash }, number) => {
    const side = screen.labels[number][0];
    return levelLine(y, text, color, dash, side);
  });
  const log = { type: "log", range: ranges.x, dtick: ranges.x[1] - ranges.x[0] > 1.6 ? 1 : "D2" };
  const ticks = ranges.isLog ? bytesTicks(ranges.x) : {};
  const title = `${DATA.cost.title}${DATA.cost.unit ? `, ${DATA.cost.unit}` : ""}${ranges.isLog ? " (log scale)" : ""}`;
  draw("pareto", traces, {
    height,
    margin,
    xaxis: axis(title, {
      ...(ranges.isLog ? log : { range: ranges.x }),
      ...ticks,
      zeroline: false,
    }),
    yaxis: axis(`AUC ROC against ${shortened(DATA.baseline, 24)}`, {
      range: ranges.y,
      tickformat: "+.3~f",
      zeroline: false,
    }),
    shapes: drawn.map((level) => level[0]),
    annotations: drawn.map((level) => level[1]).filter((label) => label.text),
  });
}

// Returns ticks at 1, 2 and 5 times powers of ten, with units.
function bytesTicks(range) {
  const values = [];
  for (let power = Math.floor(range[0]); power <= range[1]; power += 1) {
    for (const factor of range[1] - range[0] > 3 ? [1] : [1, 2, 5])
      values.push(factor * 10 ** power);
  }
  return {
    tickmode: "array",
    tickvals: values,
    ticktext: values.map((value) => bytesText(value).replace(/\.0+ /, " ")),
  };
}

drawings.push(drawPareto);
