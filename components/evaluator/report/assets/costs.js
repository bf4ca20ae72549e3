// Latency and the bytes by table.

const batchSizes = [...new Set(DATA.variants.flatMap((v) => Object.keys(v.latency)))].sort(
  (a, b) => a - b,
);
const batchSelect = fillSelect(
  "batch-size",
  batchSizes.map((size) => [size, Number(size).toLocaleString("en")]),
  () => drawLatency(),
);

function names(variants, id) {
  return variants.map((v) => shortened(v.name, isNarrow(id) ? 16 : 32));
}

// Returns ticks at 1, 2 and 5 times powers of ten, from microseconds to minutes.
function millisecondTicks() {
  const values = [];
  for (let power = -3; power <= 5; power += 1) {
    for (const factor of [1, 2, 5]) values.push(Number(`${factor}e${power}`));
  }
  return { tickmode: "array", tickvals: values, ticktext: values.map(String) };
}

// What follows the finding in the caption; the finding there is that of the smallest batch.
const latencyNote = (() => {
  const text = document.getElementById("c-latency").textContent;
  return text.slice(text.lastIndexOf("Box:")).trim();
})();

function latencyFinding(shown) {
  const size = batchSelect.value;
  const order = [...shown].sort((a, b) => a.latency[size].p99 - b.latency[size].p99);
  const text = (v) => `${significant(v.latency[size].p99)} ms (${v.name})`;
  const rows = `${Number(size).toLocaleString("en")} row${Number(size) > 1 ? "s" : ""}`;
  const [fastest, slowest] = [order[0], order[order.length - 1]].map(text);
  return `99 of 100 calls with ${rows} take at most ${fastest} to ${slowest}.`;
}

function drawLatency() {
  const { accent, ink, page } = colors();
  const size = batchSelect.value;
  const shown = DATA.variants.filter((v) => v.latency[size]).reverse();
  if (!hasData("latency", shown.length > 0)) return;
  document.getElementById("c-latency").textContent = `${latencyFinding(shown)} ${latencyNote}`;
  const rows = shown.map((v, row) => row);
  // Returns a variant's time at a share of its calls; the quantiles are evenly spread.
  const quantile = (v, share) => {
    const times = v.latency[size].quantiles;
    return times[Math.round(share * (times.length - 1))];
  };
  const color = (v) =>
    v.name === DATA.chosen ? accent : v.name === DATA.baseline ? ink : hues()[0];
  const boxes = shown.map((v, row) => {
    return {
      type: "box",
      orientation: "h",
      y: [row],
      hoverinfo: "skip",
      width: 0.6,
      q1: [quantile(v, 0.25)],
      median: [quantile(v, 0.5)],
      q3: [quantile(v, 0.75)],
      lowerfence: [quantile(v, 0.025)],
      upperfence: [quantile(v, 0.975)],
      line: { color: color(v), width: 1.6 },
      fillcolor: page,
    };
  });
  const texts = shown.map((v) => {
    const { p99, interval, calls } = v.latency[size];
    const times = `median ${significant(quantile(v, 0.5))} ms<br>99 % ${significant(p99)} ms${interval}`;
    return `<b>${plain(v.name)}</b><br>${times}<br>${calls.toLocaleString("en")} calls`;
  });
  const dots = (x, marker) => ({
    x,
    y: rows,
    mode: "markers",
    text: texts,
    hovertemplate: "%{text}<extra></extra>",
    marker: { color: shown.map(color), ...marker },
  });
  const diamonds = dots(
    shown.map((v) => v.latency[size].p99),
    { symbol: "diamond", size: 9 },
  );
  diamonds.error_x = {
    type: "data",
    symmetric: false,
    array: shown.map((v) => v.latency[size].more),
    arrayminus: shown.map((v) => v.latency[size].less),
    color: ink,
    thickness: 1,
    width: 3,
  };
  const medians = dots(
    shown.map((v) => quantile(v, 0.5)),
    { symbol: "line-ns-open", size: 14 },
  );
  const slowest = Math.max(...shown.map((v) => v.latency[size].p99));
  const isWide = slowest > 4 * Math.min(...shown.map((v) => quantile(v, 0.5)));
  draw("latency", [...boxes, medians, diamonds], {
    height: 90 + 30 * shown.length,
    xaxis: isWide
      ? axis("ms a call (log scale)", { type: "log", side: "top", ...millisecondTicks() })
      : axis("ms a call", { rangemode: "tozero", side: "top" }),
    yaxis: rowsAxis(names(shown, "latency")),
    margin: { l: 60, r: 20, t: 56, b: 16 },
  });
}

function drawTables() {
  const { page } = colors();
  const shown = DATA.variants.filter((v) => v.table_bytes.some((size) => size > 0)).reverse();
  if (!hasData("tables", shown.length > 0)) return;
  const isShare = document.getElementById("bytes-kind").value === "share";
  const totals = shown.map((v) => v.table_bytes.reduce((sum, size) => sum + size, 0));
  const unit = bytesText(Math.max(...totals)).split(" ")[1];
  const unitBytes = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit];
  const traces = DATA.tables.map((table, number) => ({
    type: "bar",
    orientation: "h",
    name: shortened(table, 28),
    y: shown.map((v, row) => row),
    x: shown.map((v, row) =>
      isShare ? v.table_bytes[number] / totals[row] : v.table_bytes[number] / unitBytes,
    ),
    text: shown.map(
      (v) => `${plain(v.name)}<br>${plain(table)}: ${bytesText(v.table_bytes[number])}`,
    ),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
    marker: {
      color: [...hues(), isDark() ? "#6d7680" : "#a9b1b9"][number % 8],
      line: { color: page, width: 0.5 },
    },
  }));
  draw("tables", traces, {
    barmode: "stack",
    height: 90 + 26 * shown.length + (isNarrow("tables") ? 21 * DATA.tables.length : 50),
    xaxis: axis(isShare ? "share of the variant's tables" : "bytes as served", {
      side: "top",
      ...(isShare
        ? { tickformat: ".0%", range: [0, 1] }
        : { ticksuffix: ` ${unit}`, exponentformat: "none" }),
      nticks: 6,
    }),
    yaxis: rowsAxis(names(shown, "tables")),
    margin: { l: 60, r: 16, t: 56, b: 16 },
    showlegend: true,
    legend: { orientation: "h", x: 0, y: -0.02, yanchor: "top", traceorder: "normal" },
  });
}

document.getElementById("bytes-kind").addEventListener("change", drawTables);
drawings.push(drawLatency, drawTables);
