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

void DurableRanges::write_completed(Lba first, Sectors length, bool fua) {
  for (auto& [flush, covered] : flushing_) {
    covered.erase(first, length);
  }
  if (!volatile_cache_ || fua) {
    volatile_.erase(first, length);
    durable_.insert(first, length);
    return;
  }
  durable_.erase(first, length);
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

}  // namespace wbsim::models
