#include "sim/block/kblockd.hpp"

#include <string>
#include <utility>

namespace wbsim::block {

namespace {
constexpr int kFirstWorkerPid = 37;       // any pid below the jobs'
constexpr std::size_t kQueuesUsual = 32;  // room for so many from the start
}  // namespace

Kblockd::Worker::Worker(engine::Machine& machine, int own_cpu)
    : thread{machine, "kworker/" + std::to_string(own_cpu) + ":1H", kFirstWorkerPid + own_cpu,
             engine::Nice::kHighest},
      io{thread},
      cpu{own_cpu} {
  thread.begin_rested();
  work.reserve(kQueuesUsual);
}

Kblockd::Kblockd(engine::Machine& machine) {
  for (int cpu = 0; cpu < machine.cpus(); ++cpu) {
    workers_.push_back(std::make_unique<Worker>(machine, cpu));
    machine.simulator().spawn("kblockd", run(*workers_.back()));
  }
}

void Kblockd::queue_work(KblockdWork& work, int cpu) {
  cancel_work(work);
  const int on = work.runs_on_ != KblockdWork::kNowhere ? work.runs_on_ : cpu;
  Worker& worker = *workers_[static_cast<std::size_t>(on)];
  worker.work.push_back(&work);
  work.waits_on_ = on;
  worker.thread.wake();
}

void Kblockd::cancel_work(KblockdWork& work) {
  const int on = std::exchange(work.waits_on_, KblockdWork::kNowhere);
  if (on != KblockdWork::kNowhere) {
    std::erase(workers_[static_cast<std::size_t>(on)]->work, &work);
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
    KblockdWork& work = *worker.work.front();
    worker.work.erase(worker.work.begin());
    work.waits_on_ = KblockdWork::kNowhere;
    work.runs_on_ = worker.cpu;
    co_await work.run_from_kblockd(worker.io);
    work.runs_on_ = KblockdWork::kNowhere;
    if (worker.work.empty()) {
      co_await worker.thread.run(worker.thread.costs().kblockd_return);
    }
    co_await worker.thread.cond_resched();
  }
}

}  // namespace wbsim::block
