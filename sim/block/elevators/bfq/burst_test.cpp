#include "sim/block/elevators/bfq/burst.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

TEST(Burst, TheEighthQueueMakesItLarge) {
  Parts parts;
  Bursts bursts{parts.state};
  std::vector<Queue*> queues;
  for (int i = 0; i < 9; ++i) {
    queues.push_back(&parts.queue());
    bursts.first_request_of(*queues.back());
    EXPECT_EQ(queues.front()->in_large_burst, i >= 7) << i;
    parts.advance(milliseconds(20));
  }
  for (const Queue* queue : queues) {
    EXPECT_TRUE(queue->in_large_burst);
  }
}

TEST(Burst, EndsAfter180Milliseconds) {
  for (const SimDuration gap : {milliseconds(180), milliseconds(184)}) {
    Parts parts;
    Bursts bursts{parts.state};
    std::vector<Queue*> queues;
    for (int i = 0; i < 8; ++i) {
      queues.push_back(&parts.queue());
      bursts.first_request_of(*queues.back());
      parts.advance(gap);
    }
    EXPECT_EQ(queues.back()->in_large_burst, gap == milliseconds(180));
  }
}

TEST(Burst, DoesNotBeginWhileQueuesAreBusy) {
  Parts parts;
  Bursts bursts{parts.state};
  parts.state.busy = {0, 1, 0};
  std::vector<Queue*> queues;
  for (int i = 0; i < 12; ++i) {
    queues.push_back(&parts.queue());
    bursts.first_request_of(*queues.back());
  }
  EXPECT_FALSE(queues.back()->in_large_burst);
}

TEST(Burst, IsForgottenByAQueueThatHadNothingToDoForTenSeconds) {
  Parts parts;
  Bursts bursts{parts.state};
  Queue& queue = parts.queue();
  queue.in_large_burst = true;
  queue.budget_timeout = parts.clock.jiffies();
  parts.advance(seconds(10));
  bursts.becomes_busy(queue, true);
  EXPECT_TRUE(queue.in_large_burst);
  parts.advance(milliseconds(4));
  bursts.becomes_busy(queue, false);
  EXPECT_TRUE(queue.in_large_burst);
  bursts.becomes_busy(queue, true);
  EXPECT_FALSE(queue.in_large_burst);
}

TEST(Burst, AProcessThatEndsDoesNotCount) {
  Parts parts;
  Bursts bursts{parts.state};
  Process process;
  Queue& gone = parts.queue();
  gone.owner = &process;
  bursts.first_request_of(gone);
  bursts.unused(gone);
  Queue* last = nullptr;
  for (int i = 0; i < 7; ++i) {
    last = &parts.queue();
    bursts.first_request_of(*last);
  }
  EXPECT_FALSE(last->in_large_burst);
}

}  // namespace
}  // namespace wbsim::block::bfq
