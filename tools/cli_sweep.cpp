// `wbsim sweep`: one experiment under many settings.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <thread>

#include "sim/report/progress.hpp"
#include "sim/sweep/merged.hpp"
#include "sim/sweep/process_pool.hpp"
#include "sim/sweep/sweep.hpp"
#include "tools/cli.hpp"
#include "tools/signals.hpp"

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

using Ends = std::vector<std::optional<sweep::PointEnd>>;

po::typed_value<std::vector<std::string>>* many() {
  return po::value<std::vector<std::string>>()->composing();
}

CommandLine plan_line() {
  CommandLine line;
  line.positional = "config";
  line.options.add_options()("vary", many()->value_name("KEY=V1,V2,..."),
                             "give an option of the configuration these values, one by one")(
      "set", many()->value_name("KEY=VALUE"), "change an option for all points")(
      "workload", many()->value_name("FILE"),
      "fio job file that replaces the configuration's workload")(
      "out,o", po::value<std::string>()->value_name("DIR"), "the sweep's directory");
  return line;
}

// The plan that a command line asks for. nullopt after errors, with `exit_code` set.
std::optional<sweep::Plan> plan_of(const Verb& verb, const po::variables_map& values,
                                   int& exit_code) {
  const std::vector<std::string> configs = texts(values, "config");
  const std::vector<std::string> vary = texts(values, "vary");
  exit_code = kBadInput;
  if (configs.size() != 1) {
    usage_error(verb, "exactly one configuration is needed");
    return std::nullopt;
  }
  if (vary.empty()) {
    usage_error(verb, "nothing to vary; add --vary KEY=V1,V2,...");
    return std::nullopt;
  }
  std::string problem;
  const std::optional<sweep::Program> program = sweep::this_program(WBSIM_VERSION, problem);
  if (!program) {
    fmt::print(stderr, "wbsim {}: {}\n", verb.name, problem);
    exit_code = kRunFailed;
    return std::nullopt;
  }
  const std::vector<std::string> sets = texts(values, "set");
  Diagnostics diagnostics;
  const std::vector<sweep::Variation> variations = sweep::parse_variations(vary, sets, diagnostics);
  std::optional<sweep::Plan> plan;
  if (!diagnostics.has_errors()) {
    plan = sweep::make_plan({configs.front(), sets, texts(values, "workload")}, variations,
                            *program, diagnostics);
  }
  print(diagnostics);
  return plan;
}

std::string out_of(const po::variables_map& values) {
  return values.count("out") != 0 ? values["out"].as<std::string>() : std::string{};
}

// nullopt when the text is no number in the allowed range.
std::optional<int> worker_count(const po::variables_map& values) {
  if (values.count("jobs") == 0) {
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, sweep::kWorkersMax);
  }
  const std::string text = values["jobs"].as<std::string>();
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && count >= 1 && count <= sweep::kWorkersMax ? std::optional{count} : std::nullopt;
}

// One line on a terminal; nothing elsewhere.
std::function<void(const sweep::Progress&)> progress_line() {
  if (!report::is_terminal(stderr)) {
    return {};
  }
  return [](const sweep::Progress& progress) {
    fmt::print(stderr, "\r\x1b[K{} of {} points", progress.done, progress.points);
    if (progress.failed > 0) {
      fmt::print(stderr, ", {} failed", progress.failed);
    }
    if (progress.refused > 0) {
      fmt::print(stderr, ", {} refused", progress.refused);
    }
    std::fflush(stderr);
  };
}

void clear_progress() {
  if (report::is_terminal(stderr)) {
    fmt::print(stderr, "\r\x1b[K");
  }
}

struct Tally {
  std::size_t ok = 0;
  std::size_t failed = 0;
  std::size_t refused = 0;
  std::size_t missing = 0;
};

Tally count(const Ends& ends) {
  Tally tally;
  for (const std::optional<sweep::PointEnd>& end : ends) {
    ++(!end                                         ? tally.missing
       : end->status == sweep::PointStatus::kOk     ? tally.ok
       : end->status == sweep::PointStatus::kFailed ? tally.failed
                                                    : tally.refused);
  }
  return tally;
}

