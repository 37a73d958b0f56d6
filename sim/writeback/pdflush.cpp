#include "sim/writeback/pdflush.hpp"

#include <algorithm>

namespace wbsim::writeback {

using engine::Task;
using engine::WbReason;
using pagecache::TaskContext;

namespace {

constexpr int kThreadsMin = 2;           // MIN_PDFLUSH_THREADS
constexpr int kThreadsMax = 8;           // MAX_PDFLUSH_THREADS
constexpr std::int64_t kChunk = 1024;    // MAX_WRITEBACK_PAGES
constexpr std::uint64_t kWaitPart = 10;  // congestion is waited out for HZ / 10
constexpr int kPdflushPid = 9;

}  // namespace

Pdflush::Worker::Worker(engine::Machine& machine, int number)
    : thread{machine, "pdflush", kPdflushPid + number}, task{thread} {}

Pdflush::Pdflush(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
                 pagecache::PageCache& cache, block::Congestion& congestion,
                 std::int64_t inodes_in_use, SimDuration age)
    : machine_{machine},
      throttle_{throttle},
      cache_{cache},
      congestion_{congestion},
      inodes_in_use_{inodes_in_use},
      super_block_{machine, tracer, throttle},
      last_empty_{machine.jiffies_now()},
      timer_{engine::event_calling<&Pdflush::on_timer>(*this, "wb_timer")} {
  cache.set_flusher_waker(*this);
  for (int i = 0; i < kThreadsMin; ++i) {
    make_thread();
  }
  const std::uint64_t interval = centisecs_to_jiffies(throttle.vm().dirty_writeback_centisecs);
  if (interval > 0) {
    const std::uint64_t up = machine.jiffies_now() - machine.jiffies().at(SimTime{-age});
    set_timer(interval - up % interval);
  }
}

Pdflush::~Pdflush() { machine_.simulator().cancel(timer_); }

std::uint64_t Pdflush::hz() const { return static_cast<std::uint64_t>(machine_.jiffies().hz()); }

std::uint64_t Pdflush::centisecs_to_jiffies(int centisecs) const {
  return machine_.jiffies().from_centisecs_ceil(static_cast<std::uint64_t>(centisecs));
}

void Pdflush::set_timer(std::uint64_t jiffies) {
  machine_.simulator().reschedule(
      timer_, machine_.jiffies().timer_time(machine_.simulator().now(), jiffies));
}

// Models: start_one_pdflush_thread().
void Pdflush::make_thread() {
  const auto gone = std::find_if(workers_.begin(), workers_.end(),
                                 [](const auto& worker) { return !worker->exists; });
  if (gone != workers_.end()) {
    (*gone)->exists = true;
    (*gone)->thread.wake();
  } else {
    Worker& worker = *workers_.emplace_back(
        std::make_unique<Worker>(machine_, static_cast<int>(workers_.size())));
    worker.exists = true;
    machine_.simulator().spawn("pdflush", run(worker));
  }
  ++threads_;
}

// Models: pdflush_operation().
bool Pdflush::operation(const Job& job) {
  if (idle_.empty()) {
    return false;
  }
  Worker& worker = *idle_.front();
  idle_.pop_front();
  if (idle_.empty()) {
    last_empty_ = machine_.jiffies_now();
  }
  worker.job = job;
  worker.thread.wake();
  return true;
}

Task<> Pdflush::wait_for_job(Worker& worker) {
  idle_.push_front(&worker);
  worker.slept_at = machine_.jiffies_now();
  while (!worker.job) {
    co_await worker.thread.block();
  }
}

// Whether the thread that has just ended its job is one too many.
bool Pdflush::ends_itself() {
  if (idle_.empty() || threads_ <= kThreadsMin ||
      !engine::time_after(machine_.jiffies_now(), idle_.back()->slept_at + hz())) {
    return false;
  }
  idle_.back()->slept_at = machine_.jiffies_now();
  return true;
}

// Models: __pdflush().
Task<> Pdflush::run(Worker& worker) {
  engine::Thread& thread = worker.thread;
  co_await thread.begin();
  while (true) {
    co_await wait_for_job(worker);
    co_await thread.run(thread.costs().flusher_wake);
    if (worker.job->kupdate) {
      co_await kupdate(worker);
    } else {
      co_await background_writeout(worker, worker.job->min_pages);
    }
    co_await thread.run(thread.costs().flusher_end);
    worker.job.reset();
    const bool long_empty = engine::time_after(machine_.jiffies_now(), last_empty_ + hz());
    if (long_empty && idle_.empty() && threads_ < kThreadsMax) {
      make_thread();
    }
    if (ends_itself()) {
      --threads_;
      worker.exists = false;
      while (!worker.exists) {
        co_await thread.block();
      }
    }
  }
}

Task<> Pdflush::congestion_wait(engine::Thread& thread) {
  return congestion_.wait(thread, block::kWriteOrAsync, hz() / kWaitPart);
}

Task<> Pdflush::background_writeout(Worker& worker, std::int64_t min_pages) {
  while (min_pages > 0 || cache_.nr_dirty() >= throttle_.limits_now().bg_thresh) {
    co_await worker.thread.run(worker.thread.costs().flusher_turn);
    SuperBlockWork work{.wbc = {.nr_to_write = kChunk,
                                .for_background = true,
                                .range_cyclic = true,
                                .nonblocking = true},
                        .by_pdflush = true,
                        .reason = WbReason::kBackground};
    co_await super_block_.writeback_inodes(worker.task, work);
    min_pages -= kChunk - work.wbc.nr_to_write;
    if (work.wbc.nr_to_write > 0 || work.wbc.pages_skipped > 0) {
      co_await congestion_wait(worker.thread);
      if (!work.wbc.encountered_congestion) {
        break;
      }
    }
  }
}

Task<> Pdflush::kupdate(Worker& worker) {
  const std::uint64_t start = machine_.jiffies_now();
  const std::uint64_t older_than =
      start - centisecs_to_jiffies(throttle_.vm().dirty_expire_centisecs);
  std::int64_t left = cache_.nr_dirty().count() + inodes_in_use_;
  while (left > 0) {
    co_await worker.thread.run(worker.thread.costs().flusher_turn);
    SuperBlockWork work{.wbc = {.nr_to_write = kChunk,
                                .for_kupdate = true,
                                .range_cyclic = true,
                                .nonblocking = true},
                        .older_than = older_than,
                        .by_pdflush = true,
                        .reason = WbReason::kPeriodic};
    co_await super_block_.writeback_inodes(worker.task, work);
    if (work.wbc.nr_to_write > 0) {
      if (!work.wbc.encountered_congestion) {
        break;
      }
      co_await congestion_wait(worker.thread);
    }
    left -= kChunk - work.wbc.nr_to_write;
  }
  const std::uint64_t interval = centisecs_to_jiffies(throttle_.vm().dirty_writeback_centisecs);
  if (interval > 0) {
    const std::uint64_t took = machine_.jiffies_now() - start;
    set_timer(interval > took + hz() ? interval - took : hz());
  }
}

// Models: wb_timer_fn().
void Pdflush::on_timer() {
  if (!operation({.kupdate = true})) {
    set_timer(hz());
  }
}

void Pdflush::interval_changed() {
  const std::uint64_t interval = centisecs_to_jiffies(throttle_.vm().dirty_writeback_centisecs);
  if (interval > 0) {
    set_timer(interval);
  } else {
    machine_.simulator().cancel(timer_);
  }
}

bool Pdflush::start_background(std::int64_t min_pages) {
  return operation({.min_pages = min_pages});
}

void Pdflush::wakeup_flushers(WbReason, std::int64_t nr_pages) {
  start_background(nr_pages == pagecache::kAllPages ? cache_.nr_dirty().count() : nr_pages);
}

// Models: sync_inodes_sb() by __sync_inodes().
Task<> Pdflush::sync_inodes(TaskContext& task, bool wait) {
  const std::int64_t most = 2 * cache_.nr_dirty().count() + inodes_in_use_;
  SuperBlockWork work{.wbc = {.nr_to_write = most + most / 2, .sync_all = true, .for_sync = true},
                      .hold = !wait,
                      .reason = WbReason::kSync};
  co_await super_block_.writeback_inodes(task, work);
}

Task<> Pdflush::sync(TaskContext& task) {
  wakeup_flushers(WbReason::kSync, pagecache::kAllPages);
  co_await sync_inodes(task, false);
  co_await sync_inodes(task, false);
  co_await sync_inodes(task, true);
}

Task<std::int64_t> PdflushDevice::write_for(TaskContext& task, pagecache::BdiWriteback& wb,
                                            std::int64_t nr_pages) {
  SuperBlockWork work{.wbc = {.nr_to_write = nr_pages, .range_cyclic = true}, .bdi = &wb};
  co_await pdflush_.super_block().writeback_inodes(task, work);
  co_return nr_pages - work.wbc.nr_to_write;
}

}  // namespace wbsim::writeback
