// What each knob of a sweep does to a figure, whatever the others are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/sweep/merged.hpp"

namespace wbsim::sweep {

// The points at one value of a knob that have the figure.
struct Level {
  std::string value;
  std::size_t points = 0;
  double mean = 0;  // over the points, so over all values of the other knobs
  double min = 0;
  double max = 0;
};

struct Effect {
  std::string knob;
  std::vector<Level> levels;  // in the order of the plan
  // From the lowest to the highest mean of a level, as a share of the mean of all points with the
  // figure. None when fewer than two levels have it or that mean is 0.
  std::optional<double> range;
};

// The main effect of every knob on headline `headline`: one entry for each variation.
std::vector<Effect> main_effects(const Plan& plan, const std::vector<Row>& rows,
                                 std::size_t headline);

}  // namespace wbsim::sweep
