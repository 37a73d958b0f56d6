// In which order the queues of cfq are served, v2.6.18.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "sim/block/bio.hpp"
#include "sim/block/elevators/cfq/cfq_tunables.hpp"
#include "sim/block/elevators/head_order.hpp"
#include "sim/block/elevators/sector_order.hpp"

namespace wbsim::block {

// A queue: the reads of one task, or the writes of one priority. Models: struct cfq_queue, v2.6.18.
struct CfqRoundsQueue {
  explicit CfqRoundsQueue(bool is_sync) : sync{is_sync} {}

  const bool sync;

  bool priority_changed = true;  // to be taken from its task with the next request
  IoClass io_class = IoClass::kBestEffort;
  int level = kCfqNormalLevel;
  IoClass own_class = IoClass::kBestEffort;  // without a boost (org_ioprio_class)
  int own_level = kCfqNormalLevel;

  // Requests that wait.
  SectorOrder sorted;
  RequestChain fifo;
  Request* next = nullptr;
  int queued = 0;

  int processes = 0;   // tasks that use it
  int requests = 0;    // allocated and not yet freed
  int dispatched = 0;  // given to the driver and not completed

  bool busy = false;              // on_rr: has requests, so it is in one of the lists
  std::int64_t service_last = 0;  // jiffies; 0: has not been served yet
  std::int64_t slice_end = 0;     // jiffies; 0: not begun

  bool wait_request = false;  // the idle timer runs for it
  bool must_dispatch = false;
  bool must_alloc_slice = false;
  bool fifo_expired = false;  // the oldest was served in this slice
  bool idle_window = true;    // worth idling for

  using ListHook = boost::intrusive::list_member_hook<
      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  ListHook list;

  [[nodiscard]] bool empty() const { return queued == 0; }
  [[nodiscard]] CfqSync kind() const { return sync ? kCfqSync : kCfqAsync; }
  [[nodiscard]] bool is_idle_class() const { return io_class == IoClass::kIdle; }
  [[nodiscard]] bool is_real_time() const { return io_class == IoClass::kRealTime; }
};

// Models: cfq_resort_rr_list(), cfq_get_next_prio_level() and the choice of cfq_set_active_queue(),
// v2.6.18. Each level of best effort has a list, in order of the last service; a level's list is
// served as a whole, once it is its turn. Levels have their turns in growing rounds:
//
//   0 | 0 1 | 0 1 2 | ... | 0 1 2 3 4 5 6 7 | 0 | 0 1 | ...
//
// so that level 0 has eight in the time in which level 7 has one. Real time goes before all levels,
// idle after. A queue that has requests in the device waits for them, and is served before that
// only if nobody else waits.
class PriorityRounds {
 public:
  // Puts a queue where it belongs, from wherever it is. `preempted`: out of its turn, so it is
  // among the next of its list.
  void put(CfqRoundsQueue& queue, bool preempted);
  static void remove(CfqRoundsQueue& queue) { queue.list.unlink(); }

  // The queue whose turn it is; null if only idle ones wait.
  [[nodiscard]] CfqRoundsQueue* next();
  [[nodiscard]] CfqRoundsQueue* next_idle() { return idle_.empty() ? nullptr : &idle_.front(); }
  // Ends the turn of a level: what is left of it goes back to its list (cfq_preempt_queue()).
  void break_turn();
  // Any queue, for a forced dispatch.
  [[nodiscard]] CfqRoundsQueue* any();

 private:
  using List =
      boost::intrusive::list<CfqRoundsQueue,
                             boost::intrusive::member_hook<CfqRoundsQueue, CfqRoundsQueue::ListHook,
                                                           &CfqRoundsQueue::list>,
                             boost::intrusive::constant_time_size<false>>;

  bool begin_next_level();

  std::array<List, kCfqLevels> levels_;  // rr_list
  List current_;                         // cur_rr: of the level whose turn it is, and real time
  List in_device_;                       // busy_rr: those with requests in the device
  List idle_;                            // idle_rr
  int level_ = 0;                        // cur_prio: from which the next turn is looked for
  int last_level_ = 0;                   // cur_end_prio: up to which this round goes
};

}  // namespace wbsim::block
