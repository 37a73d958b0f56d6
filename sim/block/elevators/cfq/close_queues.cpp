#include "sim/block/elevators/cfq/close_queues.hpp"

#include <cstddef>
#include <iterator>

namespace wbsim::block {

void CloseQueues::update(CfqQueue& queue) {
  remove(queue);
  if (queue.is_idle_class() || queue.next == nullptr) {
    return;
  }
  queue.close_sector = queue.next->sector;
  if (levels_[static_cast<std::size_t>(queue.level)].insert(queue).second) {
    queue.close_level = queue.level;
  }
}

void CloseQueues::remove(CfqQueue& queue) {
  if (queue.close_level >= 0) {
    Level& level = levels_[static_cast<std::size_t>(queue.close_level)];
    level.erase(level.iterator_to(queue));
    queue.close_level = -1;
  }
}

CfqQueue* CloseQueues::near(int level, Lba head) {
  Level& queues = levels_[static_cast<std::size_t>(level)];
  const auto above = queues.lower_bound(head);
  CfqQueue* nearest = nullptr;
  const auto consider = [&](CfqQueue& queue) {
    const bool nearer = nearest == nullptr ||
                        distance(queue.next->sector, head) < distance(nearest->next->sector, head);
    if (is_close(*queue.next, head) && nearer) {
      nearest = &queue;
    }
  };
  if (above != queues.end()) {
    consider(*above);
  }
  if (above != queues.begin()) {
    consider(*std::prev(above));
  }
  return nearest;
}

}  // namespace wbsim::block
