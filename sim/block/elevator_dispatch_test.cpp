// The queue around an elevator: two kinds of tags, what is taken out and when, what passes by, and
// merging with what is queued.
#include <gtest/gtest.h>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

RigOptions with_deadline(int depth, TunableValues tunables = {}) {
  RigOptions options;
  options.queue.elevator = find_elevator("mq-deadline");
  options.queue.iosched = std::move(tunables);
  options.device.depth = depth;
  return options;
}

// 6.1 in all that concerns an elevator.
RigOptions with_deadline_6_1(int depth, TunableValues tunables = {}) {
  tunables.try_emplace("async_depth", RequestQueueOptions{}.nr_requests);
  RigOptions options = with_deadline(depth, std::move(tunables));
  options.queue.elevator_generation = ElevatorGeneration::kV6_1;
  options.queue.elevator_pull = ElevatorPull::kWhileTags;
  options.queue.plug_issue_order = PlugIssueOrder::kLifo;
  options.queue.plug_merge = PlugMergeRule::kNewestOnly;
  options.queue.tag_wake = TagWakeRule::kCompletionCount;
  return options;
}

TEST(ElevatorDispatch, RequestsGoThroughTheElevatorAndKblockd) {
  QueueRig rig{with_deadline(32)};
  rig.task({write(300), write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines(),
            (Lines{"0 task0 queue 300+8", "0 task0 getrq 300+8", "0 task0 insert W 300+8",
                   "0 task0 queue 100+8", "0 task0 getrq 100+8", "0 task0 insert W 100+8",
                   "0 kworker/0:1H issue W 300+8", "0 kworker/0:1H issue W 100+8",
                   "100 ? complete W 300+8", "100 ? complete W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

// The writes are taken out before there are tags for them, so the read comes too late (v5.10).
TEST(ElevatorDispatch, V5_10TakesAllThatWaitsAsLongAsTheDeviceWasNotBusy) {
  QueueRig rig{with_deadline(1, {{"fifo_batch", 1}})};
  rig.task({write(300), write(400), write(500), sleep_until(microseconds(50)), read(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 300+8", "W 400+8", "W 500+8", "R 0+8"}));
}

// One request more than there are tags (v6.1).
TEST(ElevatorDispatch, V6_1StopsAtTheFirstWithoutATag) {
  QueueRig rig{with_deadline_6_1(1, {{"fifo_batch", 1}})};
  rig.task({write(300), write(400), write(500), sleep_until(microseconds(50)), read(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 300+8", "W 400+8", "R 0+8", "W 500+8"}));
}

// With one server and nothing queued, the first write is in the device when the others come.
Lines issued_with_priorities(BioPriorityRule rule) {
  RigOptions options = with_deadline_6_1(1);
  options.queue.bio_priority = rule;
  QueueRig rig{options};
  rig.task({write(0), write(100), write(200)}, nullptr, {IoClass::kIdle, 0});
  rig.task({sleep_until(microseconds(10)), write(300)});
  rig.task({sleep_until(microseconds(20)), write(400)}, nullptr, {IoClass::kRealTime, 0});
  rig.run();
  EXPECT_TRUE(rig.drained());
  return rig.issued();
}

TEST(BioPriority, IsThatOfItsSubmitterSinceV6_0) {
  EXPECT_EQ(issued_with_priorities(BioPriorityRule::kOfSubmitter),
            (Lines{"W 0+8", "W 100+8", "W 400+8", "W 300+8", "W 200+8"}))
      << "the second was taken out before the others came";
  EXPECT_EQ(issued_with_priorities(BioPriorityRule::kAsSet),
            (Lines{"W 0+8", "W 100+8", "W 200+8", "W 300+8", "W 400+8"}));
}

// What has none counts as best effort, level 4; requests of different priorities do not merge.
TEST(BioPriority, OfATaskWithoutOneIsThatOfNiceZero) {
  const auto merged = [](IoPriority priority) {
    RigOptions options = with_deadline_6_1(1);
    options.queue.bio_priority = BioPriorityRule::kOfSubmitter;
    QueueRig rig{options};
    rig.task({write(0), write(50), write(100)});
    rig.task({sleep_until(microseconds(10)), write(108)}, nullptr, priority);
    rig.run();
    return rig.queue.stats().back_merges;
  };
  EXPECT_EQ(merged({}), 1);
  EXPECT_EQ(merged(kPriorityOfNiceZero), 1);
  EXPECT_EQ(merged({IoClass::kBestEffort, 3}), 0);
}

TEST(ElevatorDispatch, ABusyDeviceIsGivenOneAtATime) {
  QueueRig rig{with_deadline(1, {{"fifo_batch", 1}})};
  rig.task({write(300), write(400), sleep_until(microseconds(50)), write(500), write(600),
            sleep_until(microseconds(150)), read(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 300+8", "W 400+8", "W 500+8", "R 0+8", "W 600+8"}))
      << "only 500 is taken out when 400 goes, for the device has been busy";
}

TEST(ElevatorDispatch, ATagIsHeldFromDispatchToCompletion) {
  RigOptions options = with_deadline(8);
  options.queue.driver_tags = 2;
  QueueRig rig{options};
  rig.task({write(100), write(200), write(300), write(400)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 100+8", "W 200+8", "W 300+8", "W 400+8"}));
  EXPECT_EQ(rig.issued_us(1), 0);
  EXPECT_EQ(rig.issued_us(2), 100) << "there are two tags, though the device would take eight";
  EXPECT_TRUE(rig.drained());
}

TEST(ElevatorDispatch, SubmittersSleepWhenTheSchedulersTagsAreGone) {
  RigOptions options = with_deadline(1);
  options.queue.nr_requests = 2;
  QueueRig rig{options};
  rig.task({write(100), write(200), write(300)});
  rig.run();
  EXPECT_EQ(rig.log.lines("getrq"),
            (Lines{"0 task0 getrq 100+8", "0 task0 getrq 200+8", "100 task0 getrq 300+8"}));
}

// 16 tags in words of four bits: async_depth 4 leaves writes one bit of each.
TEST(ElevatorDispatch, AsyncDepthKeepsTagsForReads) {
  for (const bool limited : {false, true}) {
    RigOptions options = with_deadline_6_1(1, {{"async_depth", limited ? 4 : 16}});
    options.queue.nr_requests = 16;
    QueueRig rig{options};
    IoScript writes;
    for (int i = 0; i < 6; ++i) {
      writes.push_back(write(100 * i));
    }
    rig.task(writes);
    rig.task({sleep_until(microseconds(10)), read(5000), read(6000)});
    rig.run();
    const Lines getrq = rig.log.lines("getrq");
    ASSERT_EQ(getrq.size(), 8U);
    EXPECT_EQ(getrq[3], "0 task0 getrq 300+8");
    EXPECT_EQ(getrq[4], limited ? "10 task1 getrq 5000+8" : "0 task0 getrq 400+8");
    EXPECT_EQ(getrq[5], limited ? "10 task1 getrq 6000+8" : "0 task0 getrq 500+8");
    EXPECT_EQ(getrq[6], limited ? "100 task0 getrq 400+8" : "10 task1 getrq 5000+8");
    EXPECT_TRUE(rig.drained());
  }
}

TEST(ElevatorDispatch, FlushesPassByTheElevator) {
  RigOptions options = with_deadline(1);
  options.queue.elevator_pull = ElevatorPull::kWhileTags;
  options.queue.limits.write_cache = true;
  options.device.volatile_cache = true;
  QueueRig rig{options};
  rig.task({write(100), write(200), write(300), sleep_until(microseconds(10)), preflush(900),
            sleep_until(microseconds(350)), flush()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 100+8", "F", "W 900+8", "W 200+8", "F", "W 300+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(ElevatorDispatch, AForcedWriteWithoutAFlushWaitsOnTheDispatchList) {
  RigOptions options = with_deadline_6_1(1);
  options.queue.limits.write_cache = options.queue.limits.fua = true;
  options.device.volatile_cache = true;
  QueueRig rig{options};
  rig.task({write(100), write(200), write(300), sleep_until(microseconds(10)), fua(900)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 100+8", "W 200+8", "W 900+8 fua", "W 300+8"}));
}

TEST(ElevatorDispatch, AForcedWriteIsIssuedByKblockdOrByItsSubmitter) {
  for (const FuaIssue by : {FuaIssue::kKblockd, FuaIssue::kSubmitter}) {
    RigOptions options;
    options.queue.fua_issue = by;
    options.queue.limits.write_cache = options.queue.limits.fua = true;
    options.device.volatile_cache = true;
    QueueRig rig{options};
    rig.task({fua(0)});
    rig.run();
    EXPECT_EQ(rig.log.lines("issue"), (Lines{by == FuaIssue::kKblockd ? "0 kworker/0:1H issue W 0+8"
                                                                      : "0 task0 issue W 0+8"}));
  }
}

// Since 6.5: through plug and elevator, also where a flush follows it.
TEST(ElevatorDispatch, AForcedWriteGoesAsOthersDo) {
  for (const bool fua_device : {false, true}) {
    RigOptions options = with_deadline_6_1(32);
    options.queue.fua_issue = FuaIssue::kAsOthers;
    options.queue.limits.write_cache = true;
    options.queue.limits.fua = fua_device;
    options.device.volatile_cache = true;
    QueueRig rig{options};
    rig.task({plug(), fua(0), write(8), unplug()});
    rig.run();
    EXPECT_EQ(rig.log.lines("insert"), (Lines{"0 task0 insert W 0+8", "0 task0 insert W 8+8"}))
        << "and nothing is merged with it";
    EXPECT_EQ(rig.issued(),
              fua_device ? (Lines{"W 0+8 fua", "W 8+8"}) : (Lines{"W 0+8", "W 8+8", "F"}));
    EXPECT_TRUE(rig.drained());
  }
}

TEST(ElevatorDispatch, APlugIsInsertedInOrderOfArrival) {
  QueueRig rig{with_deadline_6_1(32)};
  rig.task({plug(), write(300), write(100), write(500), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("insert"),
            (Lines{"0 task0 insert W 300+8", "0 task0 insert W 100+8", "0 task0 insert W 500+8"}));
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"0 task0 issue W 300+8", "0 task0 issue W 500+8", "0 task0 issue W 100+8"}))
      << "its owner runs the queue";
}

TEST(ElevatorDispatch, APlugOfASleeperIsInsertedAndLeftToKblockd) {
  QueueRig rig{with_deadline_6_1(32)};
  rig.task({plug(), write(300), write(100), sleep_until(microseconds(10)), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"0 task0 unplug by sleep 2"}));
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"0 kworker/0:1H issue W 300+8", "0 kworker/0:1H issue W 100+8"}));
}

TEST(ElevatorDispatch, BiosAndRequestsMergeWithWhatTheElevatorHolds) {
  QueueRig rig{with_deadline_6_1(1)};
  rig.task({write(0), write(50), write(100), write(116), write(108),  // 100, 116 and all between
            plug(), write(300), write(400), write(308), unplug()});  // 308 has a request of its own
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 50+8", "W 100+24", "W 300+16", "W 400+8"}));
  EXPECT_EQ(rig.log.lines("merge"),
            (Lines{"0 task0 backmerge 108+8", "0 task0 merge W 116+8", "0 task0 merge W 308+8"}));
  const RequestQueueStats& stats = rig.queue.stats();
  EXPECT_EQ(stats.back_merges, 1);
  EXPECT_EQ(stats.request_merges, 2);
  EXPECT_TRUE(rig.drained()) << "absorbed requests give their tags back";
}

// kyber has 128 tokens for writes, of which eight that are freed at once have the queue run. Nobody
// else would run it before the delay of 3 ms is over.
TEST(ElevatorDispatch, FreedTokensOfKyberRunTheQueue) {
  RigOptions options;
  options.queue.elevator = find_elevator("kyber");
  options.queue.nr_requests = 256;
  options.device.depth = 256;
  QueueRig rig{options};
  IoScript script;
  for (int i = 0; i < 130; ++i) {
    script.push_back(write(100 * i));
  }
  rig.task(script);
  rig.run();
  EXPECT_EQ(rig.issued_us(127), 0);
  EXPECT_EQ(rig.issued_us(128), 100);
  EXPECT_EQ(rig.issued_us(129), 100);
  EXPECT_TRUE(rig.drained());
}

// Without an elevator: requests that wait on the software queue while the device is busy.
class SoftwareQueueMerge : public ::testing::Test {
 protected:
  // The first is in the device, the second was refused, the others wait.
  static Lines issued_after(const IoScript& script, QueueLimits limits = {}) {
    RigOptions options;
    options.queue.limits = limits;
    options.device.depth = 1;
    QueueRig rig{options};
    rig.task(IoScript{write(5000), write(6000)} + script);
    rig.run();
    Lines lines = rig.issued();
    lines.erase(lines.begin(), lines.begin() + 2);
    return lines;
  }
};

TEST_F(SoftwareQueueMerge, ABioJoinsARequestThatWaits) {
  EXPECT_EQ(issued_after({write(200), write(100), write(208), write(92), read(108)}),
            (Lines{"W 200+16", "W 92+16", "R 108+8"}));
}

TEST_F(SoftwareQueueMerge, OnlyTheNewestEightAreTried) {
  for (const int others : {7, 8}) {
    IoScript script{write(200)};
    for (int i = 0; i < others; ++i) {
      script.push_back(write(1000 + 100 * i));
    }
    script.push_back(write(208));
    EXPECT_EQ(issued_after(script).front(), others == 7 ? "W 200+16" : "W 200+8");
  }
}

TEST_F(SoftwareQueueMerge, AnAdjacentButFullRequestEndsTheSearch) {
  QueueLimits limits;
  limits.max_sectors = Sectors{16};
  // 208 ends where 216 begins, and follows 200: the newer of the two is tried first.
  EXPECT_EQ(issued_after({write(200), write(216, 16), write(208)}, limits),
            (Lines{"W 200+8", "W 216+16", "W 208+8"}));
  EXPECT_EQ(issued_after({write(216, 16), write(200), write(208)}, limits),
            (Lines{"W 216+16", "W 200+16"}));
}

TEST_F(SoftwareQueueMerge, Nomerges2SwitchesItOff) {
  EXPECT_EQ(issued_after({write(200), write(208)}, {.nomerges = 2}), (Lines{"W 200+8", "W 208+8"}));
}

}  // namespace
}  // namespace wbsim::block
