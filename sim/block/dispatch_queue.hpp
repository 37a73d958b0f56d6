// The list from which the driver of a single queue takes its requests.
#pragma once

#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block {

// Whether reads are sorted among writes (v2.6.18) or neither passes the other (v3.6).
enum class SortedDirections { kMixed, kApart };

// Models: q->queue_head, v2.6.18 and v3.6: elv_dispatch_sort(), elv_dispatch_add_tail(),
// elv_insert() and the part of elv_next_request() that keeps end_sector. Properties:
//  1. What is sorted goes behind lower sectors, but nothing goes before a request that the driver
//     has looked at or behind which nothing may be sorted (soft barrier).
//  2. The head moves one way: sectors below the end of what the driver looked at last (or of what
//     was added at the tail last) come after all above it.
class DispatchQueue final : public DispatchList {
 public:
  explicit DispatchQueue(SortedDirections directions) : directions_{directions} {}

  // Whose merging ends for what is added; outlives the list.
  void attach(ElevatorQueue& elevator) { elevator_ = &elevator; }

  void add_tail(Request& request) override;
  void add_sorted(Request& request) override;
  [[nodiscard]] const Request& last() const override { return list_.back(); }
  // Requests that do not come from the elevator; nothing is sorted past them.
  void push_front(Request& request);
  void push_back(Request& request);
  // Before `position`, which is of this list.
  void insert_before(RequestChain::iterator position, Request& request);
  // The end of `request` is where the head will have been when what follows is sorted.
  void set_boundary(const Request& request);

  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] Request& front() { return list_.front(); }
  void pop_front() { list_.pop_front(); }
  void clear() { list_.clear(); }
  [[nodiscard]] RequestChain::iterator begin() { return list_.begin(); }
  [[nodiscard]] RequestChain::iterator end() { return list_.end(); }

  // The driver looks at the first request. True: for the first time (since it was requeued).
  bool look_at_front();

 private:
  SortedDirections directions_;
  RequestChain list_;
  ElevatorQueue* elevator_ = nullptr;
  Lba end_sector_{0};
  const Request* boundary_ = nullptr;  // boundary_rq
};

}  // namespace wbsim::block
