#include "sim/block/elevators/cfq/priority_rounds.hpp"

#include <cstddef>
#include <iterator>

namespace wbsim::block {

void PriorityRounds::put(CfqRoundsQueue& queue, bool preempted) {
  queue.list.unlink();
  List& list = queue.is_real_time()    ? current_
               : queue.is_idle_class() ? idle_
               : queue.dispatched > 0  ? in_device_
                                       : levels_[static_cast<std::size_t>(queue.level)];
  if (preempted) {
    // The kernel means the front, but comes out before the last one.
    list.insert(list.empty() ? list.end() : std::prev(list.end()), queue);
    return;
  }
  if (&list == &in_device_) {
    list.push_back(queue);
    return;
  }
  auto place = list.end();
  while (place != list.begin()) {
    const CfqRoundsQueue& before = *std::prev(place);
    if (before.service_last == 0 || before.service_last < queue.service_last) {
      break;
    }
    --place;
  }
  list.insert(place, queue);
}

CfqRoundsQueue* PriorityRounds::next() {
  if (!current_.empty() || begin_next_level()) {
    return &current_.front();
  }
  return in_device_.empty() ? nullptr : &in_device_.front();
}

// Up to two whole passes: one to the end of the rounds, one from their beginning.
bool PriorityRounds::begin_next_level() {
  int chosen = -1;
  for (int wraps = 0; chosen < 0;) {
    for (int level = level_; level <= last_level_ && chosen < 0; ++level) {
      if (!levels_[static_cast<std::size_t>(level)].empty()) {
        chosen = level;
      }
    }
    if (chosen >= 0) {
      break;
    }
    level_ = 0;
    if (++last_level_ == kCfqLevels) {
      last_level_ = 0;
      if (wraps++ > 0) {
        return false;
      }
    }
  }
  current_.splice(current_.begin(), levels_[static_cast<std::size_t>(chosen)]);
  level_ = chosen + 1;
  if (level_ > last_level_) {
    last_level_ = level_;
    level_ = 0;
  }
  if (last_level_ == kCfqLevels) {
    level_ = 0;
    last_level_ = 0;
  }
  return true;
}

void PriorityRounds::break_turn() {
  // A real-time queue comes back to the list that is being emptied, so that ends after one pass.
  List left;
  left.splice(left.begin(), current_);
  while (!left.empty()) {
    put(left.front(), true);
  }
}

CfqRoundsQueue* PriorityRounds::any() {
  for (List& list : levels_) {
    if (!list.empty()) {
      return &list.front();
    }
  }
  for (List* list : {&in_device_, &current_, &idle_}) {
    if (!list->empty()) {
      return &list->front();
    }
  }
  return nullptr;
}

}  // namespace wbsim::block
