// cfq of v2.6.18: slices, turns and waiting. The rig's tick is 4 ms: slices are 25 ticks (reads)
// and 10 (writes), slice_idle is 2, quantum is 4 requests.
#include <gtest/gtest.h>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"

namespace wbsim::block {
namespace {

// Arrivals.

TEST(CfqRoundsIdle, SomebodyElsesWriteDoesNotEndIt) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(3, direct_write(3 * kFar));
  EXPECT_EQ(rig.runs_asked(), 0);
}

TEST(CfqRoundsIdle, NobodyIsWaitedForWhoHasRequestsInTheDevice) {
  for (const IoStep& more : {read(kFar + 16), sync_write(kFar + 500)}) {
    SingleQueueRig rig{old_cfq()};
    submit_many(rig, 1, 1);
    ASSERT_EQ(rig.issue(), "R 1000000+8");
    rig.submit(1, more);
    EXPECT_EQ(rig.runs_asked(), 0);
  }
}

TEST(CfqRoundsIdle, EndsWithTheArrival) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  submit_many(rig, 1, 1, false, 1);
  ASSERT_EQ(rig.runs_asked(), 1);
  rig.submit(1, write(5 * kFar));
  EXPECT_EQ(rig.runs_asked(), 0) << "the timer does not run";
}

TEST(CfqRoundsIdle, EndsWithTheTurnThatFollows) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  submit_many(rig, 1, 1, false, 1);
  ASSERT_EQ(rig.issue(), "R 1000016+8");
  rig.runs_asked();
  submit_many(rig, 1, 1, false, 2);
  EXPECT_EQ(rig.runs_asked(), 0) << "nobody is waited for";
}

TEST(CfqRoundsIdle, APauseCountsAsTwiceSliceIdle) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(kFar));
  ASSERT_NE(rig.serve(), "-");
  rig.wait_ticks(200);
  read_along(rig, 1, 12, 1);
  rig.submit(1, read(kFar + 500));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000500+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqRoundsIdle, WhoWasIdleIsWaitedForOnceItsThinkTimeIsKnown) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.task(1).priority = level(4);
  submit_many(rig, 1, 1, false, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000016+8");
  EXPECT_EQ(rig.issue(), "R 2000000+8") << "two samples";
}

TEST(CfqRoundsIdle, WhoReadsOnIsWaitedForBeforeADeviceThatQueuesToo) {
  SingleQueueRig rig{old_cfq({{"quantum", 8}})};
  submit_many(rig, 2, 5);
  ASSERT_EQ(rig.issue_all().size(), 5U);
  rig.end_task(2);
  rig.complete_all();
  read_along(rig, 1, 10, 0);
  rig.submit(1, read(kFar + 80));
  submit_many(rig, 3, 1);
  ASSERT_EQ(rig.serve(), "R 1000080+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqRoundsIdle, WhatTheDriverGaveBackCountsOnceForQueueing) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 2, 1);
  Request* request = rig.fetch();
  for (int i = 0; i < 5; ++i) {
    rig.elevator().deactivate_request(*request);
    rig.elevator().activate_request(*request);
  }
  rig.end_task(2);
  rig.complete(*request);
  for (int i = 0; i < 30; ++i) {
    rig.submit(1, read(kFar + (i % 2) * 900'000));
    ASSERT_NE(rig.serve(), "-");
  }
  submit_many(rig, 3, 1);
  EXPECT_EQ(rig.issue(), "-") << "one at a time is no queueing";
}

TEST(CfqRoundsIdle, ASeekingTaskIsNotWaitedForLongerThanSliceIdle) {
  SingleQueueRig rig{
      {.generation = ElevatorGeneration::kV2_6_18, .tunables = {{"slice_idle", 1}}, .hz = 1000}};
  for (int i = 0; i < 30; ++i) {
    rig.submit(1, read(kFar + (i % 2) * 900'000));
    ASSERT_NE(rig.serve(), "-");
  }
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue(), "-");
  rig.wait_ticks(1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

// The wait.

// Whoever runs the queue in every tick keeps it waiting: each run arms the timer anew, and a queue
// that is waited for does not lose its slice.
TEST(CfqRoundsIdle, OutlastsTheSliceWhereTheQueueIsRunEveryTick) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  for (int tick = 0; tick < 100; ++tick) {
    ASSERT_EQ(rig.issue(), "-") << tick;
    rig.wait_ticks(1);
  }
  ASSERT_EQ(rig.issue(), "-");
  rig.async_runs_asked();
  rig.wait_ticks(2);
  EXPECT_GE(rig.async_runs_asked(), 1) << "left alone it ends";
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, StartsNotAnewWithARunThatFindsNobody) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(1);
  ASSERT_EQ(rig.issue(), "-");
  submit_many(rig, 2, 1);
  rig.async_runs_asked();
  rig.wait_ticks(1);
  EXPECT_GE(rig.async_runs_asked(), 1);
}

TEST(CfqRoundsIdle, EndsTheSliceWhereThatIsOverMeanwhile) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(milliseconds(4) * 24), "R 1000000+8");
  rig.wait_ticks(2);
  rig.submit(1, read(kFar + 500));
  EXPECT_EQ(rig.runs_asked(), 0) << "though nobody else was there";
}

TEST(CfqRoundsIdle, IsForNobodyWhoHasWritten) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(1, write(5 * kFar));
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

TEST(CfqRoundsIdle, TheTimerEndsWithTheTask) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.end_task(1);
  submit_many(rig, 2, 1);
  rig.async_runs_asked();
  rig.wait_ticks(3);
  EXPECT_EQ(rig.async_runs_asked(), 0);
}

TEST(CfqRoundsIdle, TheTimerRunsTheQueueThoughMoreIsInTheDevice) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 2);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "R 1000016+8");
  rig.complete_oldest();
  rig.async_runs_asked();
  rig.wait_ticks(3);
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

