// The flush machinery: PREFLUSH and FUA as sequences of flush, data, flush.
#pragma once

#include <array>
#include <cstddef>

#include "sim/block/request.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

class BlockQueue;

// What the machinery asks of the queue that it belongs to. `cpu`: where it is called.
class FlushHost {
 public:
  // Has the data part of a sequence issued before all that waits.
  virtual void queue_flush_data(Request& request, int cpu) = 0;
  // Has the flush request issued.
  virtual void queue_flush(Request& flush_request, int cpu) = 0;
  // The device is done with a part of a sequence, or with the flush request.
  virtual void leave_device(Request& request) = 0;
  // A sequence is complete: its bios end.
  virtual void end_flushed(Request& request) = 0;

 protected:
  ~FlushHost() = default;
};

// Models: block/blk-flush.c, v5.10, and v3.6, which differs in its host only. Each flush request
// goes through the steps PREFLUSH, DATA and POSTFLUSH that the queue's features ask for.
// Properties:
//  - at most one flush is in the device at any time; flushes wanted meanwhile are coalesced
//    into the next;
//  - a flush waits until data parts of other sequences have drained, at most 5 s;
//  - in blk-mq every step passes through the requeue list, thus through kblockd.
class FlushMachinery {
 public:
  FlushMachinery(BlockQueue& queue, FlushHost& host, const engine::Simulator& simulator);

  // Takes a request with PREFLUSH or FUA (blk_insert_flush()). False when it needs no sequence
  // and has to be dispatched as it is. With `data_as_others` also when a flush only follows it: its
  // data then goes the way of other requests (since v6.5).
  bool insert(Request& request, bool data_as_others = false);
  // Data step of a sequence, or the flush request itself, has completed. True if it was one.
  bool completed(Request& request, BlkStatus status);
  [[nodiscard]] Request& flush_request() { return flush_request_; }
  [[nodiscard]] bool is_flush_request(const Request& request) const;
  // The flush request was handed out and did not complete yet.
  [[nodiscard]] bool is_flushing() const { return pending_index_ != running_index_; }

 private:
  // `cpu`: where it is called.
  void next_step(Request& request, unsigned finished, int cpu);
  void kick(int cpu);

  const BlockQueue& queue_;
  FlushHost& host_;
  const engine::Simulator& simulator_;
  Request flush_request_;
  std::array<FlushChain, 2> pending_;
  std::size_t pending_index_ = 0;
  std::size_t running_index_ = 0;
  SimTime pending_since_{};
  FlushChain data_in_flight_;
};

}  // namespace wbsim::block
