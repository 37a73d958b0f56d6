#include "sim/analysis/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "sim/analysis/input_file.hpp"
#include "sim/analysis/null_model.hpp"
#include "sim/analysis/recorder.hpp"
#include "sim/analysis/start_time.hpp"
#include "sim/analysis/truth_answer.hpp"
#include "sim/base/check.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/run.hpp"

namespace wbsim::analysis {

namespace fs = std::filesystem;

namespace {

// An order that the null model gets right is no achievement.
constexpr double kTrivialOrder = 0.90;
constexpr int kSearchDepth = 2;

void find_cases(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  if (fs::exists(folder / "case.json")) {
    found.push_back(folder);
    return;
  }
  if (depth == 0) {
    return;
  }
  std::vector<fs::path> inside;
  for (const auto& entry : fs::directory_iterator{folder}) {
    if (entry.is_directory()) {
      inside.push_back(entry.path());
    }
  }
  std::sort(inside.begin(), inside.end());
  for (const fs::path& path : inside) {
    find_cases(path, depth - 1, found);
  }
}

std::vector<fs::path> all_cases(const std::vector<fs::path>& roots, Diagnostics& diagnostics) {
  std::vector<fs::path> cases;
  for (const fs::path& root : roots) {
    const std::size_t before = cases.size();
    if (fs::is_directory(root)) {
      find_cases(root, kSearchDepth, cases);
    }
    if (cases.size() == before) {
      diagnostics.error(root.string(), fs::is_directory(root)
                                           ? "no case in it: a folder with a case.json is expected"
                                           : "no such folder");
    }
  }
  return cases;
}

// Jobs that fio reports together (group_reporting) are one line of the report.
std::vector<JobReporting> reporting_of(const std::vector<workload::JobSpec>& jobs) {
  std::vector<JobReporting> reporting;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const bool joins = i > 0 && jobs[i].group_reporting && jobs[i - 1].group_reporting &&
                       jobs[i].report_group == jobs[i - 1].report_group;
    const int group = i == 0 ? 0 : reporting.back().group + (joins ? 0 : 1);
    reporting.push_back({jobs[i].name, group});
  }
  return reporting;
}

std::vector<JobTraits> traits_of(const std::vector<workload::JobSpec>& jobs,
                                 const std::vector<JobReporting>& reporting) {
  std::vector<JobTraits> traits;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    traits.resize(static_cast<std::size_t>(reporting[i].group) + 1);
    JobTraits& line = traits.back();
    const workload::JobSpec& job = jobs[i];
    for (const auto direction : {workload::Direction::kRead, workload::Direction::kWrite}) {
      if (const std::optional<Bytes> rate = job.rate_of(direction); rate && job.does(direction)) {
        std::optional<Bytes>& sum = line.rate_per_second[direction];
        sum = sum.value_or(Bytes{}) + *rate;
      }
    }
    line.fixed_amount = line.fixed_amount || !job.time_based || job.number_ios.has_value();
    line.waits = line.waits || job.direct || job.open_sync != workload::OpenSync::kNone;
  }
  return traits;
}

void attach_replay(const TruthCase& truth, std::vector<workload::JobSpec>& jobs,
                   Diagnostics& diagnostics) {
  for (workload::JobSpec& job : jobs) {
    const auto ios = truth.replay.find(job.name);
    if (ios == truth.replay.end()) {
      continue;
    }
    if (job.clone > 0) {
      diagnostics.refuse(job.where, "clones of a job whose I/Os are given once");
    }
    job.replay = ios->second;
  }
}

// A finding names a file and a place in it: "DIR/case.json: /devices/sim0/queue/scheduler". In the
// table the case is named already, and messages about the job file name the option themselves.
std::string reason_of(const Diagnostic& finding) {
  const std::size_t pointer = finding.where.find(": /");
  const bool in_config =
      pointer != std::string::npos && finding.where.compare(pointer, 6, ": /fio") != 0;
  return in_config ? finding.where.substr(pointer + 2) + ": " + finding.message : finding.message;
}

std::vector<std::string> reasons_of(const Diagnostics& findings) {
  std::vector<std::string> reasons;
  for (const Diagnostic& finding : findings.all()) {
    const std::string reason = reason_of(finding);
    if (finding.severity == Severity::kRefused &&
        std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(reason);
    }
  }
  return reasons;
}

bool is_figure(std::string_view key) {
  const auto table = figure_table();
  return std::any_of(table.begin(), table.end(),
                     [key](const FigureInfo& info) { return info.key == key; });
}

class Validation {
 public:
  Validation(const ValidateOptions& options, const Simulate& simulate, Diagnostics& diagnostics)
      : options_{options}, simulate_{simulate}, diagnostics_{diagnostics} {}

