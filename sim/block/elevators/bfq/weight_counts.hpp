// Which weights the queues with work have, and how many groups have work.
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

  // A group becomes active: it has requests until a queue in it has no more of them, in the driver
  // either, while nothing of the group is scheduled.
  void add_group(Entity& group);
  void remove_group(Entity& group);
  [[nodiscard]] bool any_group() const { return groups_ > 0; }

 private:
  struct Count {
    int weight;
    int queues;
  };
  std::vector<Count> counts_;  // by weight; few, as raised queues are left out
  int groups_ = 0;             // num_groups_with_pending_reqs
};

}  // namespace wbsim::block::bfq
