#include "sim/block/request_timer.hpp"

#include <algorithm>
#include <bit>

namespace wbsim::block {

namespace {
constexpr int kTimerSecondsMax = 5;  // BLK_MAX_TIMEOUT
}

// Models: blk_round_jiffies() (v6.1), round_jiffies_up() (v3.6).
std::uint64_t RequestTimer::rounded(std::uint64_t jiffies) const {
  return rules_ == ErrorRules::kV3_6
             ? machine_.jiffies().round_up_to_second(jiffies)
             : jiffies + std::bit_ceil(static_cast<std::uint64_t>(machine_.jiffies().hz()));
}

// Of scsi_add_timer(), v2.6.18, the first to expire counts.
void RequestTimer::arm(std::uint64_t deadline) {
  const std::uint64_t now = machine_.jiffies_now();
  const auto hz = static_cast<std::uint64_t>(machine_.jiffies().hz());
  std::uint64_t expires = deadline;
  if (rules_ != ErrorRules::kV2_6_18) {
    expires = std::min(rounded(expires), rounded(now + kTimerSecondsMax * hz));
  }
  if (!event_.pending() || expires_ >= expires + hz / 2) {
    expire_at(expires);
  }
}

void RequestTimer::expire_at(std::uint64_t deadline) {
  expires_ = deadline;
  const SimTime now = machine_.simulator().now();
  machine_.simulator().reschedule(
      event_, machine_.jiffies().timer_time(now, expires_ - machine_.jiffies_now()));
}

}  // namespace wbsim::block
