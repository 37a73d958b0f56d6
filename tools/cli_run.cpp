// `wbsim run`: one simulation and its results.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "sim/report/progress.hpp"
#include "sim/system/run.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/run_outputs.hpp"
#include "tools/cli.hpp"
#include "tools/signals.hpp"

namespace wbsim::cli {
namespace {

namespace po = boost::program_options;

constexpr int kPhasesMax = 1000;

std::chrono::nanoseconds wall_time() { return std::chrono::steady_clock::now().time_since_epoch(); }

// On a terminal, and there only.
std::optional<report::Progress> progress_of(const system::Experiment& experiment) {
  if (!report::is_terminal(stderr)) {
    return std::nullopt;
  }
  const SimTime end = system::expected_end(experiment.config, experiment.workload);
  return std::optional<report::Progress>{
      std::in_place, stderr,
      end == SimTime{} ? std::nullopt : std::optional{end.time_since_epoch()},
      report::colour_for(stderr, std::getenv("NO_COLOR")), wall_time};
}

// Repeats a finished run in its further phases. False when interrupted: the phases that ended
// count, wherever they lie.
bool repeat_in_phases(const system::Experiment& experiment, int phases, system::RunOutputs& outputs,
                      std::vector<std::string>& failures) {
  for (int phase = 1; phase < phases; ++phase) {
    const system::Config config = system::in_phase(experiment.config, phase, phases);
    report::Metrics metrics{system::describe_run(config, experiment.workload, WBSIM_VERSION)};
    const system::RunOutcome outcome = system::run_system(
        config, experiment.workload, {.observers = {&metrics}, .interrupted = &catch_interrupts()});
    if (outcome.interrupted) {
      fmt::print(stderr, "interrupted after {} of {} phases\n", phase, phases);
      return false;
    }
    for (const std::string& failure : outcome.jobs_in_error) {
      failures.push_back(fmt::format("phase {}: {}", phase, failure));
    }
    outputs.add_phase(metrics.finish(outcome.end));
  }
  return true;
}

int simulate(const system::Experiment& experiment, const std::string& folder, int phases) {
  system::RunOutputs outputs{experiment, WBSIM_VERSION, folder};
  system::RunOptions options;
  options.observers = outputs.observers();
  options.interrupted = &catch_interrupts();
  std::optional<report::Progress> progress = progress_of(experiment);
  if (progress) {
    options.observers.push_back(&*progress);
  }
  const system::RunOutcome outcome =
      system::run_system(experiment.config, experiment.workload, options);
  progress.reset();
  outputs.finish(outcome.end);
  std::vector<std::string> failures = outcome.jobs_in_error;
  const bool all_phases =
      outcome.interrupted || repeat_in_phases(experiment, phases, outputs, failures);
  fmt::print("{}", report::summary_text(outputs.result()));
  if (const report::OutputError error = outputs.write()) {
    fmt::print(stderr, "{}\n", *error);
    return kRunFailed;
  }
  for (const std::string& failure : failures) {
    fmt::print(stderr, "{}\n", failure);
  }
  if (outcome.interrupted) {
    fmt::print(stderr, "interrupted after {:.3f} simulated seconds\n",
               std::chrono::duration<double>(outcome.end - SimTime{}).count());
    return kInterrupted;
  }
  if (!all_phases) {
    return kInterrupted;
  }
  return failures.empty() ? kOk : kRunFailed;
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
      "output.requests=true, trace.txt with output.trace=true")(
      "phases", po::value<int>()->value_name("N")->default_value(1),
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
  const std::optional<system::Experiment> experiment = system::load_runnable(
      {configs.front(), texts(values, "set"), texts(values, "workload")}, diagnostics);
  print(diagnostics);
  if (diagnostics.exit_code() != 0) {
    return diagnostics.exit_code();
  }
  const int phases = values["phases"].as<int>();
  if (phases < 1 || phases > kPhasesMax) {
    return usage_error(verb,
                       fmt::format("--phases is {}; 1 to {} are allowed", phases, kPhasesMax));
  }
  if (values.count("out") != 0 && values["out"].as<std::string>().empty()) {
    return usage_error(verb, "--out is empty; name a folder");
  }
  const std::string folder = values.count("out") != 0 ? values["out"].as<std::string>() : "";
  if (!folder.empty()) {
    if (const report::OutputError problem = report::prepare_output_directory(folder)) {
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

--set output.trace=true writes trace.txt beside the other files: the trace events of the simulated
kernel in the format of /sys/kernel/tracing/trace, block:* and writeback:*. Scripts that read those
files read it. About 100 bytes for each event, of which a written page has up to two.

timeseries.csv has, after the columns of the whole machine, these of each device, ".NAME" appended:
wb_reclaimable, wb_writeback, wb_thresh, wb_bg_thresh, wb_setpoint, wb_dirtied, wb_written (pages),
write_bandwidth_kibps, avg_write_bandwidth_kibps, dirty_ratelimit_kibps,
balanced_dirty_ratelimit_kibps, pos_ratio, completions_num and completions_den (a share), b_dirty,
b_io, b_more_io, b_dirty_time (inodes), dirty_exceeded (0 or 1), queue_depth, util_percent.

--set takes any option of `wbsim list options`; queue.*, bdi.* and device.* mean the only device.
--set workload.filename=/dev/vda runs all jobs on that device, whatever their files say.
Exit code: 0 done, 1 failed, 2 wrong usage or input, 3 asks for what is not simulated,
130 interrupted (what there is so far is written).
)",
    run};

}  // namespace wbsim::cli
