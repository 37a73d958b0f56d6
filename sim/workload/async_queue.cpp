#include "sim/workload/async_queue.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::workload {

using engine::Task;

AsyncQueue::AsyncQueue(const JobSpec& job, pagecache::TaskContext& task, vfs::Syscalls& syscalls,
                       QueuedIoListener& listener)
    : options_{job.queueing},
      task_{task},
      context_{syscalls, job.engine == IoEngine::kLibaio ? vfs::AsyncInterface::kAio
                                                         : vfs::AsyncInterface::kIoUring},
      listener_{listener} {
  const auto depth = static_cast<std::size_t>(options_.depth);
  for (std::size_t i = 0; i < depth; ++i) {
    QueuedIo& io = *ios_.emplace_back(std::make_unique<QueuedIo>());
    io.memory = job.block_size_max() * static_cast<std::int64_t>(i);
    free_.push_back(&io);
  }
  queued_.reserve(depth);
  done_.reserve(depth);
}

Task<> AsyncQueue::queue(int fd, const Io& io, std::uint64_t write_id) {
  SIM_CHECK(!free_.empty());
  QueuedIo& slot = *free_.back();
  free_.pop_back();
  co_await task_.thread().run(task_.costs().fio_prepare);
  slot.prepared = task_.thread().now();
  slot.fd = fd;
  slot.transfer = {.write = io.direction == Direction::kWrite,
                   .at = io.at,
                   .length = io.length,
                   .write_id = write_id,
                   .memory = slot.memory};
  queued_.push_back(&slot);
  if (queued_.size() >= static_cast<std::size_t>(options_.batch_submit)) {
    co_await submit();
  }
  const auto asked = static_cast<std::size_t>(options_.batch_complete_min);
  if (free_.empty()) {
    do {
      co_await collect(std::max<std::size_t>(asked, 1));
    } while (under_way() > static_cast<std::size_t>(options_.low));
  } else if (asked == 0) {
    co_await collect(0);
  }
}

Task<> AsyncQueue::quiesce() {
  while (under_way() > 0) {
    co_await collect(1);
  }
}

Task<> AsyncQueue::drain() {
  while (under_way() > 0) {
    co_await collect(under_way());
  }
}

Task<> AsyncQueue::submit() {
  co_await context_.submit(task_, queued_);
  for (vfs::AsyncIo* io : queued_) {
    static_cast<QueuedIo*>(io)->issued = task_.thread().now();
  }
  queued_.clear();
  co_await task_.thread().cond_resched();
}

Task<> AsyncQueue::collect(std::size_t min) {
  if (!queued_.empty()) {
    co_await submit();
  }
  const std::size_t least = std::min(min, under_way());
  const auto most =
      std::min(std::max(static_cast<std::size_t>(options_.batch_complete_max), least), under_way());
  done_.clear();
  co_await context_.reap(task_, least, most, done_);
  co_await task_.thread().cond_resched();
  const SimTime collected = task_.thread().now();
  for (vfs::AsyncIo* io : done_) {
    co_await task_.thread().run(task_.costs().fio_reap);
    auto& slot = *static_cast<QueuedIo*>(io);
    listener_.io_collected(slot, collected);
    free_.push_back(&slot);
  }
}

}  // namespace wbsim::workload
