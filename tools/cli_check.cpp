// `wbsim check`: reads configurations and job files without running them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/system/catalog.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/experiment.hpp"
#include "tools/cli.hpp"

namespace wbsim::cli {
namespace {

namespace po = boost::program_options;

std::string count(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

bool is_config(const std::string& path) {
  return std::filesystem::path{path}.extension() == ".json";
}

struct CheckOptions {
  std::vector<std::string> sets;
  bool print_config = false;
};

// " (preliminary model: hdd)" when the devices have one.
std::string preliminary_models(const system::Config& config) {
  std::set<std::string> names;
  for (const system::DeviceConfig& device : config.devices) {
    if (system::find_entry(system::device_model_catalog(), device.model)->preliminary) {
      names.insert(device.model);
    }
  }
  return names.empty() ? "" : fmt::format(" (preliminary model: {})", fmt::join(names, ", "));
}

// The exit code of one file.
int check_config(const std::string& path, const CheckOptions& options) {
  Diagnostics diagnostics;
  const std::optional<system::Experiment> experiment =
      system::load_experiment({path, options.sets, {}}, diagnostics);
  print(diagnostics);
  if (!experiment) {
    return diagnostics.exit_code();
  }
  if (options.print_config) {
    fmt::print("{}\n", system::print_config(experiment->config).dump(2));
  } else {
    fmt::print("{}: ok: {}{}, {}\n", path, count(experiment->config.devices.size(), "device"),
               preliminary_models(experiment->config),
               count(experiment->workload.jobs.size(), "job"));
  }
  return kOk;
}

int check_jobs(const std::string& path) {
  Diagnostics diagnostics;
  const workload::WorkloadSpec workload = system::load_jobs({path}, diagnostics);
  print(diagnostics);
  if (diagnostics.exit_code() == 0) {
    fmt::print("{}: ok: {}\n", path, count(workload.jobs.size(), "job"));
  }
  return diagnostics.exit_code();
}

// Errors of one file weigh more than refusals of another.
int worse(int a, int b) {
  if (a == kBadInput || b == kBadInput) {
    return kBadInput;
  }
  return std::max(a, b);
}

int check(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.positional = "file";
  line.options.add_options()("print-config", "print the fully resolved configuration")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "change an option of the configurations, such as vm.dirty_ratio=5");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::vector<std::string> files = texts(values, "file");
  if (files.empty()) {
    return usage_error(verb, "which file?");
  }
  const CheckOptions options{texts(values, "set"), values.count("print-config") != 0};
  int result = kOk;
  for (const std::string& file : files) {
    if (is_config(file)) {
      result = worse(result, check_config(file, options));
    } else if (options.print_config || !options.sets.empty()) {
      return usage_error(verb,
                         fmt::format("--print-config and --set are for configurations (.json), "
                                     "not for \"{}\"",
                                     file));
    } else {
      result = worse(result, check_jobs(file));
    }
  }
  return result;
}

}  // namespace

const Verb kCheckVerb{
    "check", "FILE... [--set KEY=VALUE]... [--print-config]",
    "read configurations and job files, and say what is wrong with them",
    R"(Reads configurations (.json) with the workload they name, or fio job files, and reports all
findings. Nothing is simulated.

Examples:
  wbsim check configs/experiments/quickstart.json
  wbsim check configs/experiments/quickstart.json --set kernel=6.1 --print-config
  wbsim check workloads/sequential-write.fio

Exit code: 0 fine, 2 errors, 3 asks for what is not simulated.
)",
    check};

}  // namespace wbsim::cli
