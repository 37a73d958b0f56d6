#include "sim/sweep/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sim/report/digest.hpp"
#include "sim/system/run_info.hpp"

namespace wbsim::sweep {
namespace {

// Findings of all points, each once.
class Findings {
 public:
  explicit Findings(const std::vector<Variation>& variations) : variations_{variations} {}

  void add(const Diagnostic& finding) {
    const Diagnostic placed{finding.severity, place(finding.where), finding.message};
    if (seen_.insert(to_string(placed)).second) {
      all_.push_back(placed);
    }
  }

  void hand_over(Diagnostics& diagnostics) const {
    for (const Diagnostic& finding : all_) {
      if (finding.severity == Severity::kError) {
        diagnostics.error(finding.where, finding.message);
      } else {
        diagnostics.note(finding.where, finding.message);
      }
    }
  }

  // A varied value reaches the configuration as a --set; the user wrote --vary.
  [[nodiscard]] std::string place(const std::string& where) const {
    constexpr std::string_view kSet = "--set ";
    if (where.starts_with(kSet)) {
      const std::string_view text = std::string_view{where}.substr(kSet.size());
      for (const Variation& variation : variations_) {
        if (text.starts_with(variation.key + "=")) {
          return fmt::format("--vary {}", text);
        }
      }
    }
    return where;
  }

 private:
  const std::vector<Variation>& variations_;
  std::vector<Diagnostic> all_;
  std::set<std::string> seen_;
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

std::string refusal_digest(const system::ExperimentSource& source, std::string_view version,
                           std::string_view refusal) {
  report::Hasher hasher;
  hasher.add(fmt::format("refused by wbsim {}\n", version));
  for (const std::string& set : source.sets) {
    hasher.add(set + "\n");
  }
  hasher.add(refusal);
  return report::to_string(hasher.digest());
}

// Fills in what follows from the point's values. Errors leave it without a digest.
void resolve(const Plan& plan, Point& point, Findings& findings) {
  const system::ExperimentSource source = source_of(plan, point);
  Diagnostics diagnostics;
  const std::optional<system::Experiment> experiment = load_runnable(source, diagnostics);
  if (experiment) {
    point.digest = digest_of(*experiment, plan.version);
  }
  for (const Diagnostic& finding : diagnostics.all()) {
    if (finding.severity != Severity::kRefused) {
      findings.add(finding);
    } else {
      point.refusal += fmt::format("{}{}: {}", point.refusal.empty() ? "" : "; ",
                                   findings.place(finding.where), finding.message);
    }
  }
  if (!point.refusal.empty() && !diagnostics.has_errors()) {
    point.digest = refusal_digest(source, plan.version, point.refusal);
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
                              const std::vector<Variation>& variations, std::string_view version,
                              Diagnostics& diagnostics) {
  Plan plan{std::string{version}, source, variations, {}};
  Findings findings{variations};
  plan.points.resize(count_points(variations));
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    plan.points[i].values = values_of(variations, i);
    resolve(plan, plan.points[i], findings);
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

std::string digest_of(const system::Experiment& experiment, std::string_view version) {
  report::Hasher hasher;
  hasher.add(fmt::format("run by wbsim {}\n", version));
  hasher.add(describe_run(experiment.config, experiment.workload, version).config_text);
  return report::to_string(hasher.digest());
}

std::string describe(const Plan& plan, const Point& point) {
  std::string text;
  for (std::size_t i = 0; i < plan.variations.size(); ++i) {
    text += fmt::format("{}{}={}", i == 0 ? "" : " ", plan.variations[i].key, point.values[i]);
  }
  return text;
}

}  // namespace wbsim::sweep
