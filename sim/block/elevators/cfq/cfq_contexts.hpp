// Which queue of cfq a task's requests go to.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/elevators/cfq/cfq_queue.hpp"
#include "sim/block/elevators/io_history.hpp"
#include "sim/block/io_context.hpp"

namespace wbsim::block {

// Models: struct cfq_io_cq, v3.6: what is known of one task.
struct CfqContext {
  CfqContext(const IoContext& own_owner, std::int64_t now) : owner{own_owner}, think_time{now} {}

  const IoContext& owner;
  std::array<CfqQueue*, kCfqSyncKinds> queues{};
  ThinkTime think_time;
  IoPriority priority;  // as last seen
};

// Told before the last reference to a queue is gone.
class CfqQueueUser {
 public:
  virtual void forget_queue(CfqQueue& queue) = 0;

 protected:
  ~CfqQueueUser() = default;
};

// Models: cfq_get_queue(), cfq_setup_merge(), cfq_merge_cfqqs(), split_cfqq() and cfq_put_queue(),
// v3.6. Rules:
//  1. A task has a synchronous queue of its own. Asynchronous requests of all tasks of one class
//     and level share a queue, which is kept for good.
//  2. Two synchronous queues that work close to each other become one: that with fewer processes
//     joins the other, each process with the next request that it allocates. Where one is already
//     bound for a third, that is joined.
//  3. A shared queue that has become a seeking one is split: each process gets a queue of its own
//     with its next request; the last one keeps the shared one.
//  4. A queue is freed with its last process and request.
class CfqContexts {
 public:
  explicit CfqContexts(CfqQueueUser& user) : user_{user} {}

  // Null for a task that has had no request yet.
  [[nodiscard]] CfqContext* find(const IoContext& owner) const;
  [[nodiscard]] CfqContext& get(const IoContext& owner, std::int64_t now);

  // cfq_set_request(): the queue for a request that is allocated, with one more reference to it.
  [[nodiscard]] CfqQueue& queue_for_request(CfqContext& context, CfqSync kind);
  void put_request(CfqQueue& queue);
  // cfq_init_prio_data(): a changed priority takes effect.
  static void update_priority(CfqQueue& queue, const CfqContext& context);

  // Both are to become one.
  static void plan_merge(CfqQueue& queue, CfqQueue& other);
  // cfq_exit_icq(): the task is gone.
  void exit(CfqContext& context);

 private:
  // Class and level with "none" resolved to what follows from nice 0.
  [[nodiscard]] static IoPriority effective(IoPriority priority);
  [[nodiscard]] CfqQueue*& shared_queue(IoPriority priority);
  [[nodiscard]] CfqQueue& get_queue(CfqContext& context, CfqSync kind);
  void note_priority(CfqContext& context);
  // True where the queue is still the context's own.
  bool split(CfqContext& context, CfqQueue& queue);
  void put_process(CfqQueue& queue);
  void put_merge_targets(CfqQueue& queue);
  void free_if_unused(CfqQueue& queue);

  CfqQueueUser& user_;
  SlabPool<CfqQueue> pool_;
  std::vector<std::unique_ptr<CfqContext>> contexts_;          // by IoContext::id
  std::array<std::array<CfqQueue*, kCfqLevels>, 2> shared_{};  // real time, best effort
  CfqQueue* shared_idle_ = nullptr;
};

}  // namespace wbsim::block
