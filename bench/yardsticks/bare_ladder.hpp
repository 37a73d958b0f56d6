// Ladder queue (Tang, Goh, Thng 2005), simplified: what is far lies unsorted on top, what is near
// is spread over rungs of buckets, what is next is sorted. The fastest bare queue with few events.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "bench/yardsticks/bare_queues.hpp"

namespace wbsim::yardsticks {

class BareLadder {
 public:
  void push(std::uint64_t time, std::uint32_t handle) {
    const Entry entry{time, handle, sequence_++};
    if (time >= top_start_) {
      top_.push_back(entry);
      top_min_ = std::min(top_min_, time);
      top_max_ = std::max(top_max_, time);
      return;
    }
    for (std::size_t i = 0; i < rungs_used_; ++i) {
      Rung& rung = rungs_[i];
      if (time >= rung.current_start) {
        rung.buckets[(time - rung.start) / rung.width].push_back(entry);
        ++rung.count;
        return;
      }
    }
    push_bottom(entry);
  }

  Item pop() {
    if (next_ == bottom_.size()) {
      refill();
    }
    const Entry& entry = bottom_[next_++];
    return {entry.time, entry.handle};
  }

 private:
  static constexpr std::size_t kThreshold = 48;  // more entries than this become another rung
  static constexpr std::size_t kRungs = 8;
  struct Entry {
    std::uint64_t time;
    std::uint32_t handle;
    std::uint32_t sequence;
    bool operator<(const Entry& other) const {
      return time != other.time ? time < other.time : sequence < other.sequence;
    }
  };
  struct Rung {
    std::uint64_t start = 0;
    std::uint64_t width = 1;
    std::uint64_t current_start = 0;
    std::size_t current = 0;
    std::size_t count = 0;
    std::vector<std::vector<Entry>> buckets;
  };

  void push_bottom(const Entry& entry) {
    const auto first = bottom_.begin() + static_cast<std::ptrdiff_t>(next_);
    const auto place = std::upper_bound(first, bottom_.end(), entry);
    if (next_ > 0 && place - first < bottom_.end() - place) {  // shift the shorter side
      std::move(first, place, first - 1);
      --next_;
      *(place - 1) = entry;
    } else {
      bottom_.insert(place, entry);
    }
  }

  // Spreads `source`, whose times lie in [start, end), over a new rung.
  void add_rung(std::vector<Entry>& source, std::uint64_t start, std::uint64_t end) {
    Rung& rung = rungs_[rungs_used_++];
    const std::uint64_t wanted = std::max<std::uint64_t>(source.size(), 1);
    rung.start = rung.current_start = start;
    rung.width = std::max<std::uint64_t>((end - start + wanted - 1) / wanted, 1);
    rung.current = 0;
    rung.count = source.size();
    rung.buckets.resize(std::max(rung.buckets.size(), (end - start) / rung.width + 1));
    for (const Entry& entry : source) {
      rung.buckets[(entry.time - start) / rung.width].push_back(entry);
    }
    source.clear();
  }

  void refill() {
    bottom_.clear();
    next_ = 0;
    while (bottom_.empty()) {
      while (rungs_used_ > 0 && rungs_[rungs_used_ - 1].count == 0) {
        --rungs_used_;
      }
      if (rungs_used_ == 0) {
        const std::uint64_t end = top_max_ + 1;
        add_rung(top_, top_min_, end);
        top_start_ = end;
        top_min_ = std::numeric_limits<std::uint64_t>::max();
        top_max_ = 0;
      }
      take_bucket(rungs_[rungs_used_ - 1]);
    }
    std::sort(bottom_.begin(), bottom_.end());
  }

  void take_bucket(Rung& rung) {
    while (rung.buckets[rung.current].empty()) {
      ++rung.current;
      rung.current_start += rung.width;
    }
    std::vector<Entry>& bucket = rung.buckets[rung.current++];
    const std::uint64_t start = rung.current_start;
    rung.current_start += rung.width;
    rung.count -= bucket.size();
    if (bucket.size() > kThreshold && rungs_used_ < kRungs && rung.width > 1) {
      add_rung(bucket, start, start + rung.width);
    } else {
      bottom_.swap(bucket);
    }
  }

  std::vector<Entry> top_;
  std::uint64_t top_start_ = 0;
  std::uint64_t top_min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t top_max_ = 0;
  std::uint32_t sequence_ = 0;
  std::array<Rung, kRungs> rungs_;
  std::size_t rungs_used_ = 0;
  std::vector<Entry> bottom_;
  std::size_t next_ = 0;  // first not yet popped of bottom_
};

}  // namespace wbsim::yardsticks
