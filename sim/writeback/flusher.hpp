// What the flusher of a device writes: background, periodic and requested writeback.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/writeback_control.hpp"
#include "sim/writeback/device_flusher.hpp"
#include "sim/writeback/dirty_throttle.hpp"

namespace wbsim::writeback {

// Models: struct wb_completion: somebody, who queued it, waits until a piece of work is submitted.
struct WorkCompletion {
  bool finished = false;
  engine::Thread* waiter = nullptr;
};

// What a flusher is known by, and the inodes that it takes for dirty.
struct FlusherIdentity {
  std::string comm;
  int pid = 0;
  std::int64_t inodes_in_use = 0;
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

// What writes the dirty files of one device. Models: wb_do_writeback() and what it calls,
// fs/fs-writeback.c, v3.6 and v5.10 to v6.12. Order of a run: queued work, start-all, old data
// (kupdate), background. Background and kupdate yield to queued work. Who runs it, and when, is the
// business of WorkQueueFlusher and BdiThread.
// Simplified: no laptop mode, no cgroups; nobody unmounts. The look for dirty time stamps every 12
// h counts from t = 0.
class Flusher : public DeviceFlusher {
 public:
  ~Flusher() override;

  // Queues one work item and wakes the flusher (wb_queue_work()).
  void queue_work(const WritebackWork& work);
  // What a pass over all that is dirty may write: pages, and the inodes in use, which the kernel
  // adds as if all were dirty (get_nr_dirty_pages()).
  [[nodiscard]] std::int64_t nr_dirty_pages() const;

  [[nodiscard]] pagecache::BdiWriteback& wb() const { return wb_; }
  [[nodiscard]] Flusher* takes_work() override { return this; }

  // WbListener.
  void first_dirty_time(pagecache::BdiWriteback& wb) override;
  void start_background_writeback(pagecache::BdiWriteback& wb, engine::TaskName caller) override;
  void inode_writeback_start(pagecache::BdiWriteback& wb) override;
  void inode_writeback_end(pagecache::BdiWriteback& wb) override;
  engine::Task<std::int64_t> write_for(pagecache::TaskContext& task, pagecache::BdiWriteback& wb,
                                       std::int64_t nr_pages) override;

 protected:
  Flusher(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
          pagecache::PageCache& cache, pagecache::BdiWriteback& wb, const FlusherIdentity& self);
  // Carries out what is due; returns pages written, and inodes that became clean.
  engine::Task<std::int64_t> do_writeback();
  // Lets the flusher run as soon as it can.
  virtual void wake() = 0;
  [[nodiscard]] bool has_work() const { return !works_.empty(); }
  void trace_pages_written(std::int64_t pages) const;
  [[nodiscard]] std::int64_t nr_file_dirty() const { return cache_.nr_dirty().count(); }
  [[nodiscard]] SimTime interval_from_now() const;
  [[nodiscard]] std::uint64_t centisecs_to_jiffies(int centisecs) const;
  [[nodiscard]] engine::Machine& machine() const { return machine_; }
  [[nodiscard]] DirtyThrottle& throttle() const { return throttle_; }
  [[nodiscard]] engine::Thread& thread() { return thread_; }
  void set_start_all_reason(engine::WbReason reason) { start_all_reason_ = reason; }

 private:
  engine::Task<std::int64_t> check_old_data_flush();
  engine::Task<std::int64_t> write_work(WritebackWork work);
  engine::Task<std::int64_t> writeback_inodes(pagecache::TaskContext& task, WritebackWork& work);
  engine::Task<std::int64_t> writeback_sb_inodes(pagecache::TaskContext& task,
                                                 const pagecache::SuperBlock* sb,
                                                 WritebackWork& work);
  engine::Task<std::int64_t> write_inode(pagecache::TaskContext& task, pagecache::Inode& inode,
                                         WritebackWork& work);
  void queue_expired(const WritebackWork& work, std::uint64_t dirtied_before);
  [[nodiscard]] bool slice_is_over(std::uint64_t start, const WritebackWork& work) const;
  [[nodiscard]] bool is_young(const pagecache::Inode& inode, const WritebackWork& work) const;
  [[nodiscard]] std::int64_t chunk_size(const WritebackWork& work) const;

  void on_dirtytime();
  void on_bandwidth_work() { throttle_.update_bandwidth(wb_, 0); }
  void trace(engine::WritebackStep step, const WritebackWork& work, engine::TaskName caller = {});

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  DirtyThrottle& throttle_;
  pagecache::PageCache& cache_;
  pagecache::BdiWriteback& wb_;
  std::int64_t inodes_in_use_;
  engine::Thread thread_;
  pagecache::TaskContext task_;
  std::deque<WritebackWork> works_;
  engine::WbReason start_all_reason_ = engine::WbReason::kSync;
  engine::Event bandwidth_work_;  // bw_dwork
  engine::Event dirtytime_work_;
};

}  // namespace wbsim::writeback
