// cfq of v2.6.18: which queue a task's requests go to.

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/block/elevators/cfq/cfq_rounds.hpp"

namespace wbsim::block {

CfqRounds::Context& CfqRounds::context_of(const IoContext& owner) {
  const auto id = static_cast<std::size_t>(owner.id);
  if (id >= contexts_.size()) {
    contexts_.resize(id + 1);
  }
  if (contexts_[id] == nullptr) {
    contexts_[id] = std::make_unique<Context>(owner, now());
  }
  return *contexts_[id];
}

// Models: __cfq_find_cfq_hash() for asynchronous requests: no priority is found in any queue.
CfqRoundsQueue* CfqRounds::find_shared(IoPriority priority) {
  const auto fits = [&](const CfqRoundsQueue* queue) {
    const bool same_level =
        queue->own_level == priority.level || queue->own_class == IoClass::kIdle;
    return priority.io_class == IoClass::kNone ||
           (queue->own_class == priority.io_class && same_level);
  };
  const auto found = std::find_if(shared_.rbegin(), shared_.rend(), fits);
  return found == shared_.rend() ? nullptr : *found;
}

CfqRoundsQueue& CfqRounds::get_queue(Context& context, CfqSync kind) {
  CfqRoundsQueue* queue = kind == kCfqAsync ? find_shared(context.owner.priority) : nullptr;
  if (queue == nullptr) {
    queue = &pool_.acquire(kind == kCfqSync);
    update_priority(*queue, context);
    if (kind == kCfqAsync) {
      shared_.push_back(queue);
    }
  }
  ++queue->processes;
  return *queue;
}

// Models: cfq_init_prio_data(). No priority follows from nice 0.
void CfqRounds::update_priority(CfqRoundsQueue& queue, const Context& context) {
  if (!queue.priority_changed) {
    return;
  }
  const IoPriority priority = context.owner.priority;
  queue.own_class = priority.io_class == IoClass::kNone ? IoClass::kBestEffort : priority.io_class;
  queue.own_level = priority.io_class == IoClass::kNone   ? kCfqNormalLevel
                    : priority.io_class == IoClass::kIdle ? kCfqLevels - 1
                                                          : priority.level;
  queue.io_class = queue.own_class;
  queue.level = queue.own_level;
  if (queue.is_idle_class()) {
    queue.idle_window = false;
  }
  if (queue.busy) {
    rounds_.put(queue, false);
  }
  queue.priority_changed = false;
}

// Models: changed_ioprio().
void CfqRounds::note_priority(Context& context) {
  if (context.priority == context.owner.priority) {
    return;
  }
  context.priority = context.owner.priority;
  if (CfqRoundsQueue*& queue = context.queues[kCfqAsync]; queue != nullptr) {
    CfqRoundsQueue& left = *queue;
    queue = &get_queue(context, kCfqAsync);
    put_process(left);
  }
  if (CfqRoundsQueue* queue = context.queues[kCfqSync]; queue != nullptr) {
    queue->priority_changed = true;
  }
}

// Models: cfq_prio_boost().
void CfqRounds::boost(CfqRoundsQueue& queue, const IoContext& owner) {
  const IoClass class_before = queue.io_class;
  const int level_before = queue.level;
  if (owner.fs_exclusive) {
    if (queue.is_idle_class()) {
      queue.io_class = IoClass::kBestEffort;
    }
    queue.level = std::min(queue.level, kCfqNormalLevel);
  } else {
    queue.io_class = queue.own_class;
    queue.level = queue.own_level;
  }
  const bool moved = queue.io_class != class_before || queue.level != level_before;
  if (moved && queue.busy) {
    rounds_.put(queue, false);
  }
}

CfqRoundsQueue* CfqRounds::queue_of(const Bio& bio) {
  const CfqSync kind = kind_of(bio.flags);
  return kind == kCfqSync ? context_of(*bio.context).queues[kCfqSync]
                          : find_shared(bio.context->priority);
}

MayQueue CfqRounds::may_queue(const Bio& bio) {
  CfqRoundsQueue* queue = queue_of(bio);
  if (queue == nullptr) {
    return MayQueue::kMay;
  }
  update_priority(*queue, context_of(*bio.context));
  boost(*queue, *bio.context);
  if (queue->wait_request && !queue->must_alloc_slice) {
    queue->must_alloc_slice = true;
    return MayQueue::kMust;
  }
  return MayQueue::kMay;
}

void CfqRounds::set_request(Request& request, const Bio& bio) {
  Context& context = context_of(*bio.context);
  note_priority(context);
  CfqRoundsQueue*& queue = context.queues[kind_of(request.flags)];
  if (queue == nullptr) {
    queue = &get_queue(context, kind_of(request.flags));
  }
  ++queue->requests;
  owner_of(request) = {queue, &context};
}

void CfqRounds::finish_request(Request& request) {
  Owner& owner = owner_of(request);
  if (owner.queue != nullptr) {
    --owner.queue->requests;
    free_if_unused(*owner.queue);
    owner = {};
  }
}

// Models: cfq_exit_single_io_context().
void CfqRounds::io_context_exits(const IoContext& context) {
  for (CfqRoundsQueue*& queue : context_of(context).queues) {
    if (queue == nullptr) {
      continue;
    }
    if (queue == active_) {
      expire(*queue, false);
    }
    put_process(*queue);
    queue = nullptr;
  }
}

void CfqRounds::put_process(CfqRoundsQueue& queue) {
  --queue.processes;
  SIM_CHECK(queue.processes >= 0);
  free_if_unused(queue);
}

void CfqRounds::free_if_unused(CfqRoundsQueue& queue) {
  if (queue.processes > 0 || queue.requests > 0) {
    return;
  }
  if (active_ == &queue) {
    expire(queue, false);
  }
  SIM_CHECK(!queue.busy);
  std::erase(shared_, &queue);
  pool_.release(queue);
}

}  // namespace wbsim::block
