#include "sim/block/elevators/bfq/busy.hpp"

#include <utility>

namespace wbsim::block::bfq {

namespace {
void stop_counting_groups(State& state, Entity* lowest) {
  for (Entity* group = lowest; group != nullptr && !group->children->has_work();
       group = group->parent) {
    state.weights.remove_group(*group);
  }
}
}  // namespace

void stop_counting(State& state, Queue& queue) {
  stop_counting_groups(state, queue.parent);
  state.weights.remove(queue);
}

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
  const bool counts = queue.dispatched > 0;
  Entity* group = queue.parent;  // the queue may be gone with its tree
  if (!counts) {
    state.weights.remove(queue);
  }
  state.wf2q.deactivate(queue, true, expires);
  if (!counts) {
    stop_counting_groups(state, group);
  }
}

}  // namespace wbsim::block::bfq
