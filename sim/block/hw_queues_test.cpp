// A request queue with several hardware queues: who submits to which, what each has of its own,
// how plugs and elevators go by them, and batches of commands.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

// Each of `hw_queues` has `depth` tags; as many CPUs unless more are given.
RigOptions several(int hw_queues, int depth, int cpus = 0) {
  RigOptions options;
  options.cpus = cpus == 0 ? hw_queues : cpus;
  options.queue.hw_queues = hw_queues;
  options.queue.queue_depth = depth;
  options.queue.nr_requests = depth;
  options.device.depth = hw_queues * depth;
  return options;
}

RigOptions several_with(const char* elevator, int hw_queues, int depth, int cpus = 0) {
  RigOptions options = several(hw_queues, depth, cpus);
  options.queue.elevator = find_elevator(elevator);
  options.queue.nr_requests = 2 * depth;
  return options;
}

// Holds the CPU so long that others begin elsewhere.
IoStep settle() { return compute(microseconds(1)); }

// --- Tags and state of their own ------------------------------------------------------------

TEST(HwQueues, CpusHaveTagsOfTheirOwnWhereTheyHaveHardwareQueuesOfTheirOwn) {
  for (const int hw_queues : {1, 2}) {
    QueueRig rig{several(hw_queues, 1, 2)};
    rig.task({settle(), write(0)});
    rig.task({settle(), write(100)});
    rig.run();
    EXPECT_EQ(rig.issued_us(0), 1);
    EXPECT_EQ(rig.issued_us(1), hw_queues == 2 ? 1 : 101);
    EXPECT_TRUE(rig.drained());
  }
}

