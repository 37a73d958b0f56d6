// Wait queues: threads that sleep until somebody wakes them, in order of arrival.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::engine {

// Models: wait_queue_head_t with exclusive waiters, kernel/sched/wait.c. The waiter re-checks its
// condition after waking: a wake-up is a hint, as in the kernel, and may come from elsewhere. A
// waiter is a node in the frame that waits, so waiting allocates nothing.
class WaitQueue {
 public:
  [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

  // Sleeps until woken. The caller checked its condition at this same instant.
  Task<> wait(Thread& thread) {
    Waiter waiter{thread};
    waiters_.push_back(waiter);
    co_await thread.block();
    // Models: finish_wait(). The node leaves the queue with this frame, also when the wake-up came
    // from elsewhere: later wake-ups of this queue go to threads that still sleep in it.
  }

  // The same for `jiffies` at most (prepare_to_wait(), schedule_timeout()).
  Task<> wait_for(Thread& thread, std::uint64_t jiffies) {
    Waiter waiter{thread};
    waiters_.push_back(waiter);
    co_await thread.schedule_timeout(jiffies);
  }

  // Wakes all of them (wake_up() of waiters that are not exclusive).
  void wake_all() { wake(std::numeric_limits<std::size_t>::max()); }

  // Wakes up to `count` waiters, oldest first, and returns how many it woke. They run later, never
  // inside this call. Who is about to sleep is woken as well, but who was woken from elsewhere and
  // did not run yet is passed over (autoremove_wake_function()).
  std::size_t wake(std::size_t count) {
    std::size_t woken = 0;
    for (auto it = waiters_.begin(); it != waiters_.end() && woken < count;) {
      Waiter& waiter = *it++;
      if (!waiter.thread.awaits_wakeup()) {
        continue;
      }
      waiter.unlink();
      waiter.thread.wake();
      ++woken;
    }
    return woken;
  }

 private:
  using Hook =
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  struct Waiter : Hook {
    explicit Waiter(Thread& sleeper) : thread{sleeper} {}
    Thread& thread;
  };

  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

}  // namespace wbsim::engine
