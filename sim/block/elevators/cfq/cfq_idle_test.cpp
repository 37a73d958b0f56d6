// cfq of v3.6: waiting for a task's next request, preemption, queues that work close together. The
// rig's tick is 4 ms; slice_idle and group_idle are 2 ticks.
#include <gtest/gtest.h>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"
#include "sim/block/elevators/cfq/hw_tag.hpp"

namespace wbsim::block {
namespace {

// Task `id` reads `count` blocks that are `gap` apart, three at a time, without thinking.
void read_around(SingleQueueRig& rig, int id, int count, std::int64_t gap) {
  for (int i = 0; i < count; ++i) {
    rig.submit(id, read(id * kFar + i * gap));
    if (i % 3 == 2) {
      rig.serve_all();
    }
  }
  rig.wait_ticks(3);  // for nobody any more
}

// Waiting.

TEST(CfqIdle, AnEmptyQueueIsWaitedForSliceIdle) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait(microseconds(7800));
  EXPECT_EQ(rig.issue(), "-");
  EXPECT_EQ(rig.async_runs_asked(), 1) << "when the device had run empty";
  rig.wait(microseconds(200));
  EXPECT_EQ(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqIdle, WhoeverComesInTimeKeepsTheDevice) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait(milliseconds(6));
  rig.submit(1, read(kFar + 8));
  EXPECT_EQ(rig.runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 1000008+8");
}

TEST(CfqIdle, ASmallRequestOfTheOnlyTaskWaitsForMoreThatMergesWithIt) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(1, read(kFar + 100));
  EXPECT_EQ(rig.runs_asked(), 0);
}

TEST(CfqIdle, ALargeRequestOfTheOnlyTaskGoesAtOnce) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(1, read(kFar + 100, 16));
  EXPECT_EQ(rig.runs_asked(), 1);
}

TEST(CfqIdle, ARequestThatCameJustInTimeIsServedThoughTheSliceIsUsed) {
  SingleQueueRig rig{{.tunables = {{"slice_sync", 8}, {"low_latency", 0}}}};
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait(microseconds(7000));
  rig.submit(1, read(kFar + 100));  // must be dispatched
  rig.submit(2, read(2 * kFar));
  rig.wait(milliseconds(4));
  EXPECT_EQ(rig.issue(), "R 1000100+8");
}

TEST(CfqIdle, ATaskThatHasEndedIsNotWaitedFor) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  Request* first = rig.fetch();
  rig.task(1).exited = true;
  rig.complete(*first);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqIdle, EndsWithTheTaskThatIsWaitedFor) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.async_runs_asked();
  rig.end_task(1);
  EXPECT_EQ(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqIdle, ATaskThatThinksForTooLongIsNotWaitedFor) {
  SingleQueueRig rig;
  read_along(rig, 1, 3, 3);  // three samples count
  read_along(rig, 3, 3, 3);
  rig.submit(1, read(kFar + 3 * 8));
  rig.submit(3, read(3 * kFar + 3 * 8));
  ASSERT_EQ(rig.serve(), "R 1000024+8");
  EXPECT_EQ(rig.issue(), "R 3000024+8");
}