  ValidationReport run() {
    if (!options_.data.empty() && fs::exists(options_.data / "diagnoses.json")) {
      diagnoses_ =
          read_diagnoses(options_.data / "diagnoses.json", diagnostics_).value_or(Diagnoses{});
    }
    for (const fs::path& folder : all_cases(options_.roots, diagnostics_)) {
      report_.cases.push_back(run_case(folder));
    }
    for (const FigureInfo& info : figure_table()) {
      summarise_figure(info);
    }
    return std::move(report_);
  }

 private:
  CaseResult run_case(const fs::path& folder) {
    CaseResult result;
    result.name = folder.filename().string();
    Diagnostics findings;
    const std::optional<TruthCase> truth = read_truth_case(folder, findings);
    std::optional<PreparedCase> prepared;
    if (truth) {
      result.name = truth->name;
      result.kernel = truth->kernel;
      prepared = prepare(*truth, findings);
    }
    if (truth && findings.has_refusals()) {
      // Errors beside a refusal follow from it: what is refused is read no further.
      result.state = CaseState::kRefused;
      result.refusals = reasons_of(findings);
      return result;
    }
    if (!prepared) {
      report_errors(findings);
      return result;
    }
    note_drawn_ios(*truth, prepared->workload.jobs);
    prepared->config.workload_start =
        start_time(prepared->config, prepared->workload, truth->first_event, simulate_);
    compare_case(*truth, *prepared, result);
    return result;
  }

  void note_drawn_ios(const TruthCase& truth, const std::vector<workload::JobSpec>& jobs) {
    for (const workload::JobSpec& job : jobs) {
      const bool drawn = job.pattern == workload::Pattern::kRandom || (job.reads && job.writes);
      if (drawn && job.replay.empty()) {
        diagnostics_.note((truth.folder / ("io-" + job.name + ".csv.xz")).string(),
                          "missing; the I/Os of job \"" + job.name +
                              "\" are drawn instead, and are not those that fio drew");
      }
    }
  }

  void compare_case(const TruthCase& truth, const PreparedCase& prepared, CaseResult& result) {
    const auto& jobs = prepared.workload.jobs;
    const std::vector<JobReporting> reporting = reporting_of(jobs);
    const SimDuration jiffy = seconds(1) / prepared.config.hz;
    Recorder recorder{reporting, jiffy};
    simulate_(prepared.config, prepared.workload, {&recorder});
    const RunRecord ours = recorder.take();
    const RunRecord null_model = run_null_model(prepared.config, jobs, reporting);

    Diagnostics findings;  // the answer is read only now
    // The rig traces no system calls: its first I/O is where the start was put (start_time()).
    const SimTime first_io = ours.first_io.value_or(at(prepared.config.workload_start));
    const auto real = read_answer(truth.folder, first_io, findings);
    if (real && real->jobs.size() != ours.jobs.size()) {
      findings.error((truth.folder / "summary.json").string() + ": /fio/jobs",
                     fmt::format("fio reports {} jobs, the job file has {}", real->jobs.size(),
                                 ours.jobs.size()));
    }
    if (findings.has_errors()) {
      report_errors(findings);
      return;
    }
    CompareContext context;
    context.jobs = traits_of(jobs, reporting);
    context.jiffy = jiffy;
    context.scheduler = prepared.config.devices.front().queue.scheduler;
    context.spread = spread_of(truth);
    result.ours = compare(*real, ours, context);
    result.null_model = compare(*real, null_model, context);
    // Which figures exist depends on the real run alone, so both lists pair up by index.
    SIM_CHECK(result.ours.size() == result.null_model.size());
    discount_trivial_order(result);
    result.state = CaseState::kCompared;
    collect_misses(result);
  }

  static void discount_trivial_order(CaseResult& result) {
    const auto is_order = [](const FigureValue& value) { return value.figure == Figure::kOrder; };
    const auto ours = std::find_if(result.ours.begin(), result.ours.end(), is_order);
    const auto null = std::find_if(result.null_model.begin(), result.null_model.end(), is_order);
    if (ours != result.ours.end() && null != result.null_model.end() &&
        null->error >= kTrivialOrder) {
      ours->standing = Standing::kInfo;
    }
  }

  std::optional<CaseSpread> spread_of(const TruthCase& truth) {
    auto known = spreads_.find(truth.kernel);
    if (known == spreads_.end()) {
      const fs::path path = options_.data / fmt::format("spread-{}.csv", truth.kernel);
      const bool present = !options_.data.empty() && fs::exists(path);
      known = spreads_
                  .emplace(truth.kernel,
                           present ? read_spread(path, diagnostics_).value_or(SpreadTable{})
                                   : SpreadTable{})
                  .first;
    }
    const auto spread = known->second.find(truth.name);
    return spread == known->second.end() ? std::nullopt : std::optional{spread->second};
  }

