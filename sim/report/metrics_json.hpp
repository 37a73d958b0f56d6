// RunMetrics as JSON with a fixed order of keys. Units are in the keys (_ns, _kibps, _pages) or are
// bytes; names of fio (per job) and of iostat (per device) are kept as they are.
#pragma once

#include <nlohmann/json.hpp>

#include "sim/report/run_metrics.hpp"

namespace wbsim::report {

// Histograms as percentiles only, or with every bucket that is not empty (fio's json+).
enum class Bins { kNo, kYes };

nlohmann::ordered_json to_json(const RunMetrics& metrics, Bins bins);

}  // namespace wbsim::report
