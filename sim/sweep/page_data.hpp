// The figures behind report.html, as the page's script reads them.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/sweep/plan.hpp"
#include "sim/sweep/run_files.hpp"

namespace wbsim::sweep {

// Longest curves in the page, in samples: more than that many columns no screen shows.
inline constexpr std::size_t kCurveSamplesMax = 600;

// `directory` holds the points of `plan`.
nlohmann::ordered_json sweep_data(const std::filesystem::path& directory, const Plan& plan);
// Of a folder that `wbsim run --out` wrote; null when it is none, and `problem` says why.
nlohmann::ordered_json run_data(const std::filesystem::path& directory, std::string& problem);

// At most about `most` of the samples, with every peak and trough of the dirty memory.
std::vector<DirtySample> thinned(const std::vector<DirtySample>& samples, std::size_t most);

}  // namespace wbsim::sweep
