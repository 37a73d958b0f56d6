#include <fmt/format.h>

#include "sim/engine/cpu_costs.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_files.hpp"

namespace wbsim::system {
namespace {

// A component takes nanoseconds to microseconds; a second bounds the sums.
constexpr CountRange kCostRange{0, seconds(1).count()};

// One field per component. A component that `costs` lacks has its default, and is stored when read.
std::vector<Field> component_fields(CpuCostMap& costs) {
  const engine::CpuCosts defaults;
  std::vector<Field> fields;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    const std::string name{component.name};
    const SimDuration standard = defaults.*component.value;
    CountAccess access{[&costs, name, standard] {
                         const auto found = costs.find(name);
                         return std::optional<std::int64_t>{
                             (found == costs.end() ? standard : found->second).count()};
                       },
                       [&costs, name](std::int64_t count) { costs[name] = nanoseconds(count); }};
    fields.push_back(quantity_field(name, std::move(access), Quantity::kDuration, kCostRange,
                                    std::string{component.summary}));
  }
  return fields;
}

}  // namespace

void read_cpu_costs(ReadContext& context, const Json& value, const std::string& pointer,
                    CpuCostMap& costs) {
  read_object(context, value, pointer, component_fields(costs));
}

void complete_cpu_costs(CpuCostMap& costs) {
  const engine::CpuCosts defaults;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.try_emplace(std::string{component.name}, defaults.*component.value);
  }
}

Field cpu_costs_field(Config& config) {
  Field use = text_field("use", config.cpu_costs_name, "a file of configs/machines, without .json");
  use.read = [&config, read = use.read](ReadContext& context, const Json& value,
                                        const std::string& pointer) {
    read(context, value, pointer);
    if (value.is_string()) {
      load_cpu_costs(context, pointer, config.cpu_costs_name, config.cpu_costs);
    }
  };
  std::vector<Field> fields{std::move(use)};
  for (Field& component : component_fields(config.cpu_costs)) {
    fields.push_back(std::move(component));
  }
  return object_field("cpu_costs", std::move(fields), "CPU time of kernel work, by component");
}

}  // namespace wbsim::system
