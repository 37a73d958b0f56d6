// `wbsim graph`: the devices of a configuration for Graphviz, with what a run measured of them.
#include <fmt/format.h>

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
      const Json& stat = device.at("iostat");
      uses[device.at("name").get<std::string>()] = {
          .util_percent = stat.at("%util").get<double>(),
          .read_kib_per_s = stat.at("rkB/s").get<double>(),
          .write_kib_per_s = stat.at("wkB/s").get<double>()};
    }
  } catch (const nlohmann::json::exception&) {
    diagnostics.error(path, "is not the summary.json of a run: it has no figures of devices");
    return std::nullopt;
  }
  return uses;
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
  for (const auto& [name, ignored] : uses) {
    if (!system::device_size(experiment->config, name)) {
      fmt::print(stderr, "wbsim graph: the summary has a device {} that is not in {}\n", name,
                 files.front());
      return kBadInput;
    }
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
