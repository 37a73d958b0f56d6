// Processes that work side by side on the same part of the device: their queues become one.
#pragma once

#include "sim/block/elevators/bfq/state.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"
#include "sim/block/elevators/bfq/weight_raising.hpp"

namespace wbsim::block::bfq {

// Models: bfq_setup_cooperator(), bfq_merge_bfqqs(), bfq_split_bfqq(), bfq_bfqq_save_state(),
// bfq_bfqq_resume_state(), bfq_do_or_sched_stable_merge(), v5.10 and v6.1. Properties:
//  1. A synchronous queue joins the one in service, or else one that waits, if what it wants is
//     within 8192 sectors of where that is; both in the same class, neither of them seeking, and
//     neither has been served for more than 100 ms since it became busy. Not on a device that
//     queues and does not seek.
//  2. A shared queue whose requests scatter is taken apart again: each process gets a queue of its
//     own, with the state that its queue had.
//  3. v6.1: a queue created within 180 ms of another of the same class and level belongs together
//     with it: at once on a device that queues and does not seek; else after 600 ms, unless waiting
//     for the process makes the device faster. Such queues stay together.
//  4. All that between queues of one group.
class Cooperators {
 public:
  Cooperators(State& state, const WeightRaising& raising) : state_{state}, raising_{raising} {}

  // Into which queue a bio or request at `sector` of `process` is to go instead of `queue`; null:
  // stays. The merge is set up, and done by merge().
  [[nodiscard]] Queue* find(Queue& queue, Process& process, Lba sector);
  // Sends the requests of `process` to the queue that `queue` is to be merged into, and returns it.
  Queue& merge(Process& process, Queue& queue);
  // Property 2: takes the process out of its queue. Null: it needs a new one.
  [[nodiscard]] Queue* split(Process& process, Queue& queue);
  // Gives back what was saved, to a queue that was split off.
  void resume(Queue& queue, const Process& process, bool existed) const;
  // Property 3, for a queue that was just made; the queue to be used.
  [[nodiscard]] Queue& join_recent(Queue& queue, Process& process);

  // The position of a queue follows its next request.
  void update_position(Queue& queue);
  static void remove_position(Queue& queue);
  // A process gives up its references to queues that its own was to be merged into.
  void drop_chain(Queue& queue) const;
  // References of a process that has ended.
  void process_exits(Process& process);
  static void unused(Queue& queue);
  // bfq_release_process_ref().
  void release_process(Queue& queue);

 private:
  [[nodiscard]] bool is_too_late(const Queue& queue) const;
  [[nodiscard]] bool may_cooperate(const Queue& queue, const Queue& other) const;
  [[nodiscard]] static Queue* find_close(Group& group, Lba sector);
  [[nodiscard]] static Queue* set_up(Queue& queue, Queue& other);
  [[nodiscard]] bool stable_merge_is_due(const Queue& queue, const Process& process) const;
  [[nodiscard]] Queue* merge_stably(Queue& queue, Process& process) const;
  void save(const Queue& queue) const;
  void hand_over_raising(Queue& from, Queue& to) const;
  void hand_over_waker(const Queue& from, Queue& to) const;
  void drop_stable_candidate(Process& process) const;

  State& state_;
  const WeightRaising& raising_;
};

}  // namespace wbsim::block::bfq
