#include "sim/block/dispatch_budget.hpp"

namespace wbsim::block {

bool DispatchBudget::take() {
  const bool free = busy_ < depth_;
  const bool open = blocked_ == 0 || (free && busy_ == 0 && --blocked_ == 0);
  if (!free || !open) {
    refused_ = true;
    return false;
  }
  ++busy_;
  return true;
}

// Models: scsi_handle_queue_full() and scsi_track_queue_full(), with track_queue_depth.
void DispatchBudget::queue_full(std::uint64_t jiffies) {
  if (jiffies >> kFullJiffies == last_full_ >> kFullJiffies) {
    return;
  }
  last_full_ = jiffies;
  const int depth = depth_ - 1;
  full_times_ = last_full_depth_ == depth ? full_times_ + 1 : 1;
  last_full_depth_ = depth;
  if (full_times_ > kFullTimes && depth > 0) {
    depth_ = depth;
  }
}

void DispatchBudget::command_ended_well(std::uint64_t jiffies) {
  const std::uint64_t period = static_cast<std::uint64_t>(kRampUpSeconds * hz_);
  if (depth_ < depth_max_ && !engine::time_after(last_ramp_up_ + period, jiffies) &&
      !engine::time_after(last_full_ + period, jiffies)) {
    ++depth_;
    last_ramp_up_ = jiffies;
  }
}

}  // namespace wbsim::block
