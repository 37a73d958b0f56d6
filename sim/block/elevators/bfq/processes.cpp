#include "sim/block/elevators/bfq/processes.hpp"

#include "sim/block/elevators/bfq/budget.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"

namespace wbsim::block::bfq {

namespace {

constexpr int kLevels = Group::kLevels;
constexpr int kUsualLevel = 4;      // IOPRIO_BE_NORM
constexpr int kWeightOfLevel = 10;  // BFQ_WEIGHT_CONVERSION_COEFF

ClassIndex class_of(IoClass io_class) {
  switch (io_class) {
    case IoClass::kRealTime:
      return kRealTimeClass;
    case IoClass::kIdle:
      return kIdleClass;
    case IoClass::kNone:
    case IoClass::kBestEffort:
      break;
  }
  return kBestEffortClass;
}

// Models: bfq_set_next_ioprio_data(). Without a priority of its own a process has that of its
// niceness (task_nice_ioprio()).
void set_next_priority(Queue& queue, const Process& process) {
  int level = process.priority.level;
  if (process.priority.io_class == IoClass::kNone) {
    level = (process.context->nice + 20) / 5;
  } else if (process.priority.io_class == IoClass::kIdle) {
    level = kLevels - 1;
  }
  queue.new_class = class_of(process.priority.io_class);
  queue.new_weight = (kLevels - level) * kWeightOfLevel;
  queue.weight_changed = true;
}

// Models: bfq_async_queue_prio(). The idle class has one queue.
Queue*& async_queue(Group& group, const IoPriority& priority) {
  const ClassIndex index = class_of(priority.io_class);
  std::size_t level = priority.level;
  if (priority.io_class == IoClass::kNone) {
    level = kUsualLevel;
  } else if (index == kIdleClass) {
    level = 0;
  }
  return group.async_queues[index][level];
}

// Models: bfq_waker_bfqq(): the waker of a queue that is taken apart, if a process is left to it.
Queue* surviving_waker(const Queue& queue) {
  Queue* waker = queue.waker;
  if (waker == nullptr) {
    return nullptr;
  }
  for (const Queue* other = queue.merged_into; other != nullptr; other = other->merged_into) {
    if (other == waker) {
      return waker->processes == 1 ? nullptr : waker;
    }
  }
  return waker->processes == 0 ? nullptr : waker;
}

}  // namespace

Process* Processes::find(int id) {
  const auto found = processes_.find(id);
  return found == processes_.end() ? nullptr : &found->second;
}

Process& Processes::process_of(const IoContext& context) {
  Process& process = processes_[context.id];
  process.context = &context;
  return process;
}

// Models: bfq_init_bfqq(), bfq_init_entity().
Queue& Processes::make_queue(const Process& process, Group& group, bool sync) {
  const Clock& clock = state_.clock;
  Queue& queue = pool_.acquire();
  queue.number = ++queues_made_;
  set_next_priority(queue, process);
  queue.weight = queue.own_weight = queue.new_weight;
  queue.io_class = queue.new_class;
  enter(queue, group);
  queue.sync = sync;
  queue.just_created = sync;
  queue.short_think_time = sync && queue.io_class != kIdleClass;
  queue.think_time.last_end = clock.now() + nanoseconds(1);
  queue.created = clock.jiffies();
  queue.intensity.since = clock.now();
  queue.max_budget = 2 * max_budget(state_) / 3;
  queue.budget_timeout = clock.long_ago();
  queue.raising.start_or_end = clock.jiffies();
  queue.raising.before_soft_real_time = clock.long_ago();
  queue.split_time = clock.long_ago();
  queue.soft_real_time_next = clock.jiffies();
  return queue;
}

Queue& Processes::get_queue(Process& process, Group& group, bool sync, bool respawn) {
  if (!sync) {
    Queue*& shared = async_queue(group, process.priority);
    if (shared == nullptr) {
      shared = &make_queue(process, group, false);
      ++shared->processes;  // the group's
    }
    ++shared->processes;
    return *shared;
  }
  Queue& queue = make_queue(process, group, true);
  ++queue.processes;
  return respawn ? queue : cooperators_.join_recent(queue, process);
}

// Models: bfq_check_ioprio_change().
void Processes::follow_priority(Process& process, const IoContext& context, Group& group) {
  if (process.priority == context.priority) {
    return;
  }
  process.priority = context.priority;
  if (Queue* old = process.queues[0]) {
    process.queues[0] = &get_queue(process, group, false, true);
    cooperators_.release_process(*old);
  }
  if (process.queues[1] != nullptr) {
    set_next_priority(*process.queues[1], process);
  }
}

Queue& Processes::split_off(Process& process, Queue& shared, bool& existed) {
  Queue* waker = state_.tuning.v6_1 ? surviving_waker(shared) : nullptr;
  process.saved.in_large_burst |= shared.in_large_burst;
  Queue* queue = cooperators_.split(process, shared);
  existed = queue != nullptr;
  if (existed) {
    return *queue;
  }
  queue = &get_queue(process, *process.group, true, true);
  process.queues[1] = queue;
  bursts_.restore(*queue, process.saved);
  queue->split_time = state_.clock.jiffies();
  Wakers::set_waker(*queue, waker, true);
  return *queue;
}

Queue& Processes::queue_for(Process& process, bool sync, bool& split, bool& existed) {
  Queue* queue = process.queues[sync ? 1 : 0];
  if (queue == nullptr) {
    Queue& made = get_queue(process, *process.group, sync, false);
    process.queues[sync ? 1 : 0] = &made;
    return made;
  }
  const bool for_ever = state_.tuning.v6_1 && process.stably_merged;
  split = queue->shared && queue->split_wanted && !for_ever;
  return split ? split_off(process, *queue, existed) : *queue;
}

void Processes::admit(Request& request) {
  Process& process = process_of(*request.context);
  Group& group = state_.groups.of(request.cgroup);
  follow_priority(process, *request.context, group);
  membership_.follow(process, group);
  bool split = false;
  bool existed = false;
  Queue& queue = queue_for(process, is_sync(request.flags), split, existed);
  count_requests(queue, 1);
  ++process.requests;
  request.elevator_process = &process;
  request.elevator_queue = &queue;
  request.started_by_elevator = false;
  const bool merging = state_.tuning.v6_1 && queue.merged_into != nullptr;
  if (queue.processes == 1 && !merging) {
    queue.owner = &process;
    if (split) {
      cooperators_.resume(queue, process, existed);
    }
  }
  if (queue.just_created) {
    bursts_.first_request_of(queue);
  }
}

void Processes::request_freed(Request& request) {
  Process& process = *request.elevator_process;
  Queue& queue = *request.elevator_queue;
  request.elevator_process = nullptr;
  request.elevator_queue = nullptr;
  count_requests(queue, -1);
  release_if_unused(queue);
  --process.requests;
  forget_if_done(process);
}

void Processes::exits(Process& process, bool sync) {
  Queue* queue = std::exchange(process.queues[sync ? 1 : 0], nullptr);
  if (queue == nullptr) {
    return;
  }
  if (queue->owner == &process) {
    queue->owner = nullptr;
  }
  cooperators_.drop_chain(*queue);
  cooperators_.release_process(*queue);
}

void Processes::forget_if_done(Process& process) {
  if (process.exited && process.requests == 0) {
    const int id = process.context->id;
    processes_.erase(id);
  }
}

void Processes::release_if_unused(Queue& queue) {
  if (!queue.unused()) {
    return;
  }
  bursts_.unused(queue);
  Wakers::unused(queue);
  cooperators_.unused(queue);
  if (state_.last_completed == &queue) {
    state_.last_completed = nullptr;
  }
  pool_.release(queue);
}

}  // namespace wbsim::block::bfq
