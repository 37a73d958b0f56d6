#include "sim/block/elevators/cfq/service_tree.hpp"

namespace wbsim::block {

void ServiceTree::put(CfqQueue& queue, std::int64_t key) {
  if (queue.tree == this && queue.service_key == key) {
    return;
  }
  if (queue.tree != nullptr) {
    remove(queue);
  }
  queue.service_key = key;
  queue.tree = this;
  tree_.insert(queue);
  ++size_;
}

void ServiceTree::remove(CfqQueue& queue) {
  ServiceTree& from = *queue.tree;
  from.tree_.erase(from.tree_.iterator_to(queue));
  --from.size_;
  queue.tree = nullptr;
}

}  // namespace wbsim::block
