// cfq of v3.6: what a request's arrival, completion or merge changes. The rig's tick is 4 ms;
// slice_idle and group_idle are 2 ticks, slices are 25.
#include <gtest/gtest.h>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"

namespace wbsim::block {
namespace {

// Arrivals.

TEST(CfqPriority, AChangedOneTakesEffectWhenARequestIsAskedFor) {
  SingleQueueRig rig;
  submit_many(rig, 1, 2);
  rig.task(1).priority = kIdlePriority;
  rig.submit(1, write(5 * kFar));  // is when it is noticed
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(rig.issue_all(), (Lines{"R 1000000+8"})) << "an idle queue has one in the device";
}

TEST(CfqOrder, ExpiryCountsFromTheArrival) {
  SingleQueueRig rig;
  rig.wait_ticks(100);
  rig.submit(1, read(1000));
  rig.submit(1, read(500));
  EXPECT_EQ(rig.issue(), "R 500+8");
}

TEST(CfqOrder, AsynchronousRequestsExpireLater) {
  for (const auto& [ticks, first] : {std::pair{61, "W 500+8"}, {62, "W 1000+8"}}) {
    SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
    rig.submit(1, write(1000));
    rig.submit(1, write(500));
    rig.wait_ticks(ticks);
    EXPECT_EQ(rig.issue(), first) << ticks;
  }
}

TEST(CfqOrder, TheExpiredOneIsLookedAtAgainInTheNextSlice) {
  SingleQueueRig rig;
  rig.submit(3, read(kFar + 500'000));
  ASSERT_NE(rig.serve(), "-");
  for (const int sector : {300'000, 200'000, 600'000, 600'016}) {
    rig.submit(1, read(kFar + sector));
  }
  rig.wait_ticks(31);
  ASSERT_EQ(rig.serve(), "R 1300000+8") << "expired";
  ASSERT_EQ(rig.serve(), "R 1600000+8") << "by its place";
  rig.wait_ticks(25);
  EXPECT_EQ(rig.issue(), "R 1200000+8") << "now the oldest";
}

TEST(CfqIdle, WhoIsNotWaitedForAsksForNoRun) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  rig.submit(1, read(kFar + 16, 16));
  EXPECT_EQ(rig.runs_asked(), 0);
}

TEST(CfqIdle, WhoComesInTimeIsNotWaitedForAnyLonger) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(2, read(2 * kFar));
  rig.submit(1, read(kFar + 16));
  EXPECT_EQ(rig.runs_asked(), 1);
  rig.submit(1, read(kFar + 32));
  EXPECT_EQ(rig.runs_asked(), 0) << "once";
  rig.async_runs_asked();
  rig.wait_ticks(2);
  EXPECT_EQ(rig.async_runs_asked(), 0) << "the timer does not run";
}

// Think time.

TEST(CfqThinkTime, TheTimeBeforeAWriteDoesNotCount) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(10);
  submit_many(rig, 1, 4, true, 1000);
  ASSERT_EQ(rig.serve_all().size(), 4U);
  rig.submit(3, read(3 * kFar));
  ASSERT_EQ(rig.serve(), "R 3000000+8");
  rig.wait_ticks(3);
  rig.submit(1, read(kFar + 16));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000016+8");
  EXPECT_EQ(rig.issue(), "-") << "two samples say nothing yet";
}

TEST(CfqThinkTime, OfSeekingTasksAllTogetherDecidesWhetherTheLastIsWaitedFor) {
  for (const auto& [ticks, waits] : {std::pair{1, true}, {3, false}}) {
    SingleQueueRig rig;
    for (int i = 0; i < 16; ++i) {
      rig.submit(1, read(kFar + i * 10'000));
      ASSERT_NE(rig.serve(), "-");
      // In between a pause, which counts as 4 ticks; what follows is in the tree of seeking ones.
      rig.wait_ticks(i == 6 ? 200 : ticks);
    }
    rig.submit(1, read(kFar, 16));  // large, so that no timer is left from before
    rig.submit(2, write(2 * kFar));
    ASSERT_EQ(rig.serve(), "R 1000000+16");
    EXPECT_EQ(rig.issue() == "-", waits) << ticks;
  }
}

TEST(CfqThinkTime, CountsForTheTreeInWhichTheQueueIs) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_NE(rig.serve(), "-");
  rig.wait_ticks(200);
  // From the sixth on it has no idle window, but is where it was until its slice ends.
  for (int i = 1; i < 15; ++i) {
    rig.submit(1, read(kFar + i * 10'000));
    ASSERT_NE(rig.serve(), "-");
    rig.wait_ticks(1);
  }
  rig.submit(1, read(kFar, 16));
  rig.submit(2, write(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+16");
  EXPECT_EQ(rig.issue(), "-") << "as the last one there";
}

// The only queue's slice is used, it has one request in the device and one that waits.
std::string after_used_slice(SingleQueueRig& rig) {
  submit_many(rig, 1, 3, false, 1000);
  EXPECT_NE(rig.serve(), "-");
  EXPECT_NE(rig.issue(), "-");
  rig.wait_ticks(25);
  return rig.issue();
}

TEST(CfqThinkTime, OfTheGroupDecidesWhetherItIsWaitedForBeyondASlice) {
  for (const auto& [ticks, waits] : {std::pair{1, true}, {3, false}}) {
    SingleQueueRig rig;
    rig.submit(1, read(kFar));
    ASSERT_NE(rig.serve(), "-");
    rig.wait_ticks(200);
    read_along(rig, 1, 16, ticks);
    EXPECT_EQ(after_used_slice(rig) == "-", waits) << ticks;
  }
}

TEST(CfqGroupWait, IsOffWithoutGroupIdle) {
  SingleQueueRig waits;
  EXPECT_EQ(after_used_slice(waits), "-");
  SingleQueueRig rig{{.tunables = {{"group_idle", 0}}}};
  read_along(rig, 1, 10, 0);
  EXPECT_EQ(after_used_slice(rig), "R 1016032+8");
}

// Completions.

TEST(CfqCompletion, OfTheLastRequestInTheDriverRunsTheQueue) {
  SingleQueueRig rig;
  submit_many(rig, 1, 3);
  ASSERT_EQ(rig.issue_all(2).size(), 2U);
  rig.complete_oldest();
  EXPECT_EQ(rig.async_runs_asked(), 0);
  rig.complete_oldest();
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

TEST(CfqCompletion, WhatWasGivenBackIsCountedOnce) {
  SingleQueueRig rig;
  submit_many(rig, 1, 2);
  Request* request = rig.fetch();
  rig.elevator().deactivate_request(*request);
  rig.elevator().activate_request(*request);
  rig.complete(*request);
  EXPECT_EQ(rig.async_runs_asked(), 1) << "the driver is empty";
}

TEST(CfqCompletion, RunsTheQueueOnlyWhereSomebodyIsBusy) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.async_runs_asked();
  rig.wait_ticks(3);
  EXPECT_EQ(rig.async_runs_asked(), 0) << "the timer found nobody else";
}

TEST(CfqCompletion, OfAQueueThatIsNotActiveStartsNoWait) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  rig.task(2).priority = kRealTimePriority;
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.issue(), "R 2000000+8");
  rig.complete_oldest();
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

TEST(CfqCompletion, OfAnAsynchronousQueueStartsNoWait) {
  SingleQueueRig rig;
  rig.submit(1, write(kFar));
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.may_queue(1, write(0)), MayQueue::kMay);
}

TEST(CfqCompletion, StartsNoWaitWhereACloseTaskCanBeServed) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

TEST(CfqCompletion, EndsTheSliceOfAnIdleQueue) {
  SingleQueueRig rig;
  rig.task(1).priority = kIdlePriority;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.async_runs_asked(), 0) << "not busy any more";
}

// Who has been served for longer than a slice and has more, when a real-time task comes.
TEST(CfqCompletion, EndsASliceThatIsUsed) {
  SingleQueueRig rig;
  submit_many(rig, 1, 3);
  rig.serve();
  rig.serve(milliseconds(4) * 25);
  rig.task(2).priority = kRealTimePriority;
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 0) << "nobody is there to be preempted";
}

TEST(CfqCompletion, WhatASliceHasOverrunKeepsTheQueueBack) {
  SingleQueueRig rig;
  submit_many(rig, 1, 3);
  rig.serve();
  rig.serve(milliseconds(4) * 26);
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.issue(), "R 2000000+8") << "task 1 is due a tick later";
}

// Merging.

TEST(CfqMerge, InFrontOfARequestThatIsNotTheLastOne) {
  SingleQueueRig rig;
  rig.submit(2, read(2 * kFar));
  rig.submit(1, read(kFar));
  EXPECT_EQ(rig.merge(1, read(kFar - 8)), MergeKind::kFront);
}

TEST(CfqMerge, InFrontMayMakeARequestTheNext) {
  SingleQueueRig rig;
  rig.submit(1, read(9992));
  ASSERT_EQ(rig.serve(), "R 9992+8");
  rig.submit(1, read(10'200));
  rig.submit(1, read(9910));  // 90 back, as 180 ahead
  ASSERT_EQ(rig.merge(1, read(10'170, 30)), MergeKind::kFront);
  EXPECT_EQ(rig.issue(), "R 10170+38");
}

TEST(CfqMerge, InFrontLeavesTheQueueEmptyOnceThatIsServed) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.merge(1, read(kFar - 8)), MergeKind::kFront);
  ASSERT_EQ(rig.serve(), "R 999992+16");
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.issue(), "-") << "task 1 is waited for";
}

TEST(CfqMerge, OfTwoRequestsGivesTheYoungerOneThePlaceOfTheOlder) {
  SingleQueueRig rig;
  rig.wait_ticks(100);
  rig.submit(1, read(1008));
  rig.wait_ticks(20);
  rig.submit(1, read(500));
  rig.submit(1, read(992));
  ASSERT_NE(rig.merge(1, read(1000)), MergeKind::kNone) << "and joins the two";
  rig.wait_ticks(11);
  EXPECT_EQ(rig.issue(), "R 992+24") << "before what came in between";
}

TEST(CfqMerge, OfTwoRequestsLeavesTheOlderOneWhereItIs) {
  SingleQueueRig rig;
  rig.wait_ticks(100);
  rig.submit(1, read(992));
  rig.wait_ticks(20);
  rig.submit(1, read(500));
  rig.submit(1, read(1008));
  ASSERT_NE(rig.merge(1, read(1000)), MergeKind::kNone);
  rig.wait_ticks(11);
  EXPECT_EQ(rig.issue(), "R 992+24");
}

TEST(CfqMerge, TheOneThatIsLeftIsNextWhereTheOtherWas) {
  SingleQueueRig rig;
  rig.submit(1, read(996));
  ASSERT_EQ(rig.serve(), "R 996+8");
  rig.submit(1, read(992));
  rig.submit(1, read(1012));  // 8 ahead; the next
  rig.submit(1, read(1030));
  ASSERT_EQ(rig.merge(1, read(1000, 12)), MergeKind::kBack);
  EXPECT_EQ(rig.issue(), "R 992+28");
}

// Whether the device queues, as seen by what it is given: without heads, so that waiting shows
// that it was found not to.

// Whether task 8 is waited for, with task 9 there.
bool waits(SingleQueueRig& rig) {
  for (int i = 0; i < 3; ++i) {
    rig.serve_all();
    rig.wait_ticks(30);
  }
  rig.submit(8, read(8 * kFar, 64));
  rig.submit(9, read(9 * kFar, 64));
  EXPECT_EQ(rig.serve().substr(2), "8000000+64");
  return rig.issue() == "-";
}

TEST(CfqHwTag, FewerThanFiveInTheDriverUnderLoadAreNoQueueing) {
  for (const auto& [depth, found] : {std::pair{4, true}, {5, false}}) {
    SingleQueueRig rig{{.rotational = false}};
    for (int i = 0; i < 70; ++i) {
      rig.submit(1, read(kFar + i * 100, 64));
    }
    ASSERT_EQ(rig.issue_all(depth).size(), static_cast<std::size_t>(depth));
    for (int i = 0; i < 52; ++i) {
      rig.complete_oldest();
      ASSERT_NE(rig.issue(), "-");
    }
    rig.complete_all();
    EXPECT_EQ(waits(rig), found) << depth;
  }
}

TEST(CfqHwTag, WithoutLoadNothingIsFound) {
  SingleQueueRig rig{{.rotational = false}};
  for (int i = 0; i < 60; ++i) {
    rig.submit(1, read(kFar + i * 100));  // small, so that nobody would be idled for
    ASSERT_NE(rig.serve(), "-");
  }
  EXPECT_FALSE(waits(rig));
}

TEST(CfqHwTag, WhileAQueueOfFewRequestsIsServedNothingIsFound) {
  SingleQueueRig rig{{.rotational = false}};
  for (int round = 0; round < 20; ++round) {
    for (const int id : {1, 2, 3, 4}) {
      for (int i = 0; i < 3; ++i) {
        rig.submit(id, read(id * kFar + (round * 3 + i) * 100, 64));
      }
    }
    ASSERT_EQ(rig.serve_all().size(), 12U);
  }
  EXPECT_FALSE(waits(rig));
}

TEST(CfqHwTag, RequestsInTheDeviceCountAmongThoseOfTheQueue) {
  SingleQueueRig rig{{.rotational = false}};
  int next = 0;
  const auto submit = [&] { rig.submit(1, read(kFar + 100 * next++, 64)); };
  for (int i = 0; i < 5; ++i) {
    submit();
  }
  for (int i = 0; i < 8; ++i) {
    rig.submit(2, read(2 * kFar + i * 100, 64));
  }
  ASSERT_EQ(rig.issue_all(4).size(), 4U);
  for (int i = 0; i < 55; ++i) {  // four in the device, one that waits
    rig.complete_oldest();
    submit();
    ASSERT_EQ(rig.issue().substr(2, 1), "1");
  }
  rig.complete_all();
  EXPECT_TRUE(waits(rig));
}

}  // namespace
}  // namespace wbsim::block
