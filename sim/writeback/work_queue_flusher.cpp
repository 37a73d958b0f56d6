#include "sim/writeback/work_queue_flusher.hpp"

#include <string>

namespace wbsim::writeback {

using engine::Task;
using engine::WbReason;

namespace {

constexpr int kFlusherPid = 9;

FlusherIdentity identity(const engine::Machine& machine, const pagecache::BdiWriteback& wb,
                         std::int64_t inodes_in_use) {
  return {"kworker/u" + std::to_string(2 * machine.cpus()) + ":" + std::to_string(wb.device),
          kFlusherPid + wb.device, inodes_in_use};
}

}  // namespace

WorkQueueFlusher::WorkQueueFlusher(engine::Machine& machine, const engine::Tracer& tracer,
                                   DirtyThrottle& throttle, pagecache::PageCache& cache,
                                   pagecache::BdiWriteback& wb, std::int64_t inodes_in_use)
    : Flusher{machine, tracer, throttle, cache, wb, identity(machine, wb, inodes_in_use)},
      delayed_{engine::event_calling<&WorkQueueFlusher::on_delayed>(*this, "flusher timer")} {
  machine.simulator().spawn("flusher", run());
}

WorkQueueFlusher::~WorkQueueFlusher() { machine().simulator().cancel(delayed_); }

// Models: mod_delayed_work(bdi_wq, &wb->dwork, 0).
void WorkQueueFlusher::wake() {
  machine().simulator().cancel(delayed_);
  queued_ = true;
  if (idle_) {
    thread().wake();  // one that works may sleep for something else, and looks again when done
  }
}

// Models: wb_wakeup_delayed(): does not shorten a timer that runs. An interval of 0 means at once.
void WorkQueueFlusher::wake_delayed() {
  if (queued_ || delayed_.pending()) {
    return;
  }
  if (throttle().vm().dirty_writeback_centisecs == 0) {
    wake();
    return;
  }
  machine().simulator().schedule(delayed_, interval_from_now());
}

void WorkQueueFlusher::first_dirty_inode(pagecache::BdiWriteback&) { wake_delayed(); }

void WorkQueueFlusher::start_all(WbReason reason) {
  if (!wb().has_dirty_io() || wb().start_all) {
    return;
  }
  wb().start_all = true;
  set_start_all_reason(reason);
  wake();
}

// Models: dirty_writeback_centisecs_handler(): writes everything, unless the new value is 0.
void WorkQueueFlusher::interval_changed() {
  if (throttle().vm().dirty_writeback_centisecs > 0) {
    start_all(WbReason::kPeriodic);
  }
}

// Models: wb_workfn().
Task<> WorkQueueFlusher::run() {
  co_await thread().begin();
  while (true) {
    while (!queued_) {
      idle_ = true;
      co_await thread().block();
      idle_ = false;
    }
    queued_ = false;
    co_await thread().run(thread().costs().flusher_wake);
    do {
      const std::int64_t wrote = co_await do_writeback();
      trace_pages_written(wrote);
    } while (has_work());
    co_await thread().run(thread().costs().flusher_end + 2 * throttle().options().trace_writeback);
    if (wb().has_dirty_io() && throttle().vm().dirty_writeback_centisecs > 0) {
      wake_delayed();
    }
  }
}

}  // namespace wbsim::writeback
