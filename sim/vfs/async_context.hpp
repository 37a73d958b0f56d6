// Asynchronous I/O of a process: libaio's kioctx and io_uring.
#pragma once

#include <boost/intrusive/slist.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/fs/direct_io.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/vfs/syscalls.hpp"

namespace wbsim::vfs {

enum class AsyncInterface { kAio, kIoUring };

class AsyncContext;

// One asynchronous read or write (struct iocb, struct io_uring_sqe) with the kernel's own part of
// it. Belongs to the caller; the kernel has it from submit() until reap() returns it.
class AsyncIo : public boost::intrusive::slist_base_hook<>, private fs::DirectIoClient {
 public:
  int fd = -1;
  Transfer transfer;
  std::int64_t result = 0;  // bytes or a negative errno, once reaped

 private:
  friend class AsyncContext;
  void direct_io_done(std::int64_t bytes_or_error) override;

  AsyncContext* context_ = nullptr;  // while the kernel has it
  fs::DirectIo direct_;
};

// Models: fs/aio.c, v5.10 and v6.1 (io_submit(), aio_complete(), read_events()); io_uring with one
// thread and a shared completion ring, v5.10 (io_uring_enter()). Direct I/O ends in softirq context
// and wakes who waits: io_getevents() at every completion, io_uring once there are enough. A
// buffered write is done inside the submission. Simplified: v6.1's io_uring posts completions from
// task work, here they are posted at once. It hands buffered writes on block devices to workers:
// not simulated, refused before a job starts.
class AsyncContext {
 public:
  AsyncContext(Syscalls& syscalls, AsyncInterface interface)
      : syscalls_{syscalls}, interface_{interface} {}
  AsyncContext(const AsyncContext&) = delete;
  AsyncContext& operator=(const AsyncContext&) = delete;

  // io_submit(2), io_uring_enter(2): submits all, in order, under one plug where they are more than
  // two. May sleep for requests.
  engine::Task<> submit(pagecache::TaskContext& task, std::span<AsyncIo* const> ios);
  // io_getevents(2) without timeout, or the completion ring of io_uring: appends between `min` and
  // `max` completed I/Os to `done`, in the order of their completion. `min` must be under way.
  engine::Task<> reap(pagecache::TaskContext& task, std::size_t min, std::size_t max,
                      std::vector<AsyncIo*>& done);

 private:
  friend class AsyncIo;
  void complete(AsyncIo& io, std::int64_t result);
  std::size_t take(std::size_t most, std::vector<AsyncIo*>& done);

  Syscalls& syscalls_;
  AsyncInterface interface_;
  boost::intrusive::slist<AsyncIo, boost::intrusive::cache_last<true>> completed_;
  engine::Thread* waiter_ = nullptr;
  std::size_t wanted_ = 0;  // completions that the waiter waits for
};

}  // namespace wbsim::vfs
