#include "sim/block/merge.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::block {

using engine::MergeRefusal;

namespace {
constexpr int kNewestTried = 8;  // blk_bio_list_merge()

// A run knows the memory of its first bio alone: that has to tell how all of them lie in pages.
bool lie_alike(const Bio& a, const Bio& b) {
  const auto whole_pages = [](const Bio& bio) {
    return bio.memory % kPageSize == Bytes{0} && bio.unit % kSectorsPerPage == Sectors{0};
  };
  return a.memory == b.memory || (whole_pages(a) && whole_pages(b));
}

}  // namespace

IoPriority best_of(const IoPriority& a, const IoPriority& b) {
  if (a.io_class == IoClass::kNone || b.io_class == IoClass::kNone) {
    return a.io_class == IoClass::kNone ? b : a;
  }
  return std::pair{b.io_class, b.level} < std::pair{a.io_class, a.level} ? b : a;
}

// In the kernel's order.
void RequestMerger::note_unlike(const Request& request, const Bio& bio) {
  if (request.no_merge || request.bio == nullptr) {
    note(MergeRefusal::kNoMergeRequest);
  } else if (!is_same_operation(request.flags, bio.flags)) {
    note(MergeRefusal::kOtherOperation);
  } else if (request.cgroup != bio.cgroup) {
    note(MergeRefusal::kOtherCgroup);  // blk_cgroup_mergeable()
  } else {
    note(MergeRefusal::kOtherPriority);
  }
}

// Models: bio_will_gap() and __bvec_gap_to_prev(). `first`: of the request that both would be in.
// Memory goes on where addresses do, inside a page; behind a page another one may follow.
bool RequestMerger::leaves_gap(const Bio& first, const Bio& before, const Bio& behind) const {
  if (limits_.virt_boundary == Bytes{0} || first.flags.discard) {
    return false;
  }
  if (!is_at_boundary(first.memory)) {
    return true;
  }
  const Bytes end = memory_end(before);
  const bool goes_on = end == behind.memory && before.context == behind.context;
  return !goes_on && !(is_at_boundary(end) && is_at_boundary(behind.memory));
}

// A request that failed once is not tried again (req_set_nomerge()).
bool RequestMerger::fits(Request& request, const Bio& bio, std::int64_t segments) {
  const Lba start = std::min(request.sector, bio.sector);
  if (request.length + bio.length() > max_sectors_of(request, start)) {
    note(MergeRefusal::kMaxSectors);
  } else if (!request.flags.discard && request.segments + segments > limits_.max_segments) {
    note(MergeRefusal::kMaxSegments);
  } else {
    return true;
  }
  request.no_merge = true;
  return false;
}

inline void RequestMerger::grow(Request& request, const Bio& bio, std::int64_t segments) {
  request.length += bio.length();
  request.segments += segments;
  request.bio_count += bio.count;
  request.end_cost += bio.end_cost * bio.count;
}

// A run that continues the last one becomes part of it.
inline void RequestMerger::append(Request& request, Bio& bio, std::int64_t segments) {
  grow(request, bio, segments);
  Bio& last = *request.bio_tail;
  const bool continues = bio_runs_ && last.end() == bio.sector && last.unit == bio.unit &&
                         last.end_io == bio.end_io && !last.is_part() &&
                         bio.split_off == Sectors{0} && bio.cloned_from == nullptr &&
                         last.cloned_from == nullptr && last.remapped == bio.remapped &&
                         !bio.flags.discard && lie_alike(last, bio);
  if (continues) {
    last.count += bio.count;
    last.writes.last = bio.writes.last;
    bios_.release(bio);
    return;
  }
  last.next = &bio;
  request.bio_tail = &bio;
}

void RequestMerger::append(Request& request, Bio& bio) {
  append(request, bio, segments_of(bio, limits_));
}

bool RequestMerger::back_merge(Request& request, Bio& bio) {
  if (leaves_gap(*request.bio, *request.bio_tail, bio)) {
    note(MergeRefusal::kVirtualBoundary);
    return false;
  }
  // The range of a discard grows: that is no segment more (ll_new_hw_segment()).
  const std::int64_t segments = bio.flags.discard ? 0 : segments_of(bio, limits_);
  if (!fits(request, bio, segments)) {
    return false;
  }
  keep_best(request, bio.priority);
  append(request, bio, segments);
  merged_into_ = &request;
  return true;
}

