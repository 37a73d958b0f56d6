// Puts the page together.

function selectionChanged() {
  fillPoints();
  drawDirty();
  if (!byId("latency").hidden) { drawLatency(); }
}

function showProblem(problem) {
  byId("problem").textContent = "This page could not be drawn: " + problem;
  byId("problem").hidden = false;
}

window.addEventListener("error", (event) => showProblem(event.message));

selectSome();
fillFacts();
fillFilters();
fillEffects();
fillLatency();
byId("thresholds").addEventListener("change", drawDirty);
if (shown.length) {
  selectionChanged();
} else {
  fillPoints();
  byId("dirty").hidden = true;
}
document.documentElement.dataset.drawn = charts.size;
