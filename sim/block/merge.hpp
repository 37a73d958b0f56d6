// Merging: when a bio may join a request, when two requests may become one, and doing it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sim/base/pool.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

//   kDiscard  discards that are lists of ranges: it is one range more, wherever it is
enum class MergeKind : std::uint8_t { kNone, kBack, kFront, kDiscard };

// How an attempt to merge a bio into one request ended.
//   kUnfit    not adjacent, or of another kind: the next request may be tried
//   kRefused  adjacent, but a limit forbids it
enum class MergeOutcome : std::uint8_t { kUnfit, kRefused, kBack, kFront, kDiscard };

[[nodiscard]] inline MergeKind kind_of(MergeOutcome outcome) {
  return outcome == MergeOutcome::kBack      ? MergeKind::kBack
         : outcome == MergeOutcome::kFront   ? MergeKind::kFront
         : outcome == MergeOutcome::kDiscard ? MergeKind::kDiscard
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

  // Every attempt to merge a bio begins with begin_attempt() and ends with end_attempt(), told why
  // where nothing was looked at, and how often `bios` count. In between, what is tried is noted:
  // the closest candidate gives the reason of a refusal.
  void begin_attempt(std::int64_t bios) {
    bio_counts_.attempts += bios;
    closest_ = engine::MergeRefusal::kNotAdjacent;
  }
  void end_attempt(MergeKind kind, std::int64_t bios) {
    if (kind == MergeKind::kNone) {
      bio_counts_.refuse(closest_, bios);
    } else {
      bio_counts_.merged += bios;
    }
  }
  void refuse_attempt(engine::MergeRefusal refusal, std::int64_t bios) {
    bio_counts_.refuse(refusal, bios);
  }
  // A candidate was refused for this reason.
  void note(engine::MergeRefusal refusal) { closest_ = std::max(closest_, refusal); }
  [[nodiscard]] const engine::MergeCounts& bio_counts() const { return bio_counts_; }
  // Attempts of merge_requests().
  [[nodiscard]] const engine::MergeCounts& request_counts() const { return request_counts_; }

  // blk_rq_merge_ok(): whether they may be merged if they are adjacent.
  [[nodiscard]] bool are_alike(const Request& request, const Bio& bio) const {
    return !request.no_merge && request.bio != nullptr &&
           is_same_operation(request.flags, bio.flags) && request.cgroup == bio.cgroup &&
           may_differ(request.priority, bio.priority);
  }
  // blk_rq_merge_ok() and blk_try_merge(): whether and how `bio` is adjacent to `request`.
  // Most candidates are not adjacent, so that is asked first.
  [[nodiscard]] MergeKind try_merge(const Request& request, const Bio& bio) {
    const bool ranges = lists_ranges(bio.flags);
    const bool back = request.end() == bio.sector;
    if (!ranges && !back && bio.end() != request.sector) {
      return MergeKind::kNone;
    }
    if (!are_alike(request, bio)) {
      note_unlike(request, bio);
      return MergeKind::kNone;
    }
    return ranges ? MergeKind::kDiscard : back ? MergeKind::kBack : MergeKind::kFront;
  }

  // Each adds the bio, or marks the request as full and leaves it (ll_back_merge_fn(),
  // ll_front_merge_fn()). The bio may be gone afterwards: it may have become part of a run.
  [[nodiscard]] bool back_merge(Request& request, Bio& bio);
  [[nodiscard]] bool front_merge(Request& request, Bio& bio);
  // The same for a range (bio_attempt_discard_merge()).
  [[nodiscard]] bool discard_merge(Request& request, Bio& bio);
  // blk_attempt_bio_merge(): both of the above.
  MergeOutcome attempt_bio_merge(Request& request, Bio& bio) {
    switch (try_merge(request, bio)) {
      case MergeKind::kNone:
        return MergeOutcome::kUnfit;
      case MergeKind::kBack:
        return back_merge(request, bio) ? MergeOutcome::kBack : MergeOutcome::kRefused;
      case MergeKind::kFront:
        return front_merge(request, bio) ? MergeOutcome::kFront : MergeOutcome::kRefused;
      case MergeKind::kDiscard:
        return discard_merge(request, bio) ? MergeOutcome::kDiscard : MergeOutcome::kRefused;
    }
    return MergeOutcome::kUnfit;
  }

  // blk_bio_list_merge(): the newest requests of a software queue that came from `cpu`. One that is
  // adjacent but full ends the search.
  MergeOutcome merge_with_newest(RequestChain& queued, Bio& bio, int cpu);

  // Whether whole pages may follow in memory what the request has.
  [[nodiscard]] bool may_be_followed(const Request& request) const {
    return limits_.virt_boundary == Bytes{0} ||
           (is_at_boundary(request.bio->memory) && is_at_boundary(memory_end(*request.bio_tail)));
  }

  // blk_discard_mergable(): what such a request has is a list of ranges.
  [[nodiscard]] bool lists_ranges(const engine::RwbsFlags& flags) const {
    return flags.discard && limits_.max_discard_segments > 1;
  }

  // attempt_merge(): `next` hands its data to `request`, which it follows on the device, and is
  // empty afterwards. False, and nothing changed, where they do not fit.
  [[nodiscard]] bool merge_requests(Request& request, Request& next);

  // What the last bio was merged with.
  [[nodiscard]] const Request& merged_into() const { return *merged_into_; }

  // Adds a run behind the request's data without asking for limits.
  void append(Request& request, Bio& bio);

 private:
  [[nodiscard]] static bool is_same_operation(const engine::RwbsFlags& a,
                                              const engine::RwbsFlags& b) {
    return a.write == b.write && a.discard == b.discard;
  }
  [[nodiscard]] Sectors max_sectors_of(const Request& request, Lba start) const {
    return request.flags.discard ? limits_.max_discard_sectors : max_sectors_at(start, limits_);
  }
  [[nodiscard]] bool is_at_boundary(Bytes memory) const {
    return memory % limits_.virt_boundary == Bytes{0};
  }
  [[nodiscard]] static Bytes memory_end(const Bio& bio) { return bio.memory + to_bytes(bio.unit); }
  [[nodiscard]] bool leaves_gap(const Bio& first, const Bio& before, const Bio& behind) const;
  void note_unlike(const Request& request, const Bio& bio);
  [[nodiscard]] bool fits(Request& request, const Bio& bio, std::int64_t segments);
  [[nodiscard]] std::optional<engine::MergeRefusal> refusal_of(const Request& request,
                                                               const Request& next) const;
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
  engine::MergeCounts bio_counts_;
  engine::MergeCounts request_counts_;
  engine::MergeRefusal closest_{};  // since begin_attempt()
  const Request* merged_into_ = nullptr;
  PriorityMerge priorities_;
};

}  // namespace wbsim::block
