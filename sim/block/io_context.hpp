// What the block layer and its elevators know of the task behind a bio.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/block/bio.hpp"

namespace wbsim::block {

// Told when a task ends; elevators wait for nobody who is gone.
class IoContextUser {
 public:
  virtual void io_context_exits(const IoContext& context) = 0;

 protected:
  ~IoContextUser() = default;
};

// Models: struct io_context. One per task, made with it and kept until the
// machine is gone, so that a request may point to the context of a task that has ended.
struct IoContext {
  explicit IoContext(int own_id) : id{own_id} {}
  IoContext(const IoContext&) = delete;
  IoContext& operator=(const IoContext&) = delete;

  // What elevators number their state of a task by; the pid of its thread.
  int id;
  IoPriority priority;  // ioprio_set(); kNone: follows from `nice`
  std::int8_t nice = 0;
  int cgroup = 0;  // number of the control group that the task is in; 0: the root
  bool exited = false;
  // has_fs_excl(): it holds a lock that keeps others from the file system (v2.6.18).
  bool fs_exclusive = false;

  // Allocation of requests by a task that was made to wait (ioc_set_batching()).
  int batch_requests = 0;         // nr_batch_requests: how many more it may take
  std::uint64_t last_waited = 0;  // jiffies

  // Every queue that has seen the task, so that it learns of its end.
  std::vector<IoContextUser*> users;
  void add_user(IoContextUser& user) {
    if (!users.empty() && users.front() == &user) {
      return;  // most tasks write to one device
    }
    if (std::find(users.begin(), users.end(), &user) == users.end()) {
      users.push_back(&user);
    }
  }
  // exit_io_context().
  void exit() {
    exited = true;
    for (IoContextUser* user : users) {
      user->io_context_exits(*this);
    }
  }
};

}  // namespace wbsim::block
