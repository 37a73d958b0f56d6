// Waiting until some queue is less full.
#pragma once

#include <array>
#include <cstdint>

#include "sim/block/request_classes.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/wait_queue.hpp"

namespace wbsim::block {

// Models: congestion_wqh[] with blk_congestion_wait() and clear_queue_congested(),
// block/ll_rw_blk.c, v2.6.18; congestion_wait() and clear_bdi_congested(), mm/backing-dev.c, v3.6.
// One for a machine. Whoever waits is woken by each request that is freed while its class has few
// enough in use, of whatever queue; where no queue tells, as in blk-mq, only time ends the wait.
class Congestion {
 public:
  // Sleeps until that, for `jiffies` at most.
  engine::Task<> wait(engine::Thread& thread, RequestClass which, std::uint64_t jiffies) {
    return waiters_[which].wait_for(thread, jiffies);
  }
  // A queue that has few enough requests of the class in use tells.
  void cleared(RequestClass which) { waiters_[which].wake_all(); }

 private:
  std::array<engine::WaitQueue, kRequestClasses> waiters_;
};

}  // namespace wbsim::block
