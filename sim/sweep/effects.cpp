#include "sim/sweep/effects.hpp"

#include <algorithm>

namespace wbsim::sweep {
namespace {

void add(Level& level, double figure) {
  level.min = level.points == 0 ? figure : std::min(level.min, figure);
  level.max = level.points == 0 ? figure : std::max(level.max, figure);
  level.mean += figure;  // the sum, until all are in
  ++level.points;
}

std::optional<double> range_of(const std::vector<Level>& levels, double mean_of_all) {
  std::vector<double> means;
  for (const Level& level : levels) {
    if (level.points > 0) {
      means.push_back(level.mean);
    }
  }
  if (means.size() < 2 || mean_of_all == 0) {
    return std::nullopt;
  }
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  return (*high - *low) / mean_of_all;
}

}  // namespace

std::vector<Effect> main_effects(const Plan& plan, const std::vector<Row>& rows,
                                 std::size_t headline) {
  std::vector<Effect> effects;
  for (std::size_t knob = 0; knob < plan.variations.size(); ++knob) {
    const Variation& variation = plan.variations[knob];
    Effect effect{variation.key, {}, std::nullopt};
    double sum = 0;
    std::size_t count = 0;
    for (const std::string& value : variation.values) {
      Level level{value};
      for (const Row& row : rows) {
        const std::optional<double>& figure = row.headlines[headline];
        if (figure && plan.points[row.index].values[knob] == value) {
          add(level, *figure);
        }
      }
      sum += level.mean;
      count += level.points;
      level.mean = level.points == 0 ? 0 : level.mean / static_cast<double>(level.points);
      effect.levels.push_back(std::move(level));
    }
    effect.range = range_of(effect.levels, count == 0 ? 0 : sum / static_cast<double>(count));
    effects.push_back(std::move(effect));
  }
  return effects;
}

}  // namespace wbsim::sweep
