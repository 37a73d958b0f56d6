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
  const auto continued = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& s) {
    return s.first < s.end && s.first <= first && first <= s.end;
  });
  Segment* segment = nullptr;
  if (continued != segments_.end()) {
    segment = &*continued;
  } else {
    segment =
        &*std::min_element(segments_.begin(), segments_.end(),
                           [](const Segment& a, const Segment& b) { return a.used < b.used; });
    segment->first = first;
    segment->end = first;
  }
  segment->end = std::max(segment->end, first + length);
  segment->first = std::max(segment->first, segment->end + Sectors{-size_.count()});
  segment->used = ++uses_;
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
