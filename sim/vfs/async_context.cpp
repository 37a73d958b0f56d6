#include "sim/vfs/async_context.hpp"

#include <cstddef>

namespace wbsim::vfs {

using engine::Task;
using pagecache::TaskContext;

Task<> AsyncContext::submit(TaskContext& task, std::span<AsyncIo* const> ios) {
  co_await task.thread().run(task.costs().aio_call);
  const bool plugged = ios.size() > syscalls_.async_plug_above();
  if (plugged) {
    task.io().start_plug();
  }
  for (AsyncIo* io : ios) {
    co_await task.thread().run(task.costs().aio_iocb);
    io->context_ = this;
    const auto result =
        co_await syscalls_.start_transfer(task, io->fd, io->transfer, io->direct_, *io);
    if (result) {
      complete(*io, *result);
    }
  }
  if (plugged && !task.io().finish_empty_plug()) {
    co_await task.io().finish_plug();
  }
}

Task<> AsyncContext::reap(TaskContext& task, std::size_t min, std::size_t max,
                          std::vector<AsyncIo*>& done) {
  // io_uring's ring is in the process's memory: it is asked for events only when it has too few.
  const bool asks = interface_ == AsyncInterface::kAio || completed_.size() < min;
  if (asks) {
    co_await task.thread().run(task.costs().aio_call);
  }
  std::size_t got = take(max, done);
  while (got < min) {
    waiter_ = &task.thread();
    wanted_ = min - got;
    co_await task.thread().block();
    waiter_ = nullptr;
    co_await task.thread().run(task.costs().sleeper_wake);
    got += take(max - got, done);
  }
}

std::size_t AsyncContext::take(std::size_t most, std::vector<AsyncIo*>& done) {
  std::size_t taken = 0;
  for (; taken < most && !completed_.empty(); ++taken) {
    done.push_back(&completed_.front());
    completed_.pop_front();
  }
  return taken;
}

void AsyncIo::direct_io_done(std::int64_t bytes_or_error) {
  context_->complete(*this, bytes_or_error);
}

// Models: aio_complete(), io_cqring_ev_posted().
void AsyncContext::complete(AsyncIo& io, std::int64_t result) {
  io.result = result;
  completed_.push_back(io);
  const bool enough = interface_ == AsyncInterface::kAio || completed_.size() >= wanted_;
  if (waiter_ != nullptr && enough) {
    waiter_->wake();
  }
}

}  // namespace wbsim::vfs
