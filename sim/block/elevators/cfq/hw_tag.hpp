// Whether the device queues commands itself.
#pragma once

#include <algorithm>

namespace wbsim::block {

// Models: cfq_update_hw_tag(), v3.6. Looked at whenever a request completes under load; after 50
// such samples the greatest number that has been in the driver decides. Once found, queueing is
// taken for granted. Before, the device is treated as if it queued, so that this can be found out.
class HwTag {
 public:
  struct Load {
    int queued = 0;     // in all queues
    int in_driver = 0;  // the request that completes included
    // The active queue is worth idling for: it may be what keeps the driver from getting more.
    bool idles = false;
    int active_requests = 0;  // of the active queue, waiting or dispatched
  };

  void sample(const Load& load) {
    depth_max_ = std::max(depth_max_, load.in_driver);
    if (state_ == State::kQueues || (load.queued <= kQueueMin && load.in_driver <= kQueueMin)) {
      return;
    }
    if (load.idles && load.active_requests < kQueueMin && load.in_driver < kQueueMin) {
      return;
    }
    if (samples_++ >= kSamples) {
      state_ = depth_max_ >= kQueueMin ? State::kQueues : State::kNoQueue;
    }
  }
  [[nodiscard]] bool queues() const { return state_ != State::kNoQueue; }

 private:
  static constexpr int kQueueMin = 5;  // CFQ_HW_QUEUE_MIN
  static constexpr int kSamples = 50;
  enum class State { kUnknown, kQueues, kNoQueue };
  State state_ = State::kUnknown;
  int depth_max_ = 0;
  int samples_ = 0;
};

}  // namespace wbsim::block
