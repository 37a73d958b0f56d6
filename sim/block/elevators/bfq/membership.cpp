#include "sim/block/elevators/bfq/membership.hpp"

#include <utility>

namespace wbsim::block::bfq {

namespace {
bool all_are_in(const Queue& first, const Group& group) {
  for (const Queue* queue = &first; queue != nullptr; queue = queue->merged_into) {
    if (queue->group != &group) {
      return false;
    }
  }
  return true;
}
}  // namespace

void Membership::follow(Process& process, Group& group) {
  if (std::exchange(process.group, &group) == &group) {
    return;
  }
  if (const Queue* async = process.queues[0]; async != nullptr && async->group != &group) {
    leave(process, false);
  }
  Queue* queue = process.queues[1];
  if (queue == nullptr || all_are_in(*queue, group)) {
    return;
  }
  if (queue->merged_into == nullptr && !queue->shared) {
    move(*queue, group);
  } else {
    cooperators_.drop_chain(*queue);
    leave(process, true);
  }
}

void Membership::leave(Process& process, bool sync) {
  Queue& queue = *std::exchange(process.queues[sync ? 1 : 0], nullptr);
  if (queue.owner == &process) {
    queue.owner = nullptr;
  }
  cooperators_.release_process(queue);
}

// The process's reference keeps the queue.
void Membership::move(Queue& queue, Group& group) {
  if (&queue == state_.in_service) {
    service_.expire(Expiration::kPreempted);
  }
  if (queue.busy) {
    state_.wf2q.deactivate(queue, false, false);
  } else if (queue.counted) {
    state_.wf2q.forget_idle(queue);
  }
  if (queue.group->last_created == &queue) {
    queue.group->last_created = nullptr;
  }
  enter(queue, group);
  if (queue.busy) {
    cooperators_.update_position(queue);
    state_.wf2q.activate(queue, std::exchange(queue.expired_by_waiting, false));
  }
  if (state_.in_service == nullptr && state_.in_driver == 0) {
    service_.ask_for_dispatch();
  }
}

}  // namespace wbsim::block::bfq
