#include "sim/pagecache/sleeping_lock.hpp"

#include <cstdint>

#include "sim/base/check.hpp"
#include "sim/engine/cpu.hpp"

namespace wbsim::pagecache {

bool SleepingLock::try_lock() {
  if (held_ || handoff_) {
    return false;
  }
  held_ = true;
  return true;
}

engine::Task<> SleepingLock::lock(TaskContext& task) {
  if (try_lock()) {
    co_return;
  }
  engine::Thread& thread = task.thread();
  // RWSEM_WAIT_TIMEOUT: HZ / 250 jiffies, at least one.
  const std::uint64_t patience =
      thread.machine().jiffies_now() +
      static_cast<std::uint64_t>((thread.machine().jiffies().hz() + 249) / 250);
  waiters_.push_back(&thread);
  while (true) {
    co_await thread.block();
    co_await thread.run(task.costs().sleeper_wake);
    if (waiters_.front() != &thread) {
      continue;
    }
    if (!held_) {
      break;
    }
    handoff_ = handoff_ || engine::time_after(thread.machine().jiffies_now(), patience);
  }
  held_ = true;
  handoff_ = false;
  waiters_.pop_front();
}

void SleepingLock::unlock() {
  SIM_CHECK(held_);
  held_ = false;
  if (!waiters_.empty()) {
    waiters_.front()->wake();
  }
}

}  // namespace wbsim::pagecache
