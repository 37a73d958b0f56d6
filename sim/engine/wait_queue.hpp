// Wait queues: threads that sleep until somebody wakes them, in order of arrival.
#pragma once

#include <deque>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::engine {

// Models: wait_queue_head_t with exclusive waiters, kernel/sched/wait.c. The waiter re-checks its
// condition after waking: a wake-up is a hint, as in the kernel.
class WaitQueue {
 public:
  [[nodiscard]] bool has_waiters() const { return !waiters_.empty(); }

  // Sleeps until woken. The caller checked its condition at this same instant.
  Task<> wait(Thread& thread) {
    waiters_.push_back(&thread);
    co_await thread.block();
  }

  // Wakes up to `count` waiters, oldest first. They run later, never inside this call.
  void wake(std::size_t count) {
    for (; count > 0 && !waiters_.empty(); --count) {
      Thread* thread = waiters_.front();
      waiters_.pop_front();
      thread->wake();
    }
  }
  void wake_all() { wake(waiters_.size()); }

 private:
  std::deque<Thread*> waiters_;
};

}  // namespace wbsim::engine
