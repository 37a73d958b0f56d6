// The options of a config, described once (config_field.hpp). A function returns the Fields of one
// part, bound to the struct given, which must outlive them.
#pragma once

#include <vector>

#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

inline constexpr std::int64_t kDepthMax = 10240;  // BLK_MQ_MAX_DEPTH
inline constexpr Bytes kDirtyBytesMin{2 * 4096};  // dirty_bytes_min of kernel/sysctl.c: two pages

// The whole document, in the order in which it is read: a profile before what overrides it.
std::vector<Field> root_fields(Config& config);

std::vector<Field> switch_fields(KernelSwitches& switches);
std::vector<Field> vm_fields(VmConfig& vm);

// One device, with the options of its model. A file named by `use` has the same, but `use` itself.
std::vector<Field> device_fields(DeviceConfig& device);
// The same with the options of all models: for the schema and for lists.
std::vector<Field> all_device_fields(DeviceConfig& device);
// `kernel`: whose defaults hold for what a device leaves out; read before.
Field devices_field(std::vector<DeviceConfig>& devices, const KernelSwitches& kernel);

// Says so where `name` cannot be a device's.
inline constexpr const char* kDeviceNamePattern = "^[a-z][a-z0-9_-]{0,30}$";
void check_device_name(ReadContext& context, const std::string& pointer, const std::string& name);

// A partition or a device on top of others, with the options of its kind; of all kinds where that
// is not known.
std::vector<Field> stack_fields(StackConfig& stack);
Field stack_field(std::vector<StackConfig>& stacks);
// How many members a device of this kind has.
std::size_t stack_members_min(const StackConfig& stack);
std::size_t stack_members_max(const StackConfig& stack);

// Control groups: cgroup v2.
Field cgroups_field(std::vector<CgroupConfig>& cgroups);

Field cpu_costs_field(Config& config);
// Adds the components that no document gave, with their defaults.
void complete_cpu_costs(CpuCostMap& costs);

std::vector<Field> action_fields(ActionConfig& action);
Field actions_field(std::vector<ActionConfig>& actions);

std::vector<Field> workload_fields(Config& config);
Field workload_field(Config& config);

}  // namespace wbsim::system
