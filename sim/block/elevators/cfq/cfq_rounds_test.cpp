// cfq of v2.6.18. The rig's tick is 4 ms: slices are 25 ticks (reads) and 10 (writes), slice_idle
// is 2, quantum is 4 requests.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/block/elevators/cfq/cfq_test_util.hpp"
#include "sim/block/elevators/cfq/priority_rounds.hpp"

namespace wbsim::block {
namespace {

// Rounds.

class Rounds {
 public:
  CfqRoundsQueue& add(int at_level, std::int64_t served = 0) {
    CfqRoundsQueue& queue = *queues_.emplace_back(std::make_unique<CfqRoundsQueue>(true));
    queue.level = at_level;
    queue.service_last = served;
    rounds.put(queue, false);
    return queue;
  }
  // Serves `count` times, each queue again and again; the levels.
  std::string serve(int count) {
    std::string levels;
    for (std::int64_t i = 0; i < count; ++i) {
      CfqRoundsQueue& queue = *rounds.next();
      levels += static_cast<char>('0' + queue.level);
      queue.service_last = 1000 + i;
      rounds.put(queue, false);
    }
    return levels;
  }
  PriorityRounds rounds;

 private:
  std::vector<std::unique_ptr<CfqRoundsQueue>> queues_;
};

TEST(PriorityRoundsTest, GrowByALevelEach) {
  Rounds rig;
  for (int at_level = 0; at_level < 8; ++at_level) {
    rig.add(at_level);
  }
  EXPECT_EQ(rig.serve(40),
            "0010120123012340123450123456"
            "01234567"
            "0010");
}

TEST(PriorityRoundsTest, PassOverLevelsThatHaveNobody) {
  Rounds rig;
  rig.add(4);
  rig.add(7);
  EXPECT_EQ(rig.serve(10), "4444744447");
}

TEST(PriorityRoundsTest, BeginAnewWhereTheRestOfTheLongestIsEmpty) {
  Rounds rig;
  for (const int at_level : {6, 4, 0}) {
    CfqRoundsQueue& only = rig.add(at_level);
    ASSERT_EQ(rig.rounds.next(), &only) << at_level;
    PriorityRounds::remove(only);
  }
}

TEST(PriorityRoundsTest, ServeALevelsQueuesInOrderOfTheirLastService) {
  Rounds rig;
  const CfqRoundsQueue& late = rig.add(4, 20);
  const CfqRoundsQueue& early = rig.add(4, 10);
  const CfqRoundsQueue& never = rig.add(4, 0);
  for (const CfqRoundsQueue* expected : {&never, &early, &late}) {
    CfqRoundsQueue* next = rig.rounds.next();
    EXPECT_EQ(next, expected);
    PriorityRounds::remove(*next);
  }
}

TEST(PriorityRoundsTest, ServeALevelAsAWhole) {
  Rounds rig;
  rig.add(2);
  rig.add(2);
  rig.add(1);
  EXPECT_EQ(rig.serve(1), "1");
  EXPECT_EQ(rig.serve(2), "12") << "0 1 | 0 1 2";
  CfqRoundsQueue* second = rig.rounds.next();
  EXPECT_EQ(second->level, 2) << "before level 1 has another turn";
}

TEST(PriorityRoundsTest, LetQueuesWithRequestsInTheDeviceWait) {
  Rounds rig;
  CfqRoundsQueue& busy = rig.add(0);
  busy.dispatched = 1;
  rig.rounds.put(busy, false);
  const CfqRoundsQueue& other = rig.add(7);
  EXPECT_EQ(rig.rounds.next(), &other);
  PriorityRounds::remove(*rig.rounds.next());
  EXPECT_EQ(rig.rounds.next(), &busy) << "but not for nobody";
}

// The queues of a level in their order, which empties it.
std::vector<const CfqRoundsQueue*> order_of(PriorityRounds& rounds) {
  std::vector<const CfqRoundsQueue*> order;
  while (CfqRoundsQueue* next = rounds.next()) {
    order.push_back(next);
    PriorityRounds::remove(*next);
  }
  return order;
}
using Order = std::vector<const CfqRoundsQueue*>;

TEST(PriorityRoundsTest, OfEqualServicePutTheNewcomerFirst) {
  Rounds rig;
  const CfqRoundsQueue& first = rig.add(4, 10);
  const CfqRoundsQueue& second = rig.add(4, 10);
  EXPECT_EQ(order_of(rig.rounds), (Order{&second, &first}));
}

TEST(PriorityRoundsTest, KeepThoseInTheDeviceInOrderOfComing) {
  Rounds rig;
  CfqRoundsQueue& late = rig.add(4, 20);
  CfqRoundsQueue& early = rig.add(4, 10);
  for (CfqRoundsQueue* queue : {&late, &early}) {
    queue->dispatched = 1;
    rig.rounds.put(*queue, false);
  }
  EXPECT_EQ(order_of(rig.rounds), (Order{&late, &early}));
}

TEST(PriorityRoundsTest, PutAPreemptedQueueBeforeTheLastOneOfItsList) {
  Rounds rig;
  const CfqRoundsQueue& first = rig.add(4, 10);
  const CfqRoundsQueue& second = rig.add(4, 20);
  const CfqRoundsQueue& third = rig.add(4, 30);
  CfqRoundsQueue& preempted = rig.add(4, 40);
  rig.rounds.put(preempted, true);
  EXPECT_EQ(order_of(rig.rounds), (Order{&first, &second, &preempted, &third}));
}

TEST(PriorityRoundsTest, PutALevelWhoseTurnIsBrokenBackOneByOne) {
  Rounds rig;
  const CfqRoundsQueue& first = rig.add(4, 10);
  const CfqRoundsQueue& second = rig.add(4, 20);
  const CfqRoundsQueue& third = rig.add(4, 30);
  ASSERT_EQ(rig.rounds.next(), &first) << "the turn of level 4";
  rig.rounds.break_turn();
  const CfqRoundsQueue& higher = rig.add(0);
  EXPECT_EQ(order_of(rig.rounds), (Order{&higher, &second, &third, &first}))
      << "each before the last of those that are back";
}

// Queues.

TEST(CfqRoundsQueues, ReadsAreATasksOwnWritesAreSharedByPriority) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(5000));
  rig.submit(2, read(100));
  EXPECT_EQ(rig.serve(), "R 5000+8");
  SingleQueueRig writes{old_cfq()};
  writes.task(1).priority = writes.task(2).priority = level(4);
  writes.task(3).priority = level(5);
  writes.submit(1, write(5000));
  writes.submit(2, write(100));
  writes.submit(3, write(10));
  EXPECT_EQ(writes.serve_all(), (Lines{"W 100+8", "W 5000+8", "W 10+8"}));
}

