// Raising the weight of queues that people wait for.
#pragma once

#include "sim/block/elevators/bfq/peak_rate.hpp"
#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: the wr_* rules of block/bfq-iosched.c, v5.10 and v6.1. Properties:
//  1. A synchronous queue of one process that becomes busy is interactive when it had nothing to do
//     for 2 s, soft real-time when it has become busy no earlier than 7000 sectors/s allow; not
//     when it was created in a large burst. v6.1 asks for the default weight besides.
//  2. Interactive raising multiplies the weight by 30 for a time that depends on the device's peak
//     rate, and for 120000 sectors at most; soft real-time by 3000 for 300 ms, renewed as long as
//     the queue stays soft real-time.
//  3. An interactive queue that turns soft real-time goes back if its time is not yet over.
//  4. An asynchronous request of a busy queue starts an interactive raising if the last raising or
//     request is 500 ms ago.
//  5. A queue that does nothing but seek is not soft real-time.
class WeightRaising {
 public:
  WeightRaising(State& state, const PeakRate& peak_rate);

  // What is asked when a queue becomes busy, before anything is changed (property 1).
  struct Claim {
    bool interactive = false;
    bool soft_real_time = false;
    bool deserved = false;  // raised already, or to be
    bool in_burst = false;
    bool idle_for_long = false;
  };
  [[nodiscard]] Claim claim_of(const Queue& queue, const Process& process) const;
  // bfq_update_bfqq_wr_on_rq_arrival() with its conditions.
  void becomes_busy(Queue& queue, const Claim& claim);
  // Property 4. `request` came to a queue that was busy.
  void request_added(Queue& queue, const Request& request, bool was_raised);
  // Keeps when the raising, or the last request, was.
  void note_arrival(Queue& queue, bool was_raised, bool interactive) const;
  // bfq_update_wr_data(): a request of the queue in service was dispatched.
  void request_dispatched(Queue& queue);
  // Part of bfq_update_io_seektime() (property 5).
  void seek_noted(Queue& queue);
  // Part of __bfq_set_in_service_queue(): time without service does not count.
  void service_begins(Queue& queue) const;
  // A queue that ran empty: when it may be soft real-time next (bfq_bfqq_softrt_next_start()).
  void expired(Queue& queue) const;
  void completed(Queue& queue) const;

  void end(Queue& queue) const;                  // bfq_bfqq_end_wr()
  void back_to_interactive(Queue& queue) const;  // switch_back_to_interactive_wr()
  // Whether the time of the raising is over, or a large burst ends it.
  [[nodiscard]] bool is_over(const Queue& queue) const;
  // Whether the interactive raising before the soft real-time one would still last.
  [[nodiscard]] bool would_be_interactive(const Queue& queue) const;
  [[nodiscard]] bool is_soft_real_time(const Queue& queue) const {
    return queue.raising.longest == state_.tuning.raise_soft_real_time;
  }
  [[nodiscard]] std::uint64_t duration() const { return peak_rate_.raise_duration(); }

 private:
  void start(Queue& queue, bool interactive) const;
  void renew(Queue& queue, const Claim& claim) const;
  [[nodiscard]] std::uint64_t next_soft_real_time(const Queue& queue) const;

  State& state_;
  const PeakRate& peak_rate_;
};

}  // namespace wbsim::block::bfq