TEST(CfqIdle, ATaskThatThinksForSliceIdleIsWaitedFor) {
  SingleQueueRig rig;
  read_along(rig, 3, 6, 2);
  rig.wait_ticks(1);
  read_along(rig, 1, 6, 2);
  rig.submit(1, read(kFar + 6 * 8));
  rig.submit(3, read(3 * kFar + 6 * 8));
  ASSERT_EQ(rig.serve(), "R 1000048+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqIdle, NobodyIsWaitedForWhoHasRequestsInTheDevice) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(1, read(kFar + 16));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "R 1000016+8");
  rig.complete_oldest();
  EXPECT_EQ(rig.may_queue(1, read(kFar)), MayQueue::kMay) << "the timer does not run";
  EXPECT_EQ(rig.issue(), "-") << "but the queue keeps its slice until it is back";
  rig.complete_oldest();
  EXPECT_EQ(rig.may_queue(1, read(kFar)), MayQueue::kMust);
}

TEST(CfqIdle, ASeekingTaskIsNotWaitedFor) {
  for (const auto& [seeks, waits] : {std::pair{4, true}, {5, false}}) {
    SingleQueueRig rig;
    for (const int id : {1, 3}) {
      read_around(rig, id, 1 + seeks, 801 + 8);
      rig.serve_all();
      rig.wait_ticks(3);
    }
    // These are near to where the tasks were last.
    rig.submit(1, read(kFar + seeks * 809));
    rig.submit(3, read(3 * kFar + seeks * 809));
    ASSERT_NE(rig.serve(), "-");
    EXPECT_EQ(rig.issue() == "-", waits) << seeks << " seeks among the last 32 requests";
  }
}

TEST(CfqIdle, ASeekOfUpToEightHundredSectorsIsNone) {
  SingleQueueRig rig;
  for (const int id : {1, 3}) {
    read_around(rig, id, 9, 800 + 8);
  }
  rig.submit(1, read(kFar + 8 * 808));
  rig.submit(3, read(3 * kFar + 8 * 808));
  ASSERT_NE(rig.serve(), "-");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqIdle, TheLastSeekingTaskIsWaitedForOnBehalfOfAll) {
  SingleQueueRig rig;
  read_around(rig, 1, 6, 10'000);
  rig.submit(1, read(kFar));
  rig.submit(2, write(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqIdle, ASeekingTaskWithFourRequestsAtOnceKeepsItsIdleWindow) {
  for (const auto& [requests, waits] : {std::pair{3, false}, {4, true}}) {
    SingleQueueRig rig;
    for (const int id : {1, 3}) {
      read_around(rig, id, 6, 10'000);
    }
    for (int i = 0; i < requests; ++i) {
      rig.submit(1, read(kFar + i * 10'000));
      rig.submit(3, read(3 * kFar + i * 10'000));
    }
    for (int i = 0; i < requests; ++i) {
      ASSERT_EQ(rig.serve().substr(2, 1), "1");
    }
    EXPECT_EQ(rig.issue() == "-", waits) << requests;
  }
}

TEST(CfqIdle, ButLosesItWhereTheDeviceIsThroughBeforeHalfOfTheSliceIs) {
  for (const auto& [ticks, waits] : {std::pair{12, false}, {13, true}}) {
    SingleQueueRig rig{{.tunables = {{"group_idle", 0}}}};
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
    EXPECT_EQ(rig.issue() == "-", waits) << ticks;
  }
}

TEST(CfqIdle, WhoAnnouncesThatNothingFollowsIsNotWaitedFor) {
  SingleQueueRig rig;
  rig.submit(1, sync_write(kFar));
  rig.submit(3, sync_write(3 * kFar));
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.issue(), "W 3000000+8");
}

TEST(CfqIdle, DirectWritesAreWaitedForLikeReads) {
  SingleQueueRig rig;
  rig.submit(1, direct_write(kFar));
  rig.submit(3, direct_write(3 * kFar));
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqIdle, IdleClassAndAsynchronousQueuesAreNotWaitedFor) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  rig.task(1).priority = kIdlePriority;
  rig.submit(1, read(kFar));
  rig.submit(2, write(2 * kFar));
  ASSERT_EQ(rig.serve(), "W 2000000+8");
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(3, write(3 * kFar));
  EXPECT_EQ(rig.issue(), "W 3000000+8");
}

TEST(CfqIdle, NobodyIsWaitedForBeforeADeviceWithoutHeadsThatQueues) {
  SingleQueueRig rig{{.rotational = false}};
  rig.submit(1, read(kFar, 64));
  rig.submit(2, read(2 * kFar, 64));
  ASSERT_EQ(rig.serve(), "R 1000000+64");
  EXPECT_EQ(rig.issue(), "R 2000000+64");
}

TEST(CfqIdle, OffIsOff) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}, {"group_idle", 0}}}};
  rig.submit(1, read(kFar));
  rig.submit(2, read(2 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqIdle, WithoutSliceIdleTheOnlyQueueIsWaitedForAsAGroup) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}}}};
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.may_queue(1, read(kFar)), MayQueue::kMust);
  SingleQueueRig off{{.tunables = {{"slice_idle", 0}, {"group_idle", 0}}}};
  off.submit(1, read(kFar));
  ASSERT_EQ(off.serve(), "R 1000000+8");
  EXPECT_EQ(off.may_queue(1, read(kFar)), MayQueue::kMay);
}

TEST(CfqIdle, WhoIsWaitedForMustHaveARequestOnceASlice) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  EXPECT_EQ(rig.may_queue(1, read(kFar)), MayQueue::kMay);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.may_queue(2, read(kFar)), MayQueue::kMay);
  EXPECT_EQ(rig.may_queue(1, read(kFar)), MayQueue::kMust);
  EXPECT_EQ(rig.may_queue(1, read(kFar)), MayQueue::kMay);
}

// Queueing devices.

TEST(HwTag, IsTakenForGrantedUntilFiftySamplesShowLess) {
  HwTag tag;
  const HwTag::Load load{.queued = 6, .in_driver = 4, .idles = false, .active_requests = 9};
  for (int i = 0; i < 50; ++i) {
    tag.sample(load);
    EXPECT_TRUE(tag.queues());
  }
  tag.sample(load);
  EXPECT_FALSE(tag.queues());
}