TEST(CfqRoundsQueues, SynchronousWritesAreWritesLikeOthers) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, direct_write(5000));
  rig.submit(2, sync_write(100));
  EXPECT_EQ(rig.serve(), "W 100+8") << "one queue";
}

TEST(CfqRoundsQueues, ATaskWithoutPriorityWritesToTheOneMadeLast) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = level(2);
  rig.task(2).priority = level(6);
  rig.submit(1, write(5000));
  rig.submit(2, write(6000));
  rig.submit(3, write(100));
  EXPECT_EQ(rig.serve_all(), (Lines{"W 5000+8", "W 6000+8", "W 100+8"}))
      << "level 4 would come before level 6";
}

TEST(CfqRoundsQueues, AChangedPriorityHoldsFromTheNextRequestOn) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  rig.task(2).priority = kRealTimePriority;
  submit_many(rig, 2, 1, false, 1);
  EXPECT_EQ(tasks_of(rig.serve_all()), "22");
}

TEST(CfqRoundsQueues, ALockOfTheFileSystemRaisesALowerPriority) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  rig.task(2).priority = level(5);
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  rig.task(1).fs_exclusive = true;
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(rig.serve().substr(2, 1), "1");
  SingleQueueRig without{old_cfq()};
  without.task(1).priority = kIdlePriority;
  without.task(2).priority = level(5);
  submit_many(without, 1, 1);
  submit_many(without, 2, 1);
  without.task(1).fs_exclusive = true;
  ASSERT_EQ(without.may_queue(1, read(0)), MayQueue::kMay);
  without.task(1).fs_exclusive = false;
  ASSERT_EQ(without.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(without.serve().substr(2, 1), "2") << "as long as it is held";
}

