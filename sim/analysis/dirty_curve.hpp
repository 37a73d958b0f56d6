// The dirty-memory curves of two runs, brought onto one grid.
#pragma once

#include <optional>
#include <vector>

#include "sim/analysis/run_record.hpp"

namespace wbsim::analysis {

// A sample at `since`, counted from its run's first I/O. Pages, interpolated linearly.
struct CurvePoint {
  double since = 0;  // seconds
  double total = 0;  // nr_dirty + nr_writeback
  double background_thresh = 0;
  double dirty_thresh = 0;
};

struct AlignedCurves {
  std::vector<CurvePoint> real;
  std::vector<CurvePoint> ours;  // of the same size, at the same `since`
};

// The grid is the real run's sample times from the first I/O on (the instant itself is the first
// point). A run of ours that ends early keeps its last values, so what it lacks counts as an error.
// What ours lacks altogether counts as zero. Empty when the real run has no first I/O or no
// samples.
AlignedCurves align(const RunRecord& real, const RunRecord& ours);

struct CurveFigures {
  double mean = 0;  // of real, pages
  double rms = 0;   // of the difference, pages
  double real_peak = 0, ours_peak = 0;
};
CurveFigures curve_figures(const AlignedCurves& curves);

// Seconds after the first I/O at which nr_dirty + nr_writeback first exceeds the background
// threshold, or the freerun ceiling (background + dirty) / 2; interpolated linearly. The kernel
// starts background writeback by nr_dirty alone, which from then on stays near the threshold: a
// sample either side of it would decide.
std::optional<double> background_crossing(const std::vector<CurvePoint>& curve);
std::optional<double> freerun_crossing(const std::vector<CurvePoint>& curve);

}  // namespace wbsim::analysis
