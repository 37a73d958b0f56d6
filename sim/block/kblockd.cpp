#include "sim/block/kblockd.hpp"

#include <algorithm>
#include <string>

#include "sim/block/request_queue.hpp"

namespace wbsim::block {

namespace {
constexpr int kFirstWorkerPid = 37;  // any pid below the jobs'
}

Kblockd::Worker::Worker(engine::Machine& machine, int cpu)
    : thread{machine, "kworker/" + std::to_string(cpu) + ":1H", kFirstWorkerPid + cpu,
             engine::Nice::kHighest},
      io{thread} {}

Kblockd::Kblockd(engine::Machine& machine) {
  for (int cpu = 0; cpu < machine.cpus(); ++cpu) {
    workers_.push_back(std::make_unique<Worker>(machine, cpu));
    machine.simulator().spawn("kblockd", run(*workers_.back()));
  }
}

void Kblockd::queue_work(RequestQueue& queue, int cpu) {
  Worker& worker = *workers_[static_cast<std::size_t>(cpu)];
  if (std::find(worker.work.begin(), worker.work.end(), &queue) == worker.work.end()) {
    worker.work.push_back(&queue);
  }
  worker.thread.wake();
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
    RequestQueue& queue = *worker.work.front();
    worker.work.erase(worker.work.begin());
    co_await queue.run_from_kblockd(worker.io);
    if (worker.work.empty()) {
      co_await worker.thread.run(worker.thread.costs().kblockd_return);
    }
    co_await worker.thread.cond_resched();
  }
}

}  // namespace wbsim::block
