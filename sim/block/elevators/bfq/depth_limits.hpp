// How many of the scheduler's tags a kind of request may use.
#pragma once

#include <array>

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_update_depths(), bfq_limit_depth(), v5.10 and v6.1. Properties:
//  1. Of each word of tags asynchronous requests may use 1/2, synchronous writes 3/4; while raised
//     queues are busy 3/16 and 6/16. Synchronous reads may use all.
//  2. v6.1: a queue gets one of each word if it, or a group above it, has its share of the tags by
//     weight.
//  3. v6.12: the same of all tags instead of each word, and of nr_requests as it was when the
//  elevator
//     was chosen.
class DepthLimits {
 public:
  // `full_depth`: bits of a word, or of all tags.
  DepthLimits(const State& state, int nr_requests, int full_depth,
              ShallowDepth of = ShallowDepth::kEachWord);

  [[nodiscard]] int depth(const engine::RwbsFlags& flags, const Process* process) const;
  [[nodiscard]] int min() const;

 private:
  [[nodiscard]] static bool has_its_share(const Queue& queue, int limit);

  const State& state_;
  int nr_requests_;
  int full_depth_;
  ShallowDepth of_;
  std::array<std::array<int, 2>, 2> depths_;  // by raised queues busy, synchronous
};

}  // namespace wbsim::block::bfq
