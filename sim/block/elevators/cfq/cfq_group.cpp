#include "sim/block/elevators/cfq/cfq_group.hpp"

#include <algorithm>

namespace wbsim::block {

namespace {

constexpr std::array<CfqWorkload, 3> kWorkloadsInOrder{
    CfqWorkload::kAsync, CfqWorkload::kSyncNoIdle, CfqWorkload::kSync};
constexpr std::int64_t kShortest = 2;  // CFQ_MIN_TT, jiffies

}  // namespace

CfqGroup::CfqGroup(const CfqTunables& tunables, std::int64_t now)
    : think_time{now}, tunables_{tunables}, trees_{ServiceTree{now}, ServiceTree{now},
                                                   ServiceTree{now}, ServiceTree{now},
                                                   ServiceTree{now}, ServiceTree{now},
                                                   ServiceTree{now}} {}

ServiceTree& CfqGroup::tree(CfqClass io_class, CfqWorkload workload) {
  return io_class == CfqClass::kIdle ? trees_.back()
                                     : trees_[static_cast<std::size_t>(io_class) * kWorkloads +
                                              static_cast<std::size_t>(workload)];
}

CfqQueue* CfqGroup::first_of_any() {
  for (ServiceTree& tree : trees_) {
    if (CfqQueue* queue = tree.first()) {
      return queue;
    }
  }
  return nullptr;
}

std::int64_t CfqGroup::busy(CfqClass io_class) {
  if (io_class == CfqClass::kIdle) {
    return trees_.back().size();
  }
  std::int64_t count = 0;
  for (const CfqWorkload workload : kWorkloadsInOrder) {
    count += tree(io_class, workload).size();
  }
  return count;
}

std::int64_t CfqGroup::busy_async() {
  return tree(CfqClass::kRealTime, CfqWorkload::kAsync).size() +
         tree(CfqClass::kBestEffort, CfqWorkload::kAsync).size();
}

// Models: cfq_group_get_avg_queues(): three parts the greater, one part the smaller of the average
// and the number now, so that it rises quickly and falls slowly. Of the idle class it is asked as
// if that were best effort.
std::int64_t CfqGroup::average_queues(CfqClass io_class) {
  constexpr std::int64_t kHistory = 4;  // cfq_hist_divisor
  std::int64_t& average = busy_average_[static_cast<std::size_t>(io_class)];
  const auto [less, more] = std::minmax({average, busy(io_class)});
  average = ((kHistory - 1) * more + less + kHistory / 2) / kHistory;
  return average;
}

std::int64_t CfqGroup::scaled_slice(const CfqQueue& queue) {
  const std::int64_t whole = tunables_.slice_of(queue.kind(), queue.level);
  if (!tunables_.low_latency) {
    return whole;
  }
  const std::int64_t of_class =
      average_queues(queue.is_real_time() ? CfqClass::kRealTime : CfqClass::kBestEffort);
  const std::int64_t sync_slice = tunables_.slice[kCfqSync];
  const std::int64_t round = sync_slice * of_class;
  if (round <= slice()) {
    return whole;
  }
  const std::int64_t lowest = std::min(whole, 2 * tunables_.slice_idle * whole / sync_slice);
  return std::max(whole * slice() / round, lowest);
}

// Models: cfq_service_tree_add() and cfq_slice_offset(): whoever has a short slice waits longer,
// the more so the more queues there are; what was left of the slice before brings a queue forward.
// The idle class forms a line.
std::int64_t CfqGroup::service_key(CfqQueue& queue, std::int64_t now, std::int64_t hz) {
  if (queue.is_idle_class()) {
    const CfqQueue* last = tree_for(queue).last();
    return hz / 5 + (last == nullptr || last == &queue ? now : last->service_key);
  }
  const std::int64_t longest = tunables_.slice_of(kCfqSync, 0);
  const std::int64_t offset =
      (queues - 1) * (longest - tunables_.slice_of(queue.kind(), queue.level));
  const std::int64_t key = now + offset - queue.slice.residual;
  queue.slice.residual = 0;
  return key;
}

std::int64_t CfqGroup::front_key(CfqQueue& queue, std::int64_t now, std::int64_t hz) {
  const CfqQueue* first = tree_for(queue).first();
  return (first == nullptr ? now : first->service_key) - hz;
}

void CfqTurn::save(std::int64_t now) {
  group_.saved.slice = std::max<std::int64_t>(expires_ - now, 0);
  group_.saved.io_class = class_;
  group_.saved.workload = workload_;
}

void CfqTurn::choose(std::int64_t now, std::int64_t busy_queues) {
  const CfqGroup::SavedWorkload& saved = group_.saved;
  if (saved.slice != 0) {
    expires_ = now + saved.slice;
    class_ = saved.io_class;
    workload_ = saved.workload;
  } else {
    expires_ = now - 1;
  }
  choose_class_and_workload(now, busy_queues);
}

// Models: choose_service_tree(), v3.6.
void CfqTurn::choose_class_and_workload(std::int64_t now, std::int64_t busy_queues) {
  const CfqClass before = class_;
  if (group_.busy(CfqClass::kRealTime) > 0) {
    class_ = CfqClass::kRealTime;
  } else if (group_.busy(CfqClass::kBestEffort) > 0) {
    class_ = CfqClass::kBestEffort;
  } else {
    class_ = CfqClass::kIdle;
    expires_ = now + 1;
    return;
  }
  if (class_ == before && tree().size() > 0 && now <= expires_) {
    return;
  }
  workload_ = due_first();
  expires_ = now + slice(busy_queues);
}

// Models: cfq_choose_wl().
CfqWorkload CfqTurn::due_first() {
  CfqWorkload best = CfqWorkload::kSyncNoIdle;
  const CfqQueue* earliest = nullptr;
  for (const CfqWorkload workload : kWorkloadsInOrder) {
    const CfqQueue* first = group_.tree(class_, workload).first();
    if (first != nullptr && (earliest == nullptr || first->service_key < earliest->service_key)) {
      earliest = first;
      best = workload;
    }
  }
  return best;
}

// A workload's part of the group's slice is that of its queues among those of the class; an
// asynchronous one's no more than that among all, and cut as asynchronous slices are; a synchronous
// one's no less than two waits for a next request.
std::int64_t CfqTurn::slice(std::int64_t busy_queues) {
  std::int64_t slice =
      group_.slice() * tree().size() / std::max(group_.busy_average(class_), group_.busy(class_));
  if (workload_ == CfqWorkload::kAsync) {
    slice = std::min(slice, tunables_.target_latency * group_.busy_async() / busy_queues);
    slice = slice * tunables_.slice[kCfqAsync] / tunables_.slice[kCfqSync];
  } else {
    slice = std::max(slice, 2 * tunables_.slice_idle);
  }
  return std::max(slice, kShortest);
}

}  // namespace wbsim::block
