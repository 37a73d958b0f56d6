// cfq of v3.6: who preempts whom, what that does to slices, and who has an idle window. The rig's
// tick is 4 ms; slice_idle and group_idle are 2 ticks, slices are 25.
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

TEST(CfqPreempt, ByMetadataOnceTheTasksOwnIsServed) {
  SingleQueueRig rig;
  rig.submit(1, prio_read(kFar));
  rig.submit(1, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(2, prio_read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 1);
}

TEST(CfqPreempt, OfAQueueThatIsEmptyAndNotIdledFor) {
  SingleQueueRig rig{{.rotational = false}};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.runs_asked(), 1);
}

TEST(CfqPreempt, NotOfOneThatHasMore) {
  SingleQueueRig rig{{.rotational = false}};
  submit_many(rig, 1, 2);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.runs_asked(), 0);
}

TEST(CfqPreempt, EndsTheWait) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(2, read(kFar + 16));
  ASSERT_EQ(rig.runs_asked(), 1) << "is close";
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  rig.async_runs_asked();
  rig.wait_ticks(2);
  EXPECT_EQ(rig.async_runs_asked(), 0);
}

// Level 0 has the longest slices, so nobody waits for longer than others.
TEST(CfqPreempt, GivesBackAWholeSliceThatHadNotBegun) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  rig.wait_ticks(10);
  for (const int id : {1, 2}) {
    rig.task(id).priority = level(0);
  }
  submit_many(rig, 1, 2);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  rig.wait_ticks(1);
  rig.task(4).priority = kRealTimePriority;
  rig.submit(4, read(4 * kFar));
  rig.end_task(4);
  ASSERT_EQ(rig.issue(), "R 4000000+8");
  rig.complete_all();
  EXPECT_EQ(rig.issue(), "R 1000016+8") << "due 45 ticks before task 2";
}

// Seeking queues share their idling.

