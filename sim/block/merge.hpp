// Merging: when a bio may join a request, when two requests may become one, and doing it.
#pragma once

#include <cstdint>

#include "sim/base/pool.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block {

enum class MergeKind : std::uint8_t { kNone, kBack, kFront };

// How an attempt to merge a bio into one request ended.
//   kUnfit    not adjacent, or of another kind: the next request may be tried
//   kRefused  adjacent, but a limit forbids it
enum class MergeOutcome : std::uint8_t { kUnfit, kRefused, kBack, kFront };

[[nodiscard]] inline MergeKind kind_of(MergeOutcome outcome) {
  return outcome == MergeOutcome::kBack    ? MergeKind::kBack
         : outcome == MergeOutcome::kFront ? MergeKind::kFront
                                           : MergeKind::kNone;
}

// What different I/O priorities mean to a merge: it is forbidden (v5.10), or what results has the
// better of them (v2.6.18, v3.6).
enum class PriorityMerge { kEqualOnly, kKeepsBest };

// ioprio_best(): an absent class yields to any other.
[[nodiscard]] IoPriority best_of(const IoPriority& a, const IoPriority& b);

// Models: block/blk-merge.c, v5.10 and v6.1, and what it comes from in v2.6.18 and v3.6, as far as
// it needs neither plug nor elevator.
class RequestMerger {
 public:
  // `bios`: where bios go back to that become part of a run. All three outlive the merger.
  RequestMerger(const QueueLimits& limits, bool bio_runs, SlabPool<Bio>& bios,
                PriorityMerge priorities = PriorityMerge::kEqualOnly)
      : limits_{limits}, bio_runs_{bio_runs}, bios_{bios}, priorities_{priorities} {}

  // blk_rq_merge_ok() and blk_try_merge(): whether and how `bio` is adjacent to `request`.
  [[nodiscard]] MergeKind try_merge(const Request& request, const Bio& bio) const {
    const bool alike = !request.no_merge && request.bio != nullptr &&
                       request.flags.write == bio.flags.write &&
                       may_differ(request.priority, bio.priority);
    if (alike && request.end() == bio.sector) {
      return MergeKind::kBack;
    }
    return alike && bio.end() == request.sector ? MergeKind::kFront : MergeKind::kNone;
  }

  // Each adds the bio, or marks the request as full and leaves it (ll_back_merge_fn(),
  // ll_front_merge_fn()). The bio may be gone afterwards: it may have become part of a run.
  [[nodiscard]] bool back_merge(Request& request, Bio& bio);
  [[nodiscard]] bool front_merge(Request& request, Bio& bio);
  // blk_attempt_bio_merge(): both of the above.
  MergeOutcome attempt_bio_merge(Request& request, Bio& bio) {
    switch (try_merge(request, bio)) {
      case MergeKind::kNone:
        return MergeOutcome::kUnfit;
      case MergeKind::kBack:
        return back_merge(request, bio) ? MergeOutcome::kBack : MergeOutcome::kRefused;
      case MergeKind::kFront:
        return front_merge(request, bio) ? MergeOutcome::kFront : MergeOutcome::kRefused;
    }
    return MergeOutcome::kUnfit;
  }

  // attempt_merge(): `next` hands its data to `request`, which it follows on the device, and is
  // empty afterwards. False, and nothing changed, where they do not fit.
  [[nodiscard]] bool merge_requests(Request& request, Request& next) const;

  // Adds a run behind the request's data without asking for limits.
  void append(Request& request, Bio& bio) { append(request, bio, segments_of(bio, limits_)); }

 private:
  [[nodiscard]] bool fits(Request& request, const Bio& bio, std::int64_t segments) const;
  static void grow(Request& request, const Bio& bio, std::int64_t segments);
  void append(Request& request, Bio& bio, std::int64_t segments);
  [[nodiscard]] bool may_differ(const IoPriority& a, const IoPriority& b) const {
    return a == b || priorities_ == PriorityMerge::kKeepsBest;
  }
  static void keep_best(Request& request, const IoPriority& priority) {
    if (request.priority != priority) {
      request.priority = best_of(request.priority, priority);
    }
  }

  const QueueLimits& limits_;
  bool bio_runs_;
  SlabPool<Bio>& bios_;
  PriorityMerge priorities_;
};

}  // namespace wbsim::block
