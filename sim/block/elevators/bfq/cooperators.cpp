#include "sim/block/elevators/bfq/cooperators.hpp"

#include <algorithm>

#include "sim/block/elevators/bfq/busy.hpp"
#include "sim/block/elevators/bfq/idling.hpp"

namespace wbsim::block::bfq {

namespace {

constexpr Sectors kClose{8192};              // BFQQ_CLOSE_THR
constexpr std::uint64_t kStableMerge = 600;  // ms, bfq_activation_stable_merging and
                                             // bfq_late_stable_merging

bool are_close(Lba a, Lba b) { return (a < b ? b - a : a - b) <= kClose; }

}  // namespace

// Models: bfq_too_late_for_merging().
bool Cooperators::is_too_late(const Queue& queue) const {
  return queue.service_since_backlogged > 0 &&
         state_.clock.is_past(queue.first_io + state_.tuning.merge_limit);
}

// Models: bfq_may_be_close_cooperator().
bool Cooperators::may_cooperate(const Queue& queue, const Queue& other) const {
  return !is_too_late(other) && queue.io_class != kIdleClass && other.io_class == queue.io_class &&
         !queue.seeky() && !other.seeky() && queue.sync && other.sync;
}

// Models: bfq_pos_tree_add_move(). Of two queues at one place the first holds it.
void Cooperators::update_position(Queue& queue) {
  if (state_.is_flash_with_queueing()) {
    return;
  }
  remove_position(queue);
  if (!is_too_late(queue) && queue.io_class != kIdleClass && queue.next != nullptr) {
    queue.group->positions.insert(queue);
  }
}

void Cooperators::remove_position(Queue& queue) {
  if (queue.position_link.is_linked()) {
    queue.position_link.unlink();  // it may have left the group since
  }
}

// Models: bfqq_find_close(). Where no queue begins at `sector`, the one where the search for it
// ends is asked first, then its neighbour on the other side.
Queue* Cooperators::find_close(Group& group, Lba sector) {
  Group::Positions& positions = group.positions;
  if (positions.empty()) {
    return nullptr;
  }
  const auto above = positions.lower_bound(sector);
  if (above != positions.end() && above->next->sector == sector) {
    return &*above;
  }
  Queue* higher = above == positions.end() ? nullptr : &*above;
  Queue* lower = above == positions.begin() ? nullptr : &*std::prev(above);
  using Traits = Group::Positions::value_traits;
  const bool ends_at_higher =
      higher != nullptr && Traits::node_traits::get_left(Traits::to_node_ptr(*higher)) == nullptr;
  for (Queue* queue : {ends_at_higher ? higher : lower, ends_at_higher ? lower : higher}) {
    if (queue != nullptr && are_close(queue->next->sector, sector)) {
      return queue;
    }
  }
  return nullptr;
}

// Models: bfq_setup_merge(). Each process of `queue` gets a reference to the other in advance.
Queue* Cooperators::set_up(Queue& queue, Queue& other) {
  if (other.processes == 0) {
    return nullptr;
  }
  Queue* last = &other;
  for (; last->merged_into != nullptr; last = last->merged_into) {
    if (last->merged_into == &queue) {
      return nullptr;
    }
  }
  if (queue.processes == 0 || last->processes == 0 || last->parent != queue.parent ||
      last == &queue) {
    return nullptr;
  }
  queue.merged_into = last;
  last->processes += queue.processes;
  return last;
}

bool Cooperators::stable_merge_is_due(const Queue& queue, const Process& process) const {
  const Clock& clock = state_.clock;
  const std::uint64_t wait = clock.from_msecs(kStableMerge);
  return queue.sync && process.stable_candidate != nullptr && !queue.just_created &&
         clock.is_past(queue.split_time + wait) && clock.is_past(queue.created + wait);
}

void Cooperators::drop_stable_candidate(Process& process) const {
  if (Queue* candidate = std::exchange(process.stable_candidate, nullptr)) {
    --candidate->stable_refs;
    state_.keeper.dereferenced(*candidate);
  }
}

Queue* Cooperators::merge_stably(Queue& queue, Process& process) const {
  Queue& candidate = *process.stable_candidate;
  const bool alive = queue.processes > 0 && candidate.processes > 0;
  drop_stable_candidate(process);
  if (idling_speeds_up(state_, queue) || !alive) {
    return nullptr;
  }
  Queue* merged = set_up(queue, candidate);
  if (merged != nullptr) {
    process.stably_merged = true;
    if (merged->owner != nullptr) {
      merged->owner->stably_merged = true;
    }
  }
  return merged;
}

Queue* Cooperators::find(Queue& queue, Process& process, Lba sector) {
  const bool v6_1 = state_.tuning.v6_1;
  if (v6_1 && queue.merged_into != nullptr) {
    Queue* last = queue.merged_into;
    while (last->merged_into != nullptr) {
      last = last->merged_into;
    }
    return last;
  }
  if (state_.is_flash_with_queueing()) {
    return nullptr;
  }
  if (v6_1 && stable_merge_is_due(queue, process)) {
    return merge_stably(queue, process);
  }
  if (is_too_late(queue)) {
    return nullptr;
  }
  if (queue.merged_into != nullptr) {
    return queue.merged_into;
  }
  if (state_.busy_queues() == 1) {
    return nullptr;
  }
  Queue* in_service = state_.in_service;
  if (in_service != nullptr && in_service != &queue &&
      are_close(sector, state_.last_position_in_service) && queue.parent == in_service->parent &&
      may_cooperate(queue, *in_service)) {
    if (Queue* merged = set_up(queue, *in_service)) {
      return merged;
    }
  }
  Queue* close = find_close(*queue.group, sector);
  return close != nullptr && close != &queue && may_cooperate(queue, *close) ? set_up(queue, *close)
                                                                             : nullptr;
}

// Models: bfq_bfqq_save_state(). A queue that was merged before it was ever busy would have been
// raised.
void Cooperators::save(const Queue& queue) const {
  if (queue.owner == nullptr) {
    return;
  }
  SavedState& saved = queue.owner->saved;
  const std::int64_t service = saved.raising.service;
  saved = {.own_weight = queue.own_weight,
           .coefficient = queue.coefficient,
           .raising = queue.raising,
           .think_time = queue.think_time,
           .injection = queue.injection,
           .intensity = queue.intensity,
           .short_think_time = queue.short_think_time,
           .in_large_burst = queue.in_large_burst,
           .was_in_burst = queue.burst_link.is_linked()};
  if (queue.just_created && !queue.in_large_burst && state_.tuning.low_latency) {
    saved.coefficient = kFactor;
    saved.raising = {.start_or_end = state_.clock.jiffies(),
                     .longest = raising_.duration(),
                     .before_soft_real_time = state_.clock.long_ago(),
                     .service = service};
  }
}

void Cooperators::hand_over_raising(Queue& from, Queue& to) const {
  if (!from.is_raised()) {
    return;
  }
  if (!to.is_raised()) {
    const std::int64_t service = to.raising.service;
    to.coefficient = from.coefficient;
    to.raising = from.raising;
    to.raising.service = service;
    state_.raised_busy += to.busy ? 1 : 0;
    to.weight_changed = true;
  }
  from.coefficient = 1;
  from.weight_changed = true;
  state_.raised_busy -= from.busy ? 1 : 0;
}

void Cooperators::hand_over_waker(const Queue& from, Queue& to) const {
  if (state_.tuning.v6_1 && from.waker != nullptr && to.waker == nullptr && from.waker != &to) {
    Wakers::set_waker(to, from.waker, true);
    to.tentative_waker = 0;
  }
}

Queue& Cooperators::merge(Process& process, Queue& queue) {
  Queue& merged = *queue.merged_into;
  save(queue);
  save(merged);
  merged.intensity.io_bound |= queue.intensity.io_bound;
  queue.intensity.io_bound = false;
  hand_over_waker(queue, merged);
  hand_over_raising(queue, merged);
  process.queues[1] = &merged;
  if (state_.tuning.v6_1 && process.stable_candidate == &merged) {
    drop_stable_candidate(process);
  }
  merged.shared = true;
  merged.owner = nullptr;
  queue.owner = nullptr;
  if (queue.group->last_created == &queue) {
    queue.group->last_created = &merged;
  }
  release_process(queue);
  return merged;
}

void Cooperators::release_process(Queue& queue) {
  if (queue.group->last_created == &queue) {
    queue.group->last_created = nullptr;
  }
  --queue.processes;
  if (queue.busy && queue.empty() && &queue != state_.in_service) {
    remove_busy(state_, queue, false);  // tells the keeper
  } else {
    state_.keeper.dereferenced(queue);
  }
}

void Cooperators::drop_chain(Queue& queue) const {
  for (Queue* other = queue.merged_into; other != nullptr && other != &queue;) {
    Queue* next = other->merged_into;
    --other->processes;
    state_.keeper.dereferenced(*other);
    other = next;
  }
}

Queue* Cooperators::split(Process& process, Queue& queue) {
  if (queue.processes == 1 && (!state_.tuning.v6_1 || queue.merged_into == nullptr)) {
    queue.shared = false;
    queue.split_wanted = false;
    return &queue;
  }
  process.queues[1] = nullptr;
  drop_chain(queue);
  release_process(queue);
  return nullptr;
}

void Cooperators::resume(Queue& queue, const Process& process, bool existed) const {
  const SavedState& saved = process.saved;
  const bool was_busy = existed && queue.busy;
  const bool was_raised = queue.is_raised();
  queue.short_think_time = saved.short_think_time;
  queue.new_weight = saved.own_weight;
  queue.think_time = saved.think_time;
  if (state_.tuning.v6_1) {
    queue.intensity = saved.intensity;
    queue.injection = saved.injection;
    queue.coefficient = state_.tuning.low_latency ? saved.coefficient : queue.coefficient;
    queue.raising = saved.raising;
  } else {
    queue.intensity.io_bound = saved.intensity.io_bound;
    queue.coefficient = saved.coefficient;
    const std::int64_t service = queue.raising.service;
    queue.raising = saved.raising;
    queue.raising.service = service;
  }
  if (queue.is_raised() && raising_.is_over(queue)) {
    if (!queue.in_large_burst && raising_.would_be_interactive(queue)) {
      raising_.back_to_interactive(queue);
    } else {
      queue.coefficient = 1;
    }
  }
  queue.weight_changed = true;
  if (was_busy) {
    state_.raised_busy += static_cast<int>(queue.is_raised()) - static_cast<int>(was_raised);
  }
}

Queue& Cooperators::join_recent(Queue& queue, Process& process) {
  if (!state_.tuning.v6_1) {
    return queue;
  }
  Queue* last = queue.group->last_created;
  const std::uint64_t wait = state_.clock.from_msecs(kStableMerge);
  if (last == nullptr || Clock::is_after(queue.created, last->created + wait) ||
      queue.parent != last->parent || queue.own_weight != last->own_weight ||
      queue.io_class != last->io_class) {
    queue.group->last_created = &queue;
    return queue;
  }
  if (Clock::is_after(queue.created, last->created + state_.tuning.burst_interval)) {
    return queue;
  }
  if (!state_.is_flash_with_queueing()) {
    ++last->stable_refs;
    process.stable_candidate = last;
    return queue;
  }
  Queue* merged = set_up(queue, *last);
  if (merged == nullptr) {
    return queue;
  }
  if (merged->owner != nullptr) {
    merged->owner->stably_merged = true;
  }
  process.stably_merged = true;
  queue.owner = &process;
  return merge(process, queue);
}

void Cooperators::process_exits(Process& process) { drop_stable_candidate(process); }

void Cooperators::unused(Queue& queue) {
  remove_position(queue);
  if (queue.group->last_created == &queue) {
    queue.group->last_created = nullptr;
  }
}

}  // namespace wbsim::block::bfq
