// Threads of devices on top of others: mdX_raidN, md's and dm's workers.
#pragma once

#include <string>

#include "sim/block/plug.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

// What a thread does when it has been woken: all there is to do.
struct ThreadWork {
  engine::Task<> (*fn)(void* owner, TaskIo& io);
  void* owner;
};

// thread_work<&Raid1::raid1d>(*this)
template <auto Member, class Owner>
ThreadWork thread_work(Owner& owner) {
  return {[](void* self, TaskIo& io) { return (static_cast<Owner*>(self)->*Member)(io); }, &owner};
}

// Models: md_thread(), drivers/md/md.c, and a worker of a workqueue of one work item.
class DeviceThread {
 public:
  // The owner of the work outlives the run.
  DeviceThread(engine::Machine& machine, const std::string& name, int pid, ThreadWork work);

  // A wake-up during the work makes it start again.
  void wake() {
    woken_ = true;
    thread_.wake();
  }
  // For threads that sleep within their work.
  [[nodiscard]] engine::Thread& thread() { return thread_; }

 private:
  static engine::Task<> run(DeviceThread& self);

  ThreadWork work_;
  bool woken_ = false;
  engine::Thread thread_;
  TaskIo io_;
};

}  // namespace wbsim::block