bool RequestMerger::front_merge(Request& request, Bio& bio) {
  if (leaves_gap(bio, bio, *request.bio)) {
    note(MergeRefusal::kVirtualBoundary);
    return false;
  }
  const std::int64_t segments = bio.flags.discard ? 0 : segments_of(bio, limits_);
  if (!fits(request, bio, segments)) {
    return false;
  }
  keep_best(request, bio.priority);
  request.sector = bio.sector;
  grow(request, bio, segments);
  bio.next = request.bio;
  request.bio = &bio;
  merged_into_ = &request;
  return true;
}

bool RequestMerger::discard_merge(Request& request, Bio& bio) {
  if (request.segments >= limits_.max_discard_segments) {
    note(MergeRefusal::kMaxSegments);
  } else if (request.length + bio.length() > limits_.max_discard_sectors) {
    note(MergeRefusal::kMaxSectors);
  } else {
    append(request, bio, 1);
    merged_into_ = &request;
    return true;
  }
  request.no_merge = true;
  return false;
}

MergeOutcome RequestMerger::merge_with_newest(RequestChain& queued, Bio& bio, int cpu) {
  int left = kNewestTried;
  for (auto it = queued.rbegin(); it != queued.rend() && left > 0; ++it) {
    if (it->cpu != cpu) {
      continue;
    }
    --left;
    const MergeOutcome outcome = attempt_bio_merge(*it, bio);
    if (outcome != MergeOutcome::kUnfit) {
      return outcome;
    }
  }
  return MergeOutcome::kUnfit;
}

// Models: the conditions of attempt_merge(), with those of ll_merge_requests_fn(), which marks
// neither request as full, and of req_attempt_discard_merge(), which does.
std::optional<MergeRefusal> RequestMerger::refusal_of(const Request& request,
                                                      const Request& next) const {
  const bool ranges = lists_ranges(request.flags);
  if (!ranges && request.end() != next.sector) {
    return MergeRefusal::kNotAdjacent;
  }
  if (request.no_merge || next.no_merge) {
    return MergeRefusal::kNoMergeRequest;
  }
  if (!is_same_operation(request.flags, next.flags)) {
    return MergeRefusal::kOtherOperation;
  }
  if (request.cgroup != next.cgroup) {
    return MergeRefusal::kOtherCgroup;
  }
  if (!may_differ(request.priority, next.priority)) {
    return MergeRefusal::kOtherPriority;
  }
  if (leaves_gap(*request.bio, *request.bio_tail, *next.bio)) {
    return MergeRefusal::kVirtualBoundary;
  }
  // Of a list of ranges only the first of `next` is reckoned (req_attempt_discard_merge()).
  const Sectors added = ranges ? next.bio->length() : next.length;
  if (request.length + added > max_sectors_of(request, request.sector)) {
    return MergeRefusal::kMaxSectors;
  }
  if (ranges && request.segments >= limits_.max_discard_segments) {
    return MergeRefusal::kMaxSegments;
  }
  const std::int64_t most =
      request.flags.discard ? limits_.max_discard_segments : limits_.max_segments;
  if (!ranges && request.segments + next.segments > most) {
    return MergeRefusal::kMaxSegments;
  }
  return std::nullopt;
}

bool RequestMerger::merge_requests(Request& request, Request& next) {
  ++request_counts_.attempts;
  if (const std::optional<MergeRefusal> refusal = refusal_of(request, next)) {
    request_counts_.refuse(*refusal);
    const bool full =
        *refusal == MergeRefusal::kMaxSectors || *refusal == MergeRefusal::kMaxSegments;
    request.no_merge = request.no_merge || (full && lists_ranges(request.flags));
    return false;
  }
  ++request_counts_.merged;
  request.started = std::min(request.started, next.started);
  keep_best(request, next.priority);
  request.bio_tail->next = next.bio;
  request.bio_tail = next.bio_tail;
  request.length += next.length;
  request.segments += next.segments;
  request.bio_count += next.bio_count;
  request.end_cost += next.end_cost;
  next.bio = next.bio_tail = nullptr;
  return true;
}

}  // namespace wbsim::block
