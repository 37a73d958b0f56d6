// cfq of v3.6: which queue is served, for how long, and how much it gives. The rig's tick is 4 ms;
// slice_idle and group_idle are 2 ticks, slices are 25.
#include <gtest/gtest.h>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"

namespace wbsim::block {
namespace {

// Task `id` becomes a seeking one, and is not waited for any more.
void make_seeking(SingleQueueRig& rig, int id) {
  for (int i = 0; i < 6; ++i) {
    rig.submit(id, read(id * kFar + i * 10'000));
    if (i % 3 == 2) {
      rig.serve_all();
    }
  }
  rig.wait_ticks(3);
}

// The active queue.

TEST(CfqSelect, WithNothingQueuedTheActiveQueueStays) {
  SingleQueueRig rig{{.rotational = false}};
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 1) << "preempts it";
}

TEST(CfqSelect, ASliceThatIsUsedEndsThoughThereAreMoreRequests) {
  SingleQueueRig rig;
  submit_many(rig, 1, 2);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(25);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqSelect, AUsedSliceOfOneAmongOthersEndsThoughItHasRequestsInTheDevice) {
  SingleQueueRig rig;
  submit_many(rig, 1, 2);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue(), "R 1000016+8");
  rig.wait_ticks(25);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqSelect, AUsedSliceOfTheOnlyQueueIsFollowedByAnotherOne) {
  SingleQueueRig rig{{.tunables = {{"group_idle", 0}}}};
  submit_many(rig, 1, 3);
  ASSERT_EQ(rig.issue_all(2).size(), 2U);
  rig.complete_oldest();
  rig.wait_ticks(25);
  EXPECT_EQ(rig.issue(), "R 1000032+8") << "with a request in the device";
}

TEST(CfqSelect, WhoIsServedFirstInASliceIsWaitedFor) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 16));
  ASSERT_EQ(rig.serve_all().size(), 2U);
  rig.wait_ticks(3);
  rig.submit(1, read(kFar + 32));
  rig.submit(2, read(kFar + 48));  // in one queue by now
  rig.submit(3, read(3 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000032+8");
  Request* second = rig.fetch();
  ASSERT_EQ(text_of(*second), "R 1000048+8");
  rig.task(1).exited = true;
  rig.complete(*second);
  EXPECT_EQ(rig.issue(), "R 3000000+8") << "task 2 would be waited for";
}

TEST(CfqSelect, WhoWasWaitedForInTheSliceBeforeIsForgotten) {
  SingleQueueRig rig;
  for (const int id : {1, 2, 3}) {
    submit_many(rig, id, 1);
  }
  Request* first = rig.fetch();
  rig.end_task(1);
  rig.complete(*first);
  ASSERT_EQ(rig.serve(), "R 2000000+8");
  EXPECT_EQ(rig.issue(), "-") << "task 2 has not ended";
}

TEST(CfqSelect, ADeepSeekingQueueLosesItsWindowBeforeItsSliceHasBegun) {
  SingleQueueRig rig;
  make_seeking(rig, 3);
  for (int i = 1; i <= 6; ++i) {
    rig.submit(1, read(kFar + i * 10'000));
  }
  ASSERT_EQ(rig.issue_all().size(), 6U);
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.issue(), "R 2000000+8");
  rig.complete_all();
  rig.wait_ticks(3);
  // Nor has it with few requests from then on: it is not deep any more.
  rig.submit(1, read(kFar + 200'000));
  rig.submit(3, read(3 * kFar + 200'000));
  ASSERT_EQ(rig.serve(), "R 1200000+8");
  EXPECT_EQ(rig.issue(), "R 3200000+8");
}

TEST(CfqSelect, ADeepSeekingQueueLosesItsWindowInTheFirstHalfOfItsSlice) {
  for (const auto& [ticks, waits] : {std::pair{11, false}, {12, true}}) {
    SingleQueueRig rig{{.tunables = {{"group_idle", 0}, {"slice_sync", 96}, {"low_latency", 0}}}};
    rig.wait_ticks(100);
    for (int i = 1; i <= 5; ++i) {
      rig.submit(1, read(kFar + i * 10'000));
      rig.submit(3, read(3 * kFar + i * 10'000));
    }
    rig.submit(1, read(kFar + 60'000));
    ASSERT_EQ(rig.issue_all().size(), 4U);
    rig.complete_oldest();
    rig.complete_oldest();
    rig.wait_ticks(ticks);
    ASSERT_EQ(rig.issue().substr(2, 1), "1");
    ASSERT_EQ(rig.issue().substr(2, 1), "1");
    EXPECT_EQ(rig.issue() == "-", waits) << ticks << " of 24";
  }
}

TEST(CfqSelect, ADeepQueueThatIsWaitedForInVainIsNotDeepAnyMore) {
  SingleQueueRig rig;
  make_seeking(rig, 3);
  for (int i = 1; i <= 6; ++i) {
    rig.submit(1, read(kFar + i * 10'000));
  }
  ASSERT_EQ(rig.serve_all().size(), 6U);
  rig.wait_ticks(3);
  rig.submit(1, read(kFar + 200'000));  // loses its window
  ASSERT_EQ(rig.serve(), "R 1200000+8");
  rig.wait_ticks(3);
  rig.submit(1, read(kFar + 300'000));
  rig.submit(3, read(3 * kFar + 200'000));
  ASSERT_EQ(rig.serve(), "R 1300000+8");
  EXPECT_EQ(rig.issue(), "R 3200000+8");
}

// The only queue at the end of its slice.

class CfqWaitBusyTest : public ::testing::Test {
 protected:
  // Task 1 runs empty `ticks` after its slice has begun.
  static void run_empty(SingleQueueRig& rig, int ticks) {
    submit_many(rig, 1, 2, false, 100);
    ASSERT_NE(rig.serve(), "-");
    ASSERT_NE(rig.serve(milliseconds(4) * ticks), "-");
    rig.runs_asked();
  }
  SingleQueueRig rig_;
};

TEST_F(CfqWaitBusyTest, IsWaitedForAndThenHasANewSlice) {
  run_empty(rig_, 25);
  EXPECT_EQ(rig_.may_queue(1, read(0)), MayQueue::kMust);
  rig_.submit(1, read(kFar, 16));
  ASSERT_EQ(rig_.serve(), "R 1000000+16");
  EXPECT_EQ(rig_.may_queue(1, read(0)), MayQueue::kMust) << "once in each slice";
  rig_.submit(1, read(kFar + 100, 16));
  ASSERT_EQ(rig_.serve(), "R 1000100+16");
  EXPECT_EQ(rig_.may_queue(1, read(0)), MayQueue::kMay) << "the new one goes on";
}

TEST_F(CfqWaitBusyTest, KeepsOthersWaiting) {
  run_empty(rig_, 25);
  rig_.wait_ticks(1);
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.runs_asked(), 0) << "for slice_idle";
  EXPECT_EQ(rig_.issue(), "-");
}

TEST_F(CfqWaitBusyTest, CountsASliceThatIsAllButUsed) {
  run_empty(rig_, 24);
  rig_.wait_ticks(1);
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.runs_asked(), 0) << "two ticks from then";
}

TEST_F(CfqWaitBusyTest, IsForGroupIdleWithoutSliceIdle) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}}}};
  run_empty(rig, 25);
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMust);
}

TEST_F(CfqWaitBusyTest, IsNotForOneAmongOthers) {
  submit_many(rig_, 1, 2);
  submit_many(rig_, 2, 1);
  rig_.serve();
  rig_.serve(milliseconds(4) * 25);
  EXPECT_EQ(rig_.issue(), "R 2000000+8");
}

TEST_F(CfqWaitBusyTest, IsNotForAGroupThatThinksForLong) {
  read_along(rig_, 1, 5, 3);
  run_empty(rig_, 25);
  rig_.task(2).priority = kRealTimePriority;
  rig_.submit(2, read(2 * kFar));
  EXPECT_EQ(rig_.runs_asked(), 0) << "nobody is there to be preempted";
}

TEST_F(CfqWaitBusyTest, CountsASliceThatEndsBeforeTheTaskHasThought) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 20}, {"group_idle", 20}}}};
  read_along(rig, 1, 5, 4);
  rig.submit(1, read(kFar + 1000, 16));
  ASSERT_NE(rig.serve(milliseconds(8)), "-") << "3 of 25 ticks are left, it thinks for 4";
  rig.wait_ticks(3);
  rig.runs_asked();
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 0) << "its slice goes on";
}

// Close queues.

TEST(CfqClose, IsJudgedByTheRequestThatIsNext) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  rig.submit(3, read(kFar + 50'000));  // between the head and there
  rig.submit(2, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "R 1000016+8");
}

TEST(CfqClose, IsJudgedAnewAtTheEndOfASlice) {
  SingleQueueRig rig;
  rig.submit(2, read(2 * kFar));
  rig.submit(2, read(2 * kFar + 500'000));
  rig.submit(3, read(2 * kFar + 300'000));  // between the old place and the head
  ASSERT_EQ(rig.serve(), "R 2000000+8");
  rig.wait_ticks(25);
  rig.submit(1, read(2 * kFar + 500'100));
  ASSERT_EQ(rig.serve(), "R 2500100+8");
  EXPECT_EQ(rig.issue(), "R 2500000+8");
}

TEST(CfqClose, WithoutHeadsATaskOfSmallRequestsIsASeekingOne) {
  SingleQueueRig rig{{.rotational = false}};
  for (int i = 0; i < 6; ++i) {
    rig.submit(2, read(2 * kFar + i * 8));
    ASSERT_NE(rig.serve(), "-");
  }
  rig.submit(1, read(kFar));
  rig.submit(3, read(3 * kFar));
  rig.submit(2, read(kFar + 16));
  EXPECT_EQ(rig.serve_all(), (Lines{"R 1000000+8", "R 3000000+8", "R 1000016+8"}));
}

TEST(CfqClose, AnAsynchronousQueueHasNone) {
  SingleQueueRig rig;
  rig.submit(3, write(kFar));
  rig.submit(2, read(2 * kFar));
  rig.submit(1, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqClose, AnAsynchronousQueueIsNone) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(1, write(kFar + 64));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqClose, ASeekingQueueHasNone) {
  SingleQueueRig rig;
  make_seeking(rig, 1);
  rig.submit(1, read(kFar));
  rig.submit(3, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqClose, AQueueOfAnotherLevelIsNone) {
  SingleQueueRig rig;
  rig.task(2).priority = level(6);
  rig.submit(2, read(kFar));
  rig.submit(1, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqClose, ASharedQueueThatDoesNotSeekStaysShared) {
  SingleQueueRig rig;
  for (int i = 0; i < 2; ++i) {
    rig.submit(1, read(kFar + 32 * i));
    rig.submit(2, read(kFar + 32 * i + 16));
    ASSERT_EQ(rig.serve_all().size(), 2U);
    rig.wait_ticks(3);
  }
  rig.submit(1, read(kFar + 96));
  rig.submit(2, read(kFar + 200));
  EXPECT_EQ(rig.merge(2, read(kFar + 104)), MergeKind::kBack);
}

TEST(CfqClose, WhatSoughtBeforeItWasSharedIsNotSplit) {
  SingleQueueRig rig;
  make_seeking(rig, 1);
  read_along(rig, 1, 33, 0);
  rig.wait_ticks(3);
  rig.submit(2, read(kFar + 33 * 8));
  rig.submit(1, read(kFar + 33 * 8 + 16));
  ASSERT_EQ(rig.serve_all().size(), 2U);
  rig.wait_ticks(3);
  rig.submit(2, read(kFar + 300));
  rig.submit(2, read(kFar + 340));
  rig.submit(1, read(kFar + 380));
  EXPECT_EQ(rig.merge(1, read(kFar + 348)), MergeKind::kBack) << "one queue still";
}

// How much at once.

TEST(CfqDispatch, IsOneRequestAtLeast) {
  SingleQueueRig rig{{.tunables = {{"quantum", 1}}}};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue(), "R 1000000+8");
}

TEST(CfqDispatch, OfAnAsynchronousQueueIsLimitedBesideASynchronousOne) {
  SingleQueueRig rig{{.tunables = {{"quantum", 1}}}};
  submit_many(rig, 1, 3, true);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue_all().size(), 1U);
  rig.complete_all();
  EXPECT_EQ(rig.issue_all().size(), 1U) << "whatever depth low_latency would allow";
}

TEST(CfqDispatch, IsMoreAsLongAsWhatIsInTheDeviceFitsTheSlice) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20);
  submit_many(rig, 2, 20);
  ASSERT_EQ(rig.issue_all().size(), 4U);
  rig.complete_oldest();
  ASSERT_EQ(rig.issue_all(2).size(), 2U);
  rig.wait_ticks(15);
  EXPECT_EQ(rig.issue_all().size(), 1U) << "15 + 5 * 2 is the end, 15 + 6 * 2 beyond";
}

TEST(CfqDispatch, IsHalfAQuantumOfASliceThatHasNotBegunFromTheFirstTickOn) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}}}};
  submit_many(rig, 1, 8);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue_all().size(), 4U);
}

TEST(CfqDispatch, OfIdleQueuesGoesOnToTheNextAtOnce) {
  SingleQueueRig rig;
  for (const int id : {1, 2}) {
    rig.task(id).priority = kIdlePriority;
    submit_many(rig, id, 2);
  }
  EXPECT_EQ(rig.issue_all(), (Lines{"R 1000000+8", "R 2000000+8"}));
}

TEST(CfqDispatch, CountsOnlySynchronousQueuesAsSuch) {
  SingleQueueRig rig;
  submit_many(rig, 1, 1, true);
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  submit_many(rig, 1, 20, false, 10);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue_all().size(), 4U) << "the asynchronous one that left was none";
}

TEST(CfqDispatch, OfAnIdleQueueDoesNotWaitForAsynchronousRequests) {
  SingleQueueRig rig{{.tunables = {{"group_idle", 0}}}};
  rig.task(2).priority = kIdlePriority;
  submit_many(rig, 1, 1, true);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue_all(), (Lines{"W 1000000+8", "R 2000000+8"}));
}

TEST(CfqDispatch, WithoutHeadsGoesOnToTheNextQueueAtOnce) {
  SingleQueueRig rig{{.rotational = false}};
  rig.submit(1, read(kFar, 64));
  rig.submit(2, read(2 * kFar, 64));
  EXPECT_EQ(rig.issue_all().size(), 2U);
}

TEST(CfqDispatch, ForcedTakesTheActiveQueueInItsNewPlace) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  rig.submit(1, direct_write(kFar + 500));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.drain(), (Lines{"R 2000000+8", "W 1000500+8"})) << "its slice is over";
}

// Turns.

TEST(CfqTurns, TheRestOfAWorkloadsTimeIsKept) {
  SingleQueueRig rig;
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  submit_many(rig, 9, 1, true);  // due after 35 ticks
  rig.wait_ticks(40);
  submit_many(rig, 1, 1, false, 1);  // due after 60
  EXPECT_EQ(rig.issue(), "R 1000016+8") << "synchronous ones have 75 ticks";
}

}  // namespace
}  // namespace wbsim::block