// Slices and turns.

TEST(CfqRoundsSlice, LastsByPriority) {
  for (const auto& [at_level, ticks] : {std::pair{4, 25}, {0, 45}, {7, 10}}) {
    SingleQueueRig rig{old_cfq()};
    rig.task(1).priority = rig.task(2).priority = level(at_level);
    submit_many(rig, 1, 60);
    submit_many(rig, 2, 1);
    const std::string tasks = tasks_of(rig.serve_all(milliseconds(4), 60));
    // It starts with the turn, and a turn that is begun is given to the end. What completes after
    // its end ends it.
    EXPECT_EQ(tasks.find('2'), static_cast<std::size_t>((ticks + 4) / 4 * 4)) << at_level;
  }
}

TEST(CfqRoundsSlice, OfWritesEndsAfterANumberByPriority) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = level(6);
  rig.task(2).priority = level(6);
  submit_many(rig, 1, 30, true);
  submit_many(rig, 2, 1);
  EXPECT_EQ(tasks_of(rig.serve_all(microseconds(10), 30)).find('2'), 8U) << "2 * 2 * (8 - 6)";
}

TEST(CfqRoundsTurn, GivesUpToAQuantum) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 10);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  EXPECT_EQ(rig.listed().size(), 3U);
}

TEST(CfqRoundsTurn, GivesASingleRequestOfAnIdleQueue) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  submit_many(rig, 1, 10);
  ASSERT_EQ(rig.issue(), "R 1000000+8");
  EXPECT_EQ(rig.listed().size(), 0U);
}

TEST(CfqRoundsTurn, GoesOnToOtherQueuesWhereNoneIsWorthStayingWith) {
  SingleQueueRig rig{old_cfq({{"slice_idle", 0}})};
  submit_many(rig, 1, 6);
  submit_many(rig, 2, 6);
  ASSERT_NE(rig.issue(), "-");
  EXPECT_EQ(rig.listed().size(), 11U) << "4 and 4, then 2 and 2 more";
}

TEST(CfqRoundsTurn, IsSortedFromWhereTheDriverIs) {
  SingleQueueRig rig{old_cfq({{"slice_idle", 0}})};
  rig.submit(1, read(5000));
  rig.submit(2, read(100));
  EXPECT_EQ(rig.issue_all(), (Lines{"R 100+8", "R 5000+8"}));
}

