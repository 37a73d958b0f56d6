#include "models/durable_ranges.hpp"

#include <algorithm>

namespace wbsim::models {

void SectorSet::insert(Lba first, Sectors length) {
  Lba start = first;
  Lba end = first + length;
  auto it = ranges_.upper_bound(start);
  if (it != ranges_.begin() && std::prev(it)->second >= start) {
    --it;
  }
  while (it != ranges_.end() && it->first <= end) {
    start = std::min(start, it->first);
    end = std::max(end, it->second);
    it = ranges_.erase(it);
  }
  ranges_.emplace(start, end);
}

void SectorSet::erase(Lba first, Sectors length) {
  const Lba end = first + length;
  auto it = ranges_.upper_bound(first);
  if (it != ranges_.begin() && std::prev(it)->second > first) {
    --it;
  }
  while (it != ranges_.end() && it->first < end) {
    const auto [start, stop] = *it;
    it = ranges_.erase(it);
    if (start < first) {
      ranges_.emplace(start, first);
    }
    if (stop > end) {
      ranges_.emplace(end, stop);
      break;
    }
  }
}

bool SectorSet::contains(Lba first, Sectors length) const {
  const auto it = ranges_.upper_bound(first);
  return it != ranges_.begin() && std::prev(it)->second >= first + length;
}

void SectorSet::insert_all(const SectorSet& other) {
  for (const auto& [first, end] : other.ranges_) {
    insert(first, end - first);
  }
}

void SectorSet::erase_all(const SectorSet& other) {
  for (const auto& [first, end] : other.ranges_) {
    erase(first, end - first);
  }
}

// The range is overwritten: nothing under way covers what it holds now.
void DurableRanges::forget(Lba first, Sectors length) {
  for (auto& [flush, covered] : flushing_) {
    covered.erase(first, length);
  }
  volatile_.erase(first, length);
  durable_.erase(first, length);
  destaging_.erase(first, length);
}

void DurableRanges::write_completed(Lba first, Sectors length, bool fua) {
  if (volatile_cache_ && !fua) {
    write_cached(first, length);
    return;
  }
  forget(first, length);
  durable_.insert(first, length);
}

void DurableRanges::write_cached(Lba first, Sectors length) {
  forget(first, length);
  volatile_.insert(first, length);
}

DurableRanges::FlushId DurableRanges::flush_submitted() {
  flushing_.emplace_back(next_flush_, std::exchange(volatile_, {}));
  return next_flush_++;
}

// A flush also covers what an older one that is still under way covers.
void DurableRanges::flush_completed(FlushId flush) {
  while (!flushing_.empty() && flushing_.front().first <= flush) {
    durable_.insert_all(flushing_.front().second);
    flushing_.pop_front();
  }
}

void DurableRanges::flush_failed(FlushId flush) {
  const auto it = std::find_if(flushing_.begin(), flushing_.end(),
                               [flush](const auto& entry) { return entry.first == flush; });
  if (it != flushing_.end()) {
    volatile_.insert_all(it->second);
    flushing_.erase(it);
  }
}

// A flush under way that covers the range as well makes it durable once more, which is no change.
void DurableRanges::destage_completed() {
  volatile_.erase_all(destaging_);
  durable_.insert_all(destaging_);
  destaging_.clear();
}

}  // namespace wbsim::models
