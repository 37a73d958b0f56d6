// The requests of a single queue, and the tasks that wait for one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/block/congestion.hpp"
#include "sim/block/elevators/elevator.hpp"
#include "sim/block/io_context.hpp"
#include "sim/block/request.hpp"
#include "sim/block/request_classes.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/wait_queue.hpp"

namespace wbsim::block {

// Models: struct request_list, get_request() and freed_request(), v2.6.18 and v3.6. Properties:
//  1. Each class has nr_requests of its own. It is congested from nr_requests - nr_requests / 8 + 1
//     until fewer than nr_requests - nr_requests / 8 - nr_requests / 16 - 1 are in use.
//  2. Who takes the last one makes the class full and becomes a batcher: it may go on for 32
//     requests or HZ / 50, up to half as many again; all others wait. So does who was made to wait,
//     once it wakes up.
//  3. Waiters are exclusive: a freed request below the limit wakes one, and the class is not full
//     any more.
//  4. Each request that is freed while fewer than the second number are in use wakes who waits for
//     less congestion.
//  5. v2.6.18 counts a batcher's requests only near the limit, v3.6 all of them.
class RequestPool {
 public:
  // `congestion`: whom to tell; null for nobody.
  RequestPool(BlockQueue& owner, const engine::Machine& machine, int nr_requests,
              RequestClasses classes, Congestion* congestion = nullptr);

  [[nodiscard]] RequestClass class_of(const engine::RwbsFlags& flags) const;
  [[nodiscard]] bool congested(RequestClass which) const { return lists_[which].congested; }
  [[nodiscard]] bool full(RequestClass which) const { return lists_[which].full; }
  [[nodiscard]] int count(RequestClass which) const { return lists_[which].count; }
  [[nodiscard]] int allocated() const { return count(kReadOrSync) + count(kWriteOrAsync); }
  // Request::number is below it.
  [[nodiscard]] int numbers() const { return static_cast<int>(requests_.size()); }
  [[nodiscard]] const std::vector<std::unique_ptr<Request>>& requests() const { return requests_; }

  // A request of that class, or null where the task has to wait for one.
  Request* get(RequestClass which, IoContext& context, MayQueue may_queue);
  void put(Request& request);
  // Sleeps until a request may be had; the task is a batcher then. The caller found none now.
  engine::Task<> wait(engine::Thread& thread, IoContext& context, RequestClass which);

 private:
  struct List {
    int count = 0;
    bool congested = false;
    bool full = false;
    bool starved = false;  // the elevator refused a request where the class had none
    engine::WaitQueue waiters;
  };
  [[nodiscard]] bool is_batcher(const IoContext& context) const;
  void make_batcher(IoContext& context) const;
  void freed(RequestClass which);

  const engine::Machine& machine_;
  Congestion* congestion_;
  RequestClasses classes_;
  int nr_requests_;
  int congestion_on_;
  int congestion_off_;
  std::array<List, kRequestClasses> lists_;
  std::vector<std::unique_ptr<Request>> requests_;  // by number
  std::vector<Request*> free_;
};

}  // namespace wbsim::block