TEST(CfqRoundsTurn, StaysUntilWhatItGaveHasCompleted) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 2);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.issue_all().size(), 2U);
  rig.task(1).exited = true;
  rig.complete_oldest();
  EXPECT_EQ(rig.issue(), "-");
  rig.complete_oldest();
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsOrder, AnExpiredRequestGoesFirstOnceASlice) {
  for (const auto& [ticks, first] : {std::pair{31, "R 1000000+8"}, {32, "R 1700000+8"}}) {
    SingleQueueRig rig{old_cfq({{"quantum", 2}})};
    rig.submit(1, read(kFar + 700'000));
    rig.submit(1, read(kFar + 600'000));
    rig.submit(1, read(kFar));
    rig.wait_ticks(ticks);
    ASSERT_NE(rig.issue(), "-");
    const Lines rest = rig.listed();
    // The driver's list is sorted, so look at what was given, not at its order.
    EXPECT_EQ(rest.size(), 1U);
    const bool expired_given = rest[0] == "R 1700000+8";
    EXPECT_EQ(expired_given, std::string{first} == "R 1700000+8") << ticks;
  }
}

TEST(CfqRoundsClasses, RealTimeFirstIdleLast) {
  SingleQueueRig rig{old_cfq({{"slice_idle", 0}, {"quantum", 1}})};
  rig.task(3).priority = kIdlePriority;
  rig.task(1).priority = kRealTimePriority;
  submit_many(rig, 3, 1);
  submit_many(rig, 2, 2);
  submit_many(rig, 1, 2);
  std::string tasks;
  while (tasks.size() < 4) {
    const std::string line = rig.serve();
    ASSERT_NE(line, "-");
    tasks += line[2];
  }
  EXPECT_EQ(tasks, "1122");
}

TEST(CfqRoundsClasses, IdleIsServedWhenNothingElseHasCompletedForTheGracePeriod) {
  SingleQueueRig rig{old_cfq({{"slice_idle", 0}})};
  rig.task(3).priority = kIdlePriority;
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 2000000+8");
  submit_many(rig, 3, 1);
  EXPECT_EQ(rig.issue(), "-");
  rig.async_runs_asked();
  rig.wait_ticks(24);
  EXPECT_EQ(rig.issue(), "-");
  EXPECT_EQ(rig.async_runs_asked(), 0);
  rig.wait_ticks(1);
  EXPECT_EQ(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 3000000+8");
}

// Waiting.

TEST(CfqRoundsIdle, AnEmptyReadQueueIsWaitedForSliceIdle) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.issue(), "-");
  rig.async_runs_asked();
  rig.wait(microseconds(7899));
  EXPECT_EQ(rig.async_runs_asked(), 0);
  rig.wait(microseconds(1));
  EXPECT_GE(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, StartsAnewWithEachRunOfTheQueue) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(1);
  ASSERT_EQ(rig.issue(), "-");
  rig.async_runs_asked();
  rig.wait_ticks(1);
  EXPECT_EQ(rig.async_runs_asked(), 0);
  rig.wait_ticks(1);
  EXPECT_GE(rig.async_runs_asked(), 1);
}

TEST(CfqRoundsIdle, HasNoEndAsLongAsNobodyElseComes) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  rig.wait_ticks(10);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.issue(), "-");
  submit_many(rig, 1, 1, false, 1);
  EXPECT_EQ(rig.issue(), "R 1000016+8");
}

TEST(CfqRoundsIdle, WhoeverComesInTimeKeepsTheDiskAndIsServedAtOnce) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.submit(1, read(kFar + 16));
  EXPECT_EQ(rig.runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 1000016+8");
}

TEST(CfqRoundsIdle, WhoWritesInsteadIsNotWaitedForAnyLonger) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.submit(1, write(3 * kFar));
  EXPECT_EQ(rig.runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, WriteQueuesAreNotWaitedFor) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1, true);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "W 1000000+8");
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, ATaskThatHasEndedIsNotWaitedFor) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  Request* request = rig.fetch();
  rig.task(1).exited = true;
  rig.complete(*request);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, EndsWithTheTask) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  submit_many(rig, 2, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.async_runs_asked();
  rig.end_task(1);
  EXPECT_EQ(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsIdle, ATaskThatThinksForTooLongIsNotWaitedFor) {
  for (const auto& [ticks, waits] : {std::pair{2, true}, {3, false}}) {
    SingleQueueRig rig{old_cfq()};
    read_along(rig, 1, 10, ticks);
    rig.submit(1, read(kFar + 80));
    submit_many(rig, 2, 1);
    ASSERT_EQ(rig.serve(), "R 1000080+8");
    EXPECT_EQ(rig.issue() == "-", waits) << ticks;
  }
}

TEST(CfqRoundsIdle, ASeekingTaskIsWaitedForTwoMilliseconds) {
  for (const auto& [gap, ticks] : {std::pair{127'000, 2}, {128'500, 1}}) {
    SingleQueueRig rig{old_cfq()};
    rig.submit(1, read(kFar));
    rig.serve();
    for (int i = 1; i < 90; ++i) {
      rig.submit(1, read(kFar + i * gap));
      ASSERT_NE(rig.serve(), "-");
    }
    rig.submit(2, read(0));
    EXPECT_EQ(rig.issue(), "-");
    rig.wait_ticks(1);
    EXPECT_EQ(rig.issue() == "-", ticks == 2) << gap;
  }
}

TEST(CfqRoundsIdle, ASeekingTaskIsNotWaitedForBeforeADeviceThatQueues) {
  for (const auto& [depth, waits] : {std::pair{4, true}, {5, false}}) {
    SingleQueueRig rig{old_cfq({{"quantum", 8}})};
    submit_many(rig, 2, depth);
    ASSERT_EQ(rig.issue_all().size(), static_cast<std::size_t>(depth));
    rig.end_task(2);
    rig.complete_all();
    for (int i = 0; i < 30; ++i) {
      rig.submit(1, read(kFar + (i % 2) * 900'000));
      ASSERT_NE(rig.serve(), "-");
    }
    submit_many(rig, 3, 1);
    EXPECT_EQ(rig.issue() == "-", waits) << depth;
  }
}

TEST(CfqRoundsIdle, WhoIsWaitedForMustHaveARequestOnceASlice) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.serve(), "R 1000000+8");
  EXPECT_EQ(rig.may_queue(2, read(0)), MayQueue::kMay);
  EXPECT_EQ(rig.may_queue(1, write(0)), MayQueue::kMay);
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMust);
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

TEST(CfqRoundsPreempt, NothingDoes) {
  SingleQueueRig rig{old_cfq()};
  submit_many(rig, 1, 20, true);
  ASSERT_EQ(rig.issue(), "W 1000000+8");
  rig.task(2).priority = kRealTimePriority;
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.runs_asked(), 0);
  EXPECT_EQ(tasks_of(rig.issue_all(15)), std::string(15, '1'));
}

