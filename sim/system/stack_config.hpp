// The options of a partition or of a device on top of others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::system {

struct Config;

enum class StackKind { kPartition, kLinear, kStriped, kRaid0, kRaid1, kRaid5, kRaid6 };

struct StackConfig {
  std::string name;  // "md0": the file name of a job is "/dev/md0"
  std::string kind;  // of stack_kind_catalog()
  std::vector<std::string> members;
  // Each belongs to some kinds only; completed with the defaults of the kind.
  std::optional<Bytes> start;        // partition
  std::optional<Bytes> size;         // partition
  std::optional<Bytes> chunk;        // striped, raid0, raid5, raid6
  std::optional<Bytes> data_offset;  // raid*
  std::string layout;                // raid0, raid5, raid6
  std::optional<int> stripe_cache_size;
  std::optional<int> preread_bypass_threshold;
  std::optional<int> rmw_level;
  std::optional<std::int64_t> read_ahead_kb;  // absent: what follows from the optimal I/O
  Bytes capacity{0};                          // what results
  friend bool operator==(const StackConfig&, const StackConfig&) = default;
};

// Of one with a kind that is simulated.
[[nodiscard]] StackKind stack_kind(const StackConfig& stack);

// Names of all devices that files may lie on, those of `devices` first.
[[nodiscard]] std::vector<std::string> device_names(const Config& config);
// nullopt where there is no such device.
[[nodiscard]] std::optional<Bytes> device_size(const Config& config, const std::string& name);
// Who has the device as a member, so that nobody else may write to it; "" where nobody has. A disk
// is in use when a partition of it is.
[[nodiscard]] std::string device_user(const Config& config, const std::string& name);

}  // namespace wbsim::system
