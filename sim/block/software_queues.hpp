// The software queues of a hardware queue: what waits without an elevator, by submitting CPU.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "sim/block/request.hpp"

namespace wbsim::block {

// Models: the rq_lists of struct blk_mq_ctx, ctx_map and dispatch_from of struct blk_mq_hw_ctx,
// v5.10 and v6.1. Properties:
//  1. Each CPU has a list of its own, in order of arrival.
//  2. What is taken out at once comes CPU by CPU (blk_mq_flush_busy_ctxs()).
//  3. What is taken out singly comes from the CPUs in turn, beginning behind the one that was
//     served last (blk_mq_dequeue_from_ctx()).
class SoftwareQueues {
 public:
  // `cpus`: those that are mapped to the hardware queue, ascending; `all_cpus`: of the machine.
  SoftwareQueues(std::vector<int> cpus, int all_cpus)
      : cpus_{std::move(cpus)}, by_cpu_(static_cast<std::size_t>(all_cpus)) {}

  [[nodiscard]] bool empty() const { return queued_ == 0; }
  // Those of one CPU, for merging: nothing may be added or removed.
  [[nodiscard]] RequestChain& of(int cpu) { return by_cpu_[static_cast<std::size_t>(cpu)]; }

  void push_back(Request& request) {
    of(request.cpu).push_back(request);
    ++queued_;
  }
  void take_all(RequestChain& taken);
  // There is one.
  Request& take_next();

 private:
  std::vector<int> cpus_;
  std::vector<RequestChain> by_cpu_;  // those of other hardware queues stay empty
  std::size_t queued_ = 0;
  std::size_t next_ = 0;  // of cpus_
};

}  // namespace wbsim::block
