#include "models/read_segments.hpp"

#include <algorithm>

namespace wbsim::models {

ReadSegments::ReadSegments(std::size_t segments, Sectors segment_size)
    : size_{segment_size}, segments_(segments) {}

bool ReadSegments::hit(Lba first, Sectors length) {
  const Lba end = first + length;
  for (Segment& segment : segments_) {
    if (segment.first <= first && end <= segment.end) {
      segment.used = ++uses_;
      return true;
    }
  }
  return false;
}

void ReadSegments::add(Lba first, Sectors length) {
  if (segments_.empty() || length <= Sectors{0}) {
    return;
  }
  Segment* segment = &segments_[newest_];
  if (!segment->is_continued_at(first)) {
    segment = &segments_.front();
    for (Segment& each : segments_) {
      if (each.is_continued_at(first)) {
        segment = &each;
        break;
      }
      if (each.used < segment->used) {
        segment = &each;
      }
    }
  }
  if (!segment->is_continued_at(first)) {
    segment->first = first;
    segment->end = first;
  }
  segment->end = std::max(segment->end, first + length);
  segment->first = std::max(segment->first, segment->end + Sectors{-size_.count()});
  segment->used = ++uses_;
  newest_ = static_cast<std::size_t>(segment - segments_.data());
}

void ReadSegments::drop(Lba first, Sectors length) {
  const Lba end = first + length;
  for (Segment& segment : segments_) {
    if (segment.first < end && first < segment.end) {
      segment.end = std::max(segment.first, first);  // what lies before the range is still good
    }
  }
}

}  // namespace wbsim::models
