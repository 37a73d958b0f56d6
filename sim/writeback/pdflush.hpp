// The flushers of v2.6.18: a pool of threads for all devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sim/block/congestion.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/device_flusher.hpp"
#include "sim/writeback/super_block_lists.hpp"

namespace wbsim::writeback {

// Models: mm/pdflush.c; background_writeout(), wb_kupdate() and wb_timer, mm/page-writeback.c;
// do_sync(), fs/buffer.c; v2.6.18. Properties:
//  1. Two threads at first. A job goes to the one that fell asleep last; without one it fails.
//  2. Who ends a job when nobody has been asleep for more than a second makes another thread, up to
//     eight; who ends one when the longest sleeper has slept more than a second ends itself, down
//     to two, and restarts that sleeper's clock.
//  3. Background writeback goes on in chunks of 1024 pages until fewer than background_thresh are
//     dirty and as many as it was asked for are written. Where it could not write a whole chunk it
//     waits 100 ms or for a queue that is not congested, and gives up if none was.
//  4. The timer starts a look for old data every interval, at least a second after the last one
//     ended; without a thread for it, a second later. It writes 1024 pages at a time, and only
//     waits where a queue was congested.
//  5. sync(2) starts background writeback of everything, then goes over the superblock three times:
//     twice it writes and holds the inodes, then it waits. Each time 1.5 times twice the dirty
//     pages and the inodes are written at most.
// Simplified: no laptop mode; a thread that is made again is an old one.
class Pdflush final : public pagecache::FlusherWaker, public SyncPasses {
 public:
  // `age`: how long the machine has been up, for the phase of the timer.
  Pdflush(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
          pagecache::PageCache& cache, block::Congestion& congestion, std::int64_t inodes_in_use,
          SimDuration age);
  Pdflush(const Pdflush&) = delete;
  Pdflush& operator=(const Pdflush&) = delete;
  ~Pdflush();

  [[nodiscard]] SuperBlockLists& super_block() { return super_block_; }
  // Threads that exist, and of these the ones that sleep.
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] std::size_t idle_threads() const { return idle_.size(); }

  // background_writeout(min_pages) by a thread of the pool; false where none is idle.
  bool start_background(std::int64_t min_pages);
  // dirty_writeback_centisecs_handler(): sets the timer anew.
  void interval_changed();
  // FlusherWaker: wakeup_pdflush().
  void wakeup_flushers(engine::WbReason reason, std::int64_t nr_pages) override;
  // SyncPasses.
  engine::Task<> sync(pagecache::TaskContext& task) override;

 private:
  // What pdflush_operation() was given.
  struct Job {
    bool kupdate = false;
    std::int64_t min_pages = 0;
  };
  struct Worker {
    Worker(engine::Machine& machine, int number);
    engine::Thread thread;
    pagecache::TaskContext task;
    std::optional<Job> job;
    bool exists = false;
    std::uint64_t slept_at = 0;  // jiffies
  };

  bool operation(const Job& job);
  void make_thread();
  engine::Task<> run(Worker& worker);
  engine::Task<> wait_for_job(Worker& worker);
  [[nodiscard]] bool ends_itself();
  engine::Task<> background_writeout(Worker& worker, std::int64_t min_pages);
  engine::Task<> kupdate(Worker& worker);
  engine::Task<> sync_inodes(pagecache::TaskContext& task, bool wait);
  engine::Task<> congestion_wait(engine::Thread& thread);
  void on_timer();
  void set_timer(std::uint64_t jiffies);
  [[nodiscard]] std::uint64_t centisecs_to_jiffies(int centisecs) const;
  [[nodiscard]] std::uint64_t hz() const;

  engine::Machine& machine_;
  DirtyThrottle& throttle_;
  pagecache::PageCache& cache_;
  block::Congestion& congestion_;
  std::int64_t inodes_in_use_;
  SuperBlockLists super_block_;
  std::vector<std::unique_ptr<Worker>> workers_;  // those that were, too
  std::deque<Worker*> idle_;                      // who fell asleep last first
  int threads_ = 0;
  std::uint64_t last_empty_;
  engine::Event timer_;
};

// What one device has of it.
class PdflushDevice final : public DeviceFlusher {
 public:
  PdflushDevice(Pdflush& pdflush, pagecache::BdiWriteback& wb) : pdflush_{pdflush} {
    wb.listener = this;
  }

  void start_all(engine::WbReason reason) override {
    pdflush_.wakeup_flushers(reason, pagecache::kAllPages);
  }
  void interval_changed() override { pdflush_.interval_changed(); }
  [[nodiscard]] SyncPasses* sync_passes() override { return &pdflush_; }

  // WbListener.
  void first_dirty_inode(pagecache::BdiWriteback&) override {}
  void first_dirty_time(pagecache::BdiWriteback&) override {}
  void start_background_writeback(pagecache::BdiWriteback&, engine::TaskName) override {
    pdflush_.start_background(0);
  }
  void start_writeback(pagecache::BdiWriteback&, engine::WbReason reason,
                       std::int64_t nr_pages) override {
    pdflush_.wakeup_flushers(reason, nr_pages);
  }
  void inode_writeback_start(pagecache::BdiWriteback&) override {}
  void inode_writeback_end(pagecache::BdiWriteback&) override {}
  engine::Task<std::int64_t> write_for(pagecache::TaskContext& task, pagecache::BdiWriteback& wb,
                                       std::int64_t nr_pages) override;

 private:
  Pdflush& pdflush_;
};

}  // namespace wbsim::writeback
