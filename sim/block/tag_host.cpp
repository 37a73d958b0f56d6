#include "sim/block/tag_host.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {
constexpr int kShareMin = 4;  // hctx_may_queue(): "at least some tags"
}

void DriverTags::busy(TagShare& share) {
  if (!share.active) {
    share.active = true;
    ++active_users_;
    update_wake_batch();
  }
}

void DriverTags::idle(TagShare& share, int cpu) {
  if (share.active) {
    share.active = false;
    --active_users_;
    update_wake_batch();
    tags_.wake_all(cpu);
  }
}

// Models: hctx_may_queue(). A single tag cannot be divided.
bool DriverTags::may_take(const TagShare& share) const {
  const int depth = tags_.depth();
  if (depth == 1 || !share.active) {
    return true;
  }
  return share.requests < std::max((depth + active_users_ - 1) / active_users_, kShareMin);
}

// Models: blk_mq_update_wake_batch().
void DriverTags::update_wake_batch() {
  if (wakes_by_share_ && active_users_ > 0) {
    tags_.set_users(active_users_);
  }
}

TagHost::TagHost(const TagHostOptions& options) : options_{options} {
  SIM_CHECK(options.hw_queues > 0);
  for (int set = 0; set < (options.host_wide ? 1 : options.hw_queues); ++set) {
    sets_.push_back(std::make_unique<DriverTags>(options));
  }
}

}  // namespace wbsim::block