TEST(HwQueues, HostWideTagsAreSharedByThem) {
  RigOptions options = several(2, 1);
  options.queue.host_wide_tags = true;
  QueueRig rig{options};
  rig.task({settle(), write(0)});
  rig.task({settle(), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued_us(0), 1);
  EXPECT_EQ(rig.issued_us(1), 101);
  EXPECT_TRUE(rig.drained());
}

// The command of the other hardware queue ends first; without a hint from it nobody would go on.
TEST(HwQueues, WhoWaitsForAHostWideTagOfTheDriverIsToldByAnyHardwareQueue) {
  RigOptions options = several_with("mq-deadline", 2, 1);
  options.queue.host_wide_tags = true;
  QueueRig rig{options};
  rig.task({settle(), write(0)});
  rig.task({compute(microseconds(2)), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8"}));
  EXPECT_EQ(rig.issued_us(1), 101);
  EXPECT_TRUE(rig.drained());
}

TEST(HwQueues, EachHasItsOwnOpinionOfHowBusyTheDeviceIs) {
  RigOptions options = several(2, 4);
  options.device.faults = {
      {.range = Fault::Range{Lba{0}, Sectors{8}}, .times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({settle(), write(100), sleep_until(milliseconds(1))});
  rig.task({settle(), write(0)});
  rig.sim.run(at(microseconds(1)));
  EXPECT_EQ(rig.queue.dispatch_busy(0), 0);
  EXPECT_GT(rig.queue.dispatch_busy(1), 0);
  rig.run();
  EXPECT_TRUE(rig.drained());
}

TEST(HwQueues, EachFlushesByItself) {
  for (const int hw_queues : {1, 2}) {
    RigOptions options = several(hw_queues, 4, 2);
    options.queue.limits.write_cache = true;
    options.device.volatile_cache = true;
    QueueRig rig{options};
    rig.task({settle(), flush()});
    rig.task({settle(), flush()});
    rig.run();
    ASSERT_EQ(rig.issued(), (Lines{"F", "F"}));
    EXPECT_EQ(rig.issued_us(1), hw_queues == 2 ? 1 : 101) << "one at a time each";
    EXPECT_TRUE(rig.drained());
  }
}

// A softirq comes after the interrupts that came before it.
TEST(HwQueues, CommandsCompleteInTheInterruptItself) {
  for (const int hw_queues : {1, 2}) {
    RigOptions options = several(hw_queues, 4, 2);
    options.costs.irq_complete = microseconds(1);
    options.costs.request_complete = microseconds(1);
    QueueRig rig{options};
    rig.task({write(0), write(100)});
    rig.run();
    ASSERT_EQ(rig.ledger.ends().size(), 2U);
    EXPECT_EQ(rig.ledger.ends()[0].us, hw_queues == 2 ? 102 : 103);
    EXPECT_EQ(rig.ledger.ends()[1].us, 104);
  }
}

// --- Software queues ------------------------------------------------------------------------

// The device is busy: what is inserted waits in the software queues of the CPUs.
RigOptions refusing(RigOptions options) {
  options.device.faults = {{.until = at(milliseconds(1)), .refuse = SubmitResult::kResource}};
  return options;
}

TEST(HwQueues, WaitingRequestsOfSeveralCpusGoInTurn) {
  QueueRig rig{refusing(several(1, 16, 2))};
  rig.task({settle(), write(0), plug(), write(100), write(200), write(300), unplug()});
  rig.task({compute(microseconds(2)), plug(), write(1100), write(1200), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(),
            (Lines{"W 0+8", "W 100+8", "W 1100+8", "W 200+8", "W 1200+8", "W 300+8"}));
}

TEST(HwQueues, ABioJoinsWhatWaitsOfItsOwnCpuOnly) {
  for (const int cpu : {0, 1}) {
    QueueRig rig{refusing(several(1, 16, 2))};
    IoScript first{settle(), write(0), write(100)};
    IoScript second{compute(microseconds(2))};
    IoScript& joining = cpu == 0 ? first : second;
    joining = joining + IoScript{compute(microseconds(5)), write(108)};
    rig.task(first);
    rig.task(second);
    rig.run();
    EXPECT_EQ(rig.log.lines("backmerge").size(), cpu == 0 ? 1U : 0U);
  }
}

// --- Plugs ----------------------------------------------------------------------------------

Lines issued_from_plug(RigOptions options) {
  options.costs.request_get = microseconds(1);
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_TRUE(rig.drained());
  return rig.log.lines("issue");
}

// v5.10, on a fast disk whose driver gains nothing by batches.
TEST(HwQueues, APlugHoldsOneRequestBackUntilTheNext) {
  EXPECT_EQ(issued_from_plug(several(2, 16)),
            (Lines{"2 task0 issue W 0+8", "3 task0 issue W 100+8", "3 task0 issue W 200+8"}));
}

TEST(HwQueues, APlugHoldsAllBackWhereThatIsWorthIt) {
  const Lines all{"3 task0 issue W 0+8", "3 task0 issue W 100+8", "3 task0 issue W 200+8"};
  EXPECT_EQ(issued_from_plug(several(1, 16, 2)), all);
  RigOptions rotational = several(2, 16);
  rotational.queue.limits.rotational = true;
  EXPECT_EQ(issued_from_plug(rotational), all);
  RigOptions batches = several(2, 16);
  batches.queue.doorbell = Doorbell::kEachBatch;
  EXPECT_EQ(issued_from_plug(batches), all);
  RigOptions host_wide = several(2, 16);
  host_wide.queue.host_wide_tags = true;
  EXPECT_EQ(issued_from_plug(host_wide), all);
  RigOptions later = several(2, 16);
  later.queue.multi_queue = MultiQueueRules::kV6_1;
  EXPECT_EQ(issued_from_plug(later), all);
}

TEST(HwQueues, ABioMayJoinTheRequestThatIsHeldBack) {
  QueueRig rig{several(2, 16)};
  rig.task({plug(), write(0), write(8), write(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+16", "W 100+8"}));
}

TEST(HwQueues, NothingIsHeldBackWithAnElevatorOrWithoutMerges) {
  RigOptions elevator = several_with("mq-deadline", 2, 16);
  EXPECT_EQ(issued_from_plug(elevator).front(), "1 kworker/0:1H issue W 0+8");
  RigOptions no_merges = several(2, 16);
  no_merges.queue.limits.nomerges = kNomergesAll;
  EXPECT_EQ(issued_from_plug(no_merges).front(), "1 task0 issue W 0+8");
}

// Two tasks that write under a plug each; the second gives what it holds to the first.
struct Plugging {
  Plugging(QueueRig& owner, const char* name, int pid)
      : rig{owner}, thread{owner.machine, name, pid} {}
  QueueRig& rig;
  engine::Thread thread;
  TaskIo io{thread};
};

engine::Task<> write_plugged(Plugging& task, std::int64_t first, int count) {
  for (int i = 0; i < count; ++i) {
    Bio& bio = task.rig.queue.new_bio();
    bio.sector = Lba{first + 100 * i};
    bio.unit = Sectors{8};
    bio.flags.write = true;
    bio.end_io = &task.rig.ledger;
    task.rig.ledger.submitted(bio);
    co_await task.rig.queue.submit_bio(task.io, bio);
  }
}

engine::Task<> write_and_wait(Plugging& task) {
  co_await task.thread.begin();
  task.io.start_plug();
  co_await write_plugged(task, 0, 1);
  co_await task.thread.run(microseconds(10));
  co_await write_plugged(task, 500, 1);
  co_await task.io.finish_plug();
  co_await task.thread.exit();
}

engine::Task<> write_and_give_away(Plugging& task, Plugging& other) {
  co_await task.thread.begin();
  task.io.start_plug();
  co_await write_plugged(task, 1000, 2);
  co_await task.thread.run(microseconds(5));
  RequestChain given;
  given.swap(task.io.plug()->requests);
  task.io.plug()->count = 0;
  while (!given.empty()) {
    Request& request = given.front();
    given.pop_front();
    other.io.plug()->push_back(request);
  }
  co_await task.io.finish_plug();
  co_await task.thread.exit();
}

// In 5.10 those in a row, in 6.1 all of the newest one's first.
TEST(HwQueues, APlugIsSplitByTheirCpus) {
  for (const PlugIssueOrder order : {PlugIssueOrder::kFifo, PlugIssueOrder::kLifo}) {
    RigOptions options = several_with("kyber", 2, 16);
    options.queue.plug_issue_order = order;
    options.queue.multi_queue = MultiQueueRules::kV6_1;
    QueueRig rig{options};
    Plugging one{rig, "one", 1};
    Plugging other{rig, "other", 2};
    rig.sim.spawn("one", write_and_wait(one));
    rig.sim.spawn("other", write_and_give_away(other, one));
    rig.run();
    const bool in_a_row = order == PlugIssueOrder::kFifo;
    EXPECT_EQ(rig.log.lines("unplug"),
              in_a_row ? (Lines{"10 one unplug 1", "10 one unplug 2", "10 one unplug 1"})
                       : (Lines{"10 one unplug 2", "10 one unplug 2"}));
    EXPECT_EQ(rig.log.lines("issue W 0+8"), (Lines{"10 one issue W 0+8"}));
    EXPECT_EQ(rig.log.lines("issue W 1000+8"), (Lines{"10 kworker/1:1H issue W 1000+8"}))
        << "whose CPU is mapped to another hardware queue asks kblockd";
    EXPECT_TRUE(rig.drained());
    rig.sim.destroy_processes();
  }
}

// --- Direct issue ---------------------------------------------------------------------------

TEST(HwQueues, SynchronousRequestsGoStraightToABusyDeviceThatHasSeveral) {
  for (const int hw_queues : {1, 2}) {
    for (const bool sync : {false, true}) {
      QueueRig rig{refusing(several(hw_queues, 16, 2))};
      rig.task({write(0), sync ? sync_write(100) : write(100)});
      rig.run();
      EXPECT_EQ(rig.log.lines("insert").size(), hw_queues == 2 && sync ? 0U : 1U);
    }
  }
}

// --- Elevators ------------------------------------------------------------------------------

// kyber keeps the requests of each hardware queue apart; mq-deadline gives those of all to who
// asks, sorted, and each goes by its own hardware queue.
TEST(HwQueues, AnElevatorWithOneStateGivesUpRequestsOfAllOfThem) {
  RigOptions options = several_with("mq-deadline", 2, 1);
  options.queue.elevator_pull = ElevatorPull::kUpToRequests;
  QueueRig rig{options};
  rig.task({settle(), plug(), write(300), write(100), unplug()});
  rig.task({settle(), plug(), write(400), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued().size(), 4U);
  EXPECT_EQ(rig.issued_us(0), 1);
  EXPECT_EQ(rig.issued_us(1), 1) << "both have a tag";
  EXPECT_EQ(rig.issued_us(2), 101);
  EXPECT_EQ(rig.issued_us(3), 101);
  EXPECT_TRUE(rig.drained());
}

TEST(HwQueues, KyberKeepsThemApart) {
  RigOptions options = several_with("kyber", 2, 1);
  QueueRig rig{options};
  rig.task({settle(), plug(), write(300), write(100), unplug()});
  rig.task({settle(), plug(), write(400), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 300+8", "W 400+8", "W 100+8", "W 200+8"}));
  EXPECT_EQ(rig.issued_us(1), 1);
  EXPECT_TRUE(rig.drained());
}

TEST(HwQueues, AHardwareQueueThatWaitsForATokenOfKyberIsRunWhenAnotherFreesSome) {
  constexpr int kWriteTokens = 128;
  QueueRig rig{several_with("kyber", 2, kWriteTokens)};
  IoScript many{settle()};
  for (int i = 0; i < kWriteTokens; ++i) {
    many.push_back(write(1000 + 100 * i));
  }
  rig.task(many);
  rig.task({compute(microseconds(5)), write(0)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue W 0+8"), (Lines{"101 kworker/1:1H issue W 0+8"}));
  EXPECT_TRUE(rig.drained());
}

// A SCSI disk that takes one command at once, so that the second request waits in the elevator,
// and a completion on the CPU of the first.
std::string who_issues_the_second(MultiQueueRules rules, int first_cpu) {
  RigOptions options = several_with("mq-deadline", 2, 4);
  options.queue.multi_queue = rules;
  options.queue.driver.driver = Driver::kScsi;
  options.device.depth = 1;
  QueueRig rig{options};
  const IoScript first{settle(), write(0)};
  const IoScript second{compute(microseconds(5)), write(100)};
  rig.task(first_cpu == 0 ? first : second);
  rig.task(first_cpu == 0 ? second : first);
  rig.run();
  EXPECT_TRUE(rig.drained());
  return rig.log.lines("issue W 100+8").at(0);
}

TEST(HwQueues, V5_10RunsThoseThatHaveRequestsInTheElevator) {
  EXPECT_EQ(who_issues_the_second(MultiQueueRules::kV5_10, 0), "101 kworker/1:1H issue W 100+8");
  EXPECT_EQ(who_issues_the_second(MultiQueueRules::kV5_10, 1), "101 kworker/0:1H issue W 100+8");
}

TEST(HwQueues, V6_1RunsThatOfTheCpu) {
  EXPECT_EQ(who_issues_the_second(MultiQueueRules::kV6_1, 0), "101 kworker/0:1H issue W 100+8");
  EXPECT_EQ(who_issues_the_second(MultiQueueRules::kV6_1, 1), "101 kworker/1:1H issue W 100+8");
}

// Each hardware queue has two.
TEST(HwQueues, ElevatorTagsOfAHostAreSharedSinceV6_1) {
  for (const MultiQueueRules rules : {MultiQueueRules::kV5_10, MultiQueueRules::kV6_1}) {
    RigOptions options = several_with("mq-deadline", 2, 1);
    options.queue.host_wide_tags = true;
    options.queue.multi_queue = rules;
    QueueRig rig{options};
    rig.task({settle(), write(0), write(100)});
    rig.task({settle(), write(200), write(300)});
    rig.run();
    const Lines requests = rig.log.lines("getrq");
    const auto at_once = std::count_if(requests.begin(), requests.end(),
                                       [](const auto& line) { return line.starts_with("1 "); });
    EXPECT_EQ(at_once, rules == MultiQueueRules::kV5_10 ? 4 : 2);
    EXPECT_TRUE(rig.drained());
  }
}

// --- Waiting and trying again ---------------------------------------------------------------

// The first to wait wakes up on another CPU, as its own is taken, and finds a tag of another
// hardware queue. The tag for which it was woken is the other's.
TEST(HwQueues, WhoWakesUpElsewhereLeavesItsWakeUpToTheNext) {
  QueueRig rig{several(2, 1)};
  rig.task({settle(), write(0)});
  rig.task({sleep_until(microseconds(5)), compute(microseconds(45))});  // keeps CPU 1 for itself
  rig.task({sleep_until(microseconds(10)), write(100)});
  rig.task({sleep_until(microseconds(11)), write(200)});
  rig.task({sleep_until(microseconds(12)), compute(milliseconds(1))});  // and CPU 0
  rig.run();
  EXPECT_TRUE(rig.drained());
  ASSERT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 200+8"}));
  EXPECT_EQ(rig.issued_us(1), 101);
  EXPECT_EQ(rig.issued_us(2), 1012) << "on CPU 0, which is free then";
}

// The first has no token and is asked for more again and again; the second was refused by the
// device and waits for its time.
TEST(HwQueues, OneThatIsPutOffDoesNotPutOffAnother) {
  constexpr int kWriteTokens = 128;
  RigOptions options = several_with("kyber", 2, kWriteTokens);
  options.device.service = milliseconds(50);
  options.device.faults = {{.range = Fault::Range{Lba{0}, Sectors{8}},
                            .until = at(milliseconds(5)),
                            .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  IoScript many{settle()};
  for (int i = 0; i < kWriteTokens + 1; ++i) {
    many.push_back(write(1000 + 100 * i));
  }
  rig.task(many);
  rig.task({compute(microseconds(2)), read(0)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue R 0+8"), (Lines{"8000 kworker/1:1H issue R 0+8"}));
  EXPECT_TRUE(rig.drained());
}

// What is tried again after some time is put on the dispatch list of its own hardware queue.
TEST(HwQueues, WhatIsRequeuedHasItsOwnHardwareQueueRun) {
  RigOptions options = several(2, 4);
  options.queue.driver.driver = Driver::kNvme;
  Fault fault;
  fault.times = 1;
  fault.answer = {.error = DeviceError::kHardware, .retry_after = 1};
  options.faults = {fault};
  QueueRig rig{options};
  rig.task({settle()});
  rig.task({settle(), write(0)});
  rig.run();
  EXPECT_EQ(rig.issued().size(), 2U);
  EXPECT_EQ(rig.log.lines("issue").at(1), "104000 kworker/1:1H issue W 0+8");
  EXPECT_TRUE(rig.drained());
}

// --- Batches --------------------------------------------------------------------------------

RigOptions with_doorbell(Doorbell doorbell, RigOptions options = {}) {
  options.queue.doorbell = doorbell;
  options.costs.request_issue = microseconds(1);
  return options;
}

std::vector<std::int64_t> times_of(const QueueRig& rig) {
  std::vector<std::int64_t> times;
  for (std::size_t n = 0; n < rig.device.accepted().size(); ++n) {
    times.push_back(rig.issued_us(n));
  }
  return times;
}
using Times = std::vector<std::int64_t>;

TEST(Doorbell, TellsTheDeviceOfEachCommandOrOfAWholeBatch) {
  for (const Doorbell doorbell : {Doorbell::kEachCommand, Doorbell::kEachBatch}) {
    QueueRig rig{with_doorbell(doorbell)};
    rig.task({plug(), write(0), write(100), write(200), unplug()});
    rig.run();
    EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 200+8"}));
    EXPECT_EQ(rig.log.lines("issue"),
              (Lines{"1 task0 issue W 0+8", "2 task0 issue W 100+8", "3 task0 issue W 200+8"}));
    EXPECT_EQ(times_of(rig),
              doorbell == Doorbell::kEachBatch ? (Times{3, 3, 3}) : (Times{1, 2, 3}));
    EXPECT_TRUE(rig.drained());
  }
}

TEST(Doorbell, IsRungForASingleRequest) {
  QueueRig rig{with_doorbell(Doorbell::kEachBatch)};
  rig.task({write(0), write(100)});
  rig.run();
  EXPECT_EQ(times_of(rig), (Times{1, 2}));
}

// queue_rqs(): the driver turns a plug that is issued newest first.
TEST(Doorbell, GivesTheDeviceAPlugOldestFirstHoweverItIsIssued) {
  for (const PlugIssueOrder order : {PlugIssueOrder::kLifo, PlugIssueOrder::kDirectFifo}) {
    RigOptions options = with_doorbell(Doorbell::kEachBatch);
    options.queue.plug_issue_order = order;
    QueueRig rig{options};
    rig.task({plug(), write(0), write(100), write(200), unplug()});
    rig.run();
    EXPECT_EQ(rig.log.lines("issue").front(),
              order == PlugIssueOrder::kLifo ? "1 task0 issue W 200+8" : "1 task0 issue W 0+8");
    EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 200+8"}));
    EXPECT_EQ(times_of(rig), (Times{3, 3, 3}));
  }
}

TEST(Doorbell, EndsABatchWithTheLastRequestThatHasATag) {
  RigOptions options = with_doorbell(Doorbell::kEachBatch, several_with("mq-deadline", 1, 2));
  options.queue.nr_requests = 16;
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_EQ(times_of(rig), (Times{2, 2, 103}));
  EXPECT_TRUE(rig.drained());
}

TEST(Doorbell, WhatTheDeviceRefusesThenIsTriedAgain) {
  RigOptions options = with_doorbell(Doorbell::kEachBatch);
  options.device.faults = {{.skip = 1, .times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), write(200), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 200+8", "W 100+8"}));
  EXPECT_EQ(rig.log.lines("requeue"), (Lines{"3 ? requeue W 100+8"}));
  EXPECT_EQ(rig.issued_us(2), 104) << "after a completion";
  EXPECT_TRUE(rig.drained());
}

TEST(Doorbell, WhatTheDeviceRefusesThenIsTriedAgainByItself) {
  RigOptions options = with_doorbell(Doorbell::kEachBatch);
  options.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(times_of(rig), Times{8001}) << "3 ms in jiffies";
  EXPECT_TRUE(rig.drained());
}

// Or it would be tried again and again in the same run.
TEST(Doorbell, WhatAnElevatorGaveUpAndTheDeviceRefusesWaits) {
  RigOptions options = with_doorbell(Doorbell::kEachBatch, several_with("mq-deadline", 1, 2));
  options.device.faults = {{.until = at(milliseconds(1)), .refuse = SubmitResult::kResource}};
  QueueRig rig{options};
  rig.task({plug(), write(0), write(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.device.refused(), 2);
  EXPECT_EQ(times_of(rig), (Times{8002, 8002}));
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