TEST(CfqPreempt, ByASeekingTaskOfOneThatHasMoreDoesNotHappen) {
  SingleQueueRig rig;
  make_seeking(rig, 1);
  make_seeking(rig, 2);
  submit_many(rig, 1, 2, false, 10'000);
  ASSERT_NE(rig.serve(), "-");
  rig.runs_asked();
  rig.submit(2, read(2 * kFar + 400'000));
  EXPECT_EQ(rig.runs_asked(), 0);
}

TEST(CfqPreempt, ByWhoSeeksInATurnOfOthersDoesNotHappen) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(3, sync_write(3 * kFar));
  EXPECT_EQ(rig.runs_asked(), 0);
}

// Task 3 has a turn among seeking queues, but an idle window of late: it writes so that nothing
// follows, then reads.
class CfqLateWindow : public ::testing::Test {
 protected:
  CfqLateWindow() {
    for (int i = 0; i < 3; ++i) {
      rig_.submit(3, sync_write(3 * kFar + i * 16));
      rig_.serve();
    }
    rig_.wait_ticks(3);
    for (const int id : {1, 2}) {
      make_seeking(rig_, id);
    }
    rig_.submit(3, read(3 * kFar + 100));
  }
  void serve_third() {
    ASSERT_EQ(rig_.serve(), "R 3000100+8");
    ASSERT_EQ(rig_.may_queue(3, read(0)), MayQueue::kMust) << "is waited for";
    rig_.runs_asked();
  }
  SingleQueueRig rig_;
};

TEST_F(CfqLateWindow, IsPreemptedByASeekingTask) {
  serve_third();
  rig_.submit(2, read(2 * kFar + 400'000));
  EXPECT_EQ(rig_.runs_asked(), 1);
}

TEST_F(CfqLateWindow, IsNotPreemptedByTheSecondOne) {
  rig_.submit(1, read(kFar + 400'000));
  serve_third();
  rig_.submit(2, read(2 * kFar + 400'000));
  EXPECT_EQ(rig_.runs_asked(), 0);
}

TEST_F(CfqLateWindow, IsNotPreemptedByOneThatDoesNotSeek) {
  rig_.submit(6, read(6 * kFar));
  serve_third();
  rig_.submit(5, read(5 * kFar));
  EXPECT_EQ(rig_.runs_asked(), 0);
}

// Idle windows.

TEST(CfqWindow, ATaskHasNoneUntilItsThinkTimeIsKnown) {
  SingleQueueRig rig;
  for (const int id : {1, 3}) {
    rig.submit(id, sync_write(id * kFar));
    ASSERT_NE(rig.serve(), "-");
    rig.wait_ticks(3);
  }
  rig.submit(1, read(kFar + 16));
  rig.submit(3, read(3 * kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000016+8");
  EXPECT_EQ(rig.issue(), "R 3000016+8") << "who wrote announced that nothing would follow";
}

TEST(CfqWindow, AnAsynchronousQueueHasNone) {
  SingleQueueRig rig;
  read_along(rig, 1, 4, 0);
  rig.wait_ticks(3);
  submit_many(rig, 1, 3, true, 100);
  EXPECT_EQ(rig.issue_all().size(), 3U);
}

TEST(CfqWindow, AnIdleQueueHasNone) {
  SingleQueueRig rig{{.tunables = {{"group_idle", 0}}}};
  rig.task(1).priority = kIdlePriority;
  for (int i = 0; i < 3; ++i) {
    rig.submit(1, read(kFar + 100 * i));
  }
  rig.task(1).priority = level(6);
  rig.drain();
  rig.submit(2, read(2 * kFar));
  rig.submit(1, write(kFar + 50'000));
  rig.submit(1, read(kFar + 60'000));
  ASSERT_EQ(rig.serve(), "R 2000000+8");
  rig.complete_all();
  rig.wait_ticks(3);
  EXPECT_EQ(rig.issue(), "W 1050000+8");
}

TEST(CfqWindow, ATaskThatHasEndedMeanwhileHasNone) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  Request& late = rig.allocate(1, read(kFar + 100));
  rig.end_task(1);
  rig.insert(late);
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.issue_all(2).size(), 2U);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqWindow, NobodyHasOneWithoutSliceIdle) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}}, .rotational = false}};
  rig.submit(2, read(2 * kFar));
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.issue(), "R 2000000+8");
  rig.submit(3, read(3 * kFar));
  ASSERT_EQ(rig.runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 1000000+8") << "task 3 has gone among those without one";
}

// The timer.

TEST(CfqIdleTimer, LetsASmallRequestGo) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(1, read(kFar + 100));
  rig.async_runs_asked();
  rig.wait_ticks(2);
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

TEST(CfqIdleTimer, LeavesWhoHasMoreItsSlice) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(1, read(kFar + 100));
  rig.submit(1, read(kFar + 200));
  ASSERT_EQ(rig.issue(), "R 1000100+8");
  rig.wait_ticks(2);
  rig.runs_asked();
  rig.submit(1, read(kFar + 300, 16));
  EXPECT_EQ(rig.runs_asked(), 1) << "still the active queue";
}

// A queue that seeks is waited for as long as it has had many requests at once.
TEST(CfqIdleTimer, AfterTheSliceLeavesADeepQueueDeep) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  for (int i = 0; i < 8; ++i) {
    rig.submit(1, read(kFar + i * 10'000));
  }
  rig.submit(2, write(2 * kFar));
  ASSERT_NE(rig.serve(milliseconds(4)), "-");  // the slice begins: 25 ticks
  for (int i = 1; i < 8; ++i) {
    ASSERT_NE(rig.serve(milliseconds(i < 7 ? 12 : 24)), "-");
  }
  rig.wait_ticks(2);  // for task 1, beyond the end of its slice
  rig.submit(1, read(kFar + 400'000));
  rig.submit(3, sync_write(3 * kFar));
  ASSERT_EQ(rig.serve(), "R 1400000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqIdleTimer, TakesGroupIdleWithoutSliceIdle) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}}}};
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(1);
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 1) << "preempts who is waited for";
}

TEST(CfqIdleTimer, DoesNotRunBeforeADeviceWithoutHeadsThatQueues) {
  SingleQueueRig rig{{.rotational = false}};
  rig.submit(1, read(kFar, 64));
  ASSERT_EQ(rig.serve(), "R 1000000+64");
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

TEST(CfqIdleTimer, DoesNotRunForWhoThinksBeyondTheSlice) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 16}, {"group_idle", 0}, {"low_latency", 0}}}};
  read_along(rig, 1, 8, 3);
  rig.submit(1, read(kFar + 1000, 16));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1001000+16") << "24 of 25 ticks are used, it thinks for 3";
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqIdleTimer, OneMoreRequestIsHadInEachSlice) {
  SingleQueueRig rig;
  for (int i = 0; i < 2; ++i) {
    rig.submit(1, read(kFar + 16 * i));
    ASSERT_NE(rig.serve(), "-");
    EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMust);
    rig.wait_ticks(3);
  }
}

}  // namespace
}  // namespace wbsim::block
