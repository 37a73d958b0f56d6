#include "sim/block/elevators/bfq/queueing.hpp"

#include <algorithm>

namespace wbsim::block::bfq {

namespace {
constexpr int kThreshold = 3;  // BFQ_HW_QUEUE_THRESHOLD
constexpr int kSamples = 32;   // BFQ_HW_QUEUE_SAMPLES
}  // namespace

void QueueingDetector::before_completion() {
  state_.in_driver_max = std::max(state_.in_driver_max, state_.in_driver);
  if (state_.queueing == Queueing::kYes) {
    return;
  }
  if (state_.in_driver + state_.queued <= kThreshold) {
    return;
  }
  const Queue* queue = state_.in_service;
  if (queue != nullptr && queue->short_think_time &&
      queue->dispatched + queue->queued[0] + queue->queued[1] < kThreshold &&
      state_.in_driver < kThreshold) {
    return;
  }
  if (samples_++ < kSamples) {
    return;
  }
  state_.queueing = state_.in_driver_max > kThreshold ? Queueing::kYes : Queueing::kNo;
  state_.in_driver_max = 0;
  samples_ = 0;
}

}  // namespace wbsim::block::bfq
