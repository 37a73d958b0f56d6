// The flush machinery: PREFLUSH and FUA as sequences of flush, data, flush.
#pragma once

#include <array>
#include <cstddef>

#include "sim/block/request.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

class RequestQueue;

// Models: block/blk-flush.c, v5.10. Each flush request goes through the steps
// PREFLUSH, DATA and POSTFLUSH that the queue's features ask for. Properties:
//  - at most one flush is in the device at any time; flushes wanted meanwhile are coalesced
//    into the next;
//  - a flush waits until data parts of other sequences have drained, at most 5 s;
//  - every step passes through the requeue list, thus through kblockd.
class FlushMachinery {
 public:
  explicit FlushMachinery(RequestQueue& queue);

  // Takes a request with PREFLUSH or FUA (blk_insert_flush()). False when it needs no sequence
  // and has to be dispatched as it is.
  bool insert(Request& request);
  // Data step of a sequence, or the flush request itself, has completed. True if it was one.
  bool completed(Request& request, BlkStatus status);
  [[nodiscard]] Request& flush_request() { return flush_request_; }
  [[nodiscard]] bool is_flush_request(const Request& request) const;

 private:
  // `cpu`: where it is called.
  void next_step(Request& request, unsigned finished, int cpu);
  void kick(int cpu);

  RequestQueue& queue_;
  Request flush_request_;
  std::array<FlushChain, 2> pending_;
  std::size_t pending_index_ = 0;
  std::size_t running_index_ = 0;
  SimTime pending_since_{};
  FlushChain data_in_flight_;
};

}  // namespace wbsim::block
