#include "sim/block/elevators/bfq/queueing.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

// 33 looks with more than three requests to do; more than three in the driver make it queue.
Queueing detected(int in_driver, int looks, int queued = 10) {
  Parts parts;
  QueueingDetector detector{parts.state};
  parts.state.in_driver = in_driver;
  parts.state.queued = queued;
  for (int i = 0; i < looks; ++i) {
    detector.before_completion();
  }
  return parts.state.queueing;
}

TEST(QueueingDetector, DecidesAfter33Samples) {
  EXPECT_EQ(detected(4, 32), Queueing::kUnknown);
  EXPECT_EQ(detected(4, 33), Queueing::kYes);
  EXPECT_EQ(detected(3, 33), Queueing::kNo);
}

TEST(QueueingDetector, DoesNotCountTimesWithLittleToDo) {
  EXPECT_EQ(detected(1, 100, 2), Queueing::kUnknown);
}

TEST(QueueingDetector, NorAQueueInServiceThatMayJustBeWaitedFor) {
  Parts parts;
  QueueingDetector detector{parts.state};
  parts.state.in_driver = 2;
  parts.state.queued = 10;
  Queue& queue = parts.queue();
  parts.state.in_service = &queue;
  for (int i = 0; i < 40; ++i) {
    detector.before_completion();
  }
  EXPECT_EQ(parts.state.queueing, Queueing::kUnknown);
  queue.short_think_time = false;
  for (int i = 0; i < 33; ++i) {
    detector.before_completion();
  }
  EXPECT_EQ(parts.state.queueing, Queueing::kNo);
}

TEST(QueueingDetector, NeverDoubtsAQueueingDeviceAgain) {
  Parts parts;
  QueueingDetector detector{parts.state};
  parts.state.queued = 10;
  parts.state.in_driver = 4;
  for (int i = 0; i < 33; ++i) {
    detector.before_completion();
  }
  parts.state.in_driver = 1;
  for (int i = 0; i < 100; ++i) {
    detector.before_completion();
  }
  EXPECT_EQ(parts.state.queueing, Queueing::kYes);
}

TEST(QueueingDetector, LooksAnewAtTheDepthAfterEachDecision) {
  Parts parts;
  QueueingDetector detector{parts.state};
  parts.state.in_driver = 3;
  parts.state.queued = 10;
  for (int i = 0; i < 33; ++i) {
    EXPECT_EQ(parts.state.in_driver_max, i == 0 ? 0 : 3);
    detector.before_completion();
  }
  EXPECT_EQ(parts.state.in_driver_max, 0);
}

}  // namespace
}  // namespace wbsim::block::bfq
