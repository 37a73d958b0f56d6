// cfq of v2.6.18: queues and their priorities, order, merges. The rig's tick is 4 ms: slices are
// 25 ticks (reads) and 10 (writes), slice_idle is 2, quantum is 4 requests.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"

namespace wbsim::block {
namespace {

// How many requests task 1, who has 60, is given before task 2. A turn that is begun is given to
// the end.
std::size_t served_before_second(SingleQueueRig& rig) {
  submit_many(rig, 2, 1);
  return tasks_of(rig.serve_all(milliseconds(4), 60)).find('2');
}
std::size_t of_slice(int ticks) { return static_cast<std::size_t>((ticks + 4) / 4 * 4); }

// Queues of writes.

TEST(CfqRoundsShared, WritesOfAllIdleTasksShareAQueue) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  rig.task(2).priority = {IoClass::kIdle, 3};
  rig.submit(3, read(90'000));  // is the first that a merge is tried with
  rig.submit(1, write(5000));
  EXPECT_EQ(rig.merge(2, write(4992)), MergeKind::kFront);
}

TEST(CfqRoundsShared, WritesWithoutPriorityAreOfBestEffort) {
  SingleQueueRig rig{old_cfq()};
  rig.task(2).priority = level(4);
  rig.submit(3, read(90'000));
  rig.submit(1, write(5000));
  EXPECT_EQ(rig.merge(2, write(4992)), MergeKind::kFront);
}

TEST(CfqRoundsShared, WritesOfAnotherClassDoNot) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = level(4);
  rig.task(2).priority = kRealTimePriority;
  rig.submit(1, write(100));
  rig.submit(2, write(5000));
  EXPECT_EQ(rig.serve(), "W 5000+8");
}

TEST(CfqRoundsShared, AQueueKnowsItsPriorityBeforeItHasARequest) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, write(kFar));
  rig.task(1).priority = kIdlePriority;
  rig.submit(1, read(kFar + 100));  // moves task 1's writes to an idle queue
  rig.submit(2, write(2 * kFar));   // goes there too: it is the one made last
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.issue(), "-") << "idle ones wait for the grace period";
}

TEST(CfqRoundsShared, AChangedPriorityMovesWritesToAnotherQueue) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, write(100));
  rig.task(1).priority = kRealTimePriority;
  rig.submit(1, write(5000));
  EXPECT_EQ(rig.serve(), "W 5000+8");
}

TEST(CfqRoundsShared, TheQueueThatWasLeftIsGone) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, write(kFar));
  ASSERT_EQ(rig.serve(), "W 1000000+8");  // the active queue
  rig.task(1).priority = kRealTimePriority;
  rig.submit(1, read(kFar + 100));
  ASSERT_EQ(rig.serve(), "R 1000100+8");
  EXPECT_EQ(rig.async_runs_asked(), 0) << "no slice was left to end";
}

TEST(CfqRoundsShared, AQueueIsFoundNoMoreOnceItIsGone) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, write(kFar));
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  rig.end_task(1);
  submit_many(rig, 2, 2, true);
  rig.submit(3, read(3 * kFar));
  EXPECT_EQ(tasks_of(rig.serve_all()), "223");
}

// Priorities.

TEST(CfqRoundsPriority, OfWhoHasNoneIsLevelFour) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 60, true);
  submit_many(rig, 2, 1);
  EXPECT_EQ(tasks_of(rig.serve_all(microseconds(10), 60)).find('2'), 16U) << "2 * 2 * (8 - 4)";
}

TEST(CfqRoundsPriority, ThatHasNotChangedLeavesTheQueueWhereItIs) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  submit_many(rig, 1, 1, false, 1);
  EXPECT_EQ(rig.serve(), "R 1000000+8");
}

TEST(CfqRoundsPriority, TakesEffectWhenARequestIsAskedFor) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  rig.task(1).priority = level(6);
  rig.submit(1, write(5 * kFar));  // is when it is noticed
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(rig.serve(), "R 2000000+8");
}

TEST(CfqRoundsPriority, AnIdleTaskWithALockIsNotWaitedFor) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  rig.task(1).fs_exclusive = true;
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

// An idle task comes to have an idle window by thinking little, and then slices of level 4.
TEST(CfqRoundsPriority, OfAnIdleTaskWithALockIsNoHigherThanThat) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = {IoClass::kIdle, 0};
  for (int i = 0; i < 4; ++i) {
    rig.submit(1, read(kFar + 900'000 + i * 8));
    ASSERT_NE(rig.serve(), "-");
  }
  submit_many(rig, 1, 60);
  rig.task(1).fs_exclusive = true;
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(served_before_second(rig), of_slice(25));
}

TEST(CfqRoundsPriority, IsNotLoweredByALock) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = rig.task(2).priority = level(2);
  rig.task(1).fs_exclusive = true;
  submit_many(rig, 1, 60);
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(served_before_second(rig), of_slice(35));
}

TEST(CfqRoundsPriority, IsLoweredAgainWithoutTheLock) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = rig.task(2).priority = level(6);
  submit_many(rig, 1, 60);
  for (const bool locked : {true, false}) {
    rig.task(1).fs_exclusive = locked;
    ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  }
  EXPECT_EQ(served_before_second(rig), of_slice(15));
}

