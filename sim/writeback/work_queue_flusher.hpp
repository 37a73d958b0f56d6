// The flusher of a device as a work item on an unbound workqueue.
#pragma once

#include <cstdint>

#include "sim/engine/event.hpp"
#include "sim/engine/task.hpp"
#include "sim/writeback/flusher.hpp"

namespace wbsim::writeback {

// Models: wb_workfn() and who queues it, fs/fs-writeback.c and mm/backing-dev.c, v5.10 and v6.1:
// a work item on an unbound workqueue, carried out by one thread here.
class WorkQueueFlusher final : public Flusher {
 public:
  WorkQueueFlusher(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
                   pagecache::PageCache& cache, pagecache::BdiWriteback& wb,
                   std::int64_t inodes_in_use);
  ~WorkQueueFlusher();

  // Once until it is done (wb_start_writeback()).
  void start_all(engine::WbReason reason) override;
  // wakeup_flusher_threads(), by the sysctl handler.
  void interval_changed() override;

  // WbListener.
  void first_dirty_inode(pagecache::BdiWriteback& wb) override;
  void start_writeback(pagecache::BdiWriteback&, engine::WbReason reason, std::int64_t) override {
    start_all(reason);
  }

 private:
  engine::Task<> run();
  void wake() override;
  void wake_delayed();
  void on_delayed() { wake(); }

  bool queued_ = false;    // the work item is on the workqueue
  bool idle_ = false;      // the thread sleeps because there is no work
  engine::Event delayed_;  // dwork's timer
};

}  // namespace wbsim::writeback
