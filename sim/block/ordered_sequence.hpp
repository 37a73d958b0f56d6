// Barriers of 2.6.18: what comes before is on the device before, what comes behind waits.
#pragma once

#include "sim/block/dispatch_queue.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block {

// Models: blk_do_ordered(), start_ordered(), blk_ordered_complete_seq() and the part of
// elv_completed_request() and elv_insert() that serves them, v2.6.18: QUEUE_ORDERED_DRAIN (a device
// without volatile cache), _DRAIN_FLUSH (with one) and _DRAIN_FUA (with one and FUA). Properties:
//  1. A barrier that comes to the head of the dispatch list starts a sequence: the requests before
//     it drain from the device, the cache is flushed, the barrier's data is written, with FUA or
//     with another flush behind it. Each step waits for the one before to complete.
//  2. Nothing that was added behind the barrier is issued before the sequence is complete.
//  3. The barrier's bios end with the sequence, with the first error of its steps.
//  4. Requests that the driver gives back keep their side of the barrier and the order of steps.
class OrderedSequence {
 public:
  OrderedSequence(BlockQueue& owner, const QueueLimits& limits, DispatchQueue& list);

  [[nodiscard]] bool is_active() const { return done_ != 0; }
  [[nodiscard]] bool is_proxy(const Request& request) const {
    return &request == &pre_flush_ || &request == &data_ || &request == &post_flush_;
  }
  [[nodiscard]] Request& pre_flush() { return pre_flush_; }
  [[nodiscard]] Request& data() { return data_; }
  [[nodiscard]] Request& post_flush() { return post_flush_; }

  // A request is added: it gets the colour of its side of the next barrier.
  void add(Request& request);
  // The first request of the list, or what a sequence that begins has put before it; null while it
  // has to wait. `in_flight`: requests with data that the driver has.
  Request* admit(int in_flight, SimTime now);
  // A proxy completed. Returns the barrier when its sequence is complete.
  Request* completed(Request& proxy, BlkStatus status);
  // A request completed, of which there are still `in_flight`. True: the step that waited for the
  // last of them may begin.
  bool drained(int in_flight);
  // The driver gives a request back.
  void requeue(Request& request);

 private:
  // Steps in their order, QUEUE_ORDSEQ_*: bits of done_.
  enum Step : unsigned {
    kStarted = 1U << 0U,
    kDrain = 1U << 1U,
    kPreFlush = 1U << 2U,
    kData = 1U << 3U,
    kPostFlush = 1U << 4U,
    kDone = 1U << 5U,
  };
  [[nodiscard]] unsigned current() const;
  [[nodiscard]] unsigned step_of(const Request& request) const;
  Request* start(int in_flight, SimTime now);
  Request* complete(unsigned step);

  const QueueLimits& limits_;
  DispatchQueue& list_;
  Request pre_flush_;
  Request data_;
  Request post_flush_;
  Request* barrier_ = nullptr;  // orig_bar_rq
  unsigned done_ = 0;           // ordseq
  bool color_ = false;          // ordcolor
};

}  // namespace wbsim::block
