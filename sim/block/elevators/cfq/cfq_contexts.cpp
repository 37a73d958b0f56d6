#include "sim/block/elevators/cfq/cfq_contexts.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

CfqContext* CfqContexts::find(const IoContext& owner) const {
  const auto id = static_cast<std::size_t>(owner.id);
  return id < contexts_.size() ? contexts_[id].get() : nullptr;
}

CfqContext& CfqContexts::get(const IoContext& owner, std::int64_t now) {
  const auto id = static_cast<std::size_t>(owner.id);
  if (id >= contexts_.size()) {
    contexts_.resize(id + 1);
  }
  if (contexts_[id] == nullptr) {
    contexts_[id] = std::make_unique<CfqContext>(owner, now);
  }
  return *contexts_[id];
}

// task_nice_ioclass(), task_nice_ioprio(): nice 0 makes best effort, level 4.
IoPriority CfqContexts::effective(IoPriority priority) {
  if (priority.io_class == IoClass::kNone) {
    return {IoClass::kBestEffort, kCfqNormalLevel};
  }
  if (priority.io_class == IoClass::kIdle) {
    return {IoClass::kIdle, kCfqLevels - 1};
  }
  return priority;
}

CfqQueue*& CfqContexts::shared_queue(IoPriority priority) {
  if (priority.io_class == IoClass::kIdle) {
    return shared_idle_;
  }
  return shared_[priority.io_class == IoClass::kRealTime ? 0 : 1][priority.level];
}

CfqQueue& CfqContexts::get_queue(CfqContext& context, CfqSync kind) {
  CfqQueue** shared = kind == kCfqAsync ? &shared_queue(effective(context.priority)) : nullptr;
  CfqQueue* queue = shared == nullptr ? nullptr : *shared;
  if (queue == nullptr) {
    queue = &pool_.acquire(kind == kCfqSync);
    update_priority(*queue, context);
    if (shared != nullptr) {
      *shared = queue;
      ++queue->processes;
    }
  }
  ++queue->processes;
  return *queue;
}

void CfqContexts::update_priority(CfqQueue& queue, const CfqContext& context) {
  if (!queue.priority_changed) {
    return;
  }
  const IoPriority priority = effective(context.priority);
  queue.io_class = priority.io_class;
  queue.level = priority.level;
  if (queue.is_idle_class()) {
    queue.idle_window = false;
  }
  queue.priority_changed = false;
}

// Models: check_ioprio_changed().
void CfqContexts::note_priority(CfqContext& context) {
  if (context.priority == context.owner.priority) {
    return;
  }
  context.priority = context.owner.priority;
  if (CfqQueue*& queue = context.queues[kCfqAsync]; queue != nullptr) {
    put_process(*queue);
    queue = &get_queue(context, kCfqAsync);
  }
  if (CfqQueue* queue = context.queues[kCfqSync]; queue != nullptr) {
    queue->priority_changed = true;
  }
}

CfqQueue& CfqContexts::queue_for_request(CfqContext& context, CfqSync kind) {
  note_priority(context);
  CfqQueue*& queue = context.queues[kind];
  if (queue != nullptr && queue->coop && queue->split_coop && !split(context, *queue)) {
    queue = nullptr;
  }
  if (queue == nullptr) {
    queue = &get_queue(context, kind);
  } else if (CfqQueue* target = queue->merge_into; target != nullptr) {
    // The reference to the target was taken when the merge was planned.
    CfqQueue& left = *queue;
    queue = target;
    target->coop = true;
    put_process(left);
  }
  ++queue->requests;
  return *queue;
}

void CfqContexts::put_request(CfqQueue& queue) {
  --queue.requests;
  free_if_unused(queue);
}

void CfqContexts::plan_merge(CfqQueue& queue, CfqQueue& other) {
  CfqQueue* target = &other;
  if (queue.merge_into != nullptr || target->processes == 0) {
    return;
  }
  while (target->merge_into != nullptr) {
    target = target->merge_into;
    if (target == &queue) {
      return;
    }
  }
  if (queue.processes == 0 || target->processes == 0) {
    return;
  }
  if (target->processes >= queue.processes) {
    queue.merge_into = target;
    target->processes += queue.processes;
  } else {
    target->merge_into = &queue;
    queue.processes += target->processes;
  }
}

bool CfqContexts::split(CfqContext& context, CfqQueue& queue) {
  if (queue.processes == 1) {
    queue.coop = false;
    queue.split_coop = false;
    return true;
  }
  context.queues[kCfqSync] = nullptr;
  put_merge_targets(queue);
  put_process(queue);
  return false;
}

void CfqContexts::exit(CfqContext& context) {
  for (CfqQueue*& queue : context.queues) {
    if (queue == nullptr) {
      continue;
    }
    user_.forget_queue(*queue);
    put_merge_targets(*queue);
    put_process(*queue);
    queue = nullptr;
  }
}

void CfqContexts::put_process(CfqQueue& queue) {
  --queue.processes;
  SIM_CHECK(queue.processes >= 0);
  free_if_unused(queue);
}

// Models: cfq_put_cooperator(): what was taken for a process that now will not come.
void CfqContexts::put_merge_targets(CfqQueue& queue) {
  CfqQueue* target = queue.merge_into;
  while (target != nullptr) {
    CfqQueue* next = target->merge_into;
    put_process(*target);
    target = next;
  }
}

void CfqContexts::free_if_unused(CfqQueue& queue) {
  if (queue.processes > 0 || queue.requests > 0) {
    return;
  }
  user_.forget_queue(queue);
  SIM_CHECK(!queue.busy);
  pool_.release(queue);
}

}  // namespace wbsim::block
