// Processes and the queues that are made for them.
#pragma once

#include <unordered_map>

#include "sim/base/pool.hpp"
#include "sim/block/elevators/bfq/burst.hpp"
#include "sim/block/elevators/bfq/cooperators.hpp"
#include "sim/block/elevators/bfq/membership.hpp"
#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_init_rq(), bfq_get_queue(), bfq_exit_icq(), v5.10 and v6.1. A process has a queue for
// its synchronous requests; asynchronous ones go to queues that all processes of one group, class
// and level share.
class Processes {
 public:
  Processes(State& state, Cooperators& cooperators, Bursts& bursts, Membership& membership)
      : state_{state}, cooperators_{cooperators}, bursts_{bursts}, membership_{membership} {}

  // Null where it has sent no request yet.
  [[nodiscard]] Process* find(int id);
  // Enters a request into the books: its process, and the queue that it is to go to.
  void admit(Request& request);
  // A request was freed.
  void request_freed(Request& request);
  // The process has ended; its queues have left service.
  void exits(Process& process, bool sync);
  void forget_if_done(Process& process);
  // Frees a queue to which nothing refers.
  void release_if_unused(Queue& queue);

 private:
  Process& process_of(const IoContext& context);
  void follow_priority(Process& process, const IoContext& context, Group& group);
  Queue& queue_for(Process& process, bool sync, bool& split, bool& existed);
  Queue& get_queue(Process& process, Group& group, bool sync, bool respawn);
  Queue& split_off(Process& process, Queue& shared, bool& existed);
  Queue& make_queue(const Process& process, Group& group, bool sync);

  State& state_;
  Cooperators& cooperators_;
  Bursts& bursts_;
  Membership& membership_;
  SlabPool<Queue> pool_;
  std::unordered_map<int, Process> processes_;  // by context; for look-up alone
  std::uint64_t queues_made_ = 0;
};

}  // namespace wbsim::block::bfq
