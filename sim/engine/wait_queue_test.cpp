#include "sim/engine/wait_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sim/engine/cpu_test_util.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::engine {
namespace {

struct Waiting {
  Waiting(Machine& machine, WaitQueue& wait_queue, std::vector<int>& woken_list, int number)
      : thread{machine, "waiter", number}, queue{wait_queue}, woken{woken_list} {}
  Thread thread;
  WaitQueue& queue;
  std::vector<int>& woken;
};

Task<> wait_in(Waiting& waiting) {
  co_await waiting.thread.begin();
  co_await waiting.queue.wait(waiting.thread);
  waiting.woken.push_back(waiting.thread.name().pid);
  co_await waiting.thread.exit();
}

class WaitQueueTest : public ::testing::Test {
 protected:
  WaitQueueTest() {
    for (int i = 0; i < 4; ++i) {
      waiters_.push_back(std::make_unique<Waiting>(machine_, queue_, woken_, i));
      sim_.spawn("waiter", wait_in(*waiters_.back()));
    }
    settle();
  }
  ~WaitQueueTest() override { sim_.destroy_processes(); }
  void settle() { sim_.run(sim_.now()); }

  Simulator sim_;
  Machine machine_{sim_, 1, Jiffies{250, 0, {}}, zero_costs()};
  WaitQueue queue_;
  std::vector<int> woken_;
  std::vector<std::unique_ptr<Waiting>> waiters_;
};

TEST_F(WaitQueueTest, WakesTheOldestFirstAndNoMoreThanAsked) {
  EXPECT_EQ(queue_.wake(2), 2U);
  EXPECT_TRUE(woken_.empty()) << "never inside the call";
  settle();
  EXPECT_EQ(woken_, (std::vector<int>{0, 1}));
  EXPECT_TRUE(queue_.has_waiters());
  EXPECT_EQ(queue_.wake(10), 2U);
  settle();
  EXPECT_EQ(woken_, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_FALSE(queue_.has_waiters());
}

// A flusher that sleeps for a tag is also woken by new work. Were it still in the queue, the next
// wake-up would be lost on it.
TEST_F(WaitQueueTest, WhoWasWokenFromElsewhereUsesUpNoWakeUp) {
  waiters_[0]->thread.wake();
  EXPECT_EQ(queue_.wake(1), 1U) << "passed over before it has run";
  settle();
  EXPECT_EQ(woken_, (std::vector<int>{0, 1}));
  waiters_[2]->thread.wake();
  settle();
  EXPECT_EQ(queue_.wake(1), 1U) << "gone from the queue after it has run";
  settle();
  EXPECT_EQ(woken_, (std::vector<int>{0, 1, 2, 3}));
}

// A task that flushes its plug on its way to sleep may end by that what it is going to wait for.
TEST_F(WaitQueueTest, WhoIsAboutToSleepIsWoken) {
  queue_.wake(4);
  settle();
  woken_.clear();
  Waiting late{machine_, queue_, woken_, 7};
  std::size_t woken = 0;
  struct Context {
    WaitQueue& queue;
    std::size_t& woken;
  } context{queue_, woken};
  late.thread.set_sleep_hook({[](void* at) {
                                auto& its = *static_cast<Context*>(at);
                                its.woken += its.queue.wake(1) + its.queue.wake(1);
                                return SimDuration{};
                              },
                              &context});
  sim_.spawn("waiter", wait_in(late));
  settle();
  EXPECT_EQ(woken, 1U) << "and once only";
  EXPECT_EQ(woken_, (std::vector<int>{7}));
}

TEST_F(WaitQueueTest, ADestroyedWaiterLeavesTheQueue) {
  sim_.destroy_processes();
  EXPECT_FALSE(queue_.has_waiters());
  EXPECT_EQ(queue_.wake(4), 0U);
}

}  // namespace
}  // namespace wbsim::engine
