#include "sim/block/elevators/elevator_queue.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace wbsim::block {

namespace {
constexpr unsigned kBucketsMin = 64;  // 1 << ELV_HASH_BITS
constexpr int kNomergesLookup = 1;    // QUEUE_FLAG_NOXMERGES: last_merge only
}  // namespace

// The number of buckets affects nothing but speed: a bucket is searched for equal sectors, newest
// first, so it may grow with the number of requests where the kernel's does not.
MergeHash::MergeHash(int requests)
    : buckets_(std::max(kBucketsMin, std::bit_ceil(static_cast<unsigned>(requests)))),
      shift_{64 - std::countr_zero(buckets_.size())} {}

MergeHash::Bucket& MergeHash::bucket(Lba end) {
  constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15ULL;
  return buckets_[(static_cast<std::uint64_t>(end.value()) * kGoldenRatio) >> shift_];
}

Request* MergeHash::find(Lba sector) {
  for (Request& request : bucket(sector)) {
    if (request.end() == sector && !request.no_merge) {
      return &request;
    }
  }
  return nullptr;
}

ElevatorQueue::ElevatorQueue(std::unique_ptr<Elevator> elevator, RequestMerger& merger,
                             const QueueLimits& limits, int requests)
    : elevator_{std::move(elevator)},
      merger_{merger},
      limits_{limits},
      merges_itself_{elevator_->merges_bios_itself()},
      by_hw_queue_{elevator_->goes_by_hw_queue()},
      hash_{requests} {}

// Models: elv_merge().
ElevatorQueue::Candidate ElevatorQueue::find(const Bio& bio) {
  if (limits_.nomerges == kNomergesAll) {
    return {};
  }
  // The elevator is asked first (elv_bio_merge_ok()): being asked may be what it waits for.
  const auto allowed = [&](Request* request) {
    if (request == nullptr) {
      return MergeKind::kNone;
    }
    const bool may = merger_.are_alike(*request, bio) && elevator_->allow_merge(*request, bio);
    const MergeKind kind = merger_.try_merge(*request, bio);
    if (kind != MergeKind::kNone && !may) {
      merger_.note(engine::MergeRefusal::kElevator);
      return MergeKind::kNone;
    }
    return kind;
  };
  if (const MergeKind kind = allowed(last_merge_); kind != MergeKind::kNone) {
    return {last_merge_, kind};
  }
  if (limits_.nomerges == kNomergesLookup) {
    return {};
  }
  Request* const before = hash_.find(bio.sector);
  if (const MergeKind kind = allowed(before); kind != MergeKind::kNone) {
    return {before, kind};
  }
  Request* const behind = elevator_->find_front_merge(bio);
  return {behind, allowed(behind)};
}

ElevatorQueue::BioMerge ElevatorQueue::merge(Bio& bio, int cpu) {
  if (merges_itself_) {
    return {kind_of(elevator_->merge_bio(merger_, bio, cpu))};
  }
  elevator_->bio_merge_begins(bio);
  const auto [request, kind] = find(bio);
  if (kind == MergeKind::kDiscard && merger_.discard_merge(*request, bio)) {
    return {kind};
  }
  if (kind == MergeKind::kBack && merger_.back_merge(*request, bio)) {
    Request* next = elevator_->latter_request(*request);
    if (next != nullptr && request->end() == next->sector && merge_requests(*request, *next)) {
      return {kind, next};
    }
    elevator_->request_merged(*request, kind);
    rehash(*request);
    last_merge_ = request;
    return {kind};
  }
  if (kind == MergeKind::kFront && merger_.front_merge(*request, bio)) {
    Request* former = elevator_->former_request(*request);
    if (former != nullptr && former->end() == request->sector &&
        merge_requests(*former, *request)) {
      return {kind, request};
    }
    elevator_->request_merged(*request, kind);
    last_merge_ = request;
    return {kind};
  }
  return {};
}

// Models: attempt_merge() of two requests and elv_merge_requests().
bool ElevatorQueue::merge_requests(Request& request, Request& next) {
  if (!merger_.merge_requests(request, next)) {
    return false;
  }
  if (merger_.lists_ranges(request.flags)) {
    return true;  // neither elevator nor hash is told
  }
  elevator_->requests_merged(request, next);
  forget(next);
  rehash(request);
  last_merge_ = &request;
  return true;
}

void ElevatorQueue::rehash(Request& request) {
  MergeHash::remove(request);
  if (elevator_->uses_merge_hash()) {
    hash_.add(request);
  }
}

void ElevatorQueue::forget(Request& request) {
  MergeHash::remove(request);
  if (last_merge_ == &request) {
    last_merge_ = nullptr;
  }
}

// Models: elv_attempt_insert_merge(): the request is added behind one that is queued; what it
// became part of may then follow another one, and so on.
bool ElevatorQueue::insert_merge(Request& request, RequestChain& absorbed, InsertMerge merging) {
  if (merging == InsertMerge::kNot || limits_.nomerges == kNomergesAll || request.no_merge) {
    return false;
  }
  if (last_merge_ != nullptr && merge_requests(*last_merge_, request)) {
    absorbed.push_back(request);
    return true;
  }
  if (limits_.nomerges == kNomergesLookup) {
    return false;
  }
  Request* next = &request;
  while (true) {
    Request* found = hash_.find(next->sector);
    if (found == nullptr || !merge_requests(*found, *next)) {
      return next != &request;
    }
    absorbed.push_back(*next);
    // A list of ranges stays where the elevator has it.
    if (merging == InsertMerge::kOnce || merger_.lists_ranges(found->flags)) {
      return true;
    }
    next = found;
  }
}

bool ElevatorQueue::insert(Request& request, RequestChain& absorbed, InsertMerge merging) {
  if (merges_itself_) {
    elevator_->insert(request);
    return true;
  }
  elevator_->insert_begins(request);
  if (insert_merge(request, absorbed, merging)) {
    return false;
  }
  elevator_->insert(request);
  if (!request.no_merge) {
    rehash(request);
    if (last_merge_ == nullptr || last_merge_->no_merge) {
      last_merge_ = &request;
    }
  }
  return true;
}

Request* ElevatorQueue::dispatch(int hw_queue) {
  Request* request = by_hw_queue_ ? elevator_->dispatch_for(hw_queue) : elevator_->dispatch();
  if (request != nullptr) {
    forget(*request);
  }
  return request;
}

}  // namespace wbsim::block
