// A count of requests in flight, and the tasks that sleep until it is low enough for theirs.
#pragma once

#include <boost/intrusive/list.hpp>

#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

// Models: struct rq_wait and rq_qos_wait(), block/blk-rq-qos.c, v5.10 and v6.1. `Claim` says what a
// sleeper wants to submit; from it the waker computes the limit that holds for it. Properties:
//  1. Who finds sleepers goes to sleep behind them, whether there is room or not.
//  2. The waker counts the request of whom it wakes, so nobody can come in between.
//  3. Sleepers are woken in order of arrival, up to the first that has to stay.
//  4. A wake-up from elsewhere changes nothing.
// A sleeper is a node in the frame that waits, so waiting allocates nothing.
template <class Claim>
class RqWait {
 public:
  [[nodiscard]] int inflight() const { return inflight_; }
  [[nodiscard]] bool has_sleepers() const { return !sleepers_.empty(); }

  // Counts a request where nobody sleeps and fewer than `limit` are in flight.
  bool enter(int limit) { return !has_sleepers() && count_below(limit); }
  // Sleeps until a waker has counted the task's request. enter() was false at this instant.
  engine::Task<> wait(engine::Thread& thread, const Claim& claim) {
    Sleeper sleeper{thread, claim};
    sleepers_.push_back(sleeper);
    while (sleeper.is_linked()) {
      co_await thread.block();
    }
  }
  void leave() { --inflight_; }

  // wake_up_all(): `limit_of(claim)` is how many may be in flight with the sleeper's request.
  template <class LimitOf>
  void wake(LimitOf limit_of) {
    while (has_sleepers() && count_below(limit_of(sleepers_.front().claim))) {
      engine::Thread& thread = sleepers_.front().thread;
      sleepers_.pop_front();
      thread.wake();
    }
  }

 private:
  struct Sleeper : boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Sleeper(engine::Thread& who, const Claim& what) : thread{who}, claim{what} {}
    engine::Thread& thread;
    Claim claim;
  };

  // rq_wait_inc_below().
  bool count_below(int limit) {
    if (inflight_ >= limit) {
      return false;
    }
    ++inflight_;
    return true;
  }

  int inflight_ = 0;
  boost::intrusive::list<Sleeper, boost::intrusive::constant_time_size<false>> sleepers_;
};

}  // namespace wbsim::block
