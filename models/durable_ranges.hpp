// What of a device's contents would survive a loss of power.
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <utility>

#include "sim/base/units.hpp"

namespace wbsim::models {

// A set of sectors as disjoint ranges; neighbours are joined.
class SectorSet {
 public:
  void insert(Lba first, Sectors length);
  void erase(Lba first, Sectors length);
  [[nodiscard]] bool contains(Lba first, Sectors length) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t ranges() const { return ranges_.size(); }
  void insert_all(const SectorSet& other);
  void erase_all(const SectorSet& other);
  void clear() { ranges_.clear(); }

 private:
  std::map<Lba, Lba> ranges_;  // first -> end
};

// The durability rules of block/device.hpp: completed writes sit in the volatile cache until a
// flush that was submitted after their completion completes; overwriting makes old data volatile.
class DurableRanges {
 public:
  using FlushId = std::uint64_t;

  explicit DurableRanges(bool volatile_cache) : volatile_cache_{volatile_cache} {}

  void write_completed(Lba first, Sectors length, bool fua);
  // The same for a write that reached the volatile cache at most, whatever was asked for.
  void write_cached(Lba first, Sectors length);
  // A flush covers what had completed, and was not overwritten since, when it was submitted.
  FlushId flush_submitted();
  void flush_completed(FlushId flush);
  // A flush that had no effect: what it would have covered waits for the next one.
  void flush_failed(FlushId flush);
  // The device itself takes a range of its volatile cache to the medium, one at a time: what is not
  // overwritten until then becomes durable.
  void destage_started(Lba first, Sectors length) { destaging_.insert(first, length); }
  void destage_completed();
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const {
    return durable_.contains(first, length);
  }

 private:
  void forget(Lba first, Sectors length);

  bool volatile_cache_;
  SectorSet durable_;
  SectorSet volatile_;                                  // since the last flush was submitted
  std::deque<std::pair<FlushId, SectorSet>> flushing_;  // by flush, oldest first
  FlushId next_flush_ = 0;
  SectorSet destaging_;
};

}  // namespace wbsim::models
