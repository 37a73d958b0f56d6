// What a sweep runs: every combination of the varied values, each a point with an address that
// follows from its content. sweep.json is the plan on disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/sweep/variation.hpp"
#include "sim/system/experiment.hpp"

namespace wbsim::sweep {

struct Point {
  std::vector<std::string> values;  // one for each variation
  // 32 hexadecimal digits: the digest of program version and resolved configuration with its
  // workload; of version, settings and refusal where the point is refused.
  std::string digest;
  std::string refusal;  // why the point is not simulated; "" when it is
  friend bool operator==(const Point&, const Point&) = default;
};

struct Plan {
  std::string version;              // of the program
  system::ExperimentSource source;  // with the values of --set that all points share
  std::vector<Variation> variations;
  std::vector<Point> points;  // the last variation changes fastest
};

// Resolves every point. What is wrong with a value or with the configuration is reported once, not
// once a point; a valid combination that is not simulated becomes a refused point. nullopt after
// errors, or when two points are the same run.
std::optional<Plan> make_plan(const system::ExperimentSource& source,
                              const std::vector<Variation>& variations, std::string_view version,
                              Diagnostics& diagnostics);

// The input of one point.
system::ExperimentSource source_of(const Plan& plan, const Point& point);
// The address of a point that is simulated.
std::string digest_of(const system::Experiment& experiment, std::string_view version);

// "vm.dirty_ratio=5 queue.scheduler=none".
std::string describe(const Plan& plan, const Point& point);

std::string plan_json(const Plan& plan);
// Of the text of a sweep.json. nullopt when it is none, and `problem` says why.
std::optional<Plan> parse_plan(std::string_view text, std::string& problem);

// The first difference that matters, as "WHAT is A there and B here"; "" for the same sweep.
std::string difference(const Plan& there, const Plan& here);

}  // namespace wbsim::sweep