TEST(HwTag, IsFoundOnceFiveWereInTheDriver) {
  HwTag tag;
  for (int i = 0; i < 51; ++i) {
    tag.sample({.queued = 6, .in_driver = i == 20 ? 5 : 4});
  }
  EXPECT_TRUE(tag.queues());
  for (int i = 0; i < 100; ++i) {
    tag.sample({.queued = 6, .in_driver = 1});
  }
  EXPECT_TRUE(tag.queues()) << "for good";
}

TEST(HwTag, IsJudgedByAQueueOfFiveRequestsThatIsIdledFor) {
  HwTag tag;
  for (int i = 0; i < 51; ++i) {
    tag.sample({.queued = 6, .in_driver = 4, .idles = true, .active_requests = 5});
  }
  EXPECT_FALSE(tag.queues());
}

// Found not to queue, a device has to show it under load, be that what waits or what it has.
TEST(HwTag, IsFoundAfterAllOnlyUnderLoad) {
  HwTag tag;
  for (int i = 0; i <= 50; ++i) {
    tag.sample({.queued = 6, .in_driver = 4, .idles = false, .active_requests = 9});
  }
  ASSERT_FALSE(tag.queues());
  tag.sample({.queued = 5, .in_driver = 5, .idles = false, .active_requests = 9});
  EXPECT_FALSE(tag.queues());
  HwTag idled_for = tag;
  idled_for.sample({.queued = 6, .in_driver = 5, .idles = true, .active_requests = 4});
  EXPECT_TRUE(idled_for.queues()) << "five in the driver, though it could have more";
  tag.sample({.queued = 5, .in_driver = 6, .idles = false, .active_requests = 9});
  EXPECT_TRUE(tag.queues());
}

TEST(HwTag, IsNotJudgedWithoutLoadOrWhileIdlingKeepsTheDriverEmpty) {
  HwTag tag;
  for (int i = 0; i < 200; ++i) {
    tag.sample({.queued = 5, .in_driver = 4});
    tag.sample({.queued = 6, .in_driver = 4, .idles = true, .active_requests = 4});
  }
  EXPECT_TRUE(tag.queues());
}

// Preemption: task 1 is served, or waited for, when task 2 comes.

struct Preemption {
  const char* name;
  IoPriority first;
  IoPriority second;
  IoStep step_of_first;
  IoStep step_of_second;
  bool preempts;
};

class CfqPreemption : public ::testing::TestWithParam<Preemption> {};

const Preemption kPreemptions[] = {
    {"AsynchronousBySynchronous", {}, {}, write(kFar), read(2 * kFar), true},
    {"SynchronousByAsynchronous", {}, {}, read(kFar), write(2 * kFar), false},
    {"SynchronousBySynchronous", {}, {}, read(kFar), read(2 * kFar), false},
    {"BestEffortByRealTime", {}, kRealTimePriority, read(kFar), read(2 * kFar), true},
    {"RealTimeByBestEffort", kRealTimePriority, {}, write(kFar), read(2 * kFar), false},
    {"IdleByBestEffort", kIdlePriority, {}, read(kFar), read(2 * kFar), true},
    {"BestEffortByIdle", {}, kIdlePriority, write(kFar), read(2 * kFar), false},
    {"DataByMetadata", {}, {}, read(kFar), prio_read(2 * kFar), true},
    {"MetadataByMetadata", {}, {}, prio_read(kFar), prio_read(2 * kFar), false},
    {"RealTimeByRealTime", kRealTimePriority, kRealTimePriority, read(kFar), read(2 * kFar), false},
    {"RealTimeWritesByRealTimeReads", kRealTimePriority, kRealTimePriority, write(kFar),
     read(2 * kFar), true},
    {"AsynchronousByAsynchronous", {}, level(6), write(kFar), write(2 * kFar), false},
};
INSTANTIATE_TEST_SUITE_P(Rules, CfqPreemption, ::testing::ValuesIn(kPreemptions),
                         [](const auto& param) { return std::string{param.param.name}; });

TEST_P(CfqPreemption, OfATaskThatIsServed) {
  const Preemption& rule = GetParam();
  SingleQueueRig rig;
  rig.task(1).priority = rule.first;
  rig.task(2).priority = rule.second;
  // Two requests, so that one is left when the queue is active.
  rig.submit(1, rule.step_of_first);
  IoStep more = rule.step_of_first;
  more.sector += 16;
  rig.submit(1, more);
  ASSERT_EQ(rig.issue().substr(2), "1000000+8");
  rig.runs_asked();
  rig.submit(2, rule.step_of_second);
  EXPECT_EQ(rig.runs_asked(), rule.preempts ? 1 : 0);
  rig.complete_all();
  EXPECT_EQ(rig.issue().substr(2, 1), rule.preempts ? "2" : "1");
}

