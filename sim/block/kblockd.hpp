// kblockd: the worker threads that run hardware queues on behalf of others.
#pragma once

#include <memory>
#include <vector>

#include "sim/block/plug.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

class BlockQueue;

// Models: the kblockd workqueue (block/blk-core.c, v5.10): WQ_HIGHPRI, one worker per CPU at nice
// -20. Simplified: one worker per CPU, never two at once.
class Kblockd {
 public:
  explicit Kblockd(engine::Machine& machine);

  // Runs `queue` once on the worker of `cpu`, behind what waits there. It no longer waits anywhere
  // else, but a worker that runs it right now is the one to run it again (mod_delayed_work_on()
  // without delay, __queue_work()).
  void queue_work(BlockQueue& queue, int cpu);
  // `queue` waits no more. It may be running.
  void cancel_work(const BlockQueue& queue);

 private:
  struct Worker {
    Worker(engine::Machine& machine, int cpu);
    engine::Thread thread;
    TaskIo io;
    std::vector<BlockQueue*> work;  // in order; never more than there are queues
    const BlockQueue* running = nullptr;
  };
  static engine::Task<> run(Worker& worker);

  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace wbsim::block
