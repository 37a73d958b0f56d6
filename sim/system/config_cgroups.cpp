#include "sim/system/config_cgroups.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/system/config_cgroup_weights.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/config_io_max.hpp"

namespace wbsim::system {
namespace {

constexpr std::size_t kNameMax = 255;  // NAME_MAX, of each part
// Far above what machines have. cgroup.max.descendants and cgroup.max.depth have no limit at first.
constexpr std::size_t kGroupsMax = 1000;
constexpr std::ptrdiff_t kGroupDepthMax = 64;
constexpr const char* kNamePattern =
    "^[A-Za-z0-9_][A-Za-z0-9_.@:-]*(/[A-Za-z0-9_][A-Za-z0-9_.@:-]*)*$";

// Files of other controllers, and of this one what needs iocost, iolatency or io.low.
constexpr std::array<std::string_view, 13> kRefusedFiles{
    "io.latency", "io.low",     "io.cost.qos",           "io.cost.model", "io.prio.class",
    "memory.min", "memory.low", "memory.high",           "memory.max",    "memory.swap.max",
    "cpu.max",    "cpu.weight", "cgroup.subtree_control"};

bool is_name_part(std::string_view part) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !part.empty() && part.size() <= kNameMax && plain(part.front()) &&
         std::all_of(part.begin(), part.end(), [plain](char c) {
           return plain(c) || c == '.' || c == '@' || c == ':' || c == '-';
         });
}

bool is_group_name(std::string_view name) {
  while (true) {
    const std::size_t slash = name.find('/');
    if (!is_name_part(name.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    name.remove_prefix(slash + 1);
  }
}

// Of a group right below the root 1.
std::ptrdiff_t depth_of(std::string_view name) {
  return 1 + std::count(name.begin(), name.end(), '/');
}

std::string_view parent_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

// A field of one object for each name, which `add` makes room for.
template <class T>
Field named_objects_field(std::string key, std::vector<T>& objects, std::string T::*name,
                          std::vector<Field> (*fields)(T&), std::string summary) {
  T example;
  Field field;
  field.key = std::move(key);
  field.summary = std::move(summary);
  field.allowed = "object";
  field.schema = {{"type", "object"}, {"additionalProperties", object_schema(fields(example))}};
  field.read = [&objects, name, fields](ReadContext& context, const Json& value,
                                        const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
      return;
    }
    objects.clear();
    for (const auto& [own_name, description] : value.items()) {
      T& object = objects.emplace_back();
      object.*name = own_name;
      read_object(context, description, child_pointer(pointer, own_name), fields(object));
    }
  };
  field.print = [&objects, name, fields] {
    Json printed = Json::object();
    for (T& object : objects) {
      printed[object.*name] = print_object(fields(object));
    }
    return printed.empty() ? Json(nullptr) : printed;
  };
  return field;
}

Field refused_file(std::string_view name) {
  Field field;
  field.key = name;
  field.summary = "not simulated yet";
  field.allowed = "not simulated yet";
  field.schema = Json::object();
  field.read = [](ReadContext& context, const Json&, const std::string& pointer) {
    context.refuse(pointer, "not simulated; of control groups io.max and io.bfq.weight are");
  };
  field.print = [] { return Json(nullptr); };
  return field;
}

std::vector<Field> group_fields(CgroupConfig& group) {
  std::vector<Field> fields{
      named_objects_field<IoMaxConfig>("io.max", group.io_max, &IoMaxConfig::device, io_max_fields,
                                       "upper limits by device; absent: max")};
  for (Field& field : weight_fields(group)) {
    fields.push_back(std::move(field));
  }
  for (const std::string_view name : kRefusedFiles) {
    fields.push_back(refused_file(name));
  }
  return fields;
}

const CgroupConfig* find_group(const Config& config, std::string_view name) {
  const auto found = std::find_if(config.cgroups.begin(), config.cgroups.end(),
                                  [name](const CgroupConfig& group) { return group.name == name; });
  return found == config.cgroups.end() ? nullptr : &*found;
}

// That a file of a group may name `device`, of which it sets `what`.
void check_device_of(ReadContext& context, const Config& config, const std::string& pointer,
                     const std::string& device, const char* what) {
  std::vector<std::string> known;
  for (const DeviceConfig& each : config.devices) {
    known.push_back(each.name);
  }
  const bool stacked =
      std::any_of(config.stack.begin(), config.stack.end(),
                  [&device](const StackConfig& each) { return each.name == device; });
  if (stacked) {
    context.refuse(pointer, fmt::format("{} of partitions and of devices on top of others", what));
  } else if (std::find(known.begin(), known.end(), device) == known.end()) {
    context.error(pointer, unknown_name("device", device, known));
  }
}

bool check_group_name(ReadContext& context, const std::string& name) {
  if (!is_group_name(name)) {
    context.error(child_pointer("/cgroups", name),
                  fmt::format("{} is not the path of a control group: names of letters, digits, "
                              "_, -, ., : and @, each beginning with a letter, a digit or _, "
                              "with / between them",
                              in_quotes(name)));
    return false;
  }
  if (depth_of(name) > kGroupDepthMax) {
    context.error(child_pointer("/cgroups", name),
                  fmt::format("a control group {} levels below the root; at most {}",
                              depth_of(name), kGroupDepthMax));
    return false;
  }
  return true;
}

void check_devices_of(ReadContext& context, const Config& config, const CgroupConfig& group) {
  const std::string pointer = child_pointer("/cgroups", group.name);
  for (const IoMaxConfig& each : group.io_max) {
    check_device_of(context, config, child_pointer(child_pointer(pointer, "io.max"), each.device),
                    each.device, "limits");
  }
  for (const BfqWeightConfig& each : group.bfq_weights) {
    check_device_of(context, config,
                    child_pointer(child_pointer(pointer, "io.bfq.weight"), each.device),
                    each.device, "weights");
  }
  note_idle_weights(context, config, group, pointer);
}

const block::IoLimits* find_limits(const CgroupConfig& group, std::string_view device,
                                   std::size_t direction) {
  const auto found =
      std::find_if(group.io_max.begin(), group.io_max.end(),
                   [device](const IoMaxConfig& io_max) { return io_max.device == device; });
  return found == group.io_max.end() ? nullptr : &found->limits.at(direction);
}

}  // namespace

Field cgroups_field(std::vector<CgroupConfig>& cgroups) {
  Field field = named_objects_field<CgroupConfig>(
      "cgroups", cgroups, &CgroupConfig::name, group_fields,
      "control groups (cgroup v2) by path; a job's option cgroup=PATH puts it into one");
  field.schema["propertyNames"] = {{"pattern", kNamePattern}};
  return field;
}

void check_and_complete_cgroups(ReadContext& context, Config& config) {
  std::vector<CgroupConfig>& groups = config.cgroups;
  if (!groups.empty() && config.switches.block_layer == KernelSwitches::BlockLayer::kSingleQueue) {
    context.error("/cgroups",
                  "cgroup v2 came with Linux 4.5; a kernel with block_layer "
                  "single-queue has no control groups with io.max");
  }
  std::set<std::string, std::less<>> known;
  for (const CgroupConfig& group : groups) {
    known.insert(group.name);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {  // grows
    const std::string name = groups[i].name;
    if (!check_group_name(context, name)) {
      continue;
    }
    check_devices_of(context, config, groups[i]);
    const std::string parent{parent_of(name)};
    if (parent.empty() || !known.insert(parent).second) {
      continue;
    }
    if (groups.size() == kGroupsMax) {
      context.error("/cgroups", fmt::format("more than {} control groups, with those that paths "
                                            "imply (\"a\" of \"a/b\")",
                                            kGroupsMax));
      break;
    }
    groups.push_back({.name = parent});
  }
  // A path is deeper than that of its parent.
  std::stable_sort(groups.begin(), groups.end(), [](const CgroupConfig& a, const CgroupConfig& b) {
    return depth_of(a.name) < depth_of(b.name);
  });
}

std::vector<std::string> control_group_files() {
  CgroupConfig example;
  std::vector<std::string> names;
  for (const Field& field : group_fields(example)) {
    names.push_back(field.key);
  }
  return names;
}

int control_group_number(const Config& config, std::string_view name) {
  if (name.empty()) {
    return 0;
  }
  const CgroupConfig* group = find_group(config, name);
  SIM_CHECK(group != nullptr);
  return static_cast<int>(group - config.cgroups.data()) + 1;
}

block::ControlGroups control_groups(const Config& config, std::string_view device) {
  block::ControlGroups seen;
  if (config.cgroups.empty()) {
    return seen;
  }
  seen.emplace_back();
  std::map<std::string_view, int> numbers{{"", 0}};
  for (const CgroupConfig& group : config.cgroups) {
    numbers.emplace(group.name, static_cast<int>(seen.size()));
    block::ControlGroup& made = seen.emplace_back();
    made.parent = numbers.at(parent_of(group.name));
    made.bfq_weight = bfq_weight(group, device);
    for (std::size_t direction = 0; direction < block::kThrottledDirections; ++direction) {
      if (const block::IoLimits* limits = find_limits(group, device, direction)) {
        made.limits.at(direction) = *limits;
      }
    }
  }
  return seen;
}

bool limits_writes(const Config& config, std::string_view name, std::string_view device) {
  for (; !name.empty(); name = parent_of(name)) {
    const CgroupConfig* group = find_group(config, name);
    const block::IoLimits* limits =
        group != nullptr ? find_limits(*group, device, block::kWrites) : nullptr;
    if (limits != nullptr && limits->any()) {
      return true;
    }
  }
  return false;
}

}  // namespace wbsim::system