TEST(CfqPreempt, OfATaskThatHasUsedItsSlice) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(1, read(kFar + 16));
  rig.serve();
  rig.wait_ticks(25);
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 1);
}

TEST(CfqPreempt, OfATaskThatIsWaitedForByOneThatIsClose) {
  for (const auto& [sector, preempts] :
       {std::pair{kFar + 8 + 8192, true}, {kFar + 8 + 8193, false}}) {
    SingleQueueRig rig;
    rig.submit(1, read(kFar));
    rig.serve();
    rig.submit(2, read(sector));
    EXPECT_EQ(rig.runs_asked(), preempts ? 1 : 0) << sector;
  }
}

TEST(CfqPreempt, NoCloseOneWhileTheTaskHasRequests) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(1, read(kFar + 16));
  rig.serve();
  rig.submit(2, read(kFar + 32));
  EXPECT_EQ(rig.runs_asked(), 0);
}

TEST(CfqPreempt, OfOneSeekingTaskByAnother) {
  SingleQueueRig rig;
  for (const int id : {1, 2}) {
    read_around(rig, id, 6, 10'000);
  }
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.runs_asked();
  rig.submit(2, read(2 * kFar));
  EXPECT_EQ(rig.runs_asked(), 1) << "the wait for the last seeking queue is over";
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqPreempt, WhatWasLeftOfTheSliceBringsTheTaskBackSooner) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  rig.submit(1, read(kFar));
  rig.submit(1, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(1);
  rig.task(4).priority = kRealTimePriority;
  rig.submit(4, read(4 * kFar));
  rig.submit(2, read(2 * kFar));
  rig.end_task(4);
  ASSERT_EQ(rig.serve(), "R 4000000+8");
  EXPECT_EQ(rig.serve(), "R 1000016+8") << "due after 20 - 24 ticks, task 2 after 0";
}

// Close cooperators.

TEST(CfqClose, ATaskThatWorksCloseIsServedInsteadOfWaiting) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 8000));
  rig.submit(3, read(3 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "R 1008000+8");
}

TEST(CfqClose, OneThatWorksFartherAwayIsNot) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 8 + 8193));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
}

TEST(CfqClose, TasksThatWorkCloseShareAQueueFromThenOn) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 16));
  ASSERT_EQ(rig.serve_all(), (Lines{"R 1000000+8", "R 1000016+8"}));
  rig.wait_ticks(3);
  rig.submit(1, read(kFar + 32));
  EXPECT_EQ(rig.merge(2, read(kFar + 40)), MergeKind::kBack) << "into the other's request";
}

TEST(CfqClose, TasksOfAnotherClassOrASeekingOneDoNot) {
  SingleQueueRig rig;
  rig.task(2).priority = kRealTimePriority;
  rig.submit(2, read(kFar));
  rig.submit(1, read(kFar + 16));
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
  SingleQueueRig other;
  for (int i = 1; i <= 6; ++i) {
    other.submit(2, read(kFar + i * 10'000));
    other.serve();
    other.wait_ticks(3);
  }
  other.submit(1, read(kFar));
  other.submit(2, read(kFar + 16));
  ASSERT_EQ(other.serve().substr(0, 9), "R 1000000") << "preemption aside";
  EXPECT_EQ(other.issue(), "-");
}

TEST(CfqClose, ASharedQueueThatSeeksIsSplit) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 16));
  rig.serve_all();
  rig.wait_ticks(3);
  // Both in one queue, far from each other now.
  for (int i = 0; i < 6; ++i) {
    rig.submit(1, read(kFar + 1000 * i));
    rig.submit(2, read(2 * kFar + 1000 * i));
    rig.serve_all();
    rig.wait_ticks(30);
  }
  rig.submit(1, read(kFar + 90'000));
  rig.submit(2, read(2 * kFar + 90'000));
  EXPECT_EQ(rig.merge(2, read(kFar + 90'008)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(1, read(2 * kFar + 90'008)), MergeKind::kNone);
}

TEST(CfqClose, ASharedQueueOutlivesTheTasksThatEnd) {
  SingleQueueRig rig;
  rig.submit(1, read(kFar));
  rig.submit(2, read(kFar + 16));
  rig.serve_all();
  rig.wait_ticks(3);
  rig.submit(1, read(kFar + 32));
  rig.submit(2, read(kFar + 48));
  rig.end_task(1);
  EXPECT_EQ(rig.serve_all(), (Lines{"R 1000032+8", "R 1000048+8"}));
  rig.submit(2, read(kFar + 64));
  EXPECT_EQ(rig.serve_all(), (Lines{"R 1000064+8"}));
  rig.end_task(2);
  EXPECT_FALSE(rig.elevator().has_work());
}

}  // namespace
}  // namespace wbsim::block
