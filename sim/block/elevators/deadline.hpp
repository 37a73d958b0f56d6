// deadline: the elevator that mq-deadline comes from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/sector_order.hpp"

namespace wbsim::block {

// Models: block/deadline-iosched.c, v2.6.18 and v3.6. Properties:
//  1. A batch is up to fifo_batch requests of one direction in ascending order of sectors. In
//     v2.6.18 the first gap between two of them ends it, too.
//  2. Reads go first, but after writes_starved batches of reads that writes had to wait for, writes
//     have a turn.
//  3. v3.6: a new batch starts with the oldest request of its direction if that has expired or
//     nothing is left above the last one, else goes on in order of sectors.
//     v2.6.18: without a request above the last one it starts at the lowest sector; and where it
//     goes on in order of sectors it is no new batch, so that expiry is looked at every time.
//  4. A request has expired when its time is past, not yet in the jiffy itself.
//  5. With every dispatch the other direction forgets where it was.
//  6. v2.6.18: of two requests that begin at the same sector the older one is dispatched when the
//     second comes.
class Deadline final : public Elevator {
 public:
  explicit Deadline(const ElevatorContext& context);

  static std::span<const Tunable> tunables();

  void insert(Request& request) override;
  int dispatch_to(DispatchList& list, bool forced) override;
  [[nodiscard]] bool has_work() const override;
  [[nodiscard]] Request* find_front_merge(const Bio& bio) override;
  void request_merged(Request& request, MergeKind kind) override;
  void requests_merged(Request& request, Request& next) override;
  [[nodiscard]] Request* former_request(Request& request) override;
  [[nodiscard]] Request* latter_request(Request& request) override;

 private:
  enum Direction : std::size_t { kRead, kWrite, kDirections };

  static Direction direction_of(const Request& request) {
    return request.is_write() ? kWrite : kRead;
  }
  void add_sorted(Request& request);
  void move_to(DispatchList& list, Request& request);
  Request* choose();
  Request& start_of_batch(Direction direction);
  void remove(Request& request);

  const engine::Machine& machine_;
  DispatchList* aliases_ = nullptr;                     // v2.6.18: property 6
  bool ends_at_gaps_;                                   // v2.6.18: properties 1 and 3
  std::array<std::uint64_t, kDirections> fifo_expire_;  // jiffies
  std::int64_t writes_starved_;
  std::int64_t fifo_batch_;
  bool front_merges_;

  std::array<SectorOrder, kDirections> sorted_;
  std::array<RequestChain, kDirections> fifo_;
  std::array<Request*, kDirections> next_{};  // next_rq: where a direction goes on
  Lba last_sector_{0};                        // end of what was dispatched last
  std::int64_t batching_ = 0;                 // requests of this batch
  std::int64_t starved_ = 0;                  // batches of reads that writes have waited for
};

}  // namespace wbsim::block