std::string to_string(const Tally& tally) {
  return fmt::format("{} points: {} ok, {} failed, {} refused, {} not done",
                     tally.ok + tally.failed + tally.refused + tally.missing, tally.ok,
                     tally.failed, tally.refused, tally.missing);
}

int exit_code_of(const Tally& tally) {
  if (tally.failed > 0) {
    return kRunFailed;
  }
  return tally.refused + tally.missing > 0 ? kRefused : kOk;
}

int finish(const sweep::Plan& plan, const sweep::Store& store, const sweep::SweepOutcome& outcome) {
  clear_progress();
  for (const std::string& note : outcome.notes) {
    fmt::print(stderr, "note: {}\n", note);
  }
  for (const std::string& error : outcome.errors) {
    fmt::print(stderr, "{}\n", error);
  }
  const std::vector<sweep::Row> rows = sweep::read_rows(store.directory(), plan, outcome.ends);
  fmt::print("{}", sweep::rows_text(plan, rows));
  const report::OutputError unwritten = sweep::write_merged(store.directory(), plan, rows);
  if (unwritten) {
    fmt::print(stderr, "{}\n", *unwritten);
  }
  const Tally tally = count(outcome.ends);
  fmt::print(stderr, "{}{}\n", to_string(tally),
             outcome.resumed == 0 ? "" : fmt::format("; {} were done before", outcome.resumed));
  if (outcome.interrupted) {
    fmt::print(stderr, "interrupted; the same command continues\n");
    return kInterrupted;
  }
  return unwritten || !outcome.errors.empty() ? kRunFailed : exit_code_of(tally);
}

int sweep_run(const Verb& verb, const Arguments& arguments) {
  CommandLine line = plan_line();
  line.options.add_options()("jobs,j", po::value<std::string>()->value_name("N"),
                             "points simulated at the same time; default: one for each CPU");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::optional<int> workers = worker_count(values);
  if (!workers) {
    return usage_error(verb, fmt::format("-j {} is not a whole number from 1 to {}",
                                         values["jobs"].as<std::string>(), sweep::kWorkersMax));
  }
  const std::string directory = out_of(values);
  if (directory.empty()) {
    return usage_error(verb, "-o DIR is needed: where results are kept");
  }
  int exit_code = kOk;
  const std::optional<sweep::Plan> plan = plan_of(verb, values, exit_code);
  if (!plan) {
    return exit_code;
  }
  Diagnostics diagnostics;
  const std::unique_ptr<sweep::Store> store = sweep::Store::open(directory, *plan, diagnostics);
  print(diagnostics);
  if (!store) {
    return kBadInput;
  }
  return finish(*plan, *store,
                sweep::run_sweep(*plan, *store, {*workers, &catch_interrupts(), progress_line()}));
}

// Prints a line for each point, and returns how the points stand.
Ends print_points(const sweep::Plan& plan, const fs::path& directory) {
  Ends ends;
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    const sweep::Point& point = plan.points[i];
    const sweep::StoredPoint stored =
        directory.empty() ? sweep::StoredPoint{} : sweep::look_up(directory, point.digest);
    std::string state = point.refusal.empty() ? "to do" : "to refuse: " + point.refusal;
    if (stored.end) {
      state = fmt::format("{}{}{}", to_string(stored.end->status),
                          stored.end->message.empty() ? "" : ": ", stored.end->message);
    } else if (!stored.damage.empty()) {
      state = fmt::format("to do again: {}", stored.damage);
    }
    fmt::print("{}  {}  {}  {}\n", i + 1, point.digest, describe(plan, point), state);
    ends.push_back(stored.end);
  }
  return ends;
}

int sweep_plan(const Verb& verb, const Arguments& arguments) {
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, plan_line(), arguments, values)) {
    return *done;
  }
  int exit_code = kOk;
  const std::optional<sweep::Plan> plan = plan_of(verb, values, exit_code);
  if (!plan) {
    return exit_code;
  }
  fmt::print(stderr, "{}\n", to_string(count(print_points(*plan, out_of(values)))));
  return kOk;
}

