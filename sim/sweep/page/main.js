// Puts the page together.

function selectionChanged() {
  fillPoints();
  if (dirties) { drawDirty(); }
  if (!byId("latency").hidden) { drawLatency(); }
}

// Runs that dirty nothing, such as pure readers, have no curve to look at.
const dirties = shown.some((point) => point.curve.dirty.some((pages) => pages > 0));

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
}
byId("dirty").hidden = !dirties;
document.documentElement.dataset.drawn = charts.size;
