// `wbsim list`: what a configuration may say.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "sim/block/elevators/elevator_table.hpp"
#include "sim/engine/cpu_costs.hpp"
#include "sim/system/catalog.hpp"
#include "sim/system/config_files.hpp"
#include "sim/system/config_schema.hpp"
#include "sim/system/quantities.hpp"
#include "tools/cli.hpp"

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

// Prints rows with columns as wide as their widest cell; the last one is not padded.
template <std::size_t N>
void print_table(const std::vector<std::array<std::string, N>>& rows) {
  std::array<std::size_t, N> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < N; ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i + 1 < N; ++i) {
      line += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    fmt::print("{}{}\n", line, row[N - 1]);
  }
}

// `text`, which may be long, in lines that begin with `indent` and fit a terminal: broken after
// "|",
// "," and blanks.
void print_indented(std::string_view text, std::string_view indent) {
  constexpr std::size_t kColumns = 80;
  while (!text.empty()) {
    std::size_t length = text.size();
    if (length > kColumns - indent.size()) {
      const std::size_t last = text.find_last_of("|, ", kColumns - indent.size() - 1);
      length = last == std::string_view::npos ? length : last + 1;
    }
    fmt::print("{}{}\n", indent, text.substr(0, length));
    text.remove_prefix(length);
  }
}

std::string state_of(const system::CatalogEntry& entry) {
  if (!entry.simulated) {
    return "refused";
  }
  return entry.preliminary ? "preliminary model" : "simulated";
}

void print_catalog(std::span<const system::CatalogEntry> catalog) {
  std::vector<std::array<std::string, 3>> rows;
  for (const system::CatalogEntry& entry : catalog) {
    rows.push_back({std::string{entry.name}, state_of(entry), std::string{entry.summary}});
  }
  print_table(rows);
}

void list_kernels() { print_catalog(system::kernel_catalog()); }
void list_file_systems() { print_catalog(system::file_system_catalog()); }
void list_actions() { print_catalog(system::action_catalog()); }

// The kernels that have a tunable: "3.6", "5.10 to 6.1".
std::string kernels_of(const block::ElevatorType& type, const block::Tunable& tunable) {
  constexpr std::array<std::string_view, 6> kNames{"2.6.18", "3.6", "5.10", "6.1", "6.6", "6.12"};
  const auto first = static_cast<std::size_t>(std::max(type.since, tunable.since));
  const auto last = static_cast<std::size_t>(std::min(type.until, tunable.until));
  return first == last ? std::string{kNames[first]}
                       : fmt::format("{} to {}", kNames[first], kNames[last]);
}

// Elevators, then the tunables of those that are simulated.
void list_elevators() {
  print_catalog(system::elevator_catalog());
  std::vector<std::array<std::string, 5>> rows{
      {"IOSCHED", "KERNELS", "ALLOWED", "DEFAULT", "MEANING"}};
  for (const block::ElevatorType& type : block::elevator_types()) {
    for (const block::Tunable& tunable : type.tunables) {
      rows.push_back({fmt::format("{}.{}", type.name, tunable.name), kernels_of(type, tunable),
                      fmt::format("{} to {}", tunable.min, tunable.max),
                      tunable.value ? fmt::to_string(*tunable.value) : "nr_requests at first",
                      std::string{tunable.summary}});
    }
  }
  fmt::print("\nTunables, set by devices.NAME.queue.iosched.TUNABLE:\n");
  print_table(rows);
}

// Models, then the device files of the nearest configs folder.
void list_devices() {
  print_catalog(system::device_model_catalog());
  const fs::path folder = system::config_roots(".").front() / "devices";
  std::error_code failed;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{folder, failed}) {
    if (entry.path().extension() == ".json") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::array<std::string, 2>> rows;
  for (const fs::path& path : files) {
    std::string problem;
    const std::optional<system::TextFile> file = system::read_text_file(path, problem);
    Diagnostics unheard;  // `wbsim check` tells what is wrong with a file
    const std::optional<system::Json> document =
        file ? system::parse_json(file->name, file->text, unheard) : std::nullopt;
    const bool described = document && document->is_object() && document->contains("about") &&
                           (*document)["about"].is_string();
    rows.push_back({"devices/" + path.filename().string(),
                    described ? (*document)["about"].get<std::string>() : std::string{}});
  }
  if (!rows.empty()) {
    fmt::print("\nFiles for \"use\":\n");
    print_table(rows);
  }
}

void list_options() {
  for (const system::OptionInfo& option : system::list_options()) {
    fmt::print("{}\n", option.path);
    print_indented(option.summary, "    ");
    print_indented(option.allowed + (option.default_text.empty()
                                         ? std::string{}
                                         : fmt::format("; default {}", option.default_text)),
                   "    ");
  }
}

void list_costs() {
  const engine::CpuCosts defaults;
  std::vector<std::array<std::string, 3>> rows{{"COMPONENT", "DEFAULT", "WHAT ONE IS"}};
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    rows.push_back(
        {std::string{component.name},
         system::format_quantity(system::Quantity::kDuration, (defaults.*component.value).count()),
         std::string{component.summary}});
  }
  print_table(rows);
}

void list_schema() { fmt::print("{}\n", system::config_schema().dump(2)); }

struct Kind {
  std::string_view name;
  void (*list)();
};

constexpr std::array<Kind, 8> kKinds{{
    {"kernels", list_kernels},
    {"devices", list_devices},
    {"elevators", list_elevators},
    {"options", list_options},
    {"costs", list_costs},
    {"filesystems", list_file_systems},
    {"actions", list_actions},
    {"schema", list_schema},
}};

int list(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.positional = "kind";
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) {
    names.emplace_back(kind.name);
  }
  const std::vector<std::string> asked = texts(values, "kind");
  if (asked.size() != 1) {
    return usage_error(verb, fmt::format("one kind, please: {}", fmt::join(names, ", ")));
  }
  for (const Kind& kind : kKinds) {
    if (kind.name == asked.front()) {
      kind.list();
      return kOk;
    }
  }
  const std::string likely = did_you_mean(asked.front(), names);
  return usage_error(
      verb,
      fmt::format("unknown kind \"{}\"; one of {}{}", asked.front(), fmt::join(names, ", "),
                  likely.empty() ? std::string{} : fmt::format(". Did you mean \"{}\"?", likely)));
}

}  // namespace

const Verb kListVerb{
    "list", "kernels|devices|elevators|options|costs|filesystems|actions|schema",
    "what a configuration may say",
    R"(Lists what a configuration may say. What is marked "refused" is known but not simulated yet.
A "preliminary model" is simulated, but nothing has been compared with it yet.

Examples:
  wbsim list kernels
  wbsim list elevators          and the range and default of each tunable
  wbsim list devices            models, and files for "use"
  wbsim list options            every option with range and default
  wbsim list costs              components of CPU time
  wbsim list schema             the JSON Schema of a configuration, for editors
)",
    list};

}  // namespace wbsim::cli
