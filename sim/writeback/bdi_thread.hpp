// The flushers of v3.6: a kernel thread for each device, made when it is needed.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/writeback/flusher.hpp"

namespace wbsim::writeback {

class BdiThread;

// Models: bdi_forker_thread() ("bdi-default"), mm/backing-dev.c, v3.6. Properties:
//  1. Makes the thread of a device that has work or dirty inodes and no thread.
//  2. Where that fails it writes 1024 pages of the device itself, and tries again.
//  3. Ends a thread that has nothing to do and wrote nothing for longer than five minutes, or the
//     interval of periodic writeback if that is longer. One for each look.
//  4. Looks when it is woken, and every five minutes.
// Simplified: the default device has nothing to write; a thread made again is the old one.
class BdiForker {
 public:
  // `fork_failures`: so many threads cannot be made, as without memory.
  BdiForker(engine::Machine& machine, DirtyThrottle& throttle, int fork_failures = 0);
  BdiForker(const BdiForker&) = delete;
  BdiForker& operator=(const BdiForker&) = delete;

  void add(BdiThread& thread) { threads_.push_back(&thread); }
  void wake();

 private:
  engine::Task<> run();
  engine::Task<bool> act();
  [[nodiscard]] std::uint64_t longest_inactive() const;

  engine::Machine& machine_;
  DirtyThrottle& throttle_;
  int fork_failures_;
  std::vector<BdiThread*> threads_;
  engine::Thread thread_;
  pagecache::TaskContext task_;
  bool idle_ = false;
};

// Models: bdi_writeback_thread() ("flush-MAJOR:MINOR") and who wakes it, fs/fs-writeback.c and
// mm/backing-dev.c, v3.6. Properties:
//  1. Without dirty inodes it sleeps until it is woken, otherwise for the interval at most.
//  2. A wake-up while it writes is forgotten, unless it is for queued work.
//  3. The first dirty inode sets a timer of the interval anew.
//  4. Each request for everything is a piece of work of its own, however many there are already.
class BdiThread final : public Flusher {
 public:
  BdiThread(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
            pagecache::PageCache& cache, pagecache::BdiWriteback& wb, std::int64_t inodes_in_use,
            BdiForker& forker);
  ~BdiThread() override;

  // __bdi_start_writeback(), by wakeup_flusher_threads(): not range-cyclic.
  void start_all(engine::WbReason reason) override;
  // The handler of the sysctl tells nobody.
  void interval_changed() override {}

  // WbListener.
  void first_dirty_inode(pagecache::BdiWriteback& wb) override;
  void start_writeback(pagecache::BdiWriteback& wb, engine::WbReason reason,
                       std::int64_t nr_pages) override;

  // For the forker.
  [[nodiscard]] bool exists() const { return exists_; }
  [[nodiscard]] bool has_something_to_do() const { return has_work() || wb().has_dirty_io(); }
  [[nodiscard]] bool inactive_for_longer_than(std::uint64_t jiffies) const;
  void create();
  void stop();

 private:
  engine::Task<> run();
  engine::Task<> live();
  void wake() override;
  void on_wakeup_timer() { wake(); }

  BdiForker& forker_;
  bool started_ = false;  // its coroutine has begun
  bool exists_ = false;
  bool stopping_ = false;  // kthread_stop()
  bool idle_ = false;
  std::uint64_t last_active_;  // jiffies
  engine::Event wakeup_timer_;
};

}  // namespace wbsim::writeback
