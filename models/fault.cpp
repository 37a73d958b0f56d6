#include "models/fault.hpp"

#include <algorithm>

namespace wbsim::models {

using block::BlkStatus;
using block::DeviceCommand;
using block::DeviceError;
using block::DeviceOp;
using block::SubmitResult;

namespace {

bool touches(const Fault::Range& range, const DeviceCommand& command) {
  return command.op != DeviceOp::kFlush && command.sector < range.first + range.length &&
         command.sector + command.length > range.first;
}

// Sectors of `command` that precede what the fault has made bad. A share of the commands has its
// bad sector at the very beginning.
Sectors good_sectors(const Fault& fault, const DeviceCommand& command) {
  return fault.range ? std::max(fault.range->first - command.sector, Sectors{0}) : Sectors{0};
}

}  // namespace

FaultList::FaultList(const std::vector<Fault>& faults, Rng rng) : rng_{rng} {
  for (const Fault& fault : faults) {
    add(fault);
  }
}

// Counts the command for this fault if it matches.
bool FaultList::befalls(ActiveFault& active, const DeviceCommand& command, SimTime now) {
  const Fault& fault = active.fault;
  if ((fault.op && *fault.op != command.op) || now < fault.from || now >= fault.until ||
      (fault.range && !touches(*fault.range, command))) {
    return false;
  }
  if (active.seen++ < fault.skip || active.befallen >= fault.times) {
    return false;
  }
  if (fault.one_in > 1 && !rng_.bernoulli(1, static_cast<std::uint64_t>(fault.one_in))) {
    return false;
  }
  ++active.befallen;
  return true;
}

std::optional<SubmitResult> FaultList::refusal(const DeviceCommand& command, SimTime now,
                                               bool idle) {
  for (ActiveFault& active : faults_) {
    const std::optional<SubmitResult>& refuse = active.fault.refuse;
    const bool would_hang = refuse == SubmitResult::kDevResource && idle;
    if (refuse && !would_hang && befalls(active, command, now)) {
      return refuse;
    }
  }
  return std::nullopt;
}

FaultEffect FaultList::effect_on(const DeviceCommand& command, SimTime now) {
  FaultEffect effect;
  for (ActiveFault& active : faults_) {
    const Fault& fault = active.fault;
    if (fault.refuse || !befalls(active, command, now)) {
      continue;
    }
    effect.delay += fault.delay;
    effect.lie |= fault.lie;
    if (effect.status != BlkStatus::kOk) {
      const bool both_medium =
          effect.answer.error == DeviceError::kMedium && fault.answer.error == DeviceError::kMedium;
      if (both_medium) {  // the first bad sector ends the transfer
        effect.answer.good = std::min(effect.answer.good, good_sectors(fault, command));
      }
      continue;
    }
    effect.status = fault.status;
    if (fault.answer.error != DeviceError::kNone) {
      effect.status = BlkStatus::kIoError;
      effect.answer = fault.answer;
      effect.answer.good = good_sectors(fault, command);
    }
  }
  return effect;
}

}  // namespace wbsim::models
