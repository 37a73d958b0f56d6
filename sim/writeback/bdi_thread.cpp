#include "sim/writeback/bdi_thread.hpp"

#include <algorithm>
#include <string>

namespace wbsim::writeback {

using engine::Task;
using engine::WbReason;

namespace {

constexpr int kFlusherPid = 9;
constexpr int kForkerPid = 8;
constexpr std::int64_t kForkerPages = 1024;         // writeback_inodes_wb() without a thread
constexpr std::uint64_t kLongestInactive = 5 * 60;  // seconds

FlusherIdentity identity(const pagecache::BdiWriteback& wb, std::int64_t inodes_in_use) {
  return {"flush-8:" + std::to_string(16 * wb.device), kFlusherPid + wb.device, inodes_in_use};
}

}  // namespace

BdiForker::BdiForker(engine::Machine& machine, DirtyThrottle& throttle, int fork_failures)
    : machine_{machine},
      throttle_{throttle},
      fork_failures_{fork_failures},
      thread_{machine, "bdi-default", kForkerPid},
      task_{thread_} {
  machine.simulator().spawn("forker", run());
}

void BdiForker::wake() {
  if (idle_) {
    thread_.wake();
  }
}

// Models: bdi_longest_inactive().
std::uint64_t BdiForker::longest_inactive() const {
  const auto interval = static_cast<std::uint64_t>(throttle_.vm().dirty_writeback_centisecs);
  return std::max(kLongestInactive * static_cast<std::uint64_t>(machine_.jiffies().hz()),
                  machine_.jiffies().from_centisecs_ceil(interval));
}

Task<> BdiForker::run() {
  co_await thread_.begin();
  while (true) {
    const bool acted = co_await act();
    if (acted) {
      continue;
    }
    idle_ = true;
    co_await thread_.schedule_timeout(longest_inactive());
    idle_ = false;
    co_await thread_.run(thread_.costs().flusher_wake);
  }
}

// One look at all devices: does the first thing there is to do. False: there was nothing.
Task<bool> BdiForker::act() {
  for (BdiThread* bdi : threads_) {
    if (!bdi->exists() && bdi->has_something_to_do()) {
      if (fork_failures_ == 0) {
        bdi->create();
      } else {
        --fork_failures_;
        co_await bdi->write_for(task_, bdi->wb(), kForkerPages);
        co_await thread_.cond_resched();
      }
      co_return true;
    }
    if (bdi->exists() && !bdi->has_something_to_do() &&
        bdi->inactive_for_longer_than(longest_inactive())) {
      bdi->stop();
      co_return true;
    }
  }
  co_return false;
}

BdiThread::BdiThread(engine::Machine& machine, const engine::Tracer& tracer,
                     DirtyThrottle& throttle, pagecache::PageCache& cache,
                     pagecache::BdiWriteback& wb, std::int64_t inodes_in_use, BdiForker& forker)
    : Flusher{machine, tracer, throttle, cache, wb, identity(wb, inodes_in_use)},
      forker_{forker},
      last_active_{machine.jiffies_now()},
      wakeup_timer_{engine::event_calling<&BdiThread::on_wakeup_timer>(*this, "flusher timer")} {
  forker.add(*this);
}

BdiThread::~BdiThread() { machine().simulator().cancel(wakeup_timer_); }

// Models: bdi_wakeup_flusher(), wakeup_timer_fn().
void BdiThread::wake() {
  if (!exists_) {
    forker_.wake();
  } else if (idle_) {
    thread().wake();
  }
}

// Models: bdi_wakeup_thread_delayed(). An interval of 0 ends at the next tick.
void BdiThread::first_dirty_inode(pagecache::BdiWriteback&) {
  machine().simulator().reschedule(wakeup_timer_, interval_from_now());
}

void BdiThread::start_all(WbReason reason) { start_writeback(wb(), reason, nr_file_dirty()); }

// Models: wakeup_flusher_threads() of one device.
void BdiThread::start_writeback(pagecache::BdiWriteback&, WbReason reason, std::int64_t nr_pages) {
  if (wb().has_dirty_io()) {
    queue_work({.nr_pages = nr_pages, .reason = reason});
  }
}

bool BdiThread::inactive_for_longer_than(std::uint64_t jiffies) const {
  return engine::time_after(machine().jiffies_now(), last_active_ + jiffies);
}

void BdiThread::create() {
  exists_ = true;
  if (!started_) {
    started_ = true;
    machine().simulator().spawn("flusher", run());
  } else {
    thread().wake();
  }
}

void BdiThread::stop() {
  stopping_ = true;
  exists_ = false;
  if (idle_) {
    thread().wake();
  }
}

Task<> BdiThread::run() {
  co_await thread().begin();
  while (true) {
    co_await live();
    while (!exists_) {
      co_await thread().block();
    }
  }
}

Task<> BdiThread::live() {
  stopping_ = false;
  last_active_ = machine().jiffies_now();
  while (true) {
    machine().simulator().cancel(wakeup_timer_);
    co_await thread().run(thread().costs().flusher_wake);
    const std::int64_t written = co_await do_writeback();
    trace_pages_written(written);
    if (written > 0) {
      last_active_ = machine().jiffies_now();
    }
    co_await thread().run(thread().costs().flusher_end + 2 * throttle().options().trace_writeback);
    if (stopping_) {
      co_return;
    }
    if (has_work()) {
      continue;
    }
    const int interval = throttle().vm().dirty_writeback_centisecs;
    idle_ = true;
    if (wb().has_dirty_io() && interval > 0) {
      co_await thread().schedule_timeout(centisecs_to_jiffies(interval));
    } else {
      co_await thread().block();
    }
    idle_ = false;
    if (stopping_) {
      co_return;
    }
  }
}

}  // namespace wbsim::writeback
