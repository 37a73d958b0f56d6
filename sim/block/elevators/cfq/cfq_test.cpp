// cfq of v3.6: queues, slices, the order of service and what goes to the device. The rig's tick is
// 4 ms, so slices are 25 ticks (synchronous) and 10 (asynchronous), slice_idle is 2.
#include <gtest/gtest.h>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"

namespace wbsim::block {
namespace {

// How many of `lines` are those of task `id`.
int count_of(const Lines& lines, int id) {
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [id](const std::string& line) {
    const std::int64_t sector = std::stoll(line.substr(2));
    return sector / kFar == id;
  }));
}

// Queues.

TEST(CfqQueues, EachTaskHasOneForSynchronousRequests) {
  SingleQueueRig rig;
  rig.submit(1, read(100'000));
  rig.submit(2, read(0));
  rig.submit(1, read(200'000));
  EXPECT_EQ(rig.issue_all(), (Lines{"R 100000+8", "R 200000+8"})) << "task 2 waits for its turn";
}

TEST(CfqQueues, AsynchronousRequestsOfAllTasksOfALevelShareOne) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  rig.submit(1, write(1000));
  rig.submit(2, write(500));
  rig.submit(1, write(2000));
  EXPECT_EQ(rig.issue_all(), (Lines{"W 500+8", "W 1000+8", "W 2000+8"}));
}

TEST(CfqQueues, AsynchronousRequestsOfAnotherLevelHaveAQueueOfTheirOwn) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  rig.task(2).priority = level(0);
  rig.submit(1, write(1000));
  rig.submit(2, write(500));
  EXPECT_EQ(rig.issue_all(), (Lines{"W 1000+8", "W 500+8"}));
}

TEST(CfqQueues, AChangedPriorityMovesAsynchronousRequestsToAnotherQueue) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  rig.submit(1, write(1000));
  rig.task(1).priority = kRealTimePriority;
  rig.submit(1, write(9000));
  EXPECT_EQ(rig.issue(), "W 9000+8");
}

TEST(CfqQueues, AChangedPriorityOfASynchronousQueueHoldsFromItsNextRequestOn) {
  SingleQueueRig rig;
  submit_many(rig, 1, 2);
  submit_many(rig, 2, 1);
  rig.task(2).priority = kRealTimePriority;
  EXPECT_EQ(rig.serve(), "R 1000000+8");
  rig.submit(2, read(2 * kFar + 16));
  EXPECT_EQ(count_of(rig.serve_all(), 2), 2);
}

// Order within a queue.

TEST(CfqOrder, NearestAheadOfTheHeadThenOnTheShortWayBack) {
  SingleQueueRig rig;
  rig.submit(1, read(100'000));
  ASSERT_EQ(rig.serve(), "R 100000+8");
  for (const int sector : {80'000, 100'500, 99'800, 300'000}) {
    rig.submit(1, read(sector));
  }
  EXPECT_EQ(rig.serve_all(), (Lines{"R 99800+8", "R 100500+8", "R 80000+8", "R 300000+8"}))
      << "208 back count as 416, 492 ahead; then 20500 back as 41000, 199500 ahead";
}

TEST(CfqOrder, WhatIsBeyondBackSeekMaxWaitsForTheSweepFromTheBottom) {
  SingleQueueRig rig{{.tunables = {{"back_seek_max", 100}}}};  // 200 sectors
  rig.submit(1, read(100'000));
  ASSERT_EQ(rig.serve(), "R 100000+8");
  for (const int sector : {99'700, 99'800, 900'000}) {
    rig.submit(1, read(sector));
  }
  EXPECT_EQ(rig.serve_all(), (Lines{"R 900000+8", "R 99700+8", "R 99800+8"}));
}

TEST(CfqOrder, MetadataGoesFirst) {
  SingleQueueRig rig;
  rig.submit(1, read(1000));
  rig.submit(1, read(1016));
  rig.submit(1, prio_read(900'000));
  EXPECT_EQ(rig.serve_all(), (Lines{"R 900000+8", "R 1000+8", "R 1016+8"}));
}

TEST(CfqOrder, AnExpiredRequestGoesFirstOnceASlice) {
  SingleQueueRig rig;
  rig.submit(1, read(500'000));
  ASSERT_EQ(rig.serve(), "R 500000+8");
  for (const int sector : {300'000, 200'000, 600'000, 600'016}) {
    rig.submit(2, read(2 * kFar + sector));
  }
  rig.wait_ticks(31);  // fifo_expire_sync
  EXPECT_EQ(rig.serve(), "R 2300000+8") << "expired";
  EXPECT_EQ(rig.serve(), "R 2600000+8") << "though another one has expired";
}

TEST(CfqOrder, ARequestThatHasNotExpiredDoesNot) {
  SingleQueueRig rig;
  rig.submit(1, read(1000));
  rig.submit(1, read(500));
  rig.wait_ticks(30);
  EXPECT_EQ(rig.issue_all(), (Lines{"R 500+8", "R 1000+8"}));
}

// Slices.

// Serves requests of 4 ms each, from tasks that always have more, and returns what was served.
Lines serve_saturated(SingleQueueRig& rig, std::vector<int> tasks, int requests,
                      bool writes = false) {
  std::map<int, int> submitted;
  Lines served;
  for (int i = 0; i < requests; ++i) {
    for (const int id : tasks) {
      while (submitted[id] - count_of(served, id) < 8) {
        submit_many(rig, id, 1, writes, submitted[id]++);
      }
    }
    served.push_back(rig.serve(milliseconds(4)));
  }
  return served;
}

TEST(CfqSlice, IsAQueuesUntilItsTimeIsUsed) {
  SingleQueueRig rig;
  const Lines served = serve_saturated(rig, {1, 2}, 60);
  // The slice starts with the first completion, so it takes 1 + 25 requests.
  EXPECT_EQ(count_of({served.begin(), served.begin() + 26}, 1), 26);
  EXPECT_EQ(count_of({served.begin() + 26, served.begin() + 52}, 2), 26);
  EXPECT_EQ(count_of({served.begin() + 52, served.end()}, 1), 8);
}

TEST(CfqSlice, FollowsThePriority) {
  for (const auto& [at_level, ticks] : {std::pair{0, 45}, {2, 35}, {7, 10}}) {
    SingleQueueRig rig;
    rig.task(1).priority = level(static_cast<std::uint8_t>(at_level));
    rig.submit(1, read(kFar));
    rig.submit(2, read(2 * kFar + 1'000'000 - 8));
    const Lines served = serve_saturated(rig, {1, 2}, 120);
    const auto first = std::find_if(served.begin(), served.end(), [](const std::string& line) {
      return count_of({line}, 1) == 1;
    });
    const auto end = std::find_if(first, served.end(),
                                  [](const std::string& line) { return count_of({line}, 1) == 0; });
    EXPECT_EQ(end - first, ticks + 1) << "level " << at_level;
  }
}

TEST(CfqSlice, IsCutSoThatAllQueuesHaveATurnWithinTargetLatency) {
  const std::vector<int> tasks{1, 2, 3, 4, 5, 6};
  SingleQueueRig rig;
  serve_saturated(rig, tasks, 300);
  SingleQueueRig whole{{.tunables = {{"low_latency", 0}}}};
  const auto turns = [&](SingleQueueRig& of) {
    const Lines served = serve_saturated(of, tasks, 312);
    int changes = 0;
    for (std::size_t i = 1; i < served.size(); ++i) {
      changes += served[i][2] != served[i - 1][2] ? 1 : 0;
    }
    return changes;
  };
  EXPECT_EQ(turns(whole), 312 / 26 - 1) << "whole slices of 25 ticks";
  EXPECT_GE(turns(rig), 312 / 14) << "75 ticks * 25 / (25 * 6) = 12";
}

TEST(CfqSlice, WhatWasOverrunMakesTheQueueWait) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  submit_many(rig, 1, 8);
  submit_many(rig, 2, 8);
  submit_many(rig, 3, 8);
  EXPECT_EQ(count_of({rig.serve()}, 1), 1);
  // The second request of task 1 takes until 20 ticks after the end of its slice.
  EXPECT_EQ(count_of({rig.serve(milliseconds(4) * 45)}, 1), 1);
  EXPECT_EQ(count_of({rig.serve()}, 2), 1);
  EXPECT_EQ(count_of({rig.serve(milliseconds(4) * 26)}, 2), 1) << "overran by a tick";
  EXPECT_EQ(count_of({rig.serve()}, 3), 1);
  EXPECT_EQ(count_of({rig.serve(milliseconds(4) * 26)}, 3), 1);
  EXPECT_EQ(count_of({rig.serve()}, 1), 1) << "45 ticks + 20";
}

TEST(CfqSlice, OfAsynchronousRequestsEndsAfterANumberByPriority) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}, {"quantum", 1000}}}};
  rig.task(2).priority = level(6);
  submit_many(rig, 1, 30, true);
  submit_many(rig, 2, 30, true);
  const Lines issued = rig.issue_all(60);
  ASSERT_EQ(issued.size(), 60U);
  EXPECT_EQ(count_of({issued.begin(), issued.begin() + 16}, 1), 16) << "2 * 2 * (8 - 4)";
  EXPECT_EQ(count_of({issued.begin() + 16, issued.begin() + 24}, 2), 8) << "2 * 2 * (8 - 6)";
}

// Classes and workloads.

TEST(CfqClasses, RealTimeGoesBeforeBestEffortAndIdleComesLast) {
  SingleQueueRig rig;
  rig.task(3).priority = kIdlePriority;
  rig.task(1).priority = kRealTimePriority;
  submit_many(rig, 3, 2);
  submit_many(rig, 2, 2);
  submit_many(rig, 1, 2);
  Lines order;
  for (int i = 0; i < 30; ++i) {
    const std::string line = rig.serve();
    if (line != "-") {
      order.push_back(line.substr(2, 1));
    }
    rig.wait_ticks(1);
  }
  EXPECT_EQ(order, (Lines{"1", "1", "2", "2", "3", "3"}));
}

TEST(CfqClasses, AnIdleQueueHasOneRequestInTheDevice) {
  SingleQueueRig rig;
  rig.task(1).priority = kIdlePriority;
  submit_many(rig, 1, 3);
  EXPECT_EQ(rig.issue_all().size(), 1U);
  rig.complete_all();
  EXPECT_EQ(rig.issue_all().size(), 1U);
}

TEST(CfqClasses, WhatAnIdleQueueHadLeftCountsOnceItIsOfBestEffort) {
  SingleQueueRig rig;
  rig.task(1).priority = rig.task(3).priority = kIdlePriority;
  rig.submit(1, read(kFar));
  ASSERT_EQ(rig.serve(), "R 1000000+8");  // all of its slice is left
  rig.submit(1, read(kFar + 100));
  rig.submit(3, read(3 * kFar));
  ASSERT_EQ(rig.serve(), "R 1000100+8");
  rig.submit(2, read(2 * kFar));
  rig.wait_ticks(1);
  rig.task(1).priority = level(0);  // so that it waits no longer for being of so many
  rig.submit(1, read(kFar + 200));
  EXPECT_EQ(rig.issue(), "R 1000200+8");
}

TEST(CfqClasses, IdleQueuesTakeTurnsAfterEachRequest) {
  SingleQueueRig rig;
  for (const int id : {1, 2}) {
    rig.task(id).priority = kIdlePriority;
    submit_many(rig, id, 2);
  }
  EXPECT_EQ(rig.serve_all(), (Lines{"R 1000000+8", "R 2000000+8", "R 1000016+8", "R 2000016+8"}));
}

TEST(CfqWorkloads, AnAsynchronousOneHasItsPartOfTheTimeBesideASynchronousOne) {
  SingleQueueRig rig{{.tunables = {{"low_latency", 0}}}};
  int submitted_writes = 0;
  int submitted_reads = 0;
  Lines served;
  for (int i = 0; i < 1000; ++i) {
    while (submitted_writes - count_of(served, 1) < 8) {
      submit_many(rig, 1, 1, true, submitted_writes++);
    }
    while (submitted_reads - count_of(served, 2) < 8) {
      submit_many(rig, 2, 1, false, submitted_reads++);
    }
    const std::string line = rig.serve(milliseconds(4));
    if (line != "-") {
      served.push_back(line);
    }
  }
  const int writes = count_of(served, 1);
  // A synchronous slice of 25 ticks, then asynchronous requests until a workload slice of
  // 75 / 2 * 10 / 25 = 15 ticks is over or 16 of them are served.
  EXPECT_GT(writes, 200);
  EXPECT_LT(writes, 450);
}

// What goes to the device.

TEST(CfqDispatch, IsHalfAQuantumWhileOthersWait) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20);
  submit_many(rig, 2, 20);
  EXPECT_EQ(rig.issue_all().size(), 4U);
}

TEST(CfqDispatch, IsAQuantumEarlyInTheSlice) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20);
  submit_many(rig, 2, 20);
  ASSERT_EQ(rig.issue_all().size(), 4U);
  rig.complete_oldest();
  rig.issue_all();
  EXPECT_EQ(rig.in_device().size(), 8U);
}

