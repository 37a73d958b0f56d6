#include "models/faulty_device.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::models {

using block::BlkStatus;
using block::DeviceCommand;
using block::SubmitResult;

FaultyDevice::Slot::Slot(FaultyDevice& owner)
    : device{owner}, late_end{engine::event_calling<&Slot::on_late_end>(*this, "late command")} {}

FaultyDevice::FaultyDevice(engine::Simulator& simulator, block::DeviceModel& device,
                           const std::vector<Fault>& faults, Rng rng)
    : simulator_{simulator}, device_{device}, faults_{faults, rng} {
  device.attach(*this);
}

FaultyDevice::~FaultyDevice() {
  for (const auto& slot : slots_) {
    simulator_.cancel(slot->late_end);
  }
}

// There are never more than places in the device and commands of the driver together.
FaultyDevice::Slot& FaultyDevice::free_slot() {
  if (free_.empty()) {
    slots_.push_back(std::make_unique<Slot>(*this));
    slots_.back()->copy.tag = static_cast<int>(slots_.size()) - 1;
    return *slots_.back();
  }
  Slot& slot = *free_.back();
  free_.pop_back();
  return slot;
}

SubmitResult FaultyDevice::submit(DeviceCommand& command) {
  const SimTime now = simulator_.now();
  const bool idle = slots_.size() - free_.size() == aborted_;
  if (const auto refused = faults_.refusal(command, now, idle)) {
    return *refused;
  }
  Slot& slot = free_slot();
  const int number = slot.copy.tag;
  slot.copy = command;
  slot.copy.tag = number;
  const SubmitResult result = device_.submit(slot.copy);
  if (result != SubmitResult::kAccepted) {
    free_.push_back(&slot);
    return aborted_ > 0 && result == SubmitResult::kDevResource ? SubmitResult::kResource : result;
  }
  slot.in_device = true;
  slot.command = &command;
  command.submitted = slot.copy.submitted;
  slot.effect = faults_.effect_on(command, now);
  return result;
}

void FaultyDevice::complete(DeviceCommand& copy, BlkStatus status) {
  Slot& slot = *slots_[static_cast<std::size_t>(copy.tag)];
  slot.in_device = false;
  slot.status = status;
  if (slot.command == nullptr) {
    --aborted_;
    free_.push_back(&slot);
  } else if (slot.effect.delay > SimDuration::zero()) {
    simulator_.schedule_after(slot.late_end, slot.effect.delay);
  } else {
    finish(slot);
  }
}

void FaultyDevice::finish(Slot& slot) {
  DeviceCommand& command = *std::exchange(slot.command, nullptr);
  const bool fails = slot.effect.status != BlkStatus::kOk;
  command.answer = fails ? slot.effect.answer : slot.copy.answer;
  free_.push_back(&slot);
  client_->complete(command, fails ? slot.effect.status : slot.status);
}

void FaultyDevice::abort(const DeviceCommand& command) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&command](const auto& slot) {
    return slot->command == &command;
  });
  SIM_CHECK(found != slots_.end());
  Slot& slot = **found;
  slot.command = nullptr;
  if (slot.in_device) {
    ++aborted_;
  } else {
    simulator_.cancel(slot.late_end);
    free_.push_back(&slot);
  }
}

}  // namespace wbsim::models