TEST(CfqRoundsIdle, IsNotForATaskThatHasEndedMeanwhile) {
  SingleQueueRig rig{old_cfq()};
  Request& late = rig.allocate(1, read(kFar));
  rig.end_task(1);
  rig.insert(late);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, OneMoreRequestIsHadInEachSlice) {
  SingleQueueRig rig{old_cfq()};
  for (int i = 0; i < 2; ++i) {
    submit_many(rig, 1, 1, false, i);
    ASSERT_EQ(rig.serve().substr(2, 1), "1");
    EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMust);
    submit_many(rig, 2, 1, true, i);  // so that the wait ends
    rig.wait_ticks(3);
    ASSERT_EQ(rig.serve().substr(2, 1), "2");
  }
}

// Completions.

TEST(CfqRoundsCompletion, OfAWriteStartsNoWait) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1, true);
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.may_queue(1, write(0)), MayQueue::kMay);
}

TEST(CfqRoundsCompletion, StartsNoWaitWhereThereAreMoreRequests) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 6);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

TEST(CfqRoundsCompletion, OfWhoIsNotWaitedForRunsTheQueue) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  Request* request = rig.fetch();
  rig.task(1).exited = true;
  rig.complete(*request);
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

TEST(CfqRoundsCompletion, RunsTheQueueOnlyWhereSomebodyIsBusy) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  rig.end_task(1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.async_runs_asked(), 0);
}

TEST(CfqRoundsCompletion, EndsASliceOnlyBeyondItsEnd) {
  for (const auto& [ticks, waits] : {std::pair{25, true}, {26, false}}) {
    SingleQueueRig rig{old_cfq()};
    submit_many(rig, 1, 1);
    submit_many(rig, 2, 1);
    ASSERT_EQ(rig.serve(milliseconds(4) * ticks), "R 1000000+8");
    EXPECT_EQ(rig.issue() == "-", waits) << ticks;
  }
}

TEST(CfqRoundsCompletion, OfAQueueThatIsNotActiveEndsNoSlice) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue(), "R 2000000+8");
  for (int i = 0; i < 2; ++i) {  // the older one of a sector goes to the driver at once
    rig.submit(1, read(kFar));
  }
  Request* alias = rig.fetch();
  rig.wait_ticks(1);
  rig.complete(*alias);
  EXPECT_EQ(rig.issue(), "-") << "task 2 has a request in the device";
}

TEST(CfqRoundsCompletion, OfTheLastRequestPutsAQueueAmongThoseServedBefore) {
  SingleQueueRig rig{old_cfq()};
  rig.wait_ticks(1);
  submit_many(rig, 4, 1);
  ASSERT_EQ(rig.serve(), "R 4000000+8");
  submit_many(rig, 4, 1, false, 100);
  for (int i = 0; i < 2; ++i) {  // the older one of a sector goes to the driver at once
    rig.submit(2, read(2 * kFar));
  }
  ASSERT_EQ(rig.issue(), "R 2000000+8");
  ASSERT_EQ(rig.issue(), "R 4001600+8");
  rig.complete_oldest();  // that of task 2, a tick after the start
  rig.wait_ticks(3);
  rig.complete_oldest();
  rig.wait_ticks(3);
  submit_many(rig, 4, 1, false, 200);  // was served later
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsCompletion, OfTheLastRequestIsAService) {
  SingleQueueRig rig{old_cfq()};
  rig.wait_ticks(1);
  rig.submit(1, read(kFar));
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(3, read(3 * kFar));
  EXPECT_EQ(rig.issue(), "R 3000000+8") << "has not been served at all";
}

