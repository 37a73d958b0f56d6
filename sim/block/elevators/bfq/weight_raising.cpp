#include "sim/block/elevators/bfq/weight_raising.hpp"

#include <algorithm>

#include "sim/block/elevators/bfq/budget.hpp"

namespace wbsim::block::bfq {

namespace {
constexpr int kSoftRealTimeFactor = kFactor * 100;  // BFQ_SOFTRT_WEIGHT_FACTOR
constexpr std::int64_t kServiceMax = 120'000;       // max_service_from_wr, sectors
constexpr std::uint64_t kSoftRealTimeRate = 7000;   // bfq_wr_max_softrt_rate, sectors/s
constexpr int kDefaultWeight = 40;                  // of best-effort level 4
constexpr std::uint64_t kGraceJiffies = 4;          // bfq_bfqq_softrt_next_start()

std::uint64_t latest(std::uint64_t a, std::uint64_t b) { return std::max(a, b); }
}  // namespace

WeightRaising::WeightRaising(State& state, const PeakRate& peak_rate)
    : state_{state}, peak_rate_{peak_rate} {}

WeightRaising::Claim WeightRaising::claim_of(const Queue& queue, const Process& process) const {
  const Clock& clock = state_.clock;
  const bool usual = !state_.tuning.v6_1 || queue.new_weight == kDefaultWeight;
  Claim claim;
  claim.in_burst = queue.in_large_burst;
  claim.idle_for_long =
      queue.dispatched == 0 && clock.is_past(queue.budget_timeout + state_.tuning.raise_min_idle);
  claim.soft_real_time = !queue.totally_seeky() && !claim.in_burst &&
                         clock.is_past(queue.soft_real_time_next) && queue.dispatched == 0 && usual;
  claim.interactive = !claim.in_burst && claim.idle_for_long && usual;
  const bool of_one_process = queue.owner != nullptr || process.stably_merged;
  claim.deserved = state_.tuning.low_latency &&
                   (queue.is_raised() ||
                    (queue.sync && of_one_process && (claim.interactive || claim.soft_real_time)));
  return claim;
}

void WeightRaising::becomes_busy(Queue& queue, const Claim& claim) {
  const Clock& clock = state_.clock;
  if (!state_.tuning.low_latency) {
    return;
  }
  // The time of the split, long ago at first, seems to lie ahead once jiffies have wrapped.
  if (!clock.is_reached(queue.split_time)) {
    queue.split_time = clock.jiffies() - state_.tuning.raise_min_idle - 1;
  }
  if (!clock.is_past(queue.split_time + state_.tuning.raise_min_idle)) {
    return;
  }
  const int before = queue.coefficient;
  if (before > 1) {
    renew(queue, claim);
  } else if (claim.deserved) {
    start(queue, claim.interactive);
  }
  queue.weight_changed |= before != queue.coefficient;
}

// The budget of a raised queue is small, so that it is near to what the queue has to do.
void WeightRaising::start(Queue& queue, bool interactive) const {
  if (interactive) {
    queue.raising.service = 0;
    queue.coefficient = kFactor;
    queue.raising.longest = duration();
  } else {
    queue.raising.before_soft_real_time = state_.clock.long_ago();
    queue.coefficient = kSoftRealTimeFactor;
    queue.raising.longest = state_.tuning.raise_soft_real_time;
  }
  queue.budget = std::min(queue.budget, 2 * min_budget(state_));
}

void WeightRaising::renew(Queue& queue, const Claim& claim) const {
  if (claim.interactive) {
    queue.coefficient = kFactor;
    queue.raising.longest = duration();
  } else if (claim.in_burst) {
    queue.coefficient = 1;
  } else if (claim.soft_real_time) {
    if (!is_soft_real_time(queue)) {
      queue.raising.before_soft_real_time = queue.raising.start_or_end;
      queue.raising.longest = state_.tuning.raise_soft_real_time;
      queue.coefficient = kSoftRealTimeFactor;
    }
    queue.raising.start_or_end = state_.clock.jiffies();
  }
}

void WeightRaising::request_added(Queue& queue, const Request& request, bool was_raised) {
  const bool long_since =
      state_.clock.is_past(queue.raising.start_or_end + state_.tuning.raise_min_async_interval);
  if (state_.tuning.low_latency && !was_raised && !is_sync(request.flags) && long_since) {
    queue.coefficient = kFactor;
    queue.raising.longest = duration();
    ++state_.raised_busy;
    queue.weight_changed = true;
  }
}

void WeightRaising::note_arrival(Queue& queue, bool was_raised, bool interactive) const {
  if (state_.tuning.low_latency && (!was_raised || !queue.is_raised() || interactive)) {
    queue.raising.start_or_end = state_.clock.jiffies();
  }
}

bool WeightRaising::is_over(const Queue& queue) const {
  return queue.in_large_burst ||
         state_.clock.is_past(queue.raising.start_or_end + queue.raising.longest);
}

bool WeightRaising::would_be_interactive(const Queue& queue) const {
  return is_soft_real_time(queue) &&
         !state_.clock.is_past(queue.raising.before_soft_real_time + duration());
}

void WeightRaising::request_dispatched(Queue& queue) {
  if (queue.is_raised() && is_over(queue)) {
    if (!queue.in_large_burst && would_be_interactive(queue)) {
      back_to_interactive(queue);
      queue.weight_changed = true;
    } else {
      end(queue);
    }
  }
  if (queue.is_raised() && !is_soft_real_time(queue) && queue.raising.service > kServiceMax) {
    end(queue);
  }
  // The new weight holds at once, for the rest of this turn of service too.
  if ((queue.weight > queue.own_weight) != queue.is_raised()) {
    state_.wf2q.update_weight(queue.level->tree_of(queue), queue, false);
  }
}

void WeightRaising::seek_noted(Queue& queue) {
  if (!queue.is_raised() || !is_soft_real_time(queue) || !queue.totally_seeky()) {
    return;
  }
  if (state_.tuning.v6_1 && would_be_interactive(queue)) {
    back_to_interactive(queue);
    queue.weight_changed = true;
  } else {
    end(queue);
  }
}

void WeightRaising::service_begins(Queue& queue) const {
  const Clock& clock = state_.clock;
  if (!clock.is_past(queue.raising.start_or_end) || !queue.is_raised() ||
      !is_soft_real_time(queue) || !clock.is_past(queue.budget_timeout)) {
    return;
  }
  if (Clock::is_after(queue.budget_timeout, queue.raising.start_or_end)) {
    queue.raising.start_or_end += clock.jiffies() - queue.budget_timeout;
  } else {
    queue.raising.start_or_end = clock.jiffies();
  }
}

// max3() compares plain numbers.
std::uint64_t WeightRaising::next_soft_real_time(const Queue& queue) const {
  const Clock& clock = state_.clock;
  const std::uint64_t by_rate =
      queue.backlogged_since +
      clock.hz() * static_cast<std::uint64_t>(queue.service_since_backlogged) / kSoftRealTimeRate;
  const std::uint64_t by_waiting =
      clock.jiffies() + clock.from_duration(state_.tuning.slice_idle) + kGraceJiffies;
  return latest(queue.soft_real_time_next, latest(by_rate, by_waiting));
}

// v5.10 leaves out queues in interactive raising; v6.1 only where requests are still in the device.
void WeightRaising::expired(Queue& queue) const {
  if (state_.tuning.low_latency && !queue.is_raised()) {
    queue.raising.start_or_end = state_.clock.jiffies();
  }
  if (!state_.tuning.low_latency || !queue.empty()) {
    return;
  }
  if (queue.dispatched > 0) {
    queue.soft_real_time_pending = true;
  } else if (state_.tuning.v6_1 || queue.coefficient != kFactor) {
    queue.soft_real_time_next = next_soft_real_time(queue);
  }
}

void WeightRaising::completed(Queue& queue) const {
  if (queue.soft_real_time_pending && queue.dispatched == 0 && queue.empty() &&
      queue.coefficient != kFactor) {
    queue.soft_real_time_next = next_soft_real_time(queue);
  }
}

void WeightRaising::end(Queue& queue) const {
  const std::uint64_t now = state_.clock.jiffies();
  if (state_.tuning.v6_1 && !is_soft_real_time(queue)) {
    queue.soft_real_time_next = now;
  }
  if (queue.busy) {
    --state_.raised_busy;
  }
  queue.coefficient = 1;
  queue.raising.longest = 0;
  queue.raising.start_or_end = now;
  queue.weight_changed = true;
}

void WeightRaising::back_to_interactive(Queue& queue) const {
  queue.coefficient = kFactor;
  queue.raising.longest = duration();
  queue.raising.start_or_end = queue.raising.before_soft_real_time;
}

}  // namespace wbsim::block::bfq
