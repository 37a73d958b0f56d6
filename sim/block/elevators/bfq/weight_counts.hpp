// Which weights the queues with work have.
#pragma once

#include <vector>

#include "sim/block/elevators/bfq/queue.hpp"

namespace wbsim::block::bfq {

// Models: bfq_weights_tree_add(), __bfq_weights_tree_remove(). Raised queues do not count.
class WeightCounts {
 public:
  void add(Queue& queue);
  // True where the queue counted.
  bool remove(Queue& queue);

  [[nodiscard]] bool is_smallest(const Queue& queue) const {
    return queue.counted_weight != 0 && queue.counted_weight == counts_.front().weight;
  }
  [[nodiscard]] bool are_varied() const { return counts_.size() > 1; }

 private:
  struct Count {
    int weight;
    int queues;
  };
  std::vector<Count> counts_;  // by weight; few, as raised queues are left out
};

}  // namespace wbsim::block::bfq