TEST(CfqRoundsCompletion, OfOneOfSeveralLeavesTheQueueInItsPlace) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(kFar + 100));
  for (int i = 0; i < 3; ++i) {  // the older ones of a sector go to the driver at once
    rig.submit(1, read(kFar));
  }
  rig.submit(3, read(3 * kFar));
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  rig.complete_oldest();
  EXPECT_EQ(rig.issue(), "R 1000100+8");
}

// Slices.

// Task 1 has a request in the device and one more, task 2 waits; so much later the first one has
// completed.
std::string after(int ticks) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  EXPECT_EQ(rig.issue(), "R 1000000+8");
  submit_many(rig, 1, 1, false, 1);
  submit_many(rig, 2, 1);
  rig.complete_oldest();
  rig.wait_ticks(ticks);
  return rig.issue();
}

TEST(CfqRoundsSlice, EndsBeyondItsEndThoughThereAreRequests) {
  EXPECT_EQ(after(25), "R 1000016+8");
  EXPECT_EQ(after(26), "R 2000000+8");
}

TEST(CfqRoundsSlice, DoesNotEndBeforeWhatWasWaitedForIsServed) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  submit_many(rig, 1, 1, false, 1);
  rig.wait_ticks(26);
  EXPECT_EQ(rig.issue(), "R 1000016+8");
  EXPECT_EQ(rig.listed().size(), 0U) << "a run stays with it";
  EXPECT_EQ(rig.issue(), "R 2000000+8") << "then it ends";
}

TEST(CfqRoundsSlice, BeginsAnew) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 2);
  ASSERT_EQ(rig.issue_all().size(), 2U);
  rig.wait_ticks(30);
  rig.complete_all();  // the slice ends
  submit_many(rig, 1, 1, false, 2);
  ASSERT_EQ(rig.serve(), "R 1000032+8");
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue(), "-") << "of the new one most is left";
}

TEST(CfqRoundsSlice, OfWritesCountsItsOwn) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 60, true);
  ASSERT_EQ(rig.issue_all(4).size(), 4U);
  rig.complete_all();
  rig.wait_ticks(11);  // is over
  ASSERT_EQ(tasks_of({rig.serve()}), "1");
  submit_many(rig, 3, 1);
  EXPECT_EQ(tasks_of(rig.serve_all(microseconds(10), 40)).find('3'), 15U) << "16 with the first";
}

TEST(CfqRoundsSlice, ItsEndIsTheQueuesService) {
  SingleQueueRig rig{old_cfq()};
  rig.wait_ticks(1);
  for (const int id : {1, 2, 3}) {
    submit_many(rig, id, 1);
  }
  for (const char* expected : {"1", "2"}) {
    ASSERT_EQ(rig.serve().substr(2, 1), expected);
    rig.wait_ticks(3);
  }
  ASSERT_EQ(rig.serve(), "R 3000000+8");
  submit_many(rig, 2, 1, false, 1);
  submit_many(rig, 1, 1, false, 1);
  rig.wait_ticks(3);
  EXPECT_EQ(rig.issue(), "R 1000016+8") << "was served before task 2";
}

TEST(CfqRoundsSlice, EndsWithTheTaskThoughItHasRequests) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1, true);
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  submit_many(rig, 1, 1, true, 1);
  rig.end_task(1);
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

TEST(CfqRoundsSlice, EndsWithTheLastRequestOfATaskThatIsGone) {
  SingleQueueRig rig{old_cfq({{"quantum", 1}})};
  submit_many(rig, 1, 2);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(1, direct_write(5 * kFar));
  rig.end_task(1);
  rig.async_runs_asked();
  ASSERT_EQ(rig.serve(), "W 5000000+8");
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

// Turns.

TEST(CfqRoundsTurn, GoesOnToOtherQueuesWhereTheSliceIsOver) {
  SingleQueueRig rig{old_cfq({{"slice_async_rq", 1}})};
  rig.task(1).priority = rig.task(2).priority = level(6);
  submit_many(rig, 1, 8, true);
  submit_many(rig, 2, 1);
  ASSERT_NE(rig.issue(), "-");
  EXPECT_EQ(rig.listed().size(), 4U) << "2 * 1 * (8 - 6) writes, and the read";
}

TEST(CfqRoundsForced, EndsTheSlice) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  submit_many(rig, 3, 1);
  rig.drain();
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

// Idle queues.

TEST(CfqRoundsClasses, CompletionsOfIdleQueuesDoNotStartTheGracePeriod) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  submit_many(rig, 1, 2);
  ASSERT_EQ(rig.serve(milliseconds(4)), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "R 1000016+8");
}

