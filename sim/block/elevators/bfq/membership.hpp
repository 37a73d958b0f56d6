// In which group a process's queues are.
#pragma once

#include "sim/block/elevators/bfq/cooperators.hpp"
#include "sim/block/elevators/bfq/service.hpp"
#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_bic_update_cgroup(), __bfq_bic_change_cgroup(), bfq_bfqq_move(), block/bfq-cgroup.c,
// v5.10 (stable) and v6.1. A process is in the group of its last bio: it has been moved to another
// one, or, as kthrotld, submits for several. Properties:
//  1. Its own queue moves along, with what waits in it. Moved while in service it is preempted;
//     in the new group it begins anew.
//  2. A queue that it shares, or is about to share, it leaves, unless all of those are in the group
//     already.
//  3. It lets go of the asynchronous queue of the old group.
class Membership {
 public:
  Membership(State& state, Cooperators& cooperators, Service& service)
      : state_{state}, cooperators_{cooperators}, service_{service} {}

  // Before anything is done with a bio or request of `process` that belongs to `group`.
  void follow(Process& process, Group& group);

 private:
  void leave(Process& process, bool sync);
  void move(Queue& queue, Group& group);

  State& state_;
  Cooperators& cooperators_;
  Service& service_;
};

}  // namespace wbsim::block::bfq
