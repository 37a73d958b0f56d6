// The flusher of a device: background, periodic and requested writeback.
#pragma once

#include <cstdint>
#include <deque>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

// Models: struct wb_completion: somebody waits until a piece of work is submitted.
struct WorkCompletion {
  bool finished = false;
  engine::Thread* waiter = nullptr;
};

// Models: struct wb_writeback_work.
struct WritebackWork {
  std::int64_t nr_pages = pagecache::kAllPages;
  bool sync_all = false;
  bool tagged_writepages = false;
  bool for_kupdate = false;
  bool for_background = false;
  bool for_sync = false;
  bool range_cyclic = false;
  engine::WbReason reason = engine::WbReason::kBackground;
  pagecache::SuperBlock* sb = nullptr;  // whose inodes alone are written
  WorkCompletion* done = nullptr;
};

// Models: wb_workfn() and what it calls, fs/fs-writeback.c, v5.10 to v6.12:
// a work item on an unbound workqueue, carried out by one thread here. Order of a run: queued
// work, start-all, old data (kupdate), background. Background and kupdate yield to queued work.
// Simplified: no laptop mode, no cgroups; nobody unmounts. The look for dirty time stamps every 12
// h counts from t = 0.
class Flusher final : public pagecache::WbListener {
 public:
  Flusher(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
          pagecache::PageCache& cache, pagecache::BdiWriteback& wb, std::int64_t inodes_in_use);
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;
  ~Flusher();

  // Queues one work item and wakes the flusher (wb_queue_work()).
  void queue_work(const WritebackWork& work);
  // Asks once for everything to be written (wb_start_writeback()): sync(2), vmscan.
  void start_all(engine::WbReason reason);
  // After dirty_writeback_centisecs changed (wakeup_flusher_threads() by the sysctl handler).
  void interval_changed();
  // What a pass over all that is dirty may write: pages, and the inodes in use, which the kernel
  // adds as if all were dirty (get_nr_dirty_pages()).
  [[nodiscard]] std::int64_t nr_dirty_pages() const;

  // WbListener.
  void first_dirty_inode(pagecache::BdiWriteback& wb) override;
  void first_dirty_time(pagecache::BdiWriteback& wb) override;
  void start_background_writeback(pagecache::BdiWriteback& wb) override;
  void start_writeback(pagecache::BdiWriteback&, engine::WbReason reason) override {
    start_all(reason);
  }
  void inode_writeback_start(pagecache::BdiWriteback& wb) override;
  void inode_writeback_end(pagecache::BdiWriteback& wb) override;

 private:
  engine::Task<> run();
  engine::Task<std::int64_t> do_writeback();
  engine::Task<std::int64_t> check_old_data_flush();
  engine::Task<std::int64_t> write_work(WritebackWork work);
  engine::Task<std::int64_t> writeback_inodes(WritebackWork& work);
  engine::Task<std::int64_t> writeback_sb_inodes(const pagecache::SuperBlock* sb,
                                                 WritebackWork& work);
  engine::Task<std::int64_t> write_inode(pagecache::Inode& inode, WritebackWork& work);
  void queue_expired(const WritebackWork& work, std::uint64_t dirtied_before);
  [[nodiscard]] bool slice_is_over(std::uint64_t start, const WritebackWork& work) const;
  [[nodiscard]] bool is_young(const pagecache::Inode& inode, const WritebackWork& work) const;
  [[nodiscard]] std::int64_t chunk_size(const WritebackWork& work) const;

  void wake();
  void wake_delayed();
  void on_delayed() { wake(); }
  void on_dirtytime();
  void on_bandwidth_work() { throttle_.update_bandwidth(wb_, 0); }
  [[nodiscard]] std::uint64_t centisecs_to_jiffies(int centisecs) const;
  void trace(engine::WritebackStep step, const WritebackWork& work);

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  DirtyThrottle& throttle_;
  pagecache::PageCache& cache_;
  pagecache::BdiWriteback& wb_;
  std::int64_t inodes_in_use_;
  engine::Thread thread_;
  pagecache::TaskContext task_;
  std::deque<WritebackWork> works_;
  bool queued_ = false;  // the work item is on the workqueue
  bool idle_ = false;    // the thread sleeps because there is no work
  engine::WbReason start_all_reason_ = engine::WbReason::kSync;
  engine::Event delayed_;         // dwork's timer
  engine::Event bandwidth_work_;  // bw_dwork
  engine::Event dirtytime_work_;
};

}  // namespace wbsim::writeback
