// Which other process works where the head is.
#pragma once

#include <array>
#include <boost/intrusive/set.hpp>

#include "sim/block/elevators/cfq/cfq_queue.hpp"

namespace wbsim::block {

// Models: cfqd->prio_trees, cfq_prio_tree_add() and cfqq_close(), v3.6: queues of one level that
// have requests, by the sector of the request that is next. Of several at the same sector only the
// first is in it. Simplified: where both the queue below the head and the one above are close, the
// kernel takes the one that happens to lie deeper in its tree; here it is the nearer one.
class CloseQueues {
 public:
  // Puts the queue where its next request is; nowhere without one, or in the idle class.
  void update(CfqQueue& queue);
  void remove(CfqQueue& queue);

  // A queue of this level whose next request is within CFQQ_CLOSE_THR of the head, either way.
  [[nodiscard]] CfqQueue* near(int level, Lba head);
  [[nodiscard]] static bool is_close(const Request& request, Lba head) {
    return distance(request.sector, head) <= kClose;
  }

 private:
  static constexpr Sectors kClose{8 * 1024};  // CFQQ_CLOSE_THR

  struct SectorOf {
    using type = Lba;
    const Lba& operator()(const CfqQueue& queue) const { return queue.close_sector; }
  };
  using Level = boost::intrusive::set<
      CfqQueue, boost::intrusive::member_hook<CfqQueue, CfqQueue::TreeHook, &CfqQueue::close>,
      boost::intrusive::key_of_value<SectorOf>, boost::intrusive::constant_time_size<false>>;
  std::array<Level, kCfqLevels> levels_;
};

}  // namespace wbsim::block
