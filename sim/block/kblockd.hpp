// kblockd: the worker threads that run hardware queues on behalf of others.
#pragma once

#include <memory>
#include <vector>

#include "sim/block/plug.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

// What kblockd does for others (struct work_struct): it runs a hardware queue, or a single queue.
class KblockdWork {
 public:
  // What it takes until kblockd works on it.
  [[nodiscard]] virtual SimDuration kblockd_hop() const = 0;
  virtual engine::Task<> run_from_kblockd(TaskIo& io) = 0;
  // It is to be done and nobody has begun (WORK_STRUCT_PENDING, but for delays).
  [[nodiscard]] bool queued() const { return waits_on_ != kNowhere; }

 protected:
  ~KblockdWork() = default;

 private:
  friend class Kblockd;
  static constexpr int kNowhere = -1;
  int waits_on_ = kNowhere;  // whose worker has it in its list
  int runs_on_ = kNowhere;
};

// Models: the kblockd workqueue (block/blk-core.c, v5.10): WQ_HIGHPRI, one worker per CPU at nice
// -20. Simplified: one worker per CPU, never two at once.
class Kblockd {
 public:
  explicit Kblockd(engine::Machine& machine);

  // Does `work` once on the worker of `cpu`, behind what waits there. It no longer waits anywhere
  // else, but a worker that does it right now is the one to do it again (mod_delayed_work_on()
  // without delay, __queue_work()).
  void queue_work(KblockdWork& work, int cpu);
  // `work` waits no more. It may be running.
  void cancel_work(KblockdWork& work);

 private:
  struct Worker {
    Worker(engine::Machine& machine, int own_cpu);
    engine::Thread thread;
    TaskIo io;
    std::vector<KblockdWork*> work;  // in order; never more than there are queues
    int cpu;
  };
  static engine::Task<> run(Worker& worker);

  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace wbsim::block
