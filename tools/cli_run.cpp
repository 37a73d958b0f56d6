// `wbsim run`: one simulation and its results.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "sim/report/event_digest.hpp"
#include "sim/report/metrics.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/progress.hpp"
#include "sim/report/request_log.hpp"
#include "sim/report/summary.hpp"
#include "sim/report/timeseries.hpp"
#include "sim/system/run.hpp"
#include "sim/system/run_info.hpp"
#include "tools/cli.hpp"
#include "tools/experiment.hpp"
#include "tools/signals.hpp"

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr int kPhasesMax = 1000;

// Creates the folder and makes sure that files can be made in it, before a long run.
std::optional<std::string> prepare_folder(const fs::path& folder) {
  if (report::OutputError error = report::create_output_directory(folder)) {
    return error;
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fmt::format("cannot write to {}: {}", folder.string(), std::strerror(errno));
  }
  return std::nullopt;
}

std::chrono::nanoseconds wall_time() { return std::chrono::steady_clock::now().time_since_epoch(); }

// The observers of a run, and what they say afterwards.
class Results {
 public:
  Results(const Experiment& experiment, const std::string& folder)
      : folder_{folder},
        result_{system::describe_run(experiment.config, experiment.workload, WBSIM_VERSION),
                {},
                {},
                {}},
        metrics_{result_.info} {
    if (!folder.empty()) {
      series_file_ = std::make_unique<report::OutputFile>(folder_ / "timeseries.csv");
      series_.emplace(result_.info, series_file_.get(), report::TimeSeries::Keep::kNo);
      if (experiment.config.output.requests) {
        requests_file_ = std::make_unique<report::OutputFile>(folder_ / "requests.csv");
        requests_.emplace(result_.info, *requests_file_);
      }
    }
    if (report::is_terminal(stderr)) {
      const SimTime end = system::expected_end(experiment.config, experiment.workload);
      progress_.emplace(stderr,
                        end == SimTime{} ? std::nullopt : std::optional{end.time_since_epoch()},
                        report::colour_for(stderr, std::getenv("NO_COLOR")), wall_time);
    }
  }

  std::vector<engine::Observer*> observers() {
    std::vector<engine::Observer*> all{&metrics_, &digest_};
    if (series_) {
      all.push_back(&*series_);
    }
    if (requests_) {
      all.push_back(&*requests_);
    }
    if (progress_) {
      all.push_back(&*progress_);
    }
    return all;
  }

  // The first run is also the first of the phases.
  void add_phase(report::RunMetrics metrics) {
    if (result_.phases.empty()) {
      result_.phases.push_back(result_.metrics);
    }
    result_.phases.push_back(std::move(metrics));
  }

  void finish(SimTime end) {
    progress_.reset();
    result_.metrics = metrics_.finish(end);
    result_.events = digest_.finish();
  }

  // The first file that could not be written, if any.
  [[nodiscard]] report::OutputError write() {
    fmt::print("{}", report::summary_text(result_));
    if (!series_) {
      return std::nullopt;
    }
    if (report::OutputError error = series_file_->commit()) {
      return error;
    }
    if (requests_) {
      if (report::OutputError error = requests_file_->commit()) {
        return error;
      }
    }
    const std::string latencies = report::latency_csv(result_.metrics);
    if (report::OutputError error = report::write_file(folder_ / "latency.csv", latencies)) {
      return error;
    }
    return report::write_file(folder_ / "summary.json", report::summary_json(result_));
  }

 private:
  fs::path folder_;
  report::RunResult result_;
  report::Metrics metrics_;
  report::EventDigest digest_;
  std::unique_ptr<report::OutputFile> series_file_;
  std::optional<report::TimeSeries> series_;
  std::unique_ptr<report::OutputFile> requests_file_;
  std::optional<report::RequestLog> requests_;
  std::optional<report::Progress> progress_;
};

// Repeats a finished run in its further phases, until interrupted; a repeat cut short is dropped.
void repeat_in_phases(const Experiment& experiment, int phases, Results& results) {
  for (int phase = 1; phase < phases; ++phase) {
    const system::Config config = system::in_phase(experiment.config, phase, phases);
    report::Metrics metrics{system::describe_run(config, experiment.workload, WBSIM_VERSION)};
    const system::RunOutcome outcome = system::run_system(
        config, experiment.workload, {.observers = {&metrics}, .interrupted = &catch_interrupts()});
    if (outcome.interrupted) {
      return;
    }
    results.add_phase(metrics.finish(outcome.end));
  }
}