  void collect_misses(const CaseResult& result) {
    for (const FigureValue& value : result.ours) {
      if (value.missed()) {
        const auto of_case = diagnoses_.find(result.id());
        Miss miss{result.id(), value, {}};
        if (of_case != diagnoses_.end()) {
          const auto text = of_case->second.find(std::string{info_of(value.figure).key});
          miss.diagnosis = text == of_case->second.end() ? "" : text->second;
        }
        report_.misses.push_back(std::move(miss));
      }
    }
  }

  // Each case has one voice, that of its worst job.
  void summarise_figure(const FigureInfo& info) {
    std::vector<double> ours;
    std::vector<double> null_model;
    for (const CaseResult& result : report_.cases) {
      std::optional<double> worst;
      std::optional<double> null_worst;
      for (std::size_t i = 0; i < result.ours.size(); ++i) {
        const FigureValue& value = result.ours[i];
        if (value.figure != info.figure || value.standing != Standing::kJudged || value.absolute) {
          continue;
        }
        worst = std::max(worst.value_or(0), std::abs(value.error));
        null_worst = std::max(null_worst.value_or(0), std::abs(result.null_model[i].error));
      }
      if (worst) {
        ours.push_back(*worst);
        null_model.push_back(*null_worst);
      }
    }
    if (ours.empty()) {
      return;
    }
    FigureSummary summary;
    summary.figure = info.figure;
    summary.count = ours.size();
    const bool score = info.figure == Figure::kOrder;
    summary.worst = score ? *std::min_element(ours.begin(), ours.end())
                          : *std::max_element(ours.begin(), ours.end());
    summary.median = *median_magnitude(std::move(ours));
    summary.null_median = *median_magnitude(std::move(null_model));
    report_.summaries.push_back(summary);
  }

  // A mistake in a file that cases share is reported once.
  void report_errors(const Diagnostics& findings) {
    for (const Diagnostic& finding : findings.all()) {
      if (finding.severity == Severity::kError && reported_.insert(to_string(finding)).second) {
        diagnostics_.error(finding.where, finding.message);
      }
    }
  }

  const ValidateOptions& options_;
  const Simulate& simulate_;
  Diagnostics& diagnostics_;
  Diagnoses diagnoses_;
  std::map<std::string, SpreadTable> spreads_;  // by kernel
  std::set<std::string> reported_;
  ValidationReport report_;
};

}  // namespace

ValidationReport validate(const ValidateOptions& options, const Simulate& simulate,
                          Diagnostics& diagnostics) {
  return Validation{options, simulate, diagnostics}.run();
}

std::optional<PreparedCase> prepare(const TruthCase& truth, Diagnostics& diagnostics) {
  Diagnostics findings;
  const std::string name = (truth.folder / "case.json").string();
  auto config =
      system::read_config({name, truth.config.dump(), truth.folder.string()}, {}, findings);
  const std::string& text = truth.config.at("workload").at("fio").get_ref<const std::string&>();
  const workload::FioInput input{name + ": /fio", text};
  // A case is complete in itself: nothing is included, no environment is looked at.
  workload::WorkloadSpec workload = workload::parse_fio_jobs({&input, 1}, {}, findings);
  attach_replay(truth, workload.jobs, findings);
  if (config) {
    config->workload_start = truth.first_event;
  }
  if (config && findings.exit_code() == 0) {
    system::check_workload(*config, workload, findings);
  }
  diagnostics.append(findings);
  if (findings.exit_code() != 0 || !config) {
    return std::nullopt;
  }
  return PreparedCase{std::move(*config), std::move(workload)};
}

std::optional<Diagnoses> read_diagnoses(const fs::path& path, Diagnostics& diagnostics) {
  const auto document = read_json(path, diagnostics);
  if (!document) {
    return std::nullopt;
  }
  if (!document->is_object()) {
    diagnostics.error(path.string(), "an object of cases is expected");
    return std::nullopt;
  }
  Diagnoses diagnoses;
  bool good = true;
  for (const auto& [name, figures] : document->items()) {
    const std::string place = path.string() + ": " + system::child_pointer("", name);
    if (!figures.is_object()) {
      diagnostics.error(place, "an object of figures is expected");
      good = false;
      continue;
    }
    for (const auto& [key, text] : figures.items()) {
      if (!is_figure(key)) {
        diagnostics.error(place, fmt::format("unknown figure \"{}\"", key));
        good = false;
      } else if (!text.is_string()) {
        diagnostics.error(place, fmt::format("the diagnosis of {} is not a text", key));
        good = false;
      } else {
        diagnoses[name][key] = text.get<std::string>();
      }
    }
  }
  return good ? std::optional{std::move(diagnoses)} : std::nullopt;
}

}  // namespace wbsim::analysis
