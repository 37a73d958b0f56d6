#include "sim/block/elevators/bfq/weight_counts.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::block::bfq {

void WeightCounts::add(Queue& queue) {
  if (queue.counted_weight != 0) {
    return;
  }
  const auto place = std::ranges::lower_bound(counts_, queue.weight, {}, &Count::weight);
  if (place != counts_.end() && place->weight == queue.weight) {
    ++place->queues;
  } else {
    counts_.insert(place, {queue.weight, 1});
  }
  queue.counted_weight = queue.weight;
}

bool WeightCounts::remove(Queue& queue) {
  if (queue.counted_weight == 0) {
    return false;
  }
  const auto place = std::ranges::lower_bound(counts_, queue.counted_weight, {}, &Count::weight);
  if (--place->queues == 0) {
    counts_.erase(place);
  }
  queue.counted_weight = 0;
  return true;
}

void WeightCounts::add_group(Entity& group) {
  if (!std::exchange(group.group_counted, true)) {
    ++groups_;
  }
}

void WeightCounts::remove_group(Entity& group) {
  if (std::exchange(group.group_counted, false)) {
    --groups_;
  }
}

}  // namespace wbsim::block::bfq