int simulate(const Experiment& experiment, const std::string& folder, int phases) {
  Results results{experiment, folder};
  system::RunOptions options;
  options.observers = results.observers();
  options.interrupted = &catch_interrupts();
  const system::RunOutcome outcome =
      system::run_system(experiment.config, experiment.workload, options);
  results.finish(outcome.end);
  if (!outcome.interrupted) {
    repeat_in_phases(experiment, phases, results);
  }
  if (const report::OutputError error = results.write()) {
    fmt::print(stderr, "{}\n", *error);
    return kRunFailed;
  }
  for (const std::string& failure : outcome.jobs_in_error) {
    fmt::print(stderr, "{}\n", failure);
  }
  if (outcome.interrupted) {
    fmt::print(stderr, "interrupted after {:.3f} simulated seconds\n",
               std::chrono::duration<double>(outcome.end - SimTime{}).count());
    return kInterrupted;
  }
  return outcome.jobs_in_error.empty() ? kOk : kRunFailed;
}

int run(const Verb& verb, const Arguments& arguments) {
  const auto many = [] { return po::value<std::vector<std::string>>()->composing(); };
  CommandLine line;
  line.positional = "config";
  line.options.add_options()("workload", many()->value_name("FILE"),
                             "fio job file that replaces the configuration's workload")(
      "set", many()->value_name("KEY=VALUE"),
      "change an option of the configuration, such as vm.dirty_ratio=5")(
      "out", po::value<std::string>()->value_name("DIR"),
      "write summary.json, timeseries.csv and latency.csv there; requests.csv too with "
      "output.requests=true")("phases", po::value<int>()->value_name("N")->default_value(1),
                              "repeat in N phases of clock and seed: every figure gets a +-");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::vector<std::string> configs = texts(values, "config");
  if (configs.size() != 1) {
    return usage_error(verb, "exactly one configuration is needed");
  }
  Diagnostics diagnostics;
  const std::optional<Experiment> experiment = load_experiment(
      {configs.front(), texts(values, "set"), texts(values, "workload")}, diagnostics);
  if (experiment && experiment->workload.jobs.empty()) {
    diagnostics.error(configs.front() + ": /workload",
                      "there is no job to run; name a job file here or with --workload");
  }
  print(diagnostics);
  if (diagnostics.exit_code() != 0) {
    return diagnostics.exit_code();
  }
  const int phases = values["phases"].as<int>();
  if (phases < 1 || phases > kPhasesMax) {
    return usage_error(verb,
                       fmt::format("--phases is {}; 1 to {} are allowed", phases, kPhasesMax));
  }
  const std::string folder = values.count("out") != 0 ? values["out"].as<std::string>() : "";
  if (!folder.empty()) {
    if (const std::optional<std::string> problem = prepare_folder(folder)) {
      fmt::print(stderr, "{}\n", *problem);
      return kBadInput;
    }
  }
  return simulate(*experiment, folder, phases);
}

}  // namespace

const Verb kRunVerb{
    "run", "CONFIG [--workload FILE]... [--set KEY=VALUE]... [--out DIR] [--phases N]",
    "simulate one experiment",
    R"(Simulates one experiment and prints its summary. Notes and progress go to stderr.

Examples:
  wbsim run configs/experiments/quickstart.json
  wbsim run configs/experiments/quickstart.json --set vm.dirty_ratio=5 --set kernel=6.1
  wbsim run configs/experiments/quickstart.json --workload workloads/random-write.fio --out out

--phases 5 repeats the run at five phases of the clock (where ticks fall) and with five seeds, and
gives mean and standard deviation of each figure, also in summary.json. The run shown is the first.

--set takes any option of `wbsim list options`; queue.*, bdi.* and device.* mean the only device.
Exit code: 0 done, 1 failed, 2 wrong usage or input, 3 asks for what is not simulated,
130 interrupted (what there is so far is written).
)",
    run};

}  // namespace wbsim::cli
