#include "models/null_blk.hpp"

#include "sim/base/check.hpp"

namespace wbsim::models {

NullBlk::Slot::Slot(NullBlk& owner)
    : device{owner}, end{engine::event_calling<&Slot::on_end>(*this, "null_blk")} {}

NullBlk::NullBlk(engine::Simulator& simulator, const NullBlkParameters& parameters)
    : simulator_{simulator}, parameters_{parameters}, durable_{parameters.volatile_cache} {
  SIM_CHECK(parameters.depth > 0);
  for (int i = 0; i < parameters.depth; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this));
    free_.push_back(slots_.back().get());
  }
}

NullBlk::~NullBlk() {
  for (const auto& slot : slots_) {
    simulator_.cancel(slot->end);
  }
}

block::SubmitResult NullBlk::submit(block::DeviceCommand& command) {
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
  const bool timer = parameters_.completion == NullBlkParameters::Completion::kTimer;
  simulator_.schedule_after(slot.end, timer ? parameters_.completion_time : SimDuration{});
  return block::SubmitResult::kAccepted;
}

void NullBlk::finish(Slot& slot) {
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

bool NullBlk::is_durable(Lba first, Sectors length) const {
  SIM_CHECK(parameters_.track_durability);
  return durable_.is_durable(first, length);
}

}  // namespace wbsim::models
