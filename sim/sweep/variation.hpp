// `--vary KEY=V1,V2,...`: a knob and the values a sweep gives it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sim/base/diagnostics.hpp"

namespace wbsim::sweep {

struct Variation {
  std::string key;                  // as for --set
  std::vector<std::string> values;  // as for --set, in the order given
  friend bool operator==(const Variation&, const Variation&) = default;
};

// A sweep of more points is far more likely a typing error than an experiment.
inline constexpr std::size_t kPointsMax = 10'000;

// Reads the options of one command line. Commas inside brackets, braces and quotes belong to the
// value. `sets` are the command line's --set: a knob is either set or varied. What is wrong is
// reported with the option as its place; the result is then of no use.
std::vector<Variation> parse_variations(std::span<const std::string> options,
                                        std::span<const std::string> sets,
                                        Diagnostics& diagnostics);

// The number of points of all combinations; kPointsMax + 1 when it is more than kPointsMax.
std::size_t count_points(std::span<const Variation> variations);

}  // namespace wbsim::sweep
