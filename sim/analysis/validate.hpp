// `wbsim validate`: runs truth cases through the simulator and compares with what a kernel did.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/analysis/figures.hpp"
#include "sim/analysis/truth_case.hpp"
#include "sim/system/config.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::analysis {

// The code path of `wbsim run`: simulates and tells the observers.
using Simulate = std::function<void(const system::Config&, const workload::WorkloadSpec&,
                                    const std::vector<engine::Observer*>&)>;

struct ValidateOptions {
  // Folders of cases, or folders of such folders, or single cases.
  std::vector<std::filesystem::path> roots;
  // Holds spread-KERNEL.csv and diagnoses.json, both optional; empty: none.
  std::filesystem::path data;
};

enum class CaseState { kCompared, kRefused, kFailed };

struct CaseResult {
  std::string kernel;
  std::string name;
  CaseState state = CaseState::kFailed;
  std::vector<std::string> refusals;  // why it is not simulated, without the file names
  std::vector<FigureValue> ours;
  std::vector<FigureValue> null_model;
  [[nodiscard]] std::string id() const { return kernel + "/" + name; }
};

// The magnitude of one figure over all cases, of the values that are judged and not fixed by an
// offered rate; of several jobs of a case the worst.
struct FigureSummary {
  Figure figure = Figure::kThroughput;
  std::size_t count = 0;  // cases
  double median = 0;
  double worst = 0;  // the largest error; for the order, the smallest score
  double null_median = 0;
};

struct Miss {
  std::string case_id;
  FigureValue value;
  std::string diagnosis;  // empty: none known
};

struct ValidationReport {
  std::vector<CaseResult> cases;
  std::vector<FigureSummary> summaries;
  std::vector<Miss> misses;
};

// Bad input is in `diagnostics` as errors; the other cases are compared all the same.
ValidationReport validate(const ValidateOptions& options, const Simulate& simulate,
                          Diagnostics& diagnostics);

// The configuration and the jobs of a case. nullopt after errors or refusals.
struct PreparedCase {
  system::Config config;
  workload::WorkloadSpec workload;
};
std::optional<PreparedCase> prepare(const TruthCase& truth, Diagnostics& diagnostics);

// {"KERNEL/CASE": {"FIGURE": "why"}}: texts for misses, by case and figure key.
using Diagnoses = std::map<std::string, std::map<std::string, std::string>>;
std::optional<Diagnoses> read_diagnoses(const std::filesystem::path& path,
                                        Diagnostics& diagnostics);

}  // namespace wbsim::analysis
