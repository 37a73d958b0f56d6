#include "models/test_device.hpp"

#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"

namespace wbsim::models {

using block::BlkStatus;
using block::DeviceCommand;
using block::DeviceOp;
using block::SubmitResult;

TestDevice::Slot::Slot(TestDevice& owner)
    : device{owner}, end{engine::event_calling<&Slot::on_end>(*this, "test device")} {}

TestDevice::TestDevice(engine::Simulator& simulator, const TestDeviceParameters& parameters)
    : simulator_{simulator},
      parameters_{parameters},
      faults_{parameters.faults, Rng::stream(0, "test device")},
      durable_{parameters.volatile_cache} {
  SIM_CHECK(parameters.depth > 0);
  for (int i = 0; i < parameters.depth; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this));
    free_.push_back(slots_.back().get());
  }
}

TestDevice::~TestDevice() {
  for (const auto& slot : slots_) {
    simulator_.cancel(slot->end);
  }
}

SubmitResult TestDevice::submit(DeviceCommand& command) {
  const std::optional<SubmitResult> refused =
      faults_.refusal(command, simulator_.now(), in_device() == 0);
  if (refused || free_.empty()) {
    ++refused_;
    return refused.value_or(SubmitResult::kDevResource);
  }
  Slot& slot = *free_.back();
  free_.pop_back();
  command.submitted = simulator_.now();
  slot.command = &command;
  slot.effect = faults_.effect_on(command, simulator_.now());
  if (command.op == DeviceOp::kFlush) {
    slot.flush = durable_.flush_submitted();
  }
  if (parameters_.keep_log) {
    accepted_.push_back(command);
  }
  simulator_.schedule_after(slot.end, parameters_.service + slot.effect.delay);
  return SubmitResult::kAccepted;
}

void TestDevice::finish(Slot& slot) {
  DeviceCommand& command = *slot.command;
  const bool failed = slot.effect.status != BlkStatus::kOk;
  if (command.op == DeviceOp::kFlush) {
    if (failed || slot.effect.lie) {
      durable_.flush_failed(slot.flush);
    } else {
      durable_.flush_completed(slot.flush);
    }
  } else if (command.op == DeviceOp::kWrite && !failed) {
    if (slot.effect.lie) {
      durable_.write_cached(command.sector, command.length);
    } else {
      durable_.write_completed(command.sector, command.length, command.fua);
    }
  }
  slot.command = nullptr;
  free_.push_back(&slot);
  command.answer = slot.effect.answer;
  client_->complete(command, slot.effect.status);
}

}  // namespace wbsim::models
