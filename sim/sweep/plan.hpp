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

// Which program computes the results.
struct Program {
  std::string version;  // for people
  // Digest of the executable. Another build may behave otherwise at the same version, so it has
  // other addresses, and no sweep mixes results of two programs.
  std::string build;
  friend bool operator==(const Program&, const Program&) = default;
};

// The program that runs, called `version`. nullopt, with `problem`, when the system does not let it
// read itself.
std::optional<Program> this_program(std::string_view version, std::string& problem);

struct Point {
  std::vector<std::string> values;  // one for each variation
  // 32 hexadecimal digits: the digest of the program and of all that the run depends on (the
  // resolved configuration with its workload, what job files include, the environment they use),
  // without what the configuration says about itself; of program, settings and refusal where the
  // point is refused.
  std::string digest;
  std::string refusal;  // why the point is not simulated; "" when it is
  friend bool operator==(const Point&, const Point&) = default;
};

struct Plan {
  Program program;
  system::ExperimentSource source;  // with the values of --set that all points share
  std::vector<Variation> variations;
  std::vector<Point> points;  // the last variation changes fastest
};

// Resolves every point. What is wrong with a value or with the configuration is reported once, not
// once a point; a valid combination that is not simulated becomes a refused point. nullopt after
// errors, or when two points are the same run.
std::optional<Plan> make_plan(const system::ExperimentSource& source,
                              const std::vector<Variation>& variations, const Program& program,
                              Diagnostics& diagnostics);

// The input of one point.
system::ExperimentSource source_of(const Plan& plan, const Point& point);
// The address of a point that is simulated.
std::string digest_of(const system::Experiment& experiment, const Program& program);

// "vm.dirty_ratio=5 queue.scheduler=none".
std::string describe(const Plan& plan, const Point& point);

std::string plan_json(const Plan& plan);
// Of the text of a sweep.json. nullopt when it is none, and `problem` says why.
std::optional<Plan> parse_plan(std::string_view text, std::string& problem);

// Why `here` does not continue the sweep `there`, as "WHAT is A there and B here"; "" when it does:
// it has every point of `there` that is simulated, and may have more.
std::string difference(const Plan& there, const Plan& here);

}  // namespace wbsim::sweep
