#include "sim/sweep/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sim/report/digest.hpp"
#include "sim/sweep/point_file.hpp"
#include "sim/system/run_info.hpp"

namespace wbsim::sweep {
namespace {

// Findings of all points, each once, with the varied values that it depends on.
class Findings {
 public:
  explicit Findings(const Plan& plan) : plan_{plan} {}

  // Points come in ascending order.
  void add(std::size_t point, const Diagnostic& finding) {
    const Diagnostic placed{finding.severity, place(finding.where), finding.message};
    const auto [known, fresh] = index_.emplace(to_string(placed), all_.size());
    if (fresh) {
      all_.push_back({placed, {}});
    }
    std::vector<std::size_t>& points = all_[known->second].points;
    if (points.empty() || points.back() != point) {
      points.push_back(point);
    }
  }

  void hand_over(Diagnostics& diagnostics) const {
    for (const auto& [finding, points] : all_) {
      const std::string values = values_of(finding, points);
      const std::string where =
          values.empty() ? finding.where : fmt::format("{} ({})", finding.where, values);
      if (finding.severity == Severity::kError) {
        diagnostics.error(where, finding.message);
      } else {
        diagnostics.note(where, finding.message);
      }
    }
  }

  // A varied value reaches the configuration as a --set; the user wrote --vary.
  [[nodiscard]] std::string place(const std::string& where) const {
    constexpr std::string_view kSet = "--set ";
    if (where.starts_with(kSet)) {
      const std::string_view text = std::string_view{where}.substr(kSet.size());
      for (const Variation& variation : plan_.variations) {
        if (text.starts_with(variation.key + "=")) {
          return fmt::format("--vary {}", text);
        }
      }
    }
    return where;
  }

 private:
  struct Finding {
    Diagnostic finding;
    std::vector<std::size_t> points;
  };

  // "device.size=1GiB,2GiB seed=1": the values that not all points have and these do. Nothing where
  // the finding names its value itself, or where it holds whatever the values are.
  [[nodiscard]] std::string values_of(const Diagnostic& finding,
                                      const std::vector<std::size_t>& points) const {
    std::string text;
    for (std::size_t knob = 0; knob < plan_.variations.size(); ++knob) {
      const Variation& variation = plan_.variations[knob];
      std::vector<std::string> values;
      for (const std::string& value : variation.values) {
        if (std::any_of(points.begin(), points.end(),
                        [&](std::size_t i) { return plan_.points[i].values[knob] == value; })) {
          values.push_back(value);
        }
      }
      const bool named = finding.where.starts_with(fmt::format("--vary {}=", variation.key));
      if (values.size() < variation.values.size() && !named) {
        text +=
            fmt::format("{}{}={}", text.empty() ? "" : " ", variation.key, fmt::join(values, ","));
      }
    }
    return text;
  }

  const Plan& plan_;
  std::vector<Finding> all_;
  std::map<std::string, std::size_t> index_;  // into `all_`, by text
};

// The values of point `index`; the last variation changes fastest.
std::vector<std::string> values_of(const std::vector<Variation>& variations, std::size_t index) {
  std::vector<std::string> values(variations.size());
  for (std::size_t i = variations.size(); i-- > 0;) {
    values[i] = variations[i].values[index % variations[i].values.size()];
    index /= variations[i].values.size();
  }
  return values;
}

// Each text with its length, so that no two lists read the same.
void add_sized(report::Hasher& hasher, std::string_view text) {
  hasher.add(fmt::format("{}\n", text.size()));
  hasher.add(text);
}

std::string refusal_digest(const system::ExperimentSource& source, const Program& program,
                           std::string_view refusal) {
  report::Hasher hasher;
  hasher.add(fmt::format("refused by wbsim {} {}\n", program.version, program.build));
  for (const std::string& set : source.sets) {
    add_sized(hasher, set);
  }
  hasher.add(refusal);
  return report::to_string(hasher.digest());
}

// Fills in what follows from the point's values. Errors leave it without a digest.
void resolve(const Plan& plan, std::size_t index, Point& point, Findings& findings) {
  const system::ExperimentSource source = source_of(plan, point);
  Diagnostics diagnostics;
  const std::optional<system::Experiment> experiment = load_runnable(source, diagnostics);
  if (experiment) {
    point.digest = digest_of(*experiment, plan.program);
  }
  for (const Diagnostic& finding : diagnostics.all()) {
    if (finding.severity != Severity::kRefused) {
      findings.add(index, finding);
    } else {
      point.refusal += fmt::format("{}{}: {}", point.refusal.empty() ? "" : "; ",
                                   findings.place(finding.where), finding.message);
    }
  }
  if (!point.refusal.empty() && !diagnostics.has_errors()) {
    point.digest = refusal_digest(source, plan.program, point.refusal);
  }
}

void check_distinct(const Plan& plan, Diagnostics& diagnostics) {
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    const auto [known, fresh] = first.emplace(plan.points[i].digest, i);
    if (!fresh) {
      diagnostics.error(
          "--vary", fmt::format("points {} ({}) and {} ({}) are the same run", known->second + 1,
                                describe(plan, plan.points[known->second]), i + 1,
                                describe(plan, plan.points[i])));
      return;  // one example of what is usually a whole row of them
    }
  }
}

}  // namespace

std::optional<Plan> make_plan(const system::ExperimentSource& source,
                              const std::vector<Variation>& variations, const Program& program,
                              Diagnostics& diagnostics) {
  Plan plan{program, source, variations, {}};
  Findings findings{plan};
  plan.points.resize(count_points(variations));
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    plan.points[i].values = values_of(variations, i);
    resolve(plan, i, plan.points[i], findings);
  }
  findings.hand_over(diagnostics);
  if (!diagnostics.has_errors()) {
    check_distinct(plan, diagnostics);
  }
  return diagnostics.has_errors() ? std::nullopt : std::optional{std::move(plan)};
}

system::ExperimentSource source_of(const Plan& plan, const Point& point) {
  system::ExperimentSource source = plan.source;
  for (std::size_t i = 0; i < plan.variations.size(); ++i) {
    source.sets.push_back(plan.variations[i].key + "=" + point.values[i]);
  }
  return source;
}

std::string digest_of(const system::Experiment& experiment, const Program& program) {
  report::Hasher hasher;
  hasher.add(fmt::format("run by wbsim {} {}\n", program.version, program.build));
  system::Config config = experiment.config;
  config.about.clear();
  add_sized(hasher, describe_run(config, experiment.workload, program.version).config_text);
  for (const std::string& input : experiment.read_beside) {
    add_sized(hasher, input);
  }
  return report::to_string(hasher.digest());
}

std::optional<Program> this_program(std::string_view version, std::string& problem) {
  constexpr const char* kExecutable = "/proc/self/exe";
  const std::optional<std::string> content = file_content(kExecutable);
  if (!content) {
    problem =
        fmt::format("cannot read {}, which tells one build of wbsim from another", kExecutable);
    return std::nullopt;
  }
  return Program{std::string{version}, report::to_string(report::digest_of(*content))};
}

std::string describe(const Plan& plan, const Point& point) {
  std::string text;
  for (std::size_t i = 0; i < plan.variations.size(); ++i) {
    text += fmt::format("{}{}={}", i == 0 ? "" : " ", plan.variations[i].key, point.values[i]);
  }
  return text;
}

}  // namespace wbsim::sweep
