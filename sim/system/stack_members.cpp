#include "sim/system/stack_members.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "sim/system/config_faults.hpp"
#include "sim/system/config_fields.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::system {
namespace {

std::string place_of(const StackConfig& stack) { return child_pointer("/stack", stack.name); }

std::string place_of_member(const StackConfig& stack, std::size_t i) {
  return child_pointer(place_of(stack) + "/members", std::to_string(i));
}

bool is_mirrored_or_has_parity(StackKind kind) {
  return kind == StackKind::kRaid1 || kind == StackKind::kRaid5 || kind == StackKind::kRaid6;
}

void check_missing(ReadContext& context, const StackConfig& stack, std::size_t i) {
  if (is_mirrored_or_has_parity(stack_kind(stack))) {
    context.refuse(place_of_member(stack, i), "\"missing\": degraded arrays");
  } else {
    context.error(place_of_member(stack, i),
                  fmt::format("\"missing\": no member of a {} can be", stack.kind));
  }
}

// Devices that no device of `stack` has as a member, and that no partition is of.
std::vector<std::string> unused_devices(const Config& config, const StackConfig& asking) {
  std::vector<std::string> unused;
  for (const std::string& name : device_names(config)) {
    const bool used =
        std::any_of(config.stack.begin(), config.stack.end(), [&name](const StackConfig& stack) {
          return std::find(stack.members.begin(), stack.members.end(), name) != stack.members.end();
        });
    if (!used && name != asking.name) {
      unused.push_back(name);
    }
  }
  return unused;
}

// The array that a failing device would be put out of, through what passes errors up; null where
// there is none.
const StackConfig* redundant_array_above(const Config& config, const std::string& name) {
  for (const StackConfig& stack : config.stack) {
    if (std::find(stack.members.begin(), stack.members.end(), name) == stack.members.end()) {
      continue;
    }
    if (is_mirrored_or_has_parity(stack_kind(stack))) {
      return &stack;
    }
    if (const StackConfig* above = redundant_array_above(config, stack.name)) {
      return above;
    }
  }
  return nullptr;
}

// Commands that are only late are given up by some drivers.
bool may_fail(const DeviceConfig& device, const KernelSwitches& kernel, const FaultConfig& fault) {
  const block::DriverOptions usual;
  const auto timeout = device.queue.io_timeout;
  const SimDuration patience = timeout ? milliseconds(*timeout) : usual.timeout;
  return fault.error || (block::has_timeouts(driver_of(device, kernel)) && fault.late >= patience);
}

}  // namespace

bool check_members(ReadContext& context, const Config& config, const StackConfig& stack) {
  const std::vector<std::string> names = device_names(config);
  bool fine = true;
  for (std::size_t i = 0; i < stack.members.size(); ++i) {
    const std::string& member = stack.members[i];
    if (member == kMissingMember) {
      check_missing(context, stack, i);
      fine = false;
    } else if (std::find(names.begin(), names.end(), member) == names.end()) {
      context.error(place_of_member(stack, i), unknown_name("device", member, names));
      fine = false;
    }
  }
  const std::size_t least = stack_members_min(stack);
  const std::size_t most = stack_members_max(stack);
  if (stack.members.size() < least || stack.members.size() > most) {
    context.error(
        place_of(stack) + "/members",
        fmt::format("has {} of them; a {} has {}", stack.members.size(), stack.kind,
                    least == most ? std::to_string(least) : fmt::format("{} to {}", least, most)));
    fine = false;
  }
  return fine;
}

// Models: GENHD_FL_NO_PART (v6.1), one minor (before) of dm; no partition has a gendisk.
bool check_partitioned(ReadContext& context, const Config& config) {
  bool fine = true;
  for (const StackConfig& stack : config.stack) {
    const auto whole = std::find_if(
        config.stack.begin(), config.stack.end(),
        [&stack](const StackConfig& each) { return each.name == stack.members.front(); });
    if (stack_kind(stack) != StackKind::kPartition || whole == config.stack.end()) {
      continue;
    }
    const StackKind kind = stack_kind(*whole);
    const bool dm = kind == StackKind::kLinear || kind == StackKind::kStriped;
    if (kind == StackKind::kPartition || dm) {
      context.error(
          place_of_member(stack, 0),
          dm ? fmt::format("{} is a {} of device mapper, of which the kernel makes no partitions; "
                           "put the partition below it, or take an md array",
                           in_quotes(whole->name), whole->kind)
             : fmt::format("{} is a partition itself, and there are none of partitions; take a "
                           "range of {} that is free",
                           in_quotes(whole->name), in_quotes(whole->members.front())));
      fine = false;
    }
  }
  return fine;
}

// Models: bd_claim(): dm and md take devices for themselves, partitions share one.
bool check_claims(ReadContext& context, const Config& config) {
  std::map<std::string, const StackConfig*> users;
  bool fine = true;
  for (const StackConfig& stack : config.stack) {
    for (std::size_t i = 0; i < stack.members.size(); ++i) {
      const auto [found, first] = users.emplace(stack.members[i], &stack);
      if (first) {
        continue;
      }
      const StackConfig& other = *found->second;
      const bool both_partitions = &other != &stack && stack_kind(other) == StackKind::kPartition &&
                                   stack_kind(stack) == StackKind::kPartition;
      if (both_partitions) {
        continue;
      }
      const std::vector<std::string> unused = unused_devices(config, stack);
      const std::string instead = unused.empty()
                                      ? "; add a device to /devices"
                                      : fmt::format("; not in use: {}", fmt::join(unused, ", "));
      context.error(
          place_of_member(stack, i),
          (&other == &stack ? fmt::format("{} is a member twice", in_quotes(stack.members[i]))
                            : fmt::format("{} is used by {} already; a device has one user",
                                          in_quotes(stack.members[i]), other.name)) +
              instead);
      fine = false;
    }
  }
  return fine;
}

// Models: md_error(), called by raid1, raid5 and raid6 where a member fails.
void check_member_faults(ReadContext& context, const Config& config) {
  for (const DeviceConfig& device : config.devices) {
    const StackConfig* array = redundant_array_above(config, device.name);
    if (array == nullptr) {
      continue;
    }
    for (std::size_t i = 0; i < device.faults.size(); ++i) {
      if (may_fail(device, config.switches, device.faults[i])) {
        context.refuse(
            child_pointer(child_pointer(child_pointer("/devices", device.name), "faults"),
                          std::to_string(i)),
            fmt::format("failing commands of a member of {} ({}), which the kernel would put out "
                        "of the array; simulated are commands that are only late, and faults below "
                        "partition, linear, striped and raid0",
                        array->name, array->kind));
      }
    }
  }
}

}  // namespace wbsim::system
