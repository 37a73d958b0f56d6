// A lock that makes threads sleep.
#pragma once

#include <deque>

#include "sim/engine/task.hpp"
#include "sim/pagecache/task.hpp"

namespace wbsim::pagecache {

// Models: struct rw_semaphore held for writing, kernel/locking/rwsem.c, v5.10 and v6.1.
// Waiters are served in order of arrival, but who runs and asks when the lock is free takes it
// before those who were woken and do not run yet (optimistic spinning). A waiter that was passed
// over for a jiffy and has had its turn in vain sets the handoff bit: nobody comes before it then.
// Simplified: nobody spins while the owner runs on another CPU; who has to wait sleeps at once. The
// kernel's mutexes (s_sync_lock, f_pos_lock) are taken for such locks.
class SleepingLock {
 public:
  SleepingLock() = default;
  SleepingLock(const SleepingLock&) = delete;
  SleepingLock& operator=(const SleepingLock&) = delete;

  // The thread's plug is issued when it goes to sleep.
  engine::Task<> lock(TaskContext& task);
  // True where the lock is free to be taken at once; it is taken then.
  bool try_lock();
  void unlock();
  [[nodiscard]] bool held() const { return held_; }

 private:
  bool held_ = false;
  bool handoff_ = false;  // to the first waiter
  std::deque<engine::Thread*> waiters_;
};

}  // namespace wbsim::pagecache
