// One experiment repeated over phases: what its figures are worth. A throttled run diverges after
// its first pauses, so a figure of one run is one draw; the spread over runs that differ only in
// the phase of the clock and in the seed says how much of a difference means something.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/report/run_metrics.hpp"

namespace wbsim::report {

// A figure of summary.json over all phases. `deviation` is the standard deviation of the sample,
//   sqrt(sum((x - mean)^2) / (n - 1)),
// what "+-" means in the summary.
struct PhaseFigure {
  std::string pointer;  // JSON pointer into summary.json
  double mean = 0;
  double deviation = 0;
  double min = 0;
  double max = 0;
};

// Every number of summary.json that all phases have, in the order of the file. A time that some
// phases lack (no pause, say) is left out. Needs at least two phases.
std::vector<PhaseFigure> phase_figures(const std::vector<RunMetrics>& phases);

// For a terminal: the principal figures with their +-. Ends with a newline.
std::string phases_text(const std::vector<RunMetrics>& phases);

// {"runs": n, "figures": {"/jobs/0/write/iops": {"mean": .., "deviation": .., "min": .., ..}}}
nlohmann::ordered_json phases_json(const std::vector<RunMetrics>& phases);

}  // namespace wbsim::report
