// The charts.

// Draws the bar from the lowest to the highest point through each mean.
const spreadBars = {
  id: "spreadBars",
  afterDatasetsDraw(chart) {
    const spread = chart.options.plugins.spreadBars.levels;
    const context = chart.ctx;
    context.save();
    context.strokeStyle = "#666";
    context.lineWidth = 1.5;
    chart.getDatasetMeta(0).data.forEach((mark, i) => {
      const ends = [spread[i].min, spread[i].max].map((y) => chart.scales.y.getPixelForValue(y));
      context.beginPath();
      context.moveTo(mark.x, ends[0]);
      context.lineTo(mark.x, ends[1]);
      for (const end of ends) {
        context.moveTo(mark.x - 5, end);
        context.lineTo(mark.x + 5, end);
      }
      context.stroke();
    });
    context.restore();
  },
};

function effectTable(levels, headline) {
  const head = element("tr", {}, element("th", {className: "text"}, "value"),
    ...["mean", "lowest", "highest", "points"].map((name) => element("th", {}, name)));
  const rows = levels.map((level) => element("tr", {},
    element("td", {className: "text", title: level.value}, shortValue(level.value)),
    ...[level.mean, level.min, level.max].map((value) =>
      element("td", {}, level.points ? figureText(value * headline.scale) : "-")),
    element("td", {}, level.points)));
  return element("div", {className: "scroll"},
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}

function drawEffect(knob, levels, headline, top) {
  const scaled = levels.filter((level) => level.points).map((level) => ({
    value: level.value, mean: level.mean * headline.scale, min: level.min * headline.scale,
    max: level.max * headline.scale}));
  if (knob.numeric) { scaled.sort((a, b) => Number(a.value) - Number(b.value)); }
  const canvas = element("canvas", {role: "img", ariaLabel: headline.label + " by " + knob.key});
  byId("effect-charts").append(element("div", {className: "effect"},
    element("div", {}, element("h3", {}, knob.key), element("div", {className: "chart"}, canvas)),
    element("div", {}, element("h3", {}, withUnit(headline)), effectTable(levels, headline))));
  draw(canvas, {
    type: knob.numeric ? "line" : "bar",
    data: {
      labels: scaled.map((level) => shortValue(level.value)),
      datasets: [{data: scaled.map((level) => level.mean), borderColor: "#0072b2",
        backgroundColor: knob.numeric ? "#0072b2" : "#8fc3e3", pointRadius: 4,
        maxBarThickness: 60}],
    },
    options: {
      plugins: {legend: {display: false}, spreadBars: {levels: scaled}},
      scales: {x: axis(knob.key, {grid: {display: false}}),
        y: axis(withUnit(headline), {beginAtZero: true, suggestedMax: top})},
    },
    plugins: [spreadBars],
  });
}

// One scale for all knobs, so that their charts compare.
function drawEffects() {
  const at = Number(byId("figure").value);
  const headline = data.headlines[at];
  for (const [canvas, chart] of charts) {
    if (byId("effect-charts").contains(canvas)) { chart.destroy(); charts.delete(canvas); }
  }
  byId("effect-charts").replaceChildren();
  const highest = Math.max(...data.effects[at].flatMap((effect) =>
    effect.levels.map((level) => level.max * headline.scale)));
  data.effects[at].forEach((effect, i) => {
    drawEffect(data.knobs[i], effect.levels, headline, highest);
  });
}

function rangeCell(range) {
  if (range === null) { return element("td", {}, "-"); }
  const cell = element("td", {}, figureText(+(100 * range).toPrecision(3)) + " %");
  cell.style.background = "rgba(230, 159, 0, " + Math.min(range, 1) * 0.7 + ")";
  return cell;
}

function fillEffects() {
  if (!data.effects.length || shown.length < 2) {
    byId("effects").hidden = true;
    return;
  }
  const measured = data.headlines.map((each, i) => i)
    .filter((i) => shown.some((point) => point.figures[i] !== null));
  for (const i of measured) {
    byId("figure").append(element("option", {value: String(i)}, withUnit(data.headlines[i])));
  }
  byId("figure").addEventListener("change", drawEffects);
  const chosen = measured.filter((i) => data.headlines[i].chosen);
  byId("range-table").append(
    element("thead", {}, element("tr", {}, element("th", {className: "text"}, "knob"),
      ...chosen.map((i) => element("th", {}, data.headlines[i].label)))),
    element("tbody", {}, ...data.knobs.map((knob, k) => element("tr", {},
      element("td", {className: "text"}, knob.key),
      ...chosen.map((i) => rangeCell(data.effects[i][k].range))))));
  drawEffects();
}

const kMib = 256;  // pages of 4 KiB

function dirtyLine(point, member, label, style) {
  const curve = point.curve;
  // The kernel has no thresholds before it first needs them: no line there.
  const points = curve.t_ms.map((t, i) => ({x: t / 1000,
    y: member !== "dirty" && curve[member][i] === 0 ? NaN : curve[member][i] / kMib}));
  return Object.assign({label, data: points}, style);
}

function drawDirty() {
  const lines = [];
  for (const point of selectedPoints()) {
    const style = styleOf(point);
    lines.push(dirtyLine(point, "dirty", pointLabel(point), style));
    if (byId("thresholds").checked) {
      const thin = {borderColor: style.borderColor, borderWidth: 1};
      lines.push(dirtyLine(point, "background_thresh", "", Object.assign({}, thin,
        {borderDash: [7, 4]})));
      lines.push(dirtyLine(point, "dirty_thresh", "", Object.assign({}, thin,
        {borderDash: [2, 3]})));
    }
  }
  draw(byId("dirty-chart"), {
    type: "line",
    data: {datasets: lines},
    options: lineOptions(axis("virtual time (s)", {type: "linear"}),
      axis("MiB", {beginAtZero: true}),
      (item) => item.dataset.label + ": " + figureText(item.parsed.y) + " MiB at " +
        figureText(item.parsed.x) + " s"),
  });
}

// Many points would fill the chart with their legend: then by number, as in the table.
function legendLabels(chart) {
  const labels = Chart.defaults.plugins.legend.labels.generateLabels(chart);
  for (const label of labels) {
    label.text = selected.size > kSelectedFirst ? label.text.split(":")[0] : label.text;
  }
  return labels;
}

function lineOptions(x, y, tooltip) {
  return {
    parsing: false,
    normalized: true,
    interaction: {mode: "nearest", intersect: false},
    scales: {x, y},
    plugins: {
      legend: {position: "bottom", align: "start",
        labels: {boxWidth: 28, boxHeight: 0, generateLabels: legendLabels,
          filter: (item) => item.text !== ""}},
      tooltip: {filter: (item) => item.dataset.label !== "",
        callbacks: {title: () => "", label: tooltip}},
    },
  };
}

// The share of calls that took at most as long, or the share that took longer, in percent.
function latencyLine(point, call, tail) {
  const buckets = point.latencies[call] || [];
  const all = buckets.reduce((sum, bucket) => sum + bucket[1], 0);
  const line = [];
  let seen = 0;
  for (const [ns, count] of buckets) {
    line.push({x: ns, y: tail ? 100 * (all - seen) / all : 100 * seen / all});
    seen += count;
    if (!tail || seen < all) {
      line.push({x: ns, y: tail ? 100 * (all - seen) / all : 100 * seen / all});
    }
  }
  return Object.assign({label: pointLabel(point), data: line}, styleOf(point));
}

function drawLatency() {
  const call = byId("call").value;
  const tail = byId("view").value === "tail";
  const lines = selectedPoints().filter((point) => point.latencies[call])
    .map((point) => latencyLine(point, call, tail));
  const decades = (value) => /^1(\.0+)?e|^1$/.test(Number(value).toExponential());
  draw(byId("latency-chart"), {
    type: "line",
    data: {datasets: lines},
    options: lineOptions(
      axis("latency of " + call + " (logarithmic)", {type: "logarithmic",
        ticks: {callback: (value) => decades(value) ? durationText(value) : null}}),
      tail ? axis("% of calls that took longer", {type: "logarithmic", max: 100,
        ticks: {callback: (value) => decades(value) ? value + " %" : null}})
        : axis("% of calls", {min: 0, max: 100}),
      (item) => item.dataset.label + ": " + figureText(item.parsed.y) + " % at " +
        durationText(item.parsed.x)),
  });
}

function fillLatency() {
  const calls = ["write", "fsync", "fdatasync", "sync", "read"]
    .filter((call) => shown.some((point) => point.latencies[call]));
  if (!calls.length) {
    byId("latency").hidden = true;
    return;
  }
  byId("latency-caption").textContent = "How long system calls took, all jobs of a point " +
    "together. Further left is faster; where a line bends late, a few calls waited long.";
  calls.forEach((call) => byId("call").append(element("option", {value: call}, call)));
  byId("call").addEventListener("change", drawLatency);
  byId("view").addEventListener("change", drawLatency);
}
