// Whether the device takes several requests at once.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_update_hw_tag(), v5.10 and v6.1: looked at before each completion, over 33 samples in
// which there was enough to do. Once found to queue, a device is not doubted again.
class QueueingDetector {
 public:
  explicit QueueingDetector(State& state) : state_{state} {}
  void before_completion();

 private:
  State& state_;
  int samples_ = 0;  // hw_tag_samples
};

}  // namespace wbsim::block::bfq
