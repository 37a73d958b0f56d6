// The queue of I/Os that a job with an asynchronous engine keeps under way.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/async_context.hpp"
#include "sim/vfs/syscalls.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// An I/O with the times that fio takes of it.
struct QueuedIo final : vfs::AsyncIo {
  Bytes memory;      // of its buffer: they lie back to back (init_io_u_buffers())
  SimTime prepared;  // fio's start_time
  SimTime issued;    // its submission has returned
};

// Told of each I/O that was collected.
class QueuedIoListener {
 public:
  virtual void io_collected(const QueuedIo& io, SimTime collected) = 0;

 protected:
  ~QueuedIoListener() = default;
};

// Models: how fio 3.33 drives libaio and io_uring, as its documentation states it: I/Os are
// prepared one by one and submitted once there are iodepth_batch_submit of them; a full queue waits
// for iodepth_batch_complete_min completions, takes at most iodepth_batch_complete_max of those
// there are, and goes on so down to iodepth_low.
class AsyncQueue {
 public:
  AsyncQueue(const JobSpec& job, pagecache::TaskContext& task, vfs::Syscalls& syscalls,
             QueuedIoListener& listener);

  // Queues one I/O on the descriptor `fd`; waits where the queue is full then.
  engine::Task<> queue(int fd, const Io& io, std::uint64_t write_id);
  // Submits what is queued and takes completions as they come until nothing is under way: before
  // the job sleeps (io_u_quiesce()).
  engine::Task<> quiesce();
  // The same, but waits for all of them before it takes the first: at the end of a loop, where fio
  // gives all the same time.
  engine::Task<> drain();

 private:
  [[nodiscard]] std::size_t under_way() const { return ios_.size() - free_.size(); }
  engine::Task<> submit();
  engine::Task<> collect(std::size_t min);

  Queueing options_;
  pagecache::TaskContext& task_;
  vfs::AsyncContext context_;
  QueuedIoListener& listener_;
  std::vector<std::unique_ptr<QueuedIo>> ios_;
  std::vector<QueuedIo*> free_;        // last used first
  std::vector<vfs::AsyncIo*> queued_;  // prepared, not submitted
  std::vector<vfs::AsyncIo*> done_;
};

}  // namespace wbsim::workload
