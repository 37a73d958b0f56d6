#include "sim/block/elevators/bfq/busy.hpp"

#include <utility>

namespace wbsim::block::bfq {

void add_busy(State& state, Queue& queue) {
  state.wf2q.activate(queue, std::exchange(queue.expired_by_waiting, false));
  queue.busy = true;
  ++state.busy[queue.io_class];
  if (queue.is_raised()) {
    ++state.raised_busy;
  } else if (queue.dispatched == 0) {
    state.weights.add(queue);
  }
}

// What is in the driver is still owed to the queue: its weight counts until that has ended.
void remove_busy(State& state, Queue& queue, bool expires) {
  queue.busy = false;
  --state.busy[queue.io_class];
  if (queue.is_raised()) {
    --state.raised_busy;
  }
  if (queue.dispatched == 0) {
    state.weights.remove(queue);
  }
  state.wf2q.deactivate(queue, true, expires);
}

}  // namespace wbsim::block::bfq
