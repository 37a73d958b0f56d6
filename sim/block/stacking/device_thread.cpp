#include "sim/block/stacking/device_thread.hpp"

namespace wbsim::block {

DeviceThread::DeviceThread(engine::Machine& machine, const std::string& name, int pid,
                           ThreadWork work)
    : work_{work}, thread_{machine, name, pid}, io_{thread_} {
  machine.simulator().spawn(name, run(*this));
}

engine::Task<> DeviceThread::run(DeviceThread& self) {
  co_await self.thread_.begin();
  while (true) {
    if (!self.woken_) {
      co_await self.thread_.block();
      co_await self.thread_.run(self.thread_.costs().kblockd_hop);
      continue;
    }
    self.woken_ = false;
    co_await self.work_.fn(self.work_.owner, self.io_);
    co_await self.thread_.cond_resched();
  }
}

}  // namespace wbsim::block
