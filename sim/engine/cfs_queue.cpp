#include "sim/engine/cfs_queue.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace wbsim::engine {

namespace {

// Tunables for one CPU, v5.10 and v6.1; all three are multiplied by 1 + ilog2(min(cpus, 8))
// (get_update_sysctl_factor(), SCHED_TUNABLESCALING_LOG).
constexpr SimDuration kSchedLatency = milliseconds(6);       // sysctl_sched_latency
constexpr SimDuration kMinGranularity = microseconds(750);   // sysctl_sched_min_granularity
constexpr SimDuration kWakeupGranularity = milliseconds(1);  // sysctl_sched_wakeup_granularity
constexpr std::int64_t kLatencyThreads = 8;                  // sched_nr_latency

}  // namespace

CfsQueue::CfsQueue(int cpus)
    : factor_{static_cast<int>(std::bit_width(static_cast<unsigned>(std::min(cpus, 8))))} {}

// Models: place_entity(): a thread that slept gets at most half a latency period of credit
// (GENTLE_FAIR_SLEEPERS). One that begins was forked earlier and is level with the others, unless
// it has slept since.
void CfsQueue::place(FairEntity& entity, Joins how) const {
  const SimDuration credit = kSchedLatency * factor_ / 2;
  switch (how) {
    case Joins::kBegins:
      entity.vruntime = min_vruntime_;
      return;
    case Joins::kRested:
      entity.vruntime = min_vruntime_ - credit;
      return;
    case Joins::kWakesUp:
      entity.vruntime = std::max(entity.vruntime, min_vruntime_ - credit);
      return;
  }
}

void CfsQueue::join(FairEntity& entity, Joins how) {
  place(entity, how);
  add(entity);
}

bool CfsQueue::charge(SimDuration time) {
  current_->vruntime += weighted(time, current_->weight);
  current_->ran += time;
  update_min_vruntime();
  return false;
}

// Models: update_min_vruntime(). Monotone: the smallest of the running and the leftmost thread.
void CfsQueue::update_min_vruntime() {
  SimDuration smallest = current_->vruntime;
  if (!waiting_.empty()) {
    smallest = std::min(smallest, leftmost().vruntime);
  }
  min_vruntime_ = std::max(min_vruntime_, smallest);
}

// Models: check_preempt_wakeup(). Who asks for the CPU first is the next buddy.
bool CfsQueue::preempts(FairEntity& entity) {
  if (current_->vruntime - entity.vruntime <= wakeup_granularity(entity)) {
    return false;
  }
  next_buddy_ = &entity;
  return true;
}

// Models: wakeup_gran().
SimDuration CfsQueue::wakeup_granularity(const FairEntity& entity) const {
  return weighted(kWakeupGranularity * factor_, entity.weight);
}

FairEntity& CfsQueue::leftmost() const {
  return **std::min_element(
      waiting_.begin(), waiting_.end(), [](const FairEntity* a, const FairEntity* b) {
        return std::pair{a->vruntime, a->order} < std::pair{b->vruntime, b->order};
      });
}

// Models: pick_next_entity(): the leftmost thread, or the next buddy where that is not too unfair.
FairEntity& CfsQueue::most_entitled() {
  FairEntity& left = leftmost();
  const bool buddy =
      next_buddy_ != nullptr && next_buddy_->vruntime - left.vruntime <= wakeup_granularity(left);
  FairEntity& next = buddy ? *next_buddy_ : left;
  if (next_buddy_ == &next) {
    next_buddy_ = nullptr;
  }
  return next;
}

FairEntity* CfsQueue::pick() {
  if (waiting_.empty()) {
    return nullptr;
  }
  current_ = &most_entitled();
  remove(*current_);
  current_->ran = SimDuration{};
  return current_;
}

void CfsQueue::put_current(Leaves why) {
  if (why == Leaves::kStaysRunnable) {
    add(*current_);
  }
  current_ = nullptr;
}

// Models: sched_slice(): the thread's share of the latency period, by weight.
SimDuration CfsQueue::slice(const FairEntity& entity) const {
  const auto threads = static_cast<std::int64_t>(waiting_.size()) + 1;
  const SimDuration period =
      threads > kLatencyThreads ? kMinGranularity * factor_ * threads : kSchedLatency * factor_;
  std::int64_t total = entity.weight;
  for (const FairEntity* other : waiting_) {
    total += other->weight;
  }
  return period * entity.weight / total;
}

// Models: check_preempt_tick().
bool CfsQueue::tick() {
  const SimDuration ideal = slice(*current_);
  return current_->ran > ideal || (current_->ran >= kMinGranularity * factor_ &&
                                   current_->vruntime - leftmost().vruntime > ideal);
}

}  // namespace wbsim::engine