TEST(CfqRoundsClasses, AnIdleQueueEndsWithItsTurnHoweverLittleItThinks) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  read_along(rig, 1, 4, 0);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.runs_asked(), 0) << "nobody is there to be preempted";
}

TEST(CfqRoundsClasses, WhoIsServedStopsTheGraceTimer) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 2000000+8");
  rig.end_task(2);
  rig.task(3).priority = kIdlePriority;
  submit_many(rig, 3, 1);
  ASSERT_EQ(rig.issue(), "-");
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  rig.async_runs_asked();
  rig.wait_ticks(30);
  EXPECT_EQ(rig.async_runs_asked(), 0);
}

TEST(CfqRoundsClasses, AnotherCompletionStartsTheGracePeriodAnew) {
  SingleQueueRig rig{old_cfq({{"slice_idle", 0}})};
  submit_many(rig, 2, 2);
  ASSERT_EQ(rig.issue_all().size(), 2U);
  rig.complete_oldest();
  rig.task(3).priority = kIdlePriority;
  submit_many(rig, 3, 1);
  ASSERT_EQ(rig.issue(), "-");
  rig.wait_ticks(10);
  rig.complete_oldest();
  rig.async_runs_asked();
  rig.wait_ticks(20);
  EXPECT_EQ(rig.async_runs_asked(), 0);
  rig.wait_ticks(5);
  EXPECT_EQ(rig.async_runs_asked(), 1);
}

// A task that was idle, held a lock and so has the disk for longer than a turn; it is idle again.
class CfqRoundsIdleActive : public ::testing::Test {
 protected:
  void have_disk() {
    rig_.task(1).priority = kIdlePriority;
    rig_.task(1).fs_exclusive = true;
    submit_many(rig_, 1, 1);
    ASSERT_EQ(rig_.may_queue(1, read(0)), MayQueue::kMay);
    submit_many(rig_, 1, 7, false, 1);
  }
  void be_idle() {
    ASSERT_EQ(rig_.issue_all(4).size(), 4U);
    rig_.task(1).fs_exclusive = false;
    ASSERT_EQ(rig_.may_queue(1, read(0)), MayQueue::kMay);
    rig_.runs_asked();
    rig_.async_runs_asked();
  }
  SingleQueueRig rig_{old_cfq()};
};

TEST_F(CfqRoundsIdleActive, IsNotPreemptedByAnotherIdleTask) {
  have_disk();
  be_idle();
  rig_.task(2).priority = kIdlePriority;
  submit_many(rig_, 2, 1);
  EXPECT_EQ(rig_.runs_asked(), 0);
}

TEST_F(CfqRoundsIdleActive, IsPreemptedByWhoIsServedBeforeThoseThatWait) {
  have_disk();
  submit_many(rig_, 3, 1);
  rig_.wait_ticks(1);
  be_idle();
  submit_many(rig_, 2, 1);
  EXPECT_EQ(rig_.runs_asked(), 1);
  EXPECT_EQ(rig_.async_runs_asked(), 0) << "no other run is asked for";
  EXPECT_EQ(rig_.issue(), "R 2000000+8");
}

TEST_F(CfqRoundsIdleActive, IsPreemptedAlsoWhereItHasNothingInTheDevice) {
  submit_many(rig_, 1, 1);
  ASSERT_EQ(rig_.serve(), "R 1000000+8");
  rig_.task(1).priority = kIdlePriority;
  submit_many(rig_, 1, 1, false, 1);  // is what it was waited for
  ASSERT_EQ(rig_.runs_asked(), 1);
  submit_many(rig_, 3, 1);
  EXPECT_EQ(rig_.runs_asked(), 1);
  EXPECT_EQ(rig_.async_runs_asked(), 0) << "it was not its service that ended";
}

TEST_F(CfqRoundsIdleActive, LosesTheTurnOfItsLevel) {
  have_disk();
  submit_many(rig_, 3, 1);
  submit_many(rig_, 4, 1);
  be_idle();
  for (const int id : {6, 2}) {
    rig_.task(id).priority = level(0);
    submit_many(rig_, id, 1);
  }
  rig_.complete_all();
  ASSERT_EQ(rig_.serve(), "R 6000000+8");
  rig_.end_task(6);
  EXPECT_EQ(rig_.issue(), "R 2000000+8") << "level 0 is next, not the rest of level 4";
}

}  // namespace
}  // namespace wbsim::block
