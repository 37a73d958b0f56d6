#include "sim/engine/eevdf_queue.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::engine {

namespace {
// sysctl_sched_base_slice of one CPU; multiplied by 1 + ilog2(min(cpus, 8)).
constexpr SimDuration kBaseSlice6_6 = microseconds(750);
constexpr SimDuration kBaseSlice6_12 = microseconds(700);

std::int64_t floor_divided(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
}  // namespace

EevdfQueue::EevdfQueue(int cpus, SimDuration tick, bool delays)
    : slice_{(delays ? kBaseSlice6_12 : kBaseSlice6_6) *
             std::bit_width(static_cast<unsigned>(std::min(cpus, 8)))},
      tick_{tick},
      delays_{delays} {}

std::int64_t EevdfQueue::load() const {
  std::int64_t weights = current_ == nullptr ? 0 : current_->weight;
  for (const FairEntity* entity : waiting_) {
    weights += entity->weight;
  }
  return weights;
}

// Models: avg_vruntime().
void EevdfQueue::update_mean() {
  std::int64_t sum = 0;
  std::int64_t weights = 0;
  const auto add = [&](const FairEntity& entity) {
    sum += (entity.vruntime - mean_).count() * entity.weight;
    weights += entity.weight;
  };
  for (const FairEntity* entity : waiting_) {
    add(*entity);
  }
  if (current_ != nullptr) {
    add(*current_);
  }
  if (weights > 0) {
    mean_ += SimDuration{floor_divided(sum, weights)};
  }
}

// Models: entity_eligible(): without the division.
bool EevdfQueue::is_eligible(const FairEntity& entity) const {
  std::int64_t sum = 0;
  const auto add = [&](const FairEntity& other) {
    sum += (other.vruntime - entity.vruntime).count() * other.weight;
  };
  for (const FairEntity* other : waiting_) {
    add(*other);
  }
  if (current_ != nullptr) {
    add(*current_);
  }
  return sum >= 0;
}

// Models: entity_lag().
SimDuration EevdfQueue::lag_of(const FairEntity& entity) const {
  const SimDuration limit = weighted(std::max(2 * slice_, tick_), entity.weight);
  return std::clamp(mean_ - entity.vruntime, -limit, limit);
}

// Models: place_entity(): the mean moves when a thread with lag joins; the lag is enlarged so that
// it is what it was afterwards.
void EevdfQueue::place(FairEntity& entity, Joins how) {
  update_mean();
  const std::int64_t others = load();
  SimDuration lag{};
  if (how == Joins::kWakesUp && others > 0) {
    lag = entity.lag * (others + entity.weight) / others;
  }
  entity.vruntime = mean_ - lag;
  entity.deadline = entity.vruntime + (how == Joins::kBegins ? slice(entity) / 2 : slice(entity));
}

// Models: enqueue_entity() and requeue_delayed_entity().
void EevdfQueue::join(FairEntity& entity, Joins how) {
  if (!std::exchange(entity.leaves_when_owed, false)) {
    place(entity, how);
    add(entity);
    return;
  }
  update_mean();
  if (lag_of(entity) > SimDuration{}) {
    remove(entity);
    entity.lag = SimDuration{};
    place(entity, Joins::kWakesUp);
    add(entity);
  }
}

// Models: update_curr() and update_deadline().
bool EevdfQueue::charge(SimDuration time) {
  FairEntity& current = *current_;
  if (time <= SimDuration{}) {
    return false;
  }
  current.vruntime += weighted(time, current.weight);
  const bool turn_ends = current.vruntime >= current.deadline;
  if (turn_ends) {
    current.deadline = current.vruntime + slice(current);
  }
  const bool guarded = delays_ && current.guarded_slice == current.deadline;
  const bool preempted_late = delays_ && !guarded && !is_eligible(current);
  return !waiting_.empty() && (turn_ends || preempted_late);
}

// The eligible thread that waits with the earliest deadline.
FairEntity& EevdfQueue::first_eligible() const {
  FairEntity* best = nullptr;
  for (FairEntity* entity : waiting_) {
    if (is_eligible(*entity) && (best == nullptr || std::pair{entity->deadline, entity->order} <
                                                        std::pair{best->deadline, best->order})) {
      best = entity;
    }
  }
  SIM_CHECK(best != nullptr);  // one of several is never above their mean
  return *best;
}

// Models: check_preempt_wakeup_fair() and pick_eevdf().
bool EevdfQueue::preempts(FairEntity& entity) {
  if (is_eligible(*current_)) {
    if (current_->guarded_slice == current_->deadline) {
      return false;
    }
    return is_eligible(entity) && entity.deadline <= current_->deadline &&
           &first_eligible() == &entity;
  }
  return &first_eligible() == &entity;
}

FairEntity* EevdfQueue::pick() {
  while (!waiting_.empty()) {
    FairEntity& next = first_eligible();
    if (!next.leaves_when_owed) {
      remove(next);
      next.guarded_slice = next.deadline;
      current_ = &next;
      return &next;
    }
    update_mean();
    next.leaves_when_owed = false;
    next.lag = std::min(lag_of(next), SimDuration{});
    remove(next);
  }
  return nullptr;
}

// Models: dequeue_entity() of a thread that sleeps, put_prev_entity() of one that does not.
void EevdfQueue::put_current(Leaves why) {
  FairEntity& entity = *current_;
  const bool waits_to_be_owed = why == Leaves::kSleeps && delays_ && !is_eligible(entity);
  if (why == Leaves::kStaysRunnable || waits_to_be_owed) {
    entity.leaves_when_owed = waits_to_be_owed;
    current_ = nullptr;
    add(entity);
    return;
  }
  update_mean();
  entity.lag = lag_of(entity);
  current_ = nullptr;
}

}  // namespace wbsim::engine
