// Plugs: what they hold back, when they let go, and in which order.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

RigOptions many_tags() {
  RigOptions options;
  options.queue.nr_requests = 128;
  options.device.depth = 128;
  return options;
}

// Writes that cannot merge, 1 us of work after each.
IoScript scattered(int count) {
  IoScript script;
  for (int i = 0; i < count; ++i) {
    script.push_back(write(i * 100));
    script.push_back(compute(microseconds(1)));
  }
  return script;
}

TEST(Plug, HoldsRequestsBackUntilItIsFinished) {
  QueueRig rig;
  rig.task({plug(), write(0), write(100), compute(microseconds(20)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
  EXPECT_EQ(rig.issued_us(0), 20);
  EXPECT_TRUE(rig.drained());
}

TEST(Plug, WithoutAPlugEveryRequestIsIssuedAtOnce) {
  QueueRig rig;
  rig.task({write(0), compute(microseconds(20)), write(8)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 8+8"}));
  EXPECT_EQ(rig.issued_us(0), 0);
}

TEST(Plug, Holds32Requests) {
  QueueRig rig{many_tags()};
  rig.task(IoScript{plug()} + scattered(32) + IoScript{compute(microseconds(100)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 132) << "not before it is finished";
}

TEST(Plug, IsIssuedBeforeThe33rdRequest) {
  QueueRig rig{many_tags()};
  rig.task(IoScript{plug()} + scattered(33) + IoScript{compute(microseconds(100)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 32);
  EXPECT_EQ(rig.issued_us(31), 32);
  EXPECT_EQ(rig.issued_us(32), 133) << "the 33rd begins the next one";
}

TEST(Plug, IsIssuedBeforeTheRequestAfterOneThatHasGrownTo128KiB) {
  QueueRig rig;
  rig.task({plug(), write(0, 248), write(248, 8), compute(microseconds(5)), write(1000),
            compute(microseconds(5)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+256", "W 1000+8"}));
  EXPECT_EQ(rig.issued_us(0), 5);
  EXPECT_EQ(rig.issued_us(1), 10);
}

TEST(Plug, ItsSizeDoesNotCountWithoutMergingWhereTheKernelSaysSo) {
  for (const PlugSizeLimit limit : {PlugSizeLimit::kAlways, PlugSizeLimit::kWhereMerging}) {
    RigOptions options;
    options.queue.limits.nomerges = kNomergesAll;
    options.queue.plug_size_limit = limit;
    QueueRig rig{options};
    rig.task({plug(), write(0, 256), write(1000), sleep_until(milliseconds(1)), unplug()});
    rig.run();
    const bool at_once = limit == PlugSizeLimit::kAlways;
    EXPECT_EQ(rig.log.lines("unplug").size(), at_once ? 2U : 1U);
  }
}

// The newest in 6.1, the oldest in 6.12.
TEST(Plug, ItsSizeIsThatOfTheNewestOrOfTheOldestRequest) {
  for (const PlugSizeLimit limit :
       {PlugSizeLimit::kWhereMerging, PlugSizeLimit::kOldestWhereMerging}) {
    const bool oldest = limit == PlugSizeLimit::kOldestWhereMerging;
    for (const bool large_first : {false, true}) {
      RigOptions options;
      options.queue.plug_size_limit = limit;
      QueueRig rig{options};
      rig.task({plug(), write(0, large_first ? 256 : 8), write(1000, large_first ? 8 : 256),
                write(2000), unplug()});
      rig.run();
      // With the oldest large, the second request already finds the plug full; the newest is it for
      // the third where it is the large one.
      const std::size_t flushes = rig.log.lines("unplug").size();
      EXPECT_EQ(flushes, oldest && !large_first ? 1U : 2U);
    }
  }
}

TEST(Plug, OfATaskWithoutOneIsMadeForEachBioSince6_9) {
  for (const bool each : {false, true}) {
    RigOptions options;
    options.queue.elevator = find_elevator("mq-deadline");
    options.queue.plugs_each_bio = each;
    QueueRig rig{options};
    rig.task({write(0), write(100)});
    rig.run();
    EXPECT_EQ(rig.log.lines("unplug"),
              each ? (Lines{"0 task0 unplug 1", "0 task0 unplug 1"}) : Lines{});
    EXPECT_EQ(rig.log.lines("issue"),
              each ? (Lines{"0 task0 issue W 0+8", "0 task0 issue W 100+8"})
                   : (Lines{"0 kworker/0:1H issue W 0+8", "0 kworker/0:1H issue W 100+8"}))
        << "its owner runs the queue";
  }
}

TEST(Plug, OneSectorLessThan128KiBIsHeldBack) {
  QueueRig rig;
  rig.task({plug(), write(0, 247), write(247, 8), compute(microseconds(5)), write(1000),
            compute(microseconds(5)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 10);
}

TEST(Plug, TheSizeOfTheRequestThatIsAddedDoesNotMatter) {
  QueueRig rig;
  rig.task({plug(), write(0), write(1000, 256), compute(microseconds(5)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 5);
}

TEST(Plug, NestedPlugIsIgnored) {
  QueueRig rig;
  rig.task({plug(), write(0), plug(), write(100), unplug(), compute(microseconds(10)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 10);
  EXPECT_EQ(rig.issued_us(1), 10);
}

TEST(Plug, IsIssuedFirstInFirstOutOrLastInFirstOutByProfile) {
  for (const PlugIssueOrder order : {PlugIssueOrder::kFifo, PlugIssueOrder::kLifo}) {
    RigOptions options;
    options.queue.plug_issue_order = order;
    QueueRig rig{options};
    rig.task({plug(), write(0), write(100), write(200), unplug()});
    rig.run();
    EXPECT_EQ(rig.issued(), order == PlugIssueOrder::kFifo
                                ? (Lines{"W 0+8", "W 100+8", "W 200+8"})
                                : (Lines{"W 200+8", "W 100+8", "W 0+8"}));
  }
}

// v6.12: as in 6.1 whether the device has been busy is not asked, but oldest first, and traced.
TEST(Plug, IsIssuedStraightAndFirstInFirstOutIn6_12) {
  RigOptions options;
  options.queue.plug_issue_order = PlugIssueOrder::kDirectFifo;
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0), plug(), write(200), write(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("insert"), Lines{}) << "though the device has been busy";
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"0 task0 unplug 2"}));
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 200+8", "W 100+8"}));
}

TEST(Plug, FlushedBySleepGoesThroughKblockdFirstInFirstOut) {
  RigOptions options;
  options.queue.plug_issue_order = PlugIssueOrder::kLifo;
  options.costs.kblockd_hop = microseconds(5);
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), sleep_until(microseconds(50)), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"0 task0 unplug by sleep 2"}));
  EXPECT_EQ(rig.log.lines("insert"), (Lines{"0 task0 insert W 0+8", "0 task0 insert W 100+8"}));
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"5 kworker/0:1H issue W 0+8", "5 kworker/0:1H issue W 100+8"}));
}

TEST(Plug, FinishedByItsOwnerIsIssuedByItsOwner) {
  RigOptions options;
  options.costs.kblockd_hop = microseconds(5);
  QueueRig rig{options};
  rig.task({plug(), write(0), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"0 task0 unplug 1"}));
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8"}));
}

// A task that writes to two devices in turn under one plug.
struct TwoQueues {
  TwoQueues(QueueRig& rig, RequestQueue& other, int writes)
      : thread{rig.machine, "both", 1},
        ledger{rig.ledger},
        queues{&rig.queue, &other},
        count{writes} {}
  engine::Thread thread;
  TaskIo io{thread};
  BioLedger& ledger;
  std::vector<RequestQueue*> queues;
  int count;
  std::int64_t step = 100;  // sectors between one write and the next
  std::int64_t fifth = 0;   // where the fifth goes; 0: as the others
};

engine::Task<> write_to_both(TwoQueues& task) {
  co_await task.thread.begin();
  task.io.start_plug();
  for (int i = 0; i < task.count; ++i) {
    RequestQueue& queue = *task.queues[static_cast<std::size_t>(i % 2)];
    Bio& bio = queue.new_bio();
    bio.sector = Lba{i == 4 && task.fifth != 0 ? task.fifth : 100'000 + task.step * i};
    bio.unit = Sectors{8};
    bio.flags.write = true;
    bio.end_io = &task.ledger;
    task.ledger.submitted(bio);
    co_await queue.submit_bio(task.io, bio);
    co_await task.thread.run(microseconds(1));
  }
  co_await task.thread.run(microseconds(100));
  co_await task.io.finish_plug();
  co_await task.thread.exit();
}

TEST(Plug, SharedByTwoDevicesHoldsTwiceAsManyAndIsIssuedAsAWhole) {
  QueueRig rig{many_tags()};
  models::TestDevice other_device{rig.sim, many_tags().device};
  RequestQueue other{rig.machine, rig.tracer, rig.kblockd, other_device, many_tags().queue};
  TwoQueues task{rig, other, 65};
  rig.sim.spawn("both", write_to_both(task));
  rig.run();
  EXPECT_EQ(rig.device.accepted().size(), 33U);
  EXPECT_EQ(rig.issued_us(0), 64) << "before the 65th request";
  EXPECT_EQ(rig.issued_us(31), 64);
  EXPECT_EQ(rig.issued_us(32), 165);
  ASSERT_EQ(other_device.accepted().size(), 32U);
  EXPECT_EQ(other_device.accepted().back().submitted, at(microseconds(64)));
  EXPECT_TRUE(rig.drained());
  rig.sim.destroy_processes();
}

// The second device's plug order is descending; 5.10 sorts, 6.1 does not (and issues FIFO, as the
// plug is shared).
TEST(Plug, SharedByTwoDevicesIsSortedBySectorIn5_10) {
  for (const PlugIssueOrder order : {PlugIssueOrder::kFifo, PlugIssueOrder::kLifo}) {
    for (const int writes : {2, 4}) {
      RigOptions options = many_tags();
      options.queue.plug_issue_order = order;
      QueueRig rig{options};
      models::TestDevice other_device{rig.sim, options.device};
      RequestQueue other{rig.machine, rig.tracer, rig.kblockd, other_device, options.queue};
      TwoQueues task{rig, other, writes};
      task.step = -100;
      rig.sim.spawn("both", write_to_both(task));
      rig.run();
      const bool sorted = order == PlugIssueOrder::kFifo && writes > 2;
      EXPECT_EQ(rig.issued().front(), sorted ? "W 99800+8" : "W 100000+8");
      rig.sim.destroy_processes();
    }
  }
}

// Writes 0, 2 and 4 go to the first device, 1 and 3 to the second. 4 follows 0, and is newer
// than 2.
TEST(Plug, SharedByTwoDevicesIsMergedWithTheOldestIn6_12) {
  for (const PlugMergeRule rule : {PlugMergeRule::kNewestOnly, PlugMergeRule::kNewestOrOldest}) {
    RigOptions options = many_tags();
    options.queue.plug_merge = rule;
    QueueRig rig{options};
    models::TestDevice other_device{rig.sim, options.device};
    RequestQueue other{rig.machine, rig.tracer, rig.kblockd, other_device, options.queue};
    TwoQueues task{rig, other, 5};
    task.fifth = 100'008;
    rig.sim.spawn("both", write_to_both(task));
    rig.run();
    EXPECT_EQ(rig.issued().size(), rule == PlugMergeRule::kNewestOnly ? 3U : 2U);
    rig.sim.destroy_processes();
  }
}

TEST(Plug, MayHoldAsManyRequestsAsTheProfileSays) {
  RigOptions options = many_tags();
  options.queue.plug_requests_max = 100;
  QueueRig rig{options};
  rig.task(IoScript{plug()} + scattered(101) + IoScript{unplug()});
  rig.run();
  EXPECT_EQ(rig.issued_us(99), 100);
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
