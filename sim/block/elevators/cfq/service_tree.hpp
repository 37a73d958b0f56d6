// The queues that wait for service, in the order in which they get it.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "sim/block/elevators/cfq/cfq_queue.hpp"
#include "sim/block/elevators/io_history.hpp"

namespace wbsim::block {

// Models: struct cfq_rb_root and cfq_service_tree_add(), v3.6. The key is the time, in jiffies, at
// which a queue would be served if nothing came in between; of equal keys the older one is first.
class ServiceTree {
 public:
  explicit ServiceTree(std::int64_t now) : think_time{now} {}
  ServiceTree(const ServiceTree&) = delete;
  ServiceTree& operator=(const ServiceTree&) = delete;

  // Moves a queue here from wherever it is. One that is here under this key keeps its place.
  void put(CfqQueue& queue, std::int64_t key);
  static void remove(CfqQueue& queue);

  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] CfqQueue* first() { return tree_.empty() ? nullptr : &*tree_.begin(); }
  [[nodiscard]] CfqQueue* last() { return tree_.empty() ? nullptr : &*tree_.rbegin(); }

  ThinkTime think_time;  // of those that are served from here, all together

 private:
  struct KeyOf {
    using type = std::int64_t;
    const std::int64_t& operator()(const CfqQueue& queue) const { return queue.service_key; }
  };
  boost::intrusive::multiset<
      CfqQueue, boost::intrusive::member_hook<CfqQueue, CfqQueue::TreeHook, &CfqQueue::service>,
      boost::intrusive::key_of_value<KeyOf>, boost::intrusive::constant_time_size<false>>
      tree_;
  std::int64_t size_ = 0;
};

}  // namespace wbsim::block