TEST(CfqDispatch, IsHalfAQuantumWhenTheSliceIsUsedSoon) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20);
  submit_many(rig, 2, 20);
  ASSERT_EQ(rig.issue_all().size(), 4U);
  rig.complete_oldest();
  rig.wait_ticks(20);  // 5 are left, 3 requests may take 2 each
  EXPECT_EQ(rig.issue_all().size(), 1U);
  EXPECT_EQ(rig.in_device().size(), 4U);
}

TEST(CfqDispatch, HasNoLimitForTheOnlyQueue) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20);
  EXPECT_EQ(rig.issue_all().size(), 20U);
}

TEST(CfqDispatch, HasNoLimitForTheOnlySynchronousQueue) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20);
  submit_many(rig, 2, 5, true);
  EXPECT_EQ(rig.issue_all().size(), 20U);
}

TEST(CfqDispatch, HasNoAsynchronousRequestWhileSynchronousOnesAreInTheDevice) {
  SingleQueueRig rig{{.tunables = {{"slice_idle", 0}, {"group_idle", 0}}}};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.issue_all().size(), 1U);
  submit_many(rig, 2, 1, true);
  EXPECT_EQ(rig.issue(), "-");
  rig.complete_all();
  EXPECT_EQ(rig.issue(), "W 2000000+8");
}