// Order within a queue.

TEST(CfqRoundsOrder, FollowsTheEndOfTheDriversList) {
  SingleQueueRig rig{old_cfq({{"quantum", 1}})};
  rig.submit(1, read(5000));
  ASSERT_EQ(rig.serve(), "R 5000+8");
  rig.submit(1, read(100));
  rig.submit(1, read(5100));
  EXPECT_EQ(rig.serve(), "R 5100+8");
  SingleQueueRig behind{old_cfq({{"quantum", 1}, {"slice_idle", 0}})};
  behind.submit(1, read(5000));
  behind.submit(2, read(100));
  ASSERT_EQ(behind.issue(), "R 100+8") << "was sorted before the other";
  behind.submit(2, read(300));
  behind.submit(2, read(4990));
  ASSERT_EQ(behind.issue(), "R 5000+8");
  EXPECT_EQ(behind.issue(), "R 4990+8") << "18 before its end";
}

// What is given in the first turn, in order of sectors.
Lines first_turn(SingleQueueRig& rig) {
  Lines given{rig.issue()};
  const Lines rest = rig.listed();
  given.insert(given.end(), rest.begin(), rest.end());
  std::sort(given.begin(), given.end());
  return given;
}

TEST(CfqRoundsOrder, OfTheNextRequestIsThatBeforeTheOneThatIsGiven) {
  SingleQueueRig rig{old_cfq({{"quantum", 2}})};
  for (const int sector : {20'000, 22'000, 15'000}) {
    rig.submit(1, read(sector));
  }
  rig.wait_ticks(32);
  EXPECT_EQ(first_turn(rig), (Lines{"R 15000+8", "R 20000+8"}))
      << "20000 has expired; 15000 is nearest to where the head was before";
}

TEST(CfqRoundsOrder, OneExpiredRequestGoesFirstInEachSlice) {
  SingleQueueRig rig{old_cfq({{"quantum", 2}})};
  for (const int sector : {700'000, 600'000, 0, 100, 200}) {
    rig.submit(1, read(kFar + sector));
  }
  rig.wait_ticks(32);
  EXPECT_EQ(first_turn(rig), (Lines{"R 1000000+8", "R 1700000+8"}));
  rig.fetch();
  rig.complete_all();
  rig.submit(1, read(kFar + 300));
  rig.wait_ticks(26);
  EXPECT_EQ(first_turn(rig), (Lines{"R 1000100+8", "R 1600000+8"}));
}

TEST(CfqRoundsOrder, WritesExpireLater) {
  for (const auto& [ticks, first] : {std::pair{62, "W 100+8"}, {63, "W 5000+8"}}) {
    SingleQueueRig rig{old_cfq({{"quantum", 1}})};
    rig.submit(1, write(5000));
    rig.submit(1, write(100));
    rig.wait_ticks(ticks);
    EXPECT_EQ(rig.issue(), first) << ticks;
  }
}

// Merging.

TEST(CfqRoundsMerge, InFrontMayMakeARequestTheNext) {
  SingleQueueRig rig{old_cfq({{"quantum", 1}})};
  rig.submit(1, read(9992));
  ASSERT_EQ(rig.serve(), "R 9992+8");
  rig.submit(1, read(10'200));
  rig.submit(1, read(9910));  // 90 back, as 180 ahead
  ASSERT_EQ(rig.merge(1, read(10'170, 30)), MergeKind::kFront);
  EXPECT_EQ(rig.issue(), "R 10170+38");
}

TEST(CfqRoundsMerge, InFrontMayMakeAnotherOneTheNext) {
  SingleQueueRig rig{old_cfq({{"quantum", 1}})};
  rig.submit(1, read(992));
  ASSERT_EQ(rig.serve(), "R 992+8");
  rig.submit(1, read(1004));
  rig.submit(1, read(1016));
  ASSERT_EQ(rig.merge(1, read(990, 14)), MergeKind::kFront);
  EXPECT_EQ(rig.issue(), "R 1016+8") << "16 ahead, the other is 10 behind now";
}

TEST(CfqRoundsMerge, InFrontLeavesTheQueueEmptyOnceThatIsServed) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.merge(1, read(kFar - 8)), MergeKind::kFront);
  ASSERT_EQ(rig.serve(), "R 999992+16");
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.issue(), "-") << "task 1 is waited for";
}

TEST(CfqRoundsMerge, OfTwoRequestsMakesAnotherOneTheNext) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(1002));
  ASSERT_EQ(rig.serve(), "R 1002+8");
  rig.submit(1, read(1000));
  rig.submit(1, read(1016));  // the next: 6 ahead, the other is 10 behind
  ASSERT_EQ(rig.merge(1, read(1008)), MergeKind::kBack);
  EXPECT_EQ(rig.issue_all(), (Lines{"R 1000+24"}));
}

TEST(CfqRoundsMerge, InFrontOfAWriteOfTheSharedQueue) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(2, read(90'000));  // is the first that a merge is tried with
  rig.submit(1, write(5000));
  EXPECT_EQ(rig.merge(3, write(4992)), MergeKind::kFront);
}

}  // namespace
}  // namespace wbsim::block
