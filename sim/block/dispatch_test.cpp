// From plug and lists to the device and back: refusals, restarts, completions, tags.
#include <gtest/gtest.h>

#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

// --- dispatch_busy --------------------------------------------------------------------------

TEST(DispatchBusy, RisesFrom2To9AndFallsFrom7To0) {
  RigOptions options;
  options.costs.request_issue = microseconds(10);  // tells the attempts apart
  options.device.faults = {{.times = 10, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  IoScript script{write(0), sleep_until(milliseconds(200))};
  for (int i = 0; i < 10; ++i) {
    script.push_back(write(100 * i + 100));
  }
  rig.task(script);
  std::vector<int> seen{rig.queue.dispatch_busy()};
  for (int us = 0; us < 201'000; us += 5) {
    rig.sim.run(at(microseconds(us)));
    if (rig.queue.dispatch_busy() != seen.back()) {
      seen.push_back(rig.queue.dispatch_busy());
    }
  }
  EXPECT_EQ(seen, (std::vector<int>{0, 2, 3, 4, 5, 6, 7, 8, 9, 7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_TRUE(rig.drained());
}

TEST(DispatchBusy, SendsAPlugThroughTheSoftwareQueue) {
  RigOptions options;
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  // Refused and accepted leaves 1 of 2; the next success 0.
  rig.task({write(0), plug(), write(100), unplug(), plug(), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("insert"), (Lines{"0 task0 insert W 100+8"}));
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 200+8"}));
}

TEST(DispatchBusy, IsNotAskedWhereAPlugIsIssuedNewestFirst) {
  RigOptions options;
  options.queue.plug_issue_order = PlugIssueOrder::kLifo;
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0), plug(), write(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("insert"), Lines{});
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
}

TEST(DispatchBusy, WhatIsLeftOfAPlugIssuedNewestFirstIsInsertedOldestFirst) {
  RigOptions options;
  options.queue.plug_issue_order = PlugIssueOrder::kLifo;
  options.device.faults = {{.times = 2, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("insert"), (Lines{"0 task0 insert W 0+8", "0 task0 insert W 100+8"}));
  EXPECT_EQ(rig.issued(), (Lines{"W 200+8", "W 0+8", "W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(DispatchBusy, SendsABioWithoutPlugToKblockd) {
  RigOptions options;
  options.costs.kblockd_hop = microseconds(5);
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0), write(100), write(200)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "5 kworker/0:1H issue W 100+8",
                                           "5 kworker/0:1H issue W 200+8"}));
  EXPECT_TRUE(rig.drained());
}

// A queue whose bios without plug go through kblockd, on a machine of two CPUs; task0 computes on
// the first of them.
struct TwoCpus {
  explicit TwoCpus(engine::CpuCosts costs) : rig{with(costs)} { rig.task({compute(seconds(1))}); }
  static RigOptions with(engine::CpuCosts costs) {
    RigOptions options;
    options.cpus = 2;
    options.costs = costs;
    options.queue.elevator = find_elevator("mq-deadline");
    return options;
  }
  QueueRig rig;
};

TEST(Kblockd, RunsAQueueOnTheCpuThatAsksForIt) {
  TwoCpus on{free_of_cost()};
  on.rig.task({write(0)});
  on.rig.run();
  EXPECT_EQ(on.rig.log.lines("issue"), (Lines{"0 kworker/1:1H issue W 0+8"}));
}

TEST(Kblockd, AWorkerThatRunsAQueueRunsItAgainWhoeverAsks) {
  engine::CpuCosts costs = free_of_cost();
  costs.request_issue = microseconds(100);
  RigOptions options = TwoCpus::with(costs);
  QueueRig rig{options};
  // task0 sleeps on CPU 0 while kworker/1 works for task1; then it asks for a run itself.
  rig.task({compute(microseconds(50)), sleep_until(microseconds(150)), write(800)});
  rig.task({plug(), write(0), write(100), sleep_until(microseconds(10)), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"100 kworker/1:1H issue W 0+8", "200 kworker/1:1H issue W 100+8",
                   "300 kworker/1:1H issue W 800+8"}));
}

TEST(Kblockd, ARunThatIsAskedForEndsADelay) {
  RigOptions options;
  options.costs.kblockd_hop = microseconds(5);
  options.device.faults = {{.times = 2, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0), sleep_until(milliseconds(1)), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 1005);
  EXPECT_EQ(rig.machine.cpu(0).busy(), microseconds(5)) << "one hop: none when 3 ms are over";
}

TEST(DispatchBusy, WhatFollowsARefusedRequestIsInsertedBehindIt) {
  RigOptions options;
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("insert"), (Lines{"0 task0 insert W 100+8"}));
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
}

// --- Refusals -------------------------------------------------------------------------------

// A SCSI disk that takes one command at once.
Lines inserted_without_budget(const IoScript& script) {
  RigOptions options;
  options.queue.driver.driver = Driver::kScsi;
  options.device.depth = 1;
  QueueRig rig{options};
  rig.task(script);
  rig.run();
  EXPECT_TRUE(rig.drained());
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
  return rig.log.lines("insert");
}

TEST(Refusal, ASingleRequestWithoutBudgetIsInserted) {
  EXPECT_EQ(inserted_without_budget({write(0), write(100)}), (Lines{"0 task0 insert W 100+8"}));
}

TEST(Refusal, OneOfAPlugWithoutBudgetIsNot) {
  EXPECT_EQ(inserted_without_budget({plug(), write(0), write(100), unplug()}), Lines{});
}

TEST(Refusal, ResourceIsTriedAgainAtOnceAndThenAfterADelayOfTheTimerWheel) {
  RigOptions options;
  options.device.faults = {{.times = 2, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(rig.device.refused(), 2);
  EXPECT_EQ(rig.issued_us(0), 8000) << "3 ms are 1 jiffy of 4 ms, which ends at the second tick";
  EXPECT_TRUE(rig.drained());
}

TEST(Refusal, ResourceOnceCostsNoDelay) {
  RigOptions options;
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 0);
}

TEST(Refusal, ALaterDelayReplacesTheOneBefore) {
  RigOptions options;
  options.device.faults = {{.times = 3, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0), sleep_until(milliseconds(5)), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 12'000);
  EXPECT_TRUE(rig.drained());
}

TEST(Refusal, ACompletionRestartsTheQueueThatLacksADeviceResource) {
  RigOptions options;
  options.device.depth = 1;
  options.costs.kblockd_hop = microseconds(5);
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "105 kworker/0:1H issue W 100+8",
                                           "210 kworker/0:1H issue W 200+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(Refusal, ALackingDeviceResourceCausesNoDelayedRun) {
  RigOptions options;
  options.device.depth = 1;
  options.device.service = milliseconds(50);
  QueueRig rig{options};
  rig.task({write(0), write(100)});
  rig.run(milliseconds(49));
  EXPECT_EQ(rig.device.refused(), 2) << "direct and from the dispatch list; none at 8 ms";
  rig.run();
  EXPECT_EQ(rig.issued_us(1), 50'000);
}

TEST(Refusal, ALockedZoneIsSetAsideAndTheOthersGoOn) {
  RigOptions options;
  options.device.faults = {{.range = Fault::Range{Lba{0}, Sectors{8}},
                            .times = 1,
                            .refuse = SubmitResult::kZoneResource}};
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), sleep_until(microseconds(1)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 100+8", "W 200+8", "W 0+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(Refusal, SeveralLockedZonesKeepTheirOrder) {
  RigOptions options;
  options.device.faults = {{.range = Fault::Range{Lba{0}, Sectors{108}},
                            .times = 2,
                            .refuse = SubmitResult::kZoneResource}};
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), sleep_until(microseconds(1)), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 200+8", "W 0+8", "W 100+8"}));
  EXPECT_EQ(rig.issued_us(0), 0);
  EXPECT_TRUE(rig.drained());
}

// Nothing else is in the device whose completion could restart the queue.
TEST(Refusal, ALockedZoneIsTriedAgainAfterADelay) {
  RigOptions options;
  options.device.faults = {{.times = 2, .refuse = SubmitResult::kZoneResource}};
  QueueRig rig{options};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 8000);
  EXPECT_TRUE(rig.drained());
}

TEST(Refusal, RequestsKeepTheirOrder) {
  RigOptions options;
  options.device.depth = 1;
  QueueRig rig{options};
  IoScript script{plug()};
  Lines expected;
  for (int i = 0; i < 20; ++i) {
    script.push_back(write(i * 100));
    expected.push_back(fmt::format("W {}+8", i * 100));
  }
  script.push_back(unplug());
  rig.task(script);
  rig.run();
  EXPECT_EQ(rig.issued(), expected);
  EXPECT_TRUE(rig.drained());
}

// --- Completion -----------------------------------------------------------------------------

TEST(Completion, GoesThroughTheInterruptAndThenTheSoftirq) {
  RigOptions options;
  options.costs.irq_complete = microseconds(2);
  options.costs.request_complete = microseconds(3);
  options.costs.page_complete = microseconds(1);
  QueueRig rig{options};
  rig.task({plug(), write(0), write(8), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("complete"), (Lines{"102 ? complete W 0+16"}));
  ASSERT_EQ(rig.ledger.ends().size(), 2U);
  EXPECT_EQ(rig.ledger.ends().at(0).us, 107) << "3 us, and 1 us for each of two bios";
}

TEST(Completion, TakesTimeFromTheTaskThatRuns) {
  RigOptions options;
  options.costs.irq_complete = microseconds(2);
  options.costs.request_complete = microseconds(3);
  QueueRig rig{options};
  rig.task({write(0), compute(microseconds(200)), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued_us(1), 205);
}

TEST(Completion, AnErrorReachesTheBioWithItsStatus) {
  RigOptions options;
  options.device.faults = {{.skip = 1, .times = 1, .status = BlkStatus::kTimeout}};
  QueueRig rig{options};
  rig.task({write(0), write(100)});
  rig.run();
  ASSERT_EQ(rig.ledger.ends().size(), 2U);
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kOk);
  EXPECT_EQ(rig.ledger.ends().at(1).status, BlkStatus::kTimeout);
  EXPECT_TRUE(rig.drained());
}

TEST(Completion, DeviceBusyCountsTimeWithACommandInside) {
  QueueRig rig;
  rig.task({write(0), sleep_until(microseconds(50)), write(100), sleep_until(microseconds(500)),
            write(200)});
  rig.run();
  EXPECT_EQ(rig.queue.device_busy(), microseconds(150 + 100));
}

// --- Tags -----------------------------------------------------------------------------------

TEST(Tags, ATaskWithoutATagSleepsUntilOneIsFreed) {
  RigOptions options;
  options.queue.nr_requests = 2;
  options.costs.tag_wait = microseconds(4);
  QueueRig rig{options};
  rig.task({write(0), write(100), write(200)});
  rig.run();
  EXPECT_EQ(rig.issued_us(2), 104);
  EXPECT_TRUE(rig.drained());
}

TEST(Tags, GoingToSleepForATagFlushesThePlug) {
  RigOptions options;
  options.queue.nr_requests = 2;
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("unplug"), (Lines{"0 task0 unplug by sleep 2", "100 task0 unplug 1"}));
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 200+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(RequestQueueLife, EndsWithAnInterruptPending) {
  RigOptions options;
  options.queue.limits = {.write_cache = true};
  options.costs.irq_complete = microseconds(10);
  QueueRig rig{options};
  rig.task({flush(), write(0)});
  rig.run(microseconds(105));
  EXPECT_FALSE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
