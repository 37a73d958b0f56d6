// `wbsim graph`: the devices of a configuration for Graphviz, with what a run measured of them.
#include <fmt/format.h>

#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/system/config_files.hpp"
#include "sim/system/device_graph.hpp"
#include "sim/system/experiment.hpp"
#include "sim/system/json_text.hpp"
#include "tools/cli.hpp"

namespace wbsim::cli {
namespace {

namespace po = boost::program_options;
using Json = system::Json;

using Uses = std::map<std::string, system::DeviceUse>;

constexpr double kPercentMax = 100.001;  // figures are rounded

// A figure of a device, which cannot be negative, nor greater than `most`.
double figure(const Json& stat, const char* key, double most, std::string& problem) {
  const double value = stat.at(key).get<double>();
  if (!(value >= 0 && value <= most)) {
    problem = fmt::format("\"{}\" is {}, which no run tells", key, stat.at(key).dump());
  }
  return value;
}

// The figures of one device; false, and `problem`, where they cannot be.
bool read_use(const Json& device, Uses& uses, std::string& problem) {
  constexpr double kAnyRate = std::numeric_limits<double>::max();
  const Json& stat = device.at("iostat");
  const std::string name = device.at("name").get<std::string>();
  const system::DeviceUse use{.busy_percent = figure(stat, "busy_percent", kPercentMax, problem),
                              .read_kib_per_s = figure(stat, "rkB/s", kAnyRate, problem),
                              .write_kib_per_s = figure(stat, "wkB/s", kAnyRate, problem)};
  if (!uses.emplace(name, use).second) {
    problem = "is there twice";
  }
  if (!problem.empty()) {
    problem = fmt::format("device {}: {}", name, problem);
  }
  return problem.empty();
}

// The figures of all devices of a summary; nothing, and an error, where it is none.
std::optional<Uses> uses_of(const std::string& path, Diagnostics& diagnostics) {
  std::string problem;
  const std::optional<system::TextFile> file = system::read_text_file(path, problem);
  if (!file) {
    diagnostics.error(path, problem + "; `wbsim run CONFIG --out DIR` writes DIR/summary.json");
    return std::nullopt;
  }
  const std::optional<Json> summary = system::parse_json(path, file->text, diagnostics);
  if (!summary) {
    return std::nullopt;
  }
  Uses uses;
  try {
    for (const Json& device : summary->at("devices").get<Json::array_t>()) {
      if (!read_use(device, uses, problem)) {
        diagnostics.error(path, problem);
        return std::nullopt;
      }
    }
  } catch (const nlohmann::json::exception&) {
    diagnostics.error(path, "is not the summary.json of a run: it has no figures of devices");
    return std::nullopt;
  }
  return uses;
}

// A summary is of the configuration that it is shown with, or says nothing about it.
bool same_devices(const system::Config& config, const Uses& uses, const std::string& file) {
  for (const auto& [name, ignored] : uses) {
    if (!system::device_size(config, name)) {
      fmt::print(stderr, "wbsim graph: the summary has a device {} that is not in {}\n", name,
                 file);
      return false;
    }
  }
  for (const std::string& name : system::device_names(config)) {
    if (!uses.contains(name)) {
      fmt::print(stderr, "wbsim graph: the summary lacks device {} of {}\n", name, file);
      return false;
    }
  }
  return true;
}

int graph(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.positional = "config";
  line.options.add_options()("summary", po::value<std::string>()->value_name("FILE"),
                             "summary.json of a run: how busy each device was")(
      "set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
      "change an option of the configuration");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::vector<std::string> files = texts(values, "config");
  if (files.size() != 1) {
    return usage_error(verb, files.empty() ? "which configuration?" : "one configuration only");
  }
  Diagnostics diagnostics;
  const std::optional<system::Experiment> experiment =
      system::load_experiment({files.front(), texts(values, "set"), {}}, diagnostics);
  Uses uses;
  if (experiment && values.count("summary") != 0) {
    uses = uses_of(values["summary"].as<std::string>(), diagnostics).value_or(Uses{});
  }
  print(diagnostics);
  if (!experiment || diagnostics.exit_code() != kOk) {
    return diagnostics.exit_code();
  }
  if (values.count("summary") != 0 && !same_devices(experiment->config, uses, files.front())) {
    return kBadInput;
  }
  fmt::print("{}", system::to_dot(experiment->config, uses));
  return kOk;
}

}  // namespace

const Verb kGraphVerb{
    "graph", "CONFIG [--summary FILE] [--set KEY=VALUE]...",
    "print the devices of a configuration as a graph for Graphviz",
    R"(Prints which devices are made of which, in the language of Graphviz (DOT), on stdout. With
the summary.json of a run each device shows how busy it was, and what was read and written; of a
partition only the latter.

Examples:
  wbsim graph configs/experiments/raid5-random.json | dot -Tsvg -o devices.svg
  wbsim run configs/experiments/raid5-random.json --out out
  wbsim graph configs/experiments/raid5-random.json --summary out/summary.json

Exit code: 0 fine, 2 errors, 3 asks for what is not simulated.
)",
    graph};

}  // namespace wbsim::cli