int sweep_status(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.positional = "dir";
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::vector<std::string> directories = texts(values, "dir");
  if (directories.size() != 1) {
    return usage_error(verb, "exactly one directory is needed");
  }
  Diagnostics diagnostics;
  const std::optional<sweep::Plan> plan = sweep::read_plan(directories.front(), diagnostics);
  print(diagnostics);
  if (!plan) {
    return kBadInput;
  }
  const Tally tally = count(print_points(*plan, directories.front()));
  fmt::print(stderr, "{}\n", to_string(tally));
  return exit_code_of(tally);
}

constexpr std::string_view kRunHelp =
    R"(Simulates every combination of the varied values and keeps one result for each in DIR:

  DIR/sweep.json            the plan
  DIR/points/DIGEST/        what `wbsim run --out` writes, and how the run ended (point.json)
  DIR/sweep-long.csv        a row for each point and metric
  DIR/sweep-wide.csv        a row for each point

The table on stdout shows what the runs have of: throughput, calls a second and 99th percentile of
latency of writes and reads, 99th percentile of fsync latency, the time in writes over 100 ms, and
the peak of dirty memory. The same command again runs only what is missing, also after Ctrl-C,
kill -9 or a crash; with more values or knobs it runs what is new. Results do not depend on -j. A
point at which wbsim itself fails is a failed point, and the others go on.

Examples:
  wbsim sweep run configs/experiments/quickstart.json --vary vm.dirty_ratio=5,10,20 -j 2 -o out
  wbsim sweep run configs/experiments/quickstart.json --vary kernel=5.10,6.1 \
      --vary devices.sda.use=devices/simdisk-100mbps.json,devices/simdisk-seek.json -o disks

--vary takes the keys of --set (`wbsim list options`). A value with commas is JSON: in "", [] or {}.
Exit code: 0 all points ok, 1 a point failed or could not be stored, 2 wrong usage or input, 3 a
point asks for what is not simulated, 130 interrupted (what is finished is kept).
)";

constexpr Verb kSweepRun{"sweep run",
                         "CONFIG --vary KEY=V1,V2,... [--set KEY=VALUE]... [-j N] -o DIR",
                         "simulate all points that are not done yet", kRunHelp, sweep_run};

constexpr Verb kSweepPlan{
    "sweep plan", "CONFIG --vary KEY=V1,V2,... [--set KEY=VALUE]... [-o DIR]",
    "print the points without running them",
    R"(Prints the points that `wbsim sweep run` with the same options would simulate: number,
digest, values, and with -o how they stand in DIR. Writes nothing.

Example:
  wbsim sweep plan configs/experiments/quickstart.json --vary vm.dirty_ratio=5,10,20
)",
    sweep_plan};

constexpr Verb kSweepStatus{
    "sweep status", "DIR", "how far a sweep is",
    R"(Prints how the points of a sweep stand, every file of every point compared with its digest.

Exit code: 0 all points ok, 1 a point failed, 2 wrong usage or no sweep, 3 points refused or not
done yet.
)",
    sweep_status};

constexpr std::array kVerbs{&kSweepRun, &kSweepPlan, &kSweepStatus};

void print_overview() {
  fmt::print("Usage: wbsim sweep VERB [ARGUMENTS]\n\nOne experiment under many settings.\n\n");
  for (const Verb* verb : kVerbs) {
    fmt::print("  {:<13} {}\n", verb->name, verb->summary);
  }
  fmt::print("\nTry \"wbsim sweep run --help\".\n");
}

int sweep_verb(const Verb& verb, const Arguments& arguments) {
  if (arguments.empty()) {
    return usage_error(verb, "which one: run, plan or status?");
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h") {
    print_overview();
    return kOk;
  }
  std::vector<std::string> names;
  for (const Verb* each : kVerbs) {
    names.emplace_back(each->name.substr(verb.name.size() + 1));
    if (names.back() == name) {
      return each->run(*each, {arguments.begin() + 1, arguments.end()});
    }
  }
  const std::string likely = did_you_mean(name, names);
  return usage_error(
      verb, fmt::format("unknown verb \"{}\"; one of run, plan, status{}", name,
                        likely.empty() ? "" : fmt::format(". Did you mean \"{}\"?", likely)));
}

}  // namespace

const Verb kSweepVerb{"sweep", "run|plan|status ...", "one experiment under many settings", "",
                      sweep_verb};

}  // namespace wbsim::cli
