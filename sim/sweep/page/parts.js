"use strict";
// Small things the rest of the page is made of. Text enters the page as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);

function byId(id) { return document.getElementById(id); }

// element("td", {className: "text"}, "shown", otherElement)
function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties || {});
  made.append(...children.map((child) => child instanceof Node ? child : String(child)));
  return made;
}

// A heading that may break after the dots and underscores of a key, never inside its words.
function breakable(text) {
  const parts = text.split(/(?<=[._])/);
  return element("span", {}, ...parts.flatMap((part, i) => i ? [element("wbr"), part] : [part]));
}

// Four significant digits, and no more than people compare.
function figureText(value) {
  if (value === null || value === undefined) { return "-"; }
  if (value === 0) { return "0"; }
  const size = Math.abs(value);
  return size >= 1000 ? Math.round(value).toLocaleString("en-US") : String(+value.toPrecision(4));
}

function withUnit(headline) {
  return headline.unit ? headline.label + " (" + headline.unit + ")" : headline.label;
}

// "11.6 us": nanoseconds in the unit that suits them.
function durationText(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["us", 1e3]]) {
    if (ns >= size) { return +(ns / size).toPrecision(3) + " " + unit; }
  }
  return ns + " ns";
}

function pointLabel(point) {
  const values = point.values.map((value, i) => {
    const key = data.knobs[i].key.split(".").pop();
    return key + "=" + shortValue(value);
  });
  return values.length ? point.number + ": " + values.join(", ") : "this run";
}

// Of a file, its name.
function shortValue(value) {
  return /^[^{["]*\/[^/]+\.json$/.test(value) ? value.split("/").pop().slice(0, -5) : value;
}

// Okabe and Ito's colours, told apart also by the colour-blind; after seven, other dashes.
const kColours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const kDashes = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

function lineStyle(index) {
  return {
    borderColor: kColours[index % kColours.length],
    backgroundColor: kColours[index % kColours.length],
    borderDash: kDashes[Math.floor(index / kColours.length) % kDashes.length],
  };
}

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.font.size = 13;
Chart.defaults.color = "#333";
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.elements.point.radius = 0;
Chart.defaults.elements.point.hitRadius = 6;
Chart.defaults.elements.line.borderWidth = 2;

function axis(title, more) {
  return Object.assign({title: {display: true, text: title}, grid: {color: "#e6e6e6"}}, more || {});
}

const charts = new Map();

// Draws a chart in place of the one that is there.
function draw(canvas, config) {
  if (charts.has(canvas)) { charts.get(canvas).destroy(); }
  charts.set(canvas, new Chart(canvas, config));
}
