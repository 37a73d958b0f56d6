#include "sim/block/merge.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::block {

using engine::MergeRefusal;

namespace {
constexpr int kNewestTried = 8;  // blk_bio_list_merge()
}

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
  } else if (request.flags.write != bio.flags.write) {
    note(MergeRefusal::kOtherOperation);
  } else if (request.cgroup != bio.cgroup) {
    note(MergeRefusal::kOtherCgroup);  // blk_cgroup_mergeable()
  } else {
    note(MergeRefusal::kOtherPriority);
  }
}

// A request that failed once is not tried again (req_set_nomerge()).
bool RequestMerger::fits(Request& request, const Bio& bio, std::int64_t segments) {
  const Lba start = std::min(request.sector, bio.sector);
  if (request.length + bio.length() > max_sectors_at(start, limits_)) {
    note(MergeRefusal::kMaxSectors);
  } else if (request.segments + segments > limits_.max_segments) {
    note(MergeRefusal::kMaxSegments);
  } else {
    return true;
  }
  request.no_merge = true;
  return false;
}

void RequestMerger::grow(Request& request, const Bio& bio, std::int64_t segments) {
  request.length += bio.length();
  request.segments += segments;
  request.bio_count += bio.count;
  request.end_cost += bio.end_cost * bio.count;
}

// A run that continues the last one becomes part of it.
void RequestMerger::append(Request& request, Bio& bio, std::int64_t segments) {
  grow(request, bio, segments);
  Bio& last = *request.bio_tail;
  const bool continues = bio_runs_ && last.end() == bio.sector && last.unit == bio.unit &&
                         last.end_io == bio.end_io && !last.is_part() &&
                         bio.split_off == Sectors{0} && bio.cloned_from == nullptr &&
                         last.cloned_from == nullptr && last.remapped == bio.remapped;
  if (continues) {
    last.count += bio.count;
    last.writes.last = bio.writes.last;
    bios_.release(bio);
    return;
  }
  last.next = &bio;
  request.bio_tail = &bio;
}

bool RequestMerger::back_merge(Request& request, Bio& bio) {
  const std::int64_t segments = segments_of(bio, limits_);
  if (!fits(request, bio, segments)) {
    return false;
  }
  keep_best(request, bio.priority);
  append(request, bio, segments);
  return true;
}

bool RequestMerger::front_merge(Request& request, Bio& bio) {
  const std::int64_t segments = segments_of(bio, limits_);
  if (!fits(request, bio, segments)) {
    return false;
  }
  keep_best(request, bio.priority);
  request.sector = bio.sector;
  grow(request, bio, segments);
  bio.next = request.bio;
  request.bio = &bio;
  return true;
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

// Models: the conditions of attempt_merge(), and ll_merge_requests_fn(), which marks neither
// request as full.
std::optional<MergeRefusal> RequestMerger::refusal_of(const Request& request,
                                                      const Request& next) const {
  if (request.end() != next.sector) {
    return MergeRefusal::kNotAdjacent;
  }
  if (request.no_merge || next.no_merge) {
    return MergeRefusal::kNoMergeRequest;
  }
  if (request.flags.write != next.flags.write) {
    return MergeRefusal::kOtherOperation;
  }
  if (request.cgroup != next.cgroup) {
    return MergeRefusal::kOtherCgroup;
  }
  if (!may_differ(request.priority, next.priority)) {
    return MergeRefusal::kOtherPriority;
  }
  if (request.length + next.length > max_sectors_at(request.sector, limits_)) {
    return MergeRefusal::kMaxSectors;
  }
  if (request.segments + next.segments > limits_.max_segments) {
    return MergeRefusal::kMaxSegments;
  }
  return std::nullopt;
}

bool RequestMerger::merge_requests(Request& request, Request& next) {
  ++request_counts_.attempts;
  if (const std::optional<MergeRefusal> refusal = refusal_of(request, next)) {
    request_counts_.refuse(*refusal);
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