TEST(CfqDispatch, DrainsAsynchronousRequestsBeforeAQueueThatIsIdledFor) {
  SingleQueueRig rig;
  submit_many(rig, 1, 1, true);
  ASSERT_EQ(rig.issue_all().size(), 1U);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue(), "-");
  rig.complete_all();
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqDispatch, HasMoreAsynchronousRequestsTheLongerNoSynchronousOneWasLate) {
  SingleQueueRig rig;
  submit_many(rig, 1, 20, true);
  EXPECT_EQ(rig.issue_all().size(), 10U) << "a second since, by a slice_sync of 100 ms";
  rig.complete_all();
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(milliseconds(4) * 31), "R 2000000+8") << "late";
  rig.wait_ticks(3);  // gives up waiting for another one
  EXPECT_EQ(rig.issue_all().size(), 1U) << "one is always allowed";
  rig.complete_all();
  rig.wait_ticks(47);
  EXPECT_EQ(rig.issue_all().size(), 2U) << "50 ticks since";
}

TEST(CfqDispatch, ASynchronousRequestThatWasNotLateDoesNotCount) {
  SingleQueueRig rig;
  submit_many(rig, 2, 1);
  submit_many(rig, 1, 20, true);
  ASSERT_EQ(rig.serve(milliseconds(4) * 30), "R 2000000+8");
  rig.wait_ticks(3);
  EXPECT_EQ(rig.issue_all().size(), 11U) << "1133 ms since what was assumed at the start";
}

