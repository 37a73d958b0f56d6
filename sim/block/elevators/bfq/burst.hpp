// Many queues created at once: a job of many processes, of which none is to be preferred.
#pragma once

#include <boost/intrusive/list.hpp>

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_handle_burst(), v5.10 and v6.1. Properties:
//  1. A queue created within 180 ms of the one before belongs to the same burst. A burst begins
//     only where no queue is busy, or goes on.
//  2. The eighth queue makes a burst large: all its queues are in a large burst, and each that
//     follows within 180 ms.
//  3. A queue that had nothing to do for 12 s in all no longer belongs to its burst.
class Bursts {
 public:
  explicit Bursts(State& state) : state_{state} {}

  // A request came to `queue`, which no request has reached before.
  void first_request_of(Queue& queue);
  // Property 3; before `just_created` is cleared.
  void becomes_busy(Queue& queue, bool idle_for_long) const;
  // `queue` was split off: what it was part of before its merge holds again.
  void restore(Queue& queue, const SavedState& saved);
  // The process that it was made for has ended: it does not count any more.
  void unused(Queue& queue);

 private:
  void begin_anew(Queue& queue);
  void add(Queue& queue);

  using List =
      boost::intrusive::list<Queue,
                             boost::intrusive::member_hook<Queue, ListHook, &Queue::burst_link>,
                             boost::intrusive::constant_time_size<false>>;

  State& state_;
  List list_;
  int size_ = 0;                   // burst_size
  bool large_ = false;             // large_burst
  std::uint64_t last_added_ = 0;   // last_ins_in_burst, jiffies
  const Entity* group_ = nullptr;  // burst_parent_entity
};

}  // namespace wbsim::block::bfq
