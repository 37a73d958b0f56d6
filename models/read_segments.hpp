// The read part of a disk's cache: the last few stretches that were read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::models {

// A fixed number of segments, each one range of sectors of bounded length; the segment used least
// recently gives way.
class ReadSegments {
 public:
  ReadSegments(std::size_t segments, Sectors segment_size);

  [[nodiscard]] Sectors segment_size() const { return size_; }
  // Whether one segment holds all of it; makes that one the most recently used.
  bool hit(Lba first, Sectors length);
  // A stretch was read. It continues the segment that ends where it begins; of what is longer than
  // a segment the end is kept.
  void add(Lba first, Sectors length);
  // The range was written: what segments hold of it is old.
  void drop(Lba first, Sectors length);

 private:
  struct Segment {
    Lba first;
    Lba end;
    std::uint64_t used = 0;
    [[nodiscard]] bool is_continued_at(Lba sector) const {
      return first < end && first <= sector && sector <= end;
    }
  };

  Sectors size_;
  std::vector<Segment> segments_;
  std::uint64_t uses_ = 0;
  std::size_t newest_ = 0;  // added to last, and mostly next
};

}  // namespace wbsim::models
