#include "sim/block/rq_qos/rq_depth.hpp"

#include <algorithm>

namespace wbsim::block {

RqDepth::RqDepth(int default_depth, int queue_depth)
    : default_depth_{default_depth}, queue_depth_{queue_depth} {
  calc_max_depth();
}

bool RqDepth::calc_max_depth() {
  constexpr int kShiftMax = 31;
  if (queue_depth_ == 1) {
    max_depth_ = step_ > 0 ? 1 : 2;
    return step_ <= 0;
  }
  const int above_one = std::min(default_depth_, queue_depth_) - 1;
  if (step_ >= 0) {
    max_depth_ = 1 + (above_one >> std::min(kShiftMax, step_));
    return false;
  }
  const int most = 3 * queue_depth_ / 4;
  const int wanted = 1 + (above_one << -step_);
  max_depth_ = std::min(wanted, most);
  return wanted > most;
}

bool RqDepth::scale_up() {
  if (scaled_max_) {
    return false;
  }
  --step_;
  scaled_max_ = calc_max_depth();
  return true;
}

bool RqDepth::scale_down(bool hard) {
  if (max_depth_ == 1) {
    return false;
  }
  step_ = step_ < 0 && hard ? 0 : step_ + 1;
  scaled_max_ = false;
  calc_max_depth();
  return true;
}

}  // namespace wbsim::block
