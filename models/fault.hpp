// Faults: which commands of a device they befall, and what then happens.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/base/units.hpp"
#include "sim/block/device.hpp"

namespace wbsim::models {

// A fault that refuses counts the attempts to submit a command; all others count accepted commands.
struct Fault {
  struct Range {
    Lba first;
    Sectors length;
  };

  // Which. All conditions must hold. A flush has no sectors: no range matches it.
  std::optional<block::DeviceOp> op = std::nullopt;
  std::optional<Range> range = std::nullopt;  // commands with a sector in it
  SimTime from{};                             // commands that are submitted then or later
  SimTime until = kSimTimeMax;                // and before that
  std::int64_t skip = 0;                      // matching commands that pass before the fault begins
  std::int64_t one_in = 1;                    // of the rest, so many on average
  std::int64_t times = std::numeric_limits<std::int64_t>::max();  // and how many it befalls at most

  // What. A refusal ends the matter; of several delays the sum counts, of several errors the first.
  std::optional<block::SubmitResult> refuse = std::nullopt;
  SimDuration delay{};                              // added to the service time
  block::BlkStatus status = block::BlkStatus::kOk;  // a failed command has no effect on the data
  bool lie = false;  // reports success, but nothing becomes durable by this command
  // A failure for a reason. `good` is derived from the range.
  block::DeviceAnswer answer{};
};

// What befalls one accepted command.
struct FaultEffect {
  SimDuration delay{};
  block::BlkStatus status = block::BlkStatus::kOk;
  bool lie = false;
  block::DeviceAnswer answer{};
};

class FaultList {
 public:
  // Faults are looked at in this order.
  FaultList(const std::vector<Fault>& faults, Rng rng);

  // Adds one whose counts begin now.
  void add(const Fault& fault) { faults_.push_back({fault, 0, 0}); }

  // A refusal with kDevResource needs another command in the device, whose completion re-runs the
  // queue; while the device is `idle`, such faults are passed over.
  std::optional<block::SubmitResult> refusal(const block::DeviceCommand& command, SimTime now,
                                             bool idle);
  FaultEffect effect_on(const block::DeviceCommand& command, SimTime now);

 private:
  struct ActiveFault {
    Fault fault;
    std::int64_t seen;  // commands that matched so far
    std::int64_t befallen;
  };
  bool befalls(ActiveFault& active, const block::DeviceCommand& command, SimTime now);

  std::vector<ActiveFault> faults_;
  Rng rng_;
};

}  // namespace wbsim::models