TEST(CfqDispatch, IsSortedInTheDriversList) {
  SingleQueueRig rig;
  submit_many(rig, 2, 2);
  submit_many(rig, 1, 2);
  EXPECT_EQ(rig.drain(), (Lines{"R 1000000+8", "R 1000016+8", "R 2000000+8", "R 2000016+8"}));
  EXPECT_FALSE(rig.elevator().has_work());
}

// Merging.

TEST(CfqMerge, OnlyWithTheTasksOwnRequests) {
  SingleQueueRig rig;
  rig.submit(1, read(1000));
  EXPECT_EQ(rig.merge(2, read(1008)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(1, read(1008)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(1, read(992)), MergeKind::kFront);
  EXPECT_EQ(rig.serve_all(), (Lines{"R 992+24"}));
}

TEST(CfqMerge, OfAsynchronousRequestsWithThoseOfAnyTaskOfTheLevel) {
  SingleQueueRig rig;
  rig.submit(1, write(1000));
  rig.submit(2, write(9000));
  EXPECT_EQ(rig.merge(2, write(1008)), MergeKind::kBack);
  rig.task(3).priority = level(7);
  rig.submit(3, write(50'000));
  EXPECT_EQ(rig.merge(3, write(1016)), MergeKind::kNone);
}

TEST(CfqMerge, NeverOfASynchronousBioWithAnAsynchronousRequest) {
  SingleQueueRig rig;
  rig.submit(1, write(1000));
  rig.submit(1, read(90'000));
  EXPECT_EQ(rig.merge(1, sync_write(1008)), MergeKind::kNone);
}

TEST(CfqMerge, OfTwoRequestsKeepsTheOlderOnesExpiry) {
  SingleQueueRig rig;
  rig.submit(1, read(1008));
  rig.wait_ticks(20);
  rig.submit(1, read(992));
  rig.submit(1, read(500));
  rig.submit(1, read(508));  // joins the one before
  ASSERT_EQ(rig.merge(1, read(1000)), MergeKind::kBack) << "and joins the two";
  rig.wait_ticks(11);
  EXPECT_EQ(rig.serve(), "R 992+24") << "expired with the older one";
}

TEST(CfqMerge, AQueueThatLosesItsLastRequestIsNoLongerServed) {
  SingleQueueRig rig;
  submit_many(rig, 3, 1);
  rig.submit(1, read(1000));
  rig.submit(2, read(1008));
  // Insertion merges whatever the task: task 2's request becomes part of task 1's.
  EXPECT_EQ(rig.serve_all(), (Lines{"R 3000000+8"})) << "task 3 is waited for";
  rig.wait_ticks(3);
  EXPECT_EQ(rig.serve_all(), (Lines{"R 1000+16"}));
  EXPECT_FALSE(rig.elevator().has_work());
}

}  // namespace
}  // namespace wbsim::block
