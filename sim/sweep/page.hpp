// report.html: what a sweep or a run did, as one page that needs no network.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/base/diagnostics.hpp"

namespace wbsim::sweep {

// Where Debian's package libjs-chart.js keeps the charts' code.
inline constexpr const char* kChartJs = "/usr/share/javascript/chart.js/chart.min.js";

// The page for a sweep's directory, or for that of a single run. `chart_js` is put into it. nullopt
// after errors: no results in `directory`, no Chart.js. Points that are not done or damaged are
// named in the page.
std::optional<std::string> make_page(const std::filesystem::path& directory,
                                     const std::filesystem::path& chart_js,
                                     Diagnostics& diagnostics);

}  // namespace wbsim::sweep
