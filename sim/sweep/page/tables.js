// What was run, the table of points and which of them the charts show.

const kSelectedMax = 28;  // lines that colours and dashes tell apart
const kSelectedFirst = 6;

const shown = data.points.filter((point) => point.figures);
const selected = new Set();  // numbers of points

function styleOf(point) {
  return lineStyle(shown.filter((each) => selected.has(each.number)).indexOf(point));
}

function selectedPoints() { return shown.filter((point) => selected.has(point.number)); }

// A few points from all over the sweep.
function selectSome() {
  const count = Math.min(kSelectedFirst, shown.length);
  for (let i = 0; i < count; ++i) {
    const at = count === 1 ? 0 : Math.round(i * (shown.length - 1) / (count - 1));
    selected.add(shown[at].number);
  }
}

function distinct(member) {
  const all = shown.map((point) => point.identity[member]).filter((each) => each !== null);
  return [...new Set(all)];
}

function fillFacts() {
  const sweep = data.kind === "sweep";
  const done = data.points.filter((point) => point.status === "ok").length;
  byId("lead").textContent = sweep
    ? "A sweep of " + data.points.length + " points in " + data.directory
    : "One run in " + data.directory;
  const facts = [];
  const add = (name, values) => { if (values.length) { facts.push([name, values.join("\n")]); } };
  add("configuration", data.config ? [data.config] : []);
  add("job files", data.workload);
  add("set for all points", data.set);
  for (const knob of data.knobs) { add("varied: " + knob.key, [knob.values.join(", ")]); }
  if (sweep) { add("points", [done + " ok, " + (data.points.length - done) + " others"]); }
  add("kernel", distinct("kernel").map((kernel) => "Linux " + kernel));
  add("seed", distinct("seed"));
  const digests = distinct("config_digest");
  add("configuration digest",
    digests.length > 1 ? [digests.length + " different, see the points"] : digests);
  if (!sweep) { add("result digest", distinct("result_digest")); }
  add("wbsim", [data.wbsim]);
  add("trust", distinct("trust").map((statement) => statement.replace(/^trust /, "")));
  for (const [name, text] of facts) {
    byId("facts").append(element("dt", {}, name));
    const value = element("dd", {}, text);
    value.style.whiteSpace = "pre-line";
    byId("facts").append(value);
  }
}

function selectMatching(filters) {
  selected.clear();
  for (const point of shown) {
    const matches = filters.every((filter, i) => filter.value === "" ||
      point.values[i] === data.knobs[i].values[Number(filter.value)]);
    if (matches && selected.size < kSelectedMax) { selected.add(point.number); }
  }
  selectionChanged();
}

function fillFilters() {
  const filters = data.knobs.map((knob) => {
    const filter = element("select", {}, element("option", {value: ""}, "all"));
    knob.values.forEach((value, i) => {
      filter.append(element("option", {value: String(i)}, shortValue(value)));
    });
    return filter;
  });
  filters.forEach((filter, i) => {
    filter.addEventListener("change", () => selectMatching(filters));
    byId("filters").append(element("label", {}, data.knobs[i].key + " ", filter));
  });
  const none = element("button", {type: "button"}, "select none");
  none.addEventListener("click", () => { selected.clear(); selectionChanged(); });
  byId("filters").append(none);
  byId("filters").hidden = data.points.length < 2;
}

// By which column the table is sorted: a function from a point to what is compared.
let order = {of: (point) => point.number, down: false};

function sortedPoints() {
  const compare = (a, b) => {
    const [x, y] = [order.of(a), order.of(b)];
    if (x === y) { return a.number - b.number; }
    if (x === null || y === null) { return x === null ? 1 : -1; }
    return (x < y ? -1 : 1) * (order.down ? -1 : 1);
  };
  return [...data.points].sort(compare);
}

function headCell(text, of, className) {
  const button = element("button", {type: "button", title: "sort"}, breakable(text));
  button.addEventListener("click", () => {
    order = {of, down: order.text === text && !order.down, text};
    fillPoints();
  });
  return element("th", {className: className || ""}, button);
}

function pointRow(point, columns) {
  const box = element("input", {type: "checkbox", checked: selected.has(point.number),
    disabled: !point.figures, ariaLabel: "show point " + point.number});
  box.addEventListener("change", () => {
    if (box.checked) { selected.add(point.number); } else { selected.delete(point.number); }
    selectionChanged();
  });
  const swatch = element("span", {className: "swatch"});
  if (selected.has(point.number)) {
    const style = styleOf(point);
    swatch.style.borderTopColor = style.borderColor;
    swatch.style.borderTopStyle = style.borderDash.length ? "dashed" : "solid";
  }
  const row = element("tr", {className: selected.has(point.number) ? "" : "off"},
    element("td", {}, box), element("td", {}, swatch), element("td", {}, point.number));
  data.knobs.forEach((knob, i) => {
    const className = knob.numeric ? "" : "text";
    row.append(element("td", {className, title: point.values[i]}, shortValue(point.values[i])));
  });
  for (const column of columns) {
    const value = point.figures ? point.figures[column] : null;
    const scaled = value === null ? null : value * data.headlines[column].scale;
    row.append(element("td", {}, figureText(scaled)));
  }
  row.append(element("td", {className: "text"}, point.status));
  if (data.points.some((each) => each.message)) {
    row.append(element("td", {className: "message"}, point.message));
  }
  return row;
}

function fillPoints() {
  const columns = data.headlines.map((each, i) => i).filter((i) => data.headlines[i].chosen);
  const head = element("tr", {}, element("th", {}, "show"), element("th", {}, ""),
    headCell("point", (point) => point.number));
  data.knobs.forEach((knob, i) => {
    const of = (point) => knob.numeric ? Number(point.values[i])
      : knob.values.indexOf(point.values[i]);
    head.append(headCell(knob.key, of, knob.numeric ? "" : "text"));
  });
  for (const i of columns) {
    head.append(headCell(withUnit(data.headlines[i]),
      (point) => point.figures ? point.figures[i] : null));
  }
  head.append(headCell("status", (point) => point.status, "text"));
  if (data.points.some((each) => each.message)) {
    head.append(element("th", {className: "text"}, "message"));
  }
  byId("points-table").replaceChildren(element("thead", {}, head),
    element("tbody", {}, ...sortedPoints().map((point) => pointRow(point, columns))));
  byId("points-caption").textContent = data.points.length < 2 ? "" :
    "The charts of dirty memory and latency show the points that are ticked (" + selected.size +
    " of " + shown.length + "). The lists select all points with a value; a click on a heading " +
    "sorts.";
}
