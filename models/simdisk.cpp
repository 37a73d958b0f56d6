#include "models/simdisk.hpp"

#include <algorithm>
#include <functional>

#include "sim/base/check.hpp"

namespace wbsim::models {

Simdisk::Slot::Slot(Simdisk& owner)
    : disk{owner}, end{engine::event_calling<&Slot::on_end>(*this, "simdisk")} {}

Simdisk::Simdisk(engine::Simulator& simulator, const SimdiskParameters& parameters)
    : simulator_{simulator},
      parameters_{parameters},
      server_free_(static_cast<std::size_t>(parameters.channels)),
      durable_{parameters.volatile_cache} {
  SIM_CHECK(parameters.depth > 0 && parameters.channels > 0);
  for (int i = 0; i < parameters.depth; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this));
    free_.push_back(slots_.back().get());
  }
}

Simdisk::~Simdisk() {
  for (const auto& slot : slots_) {
    simulator_.cancel(slot->end);
  }
}

SimDuration Simdisk::service_time(const block::DeviceCommand& command) {
  switch (command.op) {
    case block::DeviceOp::kFlush:
      return parameters_.flush;
    case block::DeviceOp::kDiscard:
      return parameters_.discard;
    case block::DeviceOp::kRead:
    case block::DeviceOp::kWrite:
      break;
  }
  constexpr std::int64_t kKibibyte = 1024;
  const std::int64_t kib = (to_bytes(command.length).count() + kKibibyte - 1) / kKibibyte;
  SimDuration time = command.op == block::DeviceOp::kRead ? parameters_.read : parameters_.write;
  time += parameters_.per_kib * kib;
  if (command.sector != last_end_) {
    time += parameters_.seek;
  }
  last_end_ = command.sector + command.length;
  return time;
}

block::SubmitResult Simdisk::submit(block::DeviceCommand& command) {
  if (free_.empty()) {
    return block::SubmitResult::kDevResource;
  }
  Slot& slot = *free_.back();
  free_.pop_back();
  command.submitted = simulator_.now();
  slot.command = &command;
  if (parameters_.track_durability && command.op == block::DeviceOp::kFlush) {
    slot.flush = durable_.flush_submitted();
  }
  std::pop_heap(server_free_.begin(), server_free_.end(), std::greater<>{});
  SimTime& server = server_free_.back();
  server = std::max(server, simulator_.now()) + service_time(command);
  simulator_.schedule(slot.end, server);
  std::push_heap(server_free_.begin(), server_free_.end(), std::greater<>{});
  return block::SubmitResult::kAccepted;
}

void Simdisk::finish(Slot& slot) {
  block::DeviceCommand& command = *slot.command;
  if (parameters_.track_durability) {
    if (command.op == block::DeviceOp::kFlush) {
      durable_.flush_completed(slot.flush);
    } else if (command.op == block::DeviceOp::kWrite) {
      durable_.write_completed(command.sector, command.length, command.fua);
    }
  }
  slot.command = nullptr;
  free_.push_back(&slot);
  client_->complete(command, block::BlkStatus::kOk);
}

bool Simdisk::is_durable(Lba first, Sectors length) const {
  SIM_CHECK(parameters_.track_durability);
  return durable_.is_durable(first, length);
}

}  // namespace wbsim::models
