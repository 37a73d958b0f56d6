#include "models/test_device.hpp"

#include "sim/base/check.hpp"

namespace wbsim::models {

using block::BlkStatus;
using block::DeviceCommand;
using block::DeviceOp;
using block::SubmitResult;

TestDevice::Slot::Slot(TestDevice& owner)
    : device{owner}, end{engine::event_calling<&Slot::on_end>(*this, "test device")} {}

TestDevice::TestDevice(engine::Simulator& simulator, const TestDeviceParameters& parameters)
    : simulator_{simulator}, parameters_{parameters}, durable_{parameters.volatile_cache} {
  SIM_CHECK(parameters.depth > 0);
  for (const Fault& fault : parameters.faults) {
    add_fault(fault);
  }
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

// Counts the command for this fault if it matches.
bool TestDevice::befalls(ActiveFault& active, const DeviceCommand& command) {
  const Fault& fault = active.fault;
  if (fault.op && *fault.op != command.op) {
    return false;
  }
  if (fault.range) {
    const Lba end = fault.range->first + fault.range->length;
    if (command.op == DeviceOp::kFlush || command.sector >= end ||
        command.sector + command.length <= fault.range->first) {
      return false;
    }
  }
  const std::int64_t number = active.seen++;
  return number >= fault.skip && number - fault.skip < fault.times;
}

std::optional<SubmitResult> TestDevice::refusal(const DeviceCommand& command) {
  for (ActiveFault& active : faults_) {
    const std::optional<SubmitResult>& refuse = active.fault.refuse;
    const bool would_hang = refuse == SubmitResult::kDevResource && in_device() == 0;
    if (refuse && !would_hang && befalls(active, command)) {
      return refuse;
    }
  }
  return std::nullopt;
}

SubmitResult TestDevice::submit(DeviceCommand& command) {
  const std::optional<SubmitResult> refused = refusal(command);
  if (refused || free_.empty()) {
    ++refused_;
    return refused.value_or(SubmitResult::kDevResource);
  }
  Slot& slot = *free_.back();
  free_.pop_back();
  command.submitted = simulator_.now();
  slot.command = &command;
  slot.status = BlkStatus::kOk;
  slot.lie = false;
  SimDuration service = parameters_.service;
  for (ActiveFault& active : faults_) {
    if (active.fault.refuse || !befalls(active, command)) {
      continue;
    }
    service += active.fault.delay;
    slot.lie |= active.fault.lie;
    if (slot.status == BlkStatus::kOk) {
      slot.status = active.fault.status;
    }
  }
  if (command.op == DeviceOp::kFlush) {
    slot.flush = durable_.flush_submitted();
  }
  if (parameters_.keep_log) {
    accepted_.push_back(command);
  }
  simulator_.schedule_after(slot.end, service);
  return SubmitResult::kAccepted;
}

void TestDevice::finish(Slot& slot) {
  DeviceCommand& command = *slot.command;
  const bool failed = slot.status != BlkStatus::kOk;
  if (command.op == DeviceOp::kFlush) {
    if (failed || slot.lie) {
      durable_.flush_failed(slot.flush);
    } else {
      durable_.flush_completed(slot.flush);
    }
  } else if (command.op == DeviceOp::kWrite && !failed) {
    if (slot.lie) {
      durable_.write_cached(command.sector, command.length);
    } else {
      durable_.write_completed(command.sector, command.length, command.fua);
    }
  }
  slot.command = nullptr;
  free_.push_back(&slot);
  client_->complete(command, slot.status);
}

}  // namespace wbsim::models
