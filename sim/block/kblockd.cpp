#include "sim/block/kblockd.hpp"

#include <algorithm>
#include <string>

#include "sim/block/block_queue.hpp"

namespace wbsim::block {

namespace {
constexpr int kFirstWorkerPid = 37;       // any pid below the jobs'
constexpr std::size_t kQueuesUsual = 32;  // room for so many from the start
}  // namespace

Kblockd::Worker::Worker(engine::Machine& machine, int cpu)
    : thread{machine, "kworker/" + std::to_string(cpu) + ":1H", kFirstWorkerPid + cpu,
             engine::Nice::kHighest},
      io{thread} {
  thread.begin_rested();
  work.reserve(kQueuesUsual);
}

Kblockd::Kblockd(engine::Machine& machine) {
  for (int cpu = 0; cpu < machine.cpus(); ++cpu) {
    workers_.push_back(std::make_unique<Worker>(machine, cpu));
    machine.simulator().spawn("kblockd", run(*workers_.back()));
  }
}

void Kblockd::queue_work(BlockQueue& queue, int cpu) {
  cancel_work(queue);
  const auto runner = std::find_if(workers_.begin(), workers_.end(), [&queue](const auto& worker) {
    return worker->running == &queue;
  });
  Worker& worker = runner != workers_.end() ? **runner : *workers_[static_cast<std::size_t>(cpu)];
  worker.work.push_back(&queue);
  worker.thread.wake();
}

void Kblockd::cancel_work(const BlockQueue& queue) {
  for (const auto& worker : workers_) {
    std::erase(worker->work, &queue);
  }
}

engine::Task<> Kblockd::run(Worker& worker) {
  co_await worker.thread.begin();
  while (true) {
    if (worker.work.empty()) {
      co_await worker.thread.block();
      if (!worker.work.empty()) {
        co_await worker.thread.run(worker.work.front()->kblockd_hop());
      }
      continue;
    }
    BlockQueue& queue = *worker.work.front();
    worker.work.erase(worker.work.begin());
    worker.running = &queue;
    co_await queue.run_from_kblockd(worker.io);
    worker.running = nullptr;
    if (worker.work.empty()) {
      co_await worker.thread.run(worker.thread.costs().kblockd_return);
    }
    co_await worker.thread.cond_resched();
  }
}

}  // namespace wbsim::block
