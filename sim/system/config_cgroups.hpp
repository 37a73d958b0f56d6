// Control groups: what must hold between them and the rest, and how queues see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/block/throttle/limits.hpp"
#include "sim/system/config.hpp"
#include "sim/system/config_field.hpp"

namespace wbsim::system {

// Adds the parents that are implied ("a" of "a/b") and sorts parents before their children.
void check_and_complete_cgroups(ReadContext& context, Config& config);

// The keys of a group: files of cgroup v2, simulated or not.
std::vector<std::string> control_group_files();

// All groups as the queue of `device` sees them: the root, then those of the configuration in
// order. Empty where there are none.
block::ControlGroups control_groups(const Config& config, std::string_view device);

// The number of a group among them; "" is the root. The name must be known.
int control_group_number(const Config& config, std::string_view name);

// Whether `name` or a group above it limits what is written to `device`.
bool limits_writes(const Config& config, std::string_view name, std::string_view device);

}  // namespace wbsim::system
