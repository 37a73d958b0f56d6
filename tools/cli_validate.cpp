// `wbsim validate`: truth cases through the simulator.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/analysis/validate.hpp"
#include "sim/analysis/validate_table.hpp"
#include "sim/report/output_file.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/run.hpp"
#include "tools/cli.hpp"
#include "tools/signals.hpp"

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

// Leaves validate() from the middle of a case.
struct Interrupted {};

// The folder with spreads and diagnoses that belongs to the nearest configs.
fs::path default_data() {
  const fs::path folder =
      system::config_roots(".").front().parent_path() / "results" / "kernel-truth";
  std::error_code ignored;
  return fs::is_directory(folder, ignored) ? folder : fs::path{};
}

analysis::Simulate simulator() {
  const std::atomic<bool>& interrupted = catch_interrupts();
  return [&interrupted](const system::Config& config, const workload::WorkloadSpec& workload,
                        const std::vector<engine::Observer*>& observers) {
    system::RunOptions options;
    options.observers = observers;
    options.interrupted = &interrupted;
    if (system::run_system(config, workload, options).interrupted) {
      throw Interrupted{};
    }
  };
}

int exit_code_of(const analysis::ValidationReport& report, const Diagnostics& diagnostics) {
  const auto any = [&report](analysis::CaseState state) {
    return std::any_of(report.cases.begin(), report.cases.end(),
                       [state](const analysis::CaseResult& c) { return c.state == state; });
  };
  if (diagnostics.has_errors()) {
    return kBadInput;
  }
  if (any(analysis::CaseState::kFailed)) {
    return kRunFailed;
  }
  return any(analysis::CaseState::kCompared) ? kOk : kRefused;
}

// To a file, or to stdout when `path` is empty.
report::OutputError write_text(const std::string& path, const std::string& text) {
  if (path.empty()) {
    fmt::print("{}", text);
    return std::nullopt;
  }
  return report::write_file(path, text);
}

std::string text_of(const po::variables_map& values, const std::string& option) {
  return values.count(option) != 0 ? values[option].as<std::string>() : std::string{};
}

int write_report(const analysis::ValidationReport& report, const po::variables_map& values) {
  const std::string table = text_of(values, "table");
  const bool markdown = fs::path{table}.extension() == ".md";
  report::OutputError error =
      write_text(table, analysis::to_table(report, markdown ? analysis::TableFormat::kMarkdown
                                                            : analysis::TableFormat::kPlain));
  const std::string json = text_of(values, "json");
  if (!error && !json.empty()) {
    error = write_text(json, analysis::to_json(report).dump(2) + "\n");
  }
  if (error) {
    fmt::print(stderr, "{}\n", *error);
    return kRunFailed;
  }
  return kOk;
}

int validate(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.options.add_options()(
      "cases",
      po::value<std::vector<std::string>>()->multitoken()->composing()->value_name("DIR..."),
      "folders of cases, or single cases")("json", po::value<std::string>()->value_name("FILE"),
                                           "write all figures there")(
      "table", po::value<std::string>()->value_name("FILE"),
      "write the table there instead of stdout; Markdown when it ends in .md")(
      "data", po::value<std::string>()->value_name("DIR"),
      "where spread-KERNEL.csv and diagnoses.json are");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  analysis::ValidateOptions options;
  for (const std::string& root : texts(values, "cases")) {
    options.roots.emplace_back(root);
  }
  if (options.roots.empty()) {
    return usage_error(verb, "--cases is needed");
  }
  options.data = values.count("data") != 0 ? fs::path{text_of(values, "data")} : default_data();
  Diagnostics diagnostics;
  try {
    const analysis::ValidationReport report = analysis::validate(options, simulator(), diagnostics);
    print(diagnostics);
    if (report.cases.empty()) {
      return kBadInput;
    }
    const int written = write_report(report, values);
    return written != kOk ? written : exit_code_of(report, diagnostics);
  } catch (const Interrupted&) {
    fmt::print(stderr, "interrupted\n");
    return kInterrupted;
  }
}

}  // namespace

const Verb kValidateVerb{
    "validate", "--cases DIR... [--json FILE] [--table FILE] [--data DIR]",
    "compare with recorded runs of real kernels",
    R"(Simulates cases that were run on a real kernel, each from its inputs alone, and prints how
far throughput, dirty memory, throttling, requests, their order and latencies are off.

Examples:
  wbsim validate --cases results/kernel-truth/cases-5.10
  wbsim validate --cases cases-5.10 cases-6.1 --table table.md --json figures.json

Exit code: 0 compared, 1 a simulation failed, 2 wrong usage or unreadable cases, 3 nothing but
cases that ask for what is not simulated, 130 interrupted.
)",
    validate};

}  // namespace wbsim::cli
