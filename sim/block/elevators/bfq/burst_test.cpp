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

// As many queues as are asked for, one after another.
std::vector<Queue*> burst_of(Parts& parts, Bursts& bursts, int count) {
  std::vector<Queue*> queues;
  for (int i = 0; i < count; ++i) {
    queues.push_back(&parts.queue());
    bursts.first_request_of(*queues.back());
  }
  return queues;
}

TEST(Burst, TheNextOneIsSmallAndEmptyAgain) {
  Parts parts;
  Bursts bursts{parts.state};
  const std::vector<Queue*> small = burst_of(parts, bursts, 3);
  parts.advance(milliseconds(200));
  EXPECT_TRUE(burst_of(parts, bursts, 8).front()->in_large_burst);
  EXPECT_FALSE(small.front()->in_large_burst) << "that was another one";
  parts.advance(milliseconds(200));
  EXPECT_FALSE(burst_of(parts, bursts, 7).back()->in_large_burst);
}

TEST(Burst, AQueueThatWasJustSplitOffIsNotCounted) {
  Parts parts;
  Bursts bursts{parts.state};
  parts.advance(milliseconds(100));
  burst_of(parts, bursts, 7);
  Queue& split = parts.queue();
  split.split_time = parts.clock.jiffies() - 3;
  bursts.first_request_of(split);
  EXPECT_FALSE(split.in_large_burst);
  split.split_time -= 1;  // more than 10 ms ago
  bursts.first_request_of(split);
  EXPECT_TRUE(split.in_large_burst);
}

TEST(Burst, IsOfOneGroup) {
  Parts parts;
  Bursts bursts{parts.state};
  burst_of(parts, bursts, 7);
  Entity group;
  Queue& other = parts.queue();
  other.parent = &group;
  bursts.first_request_of(other);
  EXPECT_FALSE(other.in_large_burst);
}

TEST(Burst, HoldsAgainForAQueueThatWasSplitOff) {
  Parts parts;
  Bursts bursts{parts.state};
  Queue& queue = parts.queue();
  SavedState in_large;
  in_large.in_large_burst = true;
  bursts.restore(queue, in_large);
  EXPECT_TRUE(queue.in_large_burst);
  burst_of(parts, bursts, 7);
  SavedState in_some;
  in_some.was_in_burst = true;
  bursts.restore(queue, in_some);
  EXPECT_FALSE(queue.in_large_burst);
  burst_of(parts, bursts, 1);
  EXPECT_TRUE(queue.in_large_burst) << "it is part of the burst that became large";
  Queue& later = parts.queue();
  bursts.restore(later, in_some);
  EXPECT_TRUE(later.in_large_burst);
}

}  // namespace
}  // namespace wbsim::block::bfq