TEST(CfqRoundsPreempt, ButWhatComesWhileAnIdleQueueHasTheDisk) {
  SingleQueueRig rig{old_cfq()};
  rig.task(1).priority = kIdlePriority;
  rig.task(1).fs_exclusive = true;
  submit_many(rig, 1, 1);
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  submit_many(rig, 1, 7, false, 1);
  // Served as best effort, it has the disk for longer than for one request.
  ASSERT_EQ(rig.issue_all(4).size(), 4U);
  rig.task(1).fs_exclusive = false;
  ASSERT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  submit_many(rig, 2, 1);
  EXPECT_EQ(rig.runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 2000000+8");
}

TEST(CfqRoundsMerge, BackWithAnybodysFrontWithOnesOwn) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(1000));
  rig.submit(2, read(9000));
  EXPECT_EQ(rig.merge(2, read(1008)), MergeKind::kBack);
  EXPECT_EQ(rig.merge(2, read(9008)), MergeKind::kBack);  // becomes last_merge
  EXPECT_EQ(rig.merge(2, read(992)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(1, read(992)), MergeKind::kFront);
}

TEST(CfqRoundsAlias, SendsTheOlderRequestOfASectorToTheDriver) {
  SingleQueueRig rig{old_cfq()};
  rig.submit(1, read(1000));
  rig.submit(1, read(1000, 16));
  EXPECT_EQ(rig.listed(), (Lines{"R 1000+8"}));
  EXPECT_EQ(rig.issue_all(), (Lines{"R 1000+8", "R 1000+16"}));
}

TEST(CfqRoundsForced, GivesUpEverything) {
  SingleQueueRig rig{old_cfq()};
  rig.task(3).priority = kIdlePriority;
  for (const int id : {3, 2, 1}) {
    submit_many(rig, id, 6);
  }
  EXPECT_EQ(tasks_of(rig.drain()), "111111222222333333");
  EXPECT_FALSE(rig.elevator().has_work());
}

}  // namespace
}  // namespace wbsim::block
