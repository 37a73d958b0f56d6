// What all elevators share: finding requests to merge with.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <vector>

#include "sim/block/elevators/elevator.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block {

// Requests by the sector at which they end. Among those of one sector the newest is found first.
class MergeHash {
 public:
  explicit MergeHash(int requests);

  void add(Request& request) { bucket(request.end()).push_front(request); }
  static void remove(Request& request) { request.hash.unlink(); }
  // elv_rqhash_find(): a request that ends at `sector` and can still be merged with.
  [[nodiscard]] Request* find(Lba sector);

 private:
  using Bucket = boost::intrusive::list<
      Request, boost::intrusive::member_hook<Request, Request::HashHook, &Request::hash>,
      boost::intrusive::constant_time_size<false>>;
  [[nodiscard]] Bucket& bucket(Lba end);

  std::vector<Bucket> buckets_;
  int shift_;
};

// What is tried when a request is to be inserted.
//   kNot         nothing (v2.6.18, and v3.6 without a plug)
//   kOnce        to add it behind one that is queued (v3.6)
//   kRepeatedly  the same, and then with what it became part of (since v3.8)
enum class InsertMerge { kNot, kOnce, kRepeatedly };

// Models: struct elevator_queue and block/elevator.c, blk_mq_sched_try_merge() of
// block/blk-merge.c, v5.10 and v6.1; in v2.6.18 and v3.6 the merging part of __make_request() and
// blk_queue_bio(). Three ways lead a bio to a request: the one merged with or
// inserted last (last_merge), the one that ends where it begins (hash), and the one that begins
// where it ends, which the elevator finds. After a merge the request may have grown up to its
// neighbour and absorb it, or be absorbed.
class ElevatorQueue {
 public:
  // `requests`: how many there can be at once. `merger` and `limits` outlive the queue.
  ElevatorQueue(std::unique_ptr<Elevator> elevator, RequestMerger& merger,
                const QueueLimits& limits, int requests);

  [[nodiscard]] Elevator& elevator() { return *elevator_; }
  [[nodiscard]] const Elevator& elevator() const { return *elevator_; }

  [[nodiscard]] bool goes_by_hw_queue() const { return by_hw_queue_; }
  [[nodiscard]] bool has_work_for(int hw_queue) const {
    return by_hw_queue_ ? elevator_->has_work_for(hw_queue) : elevator_->has_work();
  }

  struct BioMerge {
    MergeKind kind = MergeKind::kNone;
    Request* absorbed = nullptr;  // to be freed by the caller
  };
  // blk_mq_sched_try_merge(), or the elevator's bio_merge(). `cpu`: that submits the bio.
  BioMerge merge(Bio& bio, int cpu = 0);

  // blk_mq_sched_try_insert_merge(), then the elevator's insert(). Requests that became part of
  // others, the one given among them, are added to `absorbed` for the caller to free. True if
  // the elevator took the request.
  bool insert(Request& request, RequestChain& absorbed,
              InsertMerge merging = InsertMerge::kRepeatedly);

  // For a hardware queue.
  Request* dispatch(int hw_queue = 0);
  // A request leaves for the driver or is freed: no bio will find it.
  void forget(Request& request);

 private:
  struct Candidate {
    Request* request = nullptr;
    MergeKind kind = MergeKind::kNone;
  };
  [[nodiscard]] Candidate find(const Bio& bio);
  bool merge_requests(Request& request, Request& next);
  bool insert_merge(Request& request, RequestChain& absorbed, InsertMerge merging);
  void rehash(Request& request);

  std::unique_ptr<Elevator> elevator_;
  RequestMerger& merger_;
  const QueueLimits& limits_;
  bool merges_itself_;  // the elevator does: no hash, no last_merge
  bool by_hw_queue_;
  MergeHash hash_;
  Request* last_merge_ = nullptr;
};

}  // namespace wbsim::block
