// Commands that are late: timeouts, aborts, recovery.
#include "sim/block/error_handler.hpp"

#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

Fault late(std::int64_t times, SimDuration delay = seconds(3600)) {
  return {.times = times, .delay = delay};
}

RigOptions timing_out(Driver driver, std::vector<Fault> faults) {
  RigOptions options;
  options.queue.driver.driver = driver;
  options.queue.driver.timeout = seconds(10);
  options.faults = std::move(faults);
  return options;
}

std::int64_t ms(const BioLedger::End& end) { return end.us / 1000; }

TEST(Timeout, ALateScsiCommandIsAbortedAndTriedAgain) {
  QueueRig rig{timing_out(Driver::kScsi, {late(1)})};
  rig.task({write(0)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 0+8"}));
  EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kOk);
  EXPECT_EQ(rig.queue.totals().errors,
            (engine::ErrorCounts{.failed = 0, .retries = 1, .timeouts = 1}));
}

TEST(Timeout, IsNotNoticedBeforeItsDeadline) {
  QueueRig rig{timing_out(Driver::kScsi, {late(1, milliseconds(9990))})};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8"}));
  EXPECT_EQ(ms(rig.ledger.ends()[0]), 9990);
}

std::int64_t second_issue_ms(Driver driver, SimDuration timeout) {
  RigOptions options = timing_out(driver, {late(1)});
  options.queue.driver.timeout = timeout;
  QueueRig rig{options};
  rig.task({write(0)});
  rig.run();
  return std::stoll(rig.log.lines("issue").at(1)) / 1000;
}

// The timer wheel rounds up by an eighth at most.
TEST(Timeout, IsNoticedAtTheDeadline) {
  EXPECT_GE(second_issue_ms(Driver::kNvme, seconds(10)), 10'000);
  EXPECT_LT(second_issue_ms(Driver::kNvme, seconds(10)), 10'600);
}

// The first look is 256 jiffies of 4 ms after the deadline, and before there is no other.
TEST(Timeout, IsNoticedASecondLateWhereItIsShort) {
  EXPECT_GE(second_issue_ms(Driver::kNvme, seconds(2)), 3024);
  EXPECT_LT(second_issue_ms(Driver::kNvme, seconds(2)), 3100);
}

TEST(Timeout, IsAJiffyAtLeast) {
  EXPECT_GE(second_issue_ms(Driver::kNvme, milliseconds(1)), 1024);
  EXPECT_LT(second_issue_ms(Driver::kNvme, milliseconds(1)), 1100);
}

// Issued second, the first one has the lower tag.
TEST(Timeout, LateCommandsAreTreatedInTheOrderOfTheirTags) {
  Fault both = late(2);
  both.skip = 1;
  RigOptions options = timing_out(Driver::kNvme, {both});
  options.queue.nr_requests = 2;
  options.device.depth = 2;
  QueueRig rig{options};
  rig.task({write(0), write(100), sleep_until(milliseconds(1)), write(200)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  const Lines requeued = rig.log.lines("requeue");
  ASSERT_EQ(requeued.size(), 2U);
  EXPECT_NE(requeued[0].find("W 200+8"), std::string::npos) << requeued[0];
  EXPECT_NE(requeued[1].find("W 100+8"), std::string::npos) << requeued[1];
}

TEST(Timeout, AnNvmeControllerTakesFourAbortsAtOnce) {
  RigOptions options = timing_out(Driver::kNvme, {late(6)});
  QueueRig rig{options};
  rig.task({write(0), write(100), write(200), write(300), write(400), write(500)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  std::vector<std::int64_t> seconds;
  for (const std::string& line : rig.log.lines("requeue")) {
    seconds.push_back(std::stoll(line) / 1'000'000);
  }
  EXPECT_EQ(seconds, (std::vector<std::int64_t>{10, 10, 10, 10, 20, 20}));
}

TEST(Timeout, AnAbortWaitsForAHundredthOfASecond) {
  QueueRig scsi{timing_out(Driver::kScsi, {late(1)})};
  scsi.task({write(0), write(100)});
  scsi.run(seconds(60));
  QueueRig nvme{timing_out(Driver::kNvme, {late(1)})};
  nvme.task({write(0), write(100)});
  nvme.run(seconds(60));
  const auto requeued = [](const QueueRig& rig) {
    return std::stoll(rig.log.lines("requeue").at(0));
  };
  EXPECT_EQ(requeued(scsi) - requeued(nvme), 12'000);  // two jiffies of 4 ms, and a rest
}

TEST(Timeout, AScsiCommandThatIsLateAgainHasTheHostRecover) {
  RigOptions options = timing_out(Driver::kScsi, {late(2)});
  options.faults[0].range = Fault::Range{Lba{0}, Sectors{8}};
  options.faults.push_back(late(1, seconds(8)));  // in time
  options.faults[1].range = Fault::Range{Lba{100}, Sectors{8}};
  QueueRig rig{options};
  // The second write is still in the device when the first is late again, the third is not taken.
  rig.task({write(0), sleep_until(seconds(18)), write(100), sleep_until(seconds(24)), write(200)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  const Lines issues = rig.log.lines("issue");
  ASSERT_EQ(issues.size(), 5U);
  EXPECT_EQ(issues[1].substr(issues[1].find(' ')), " kworker/0:1H issue W 0+8");
  EXPECT_NE(issues[2].find("issue W 100+8"), std::string::npos);
  EXPECT_EQ(std::stoll(issues[2]), 18'000'000);
  EXPECT_EQ(rig.queue.totals().errors,
            (engine::ErrorCounts{.failed = 0, .retries = 2, .timeouts = 2}));
  // Recovery begins once the second write has ended.
  EXPECT_GE(std::stoll(rig.log.lines("requeue").at(1)), 26'000'000);
  EXPECT_GE(std::stoll(issues[3]), 26'000'000);
  EXPECT_GE(std::stoll(issues[4]), 26'000'000);
  EXPECT_LT(std::stoll(issues[4]), 26'100'000);
}

TEST(Timeout, AfterFiveRetriesTheRequestFails) {
  for (const Driver driver : {Driver::kScsi, Driver::kNvme}) {
    QueueRig rig{timing_out(driver, {late(100)})};
    rig.task({write(0)});
    rig.run(seconds(1000));
    ASSERT_TRUE(rig.drained());
    EXPECT_EQ(rig.issued().size(), 6U);
    EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kIoError);
    EXPECT_EQ(rig.queue.totals().errors,
              (engine::ErrorCounts{.failed = 1, .retries = 5, .timeouts = 6}));
  }
}

TEST(Timeout, VirtioBlkWaitsForEver) {
  QueueRig rig{timing_out(Driver::kVirtioBlk, {late(1)})};
  rig.task({write(0)});
  rig.run(seconds(4000));
  EXPECT_EQ(rig.issued().size(), 1U);
  EXPECT_EQ(ms(rig.ledger.ends().at(0)), 3'600'000);
}

TEST(Timeout, AFlushCanBeLateToo) {
  for (const bool elevator : {false, true}) {
    RigOptions options = timing_out(Driver::kScsi, {late(1)});
    options.queue.limits.write_cache = true;
    options.queue.elevator = elevator ? find_elevator("mq-deadline") : nullptr;
    options.faults[0].op = DeviceOp::kFlush;
    QueueRig rig{options};
    rig.task({preflush(0), flush()});
    rig.run();
    EXPECT_TRUE(rig.drained());
    EXPECT_EQ(rig.queue.totals().errors->timeouts, 1);
    EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kOk);
  }
}

TEST(Timeout, BeforeBlkMqTheHostRecoversAtOnce) {
  for (SingleRigOptions options : {of_3_6(), of_2_6_18()}) {
    const bool old = options.queue.plugging == QueuePlugging::kPerQueue;
    options.queue.driver.rules = old ? ErrorRules::kV2_6_18 : ErrorRules::kV3_6;
    options.queue.driver.timeout = seconds(10);
    options.faults = {late(1), late(1, seconds(4))};
    options.faults[0].range = Fault::Range{Lba{0}, Sectors{8}};
    options.faults[1].range = Fault::Range{Lba{100}, Sectors{8}};
    SingleRig rig{options};
    rig.task({write(0), unplug_queue(), sleep_until(milliseconds(9500)), write(100), unplug_queue(),
              sleep_until(milliseconds(13'000)), write(200), unplug_queue()});
    rig.run();
    ASSERT_TRUE(rig.drained());
    const Lines issues = rig.log.lines("issue");
    ASSERT_EQ(issues.size(), 4U);
    EXPECT_EQ(rig.log.lines("issue W 0+8").size(), 2U);
    EXPECT_GE(std::stoll(rig.log.lines("requeue").at(0)), 13'500'000);
    EXPECT_GE(std::stoll(issues[2]), 13'500'000);  // when the second write has ended
    EXPECT_LT(std::stoll(issues[3]), 13'600'000);
    EXPECT_EQ(rig.queue.totals().errors->retries, 1);
  }
}

TEST(Timeout, OneTimerServesAllCommands) {
  RigOptions options = timing_out(Driver::kNvme, {late(3)});
  QueueRig rig{options};
  rig.task({write(0), write(100), sleep_until(seconds(3)), write(200), write(300)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.queue.totals().errors->timeouts, 3);
  EXPECT_EQ(rig.log.lines("requeue").size(), 3U);
  const Lines requeues = rig.log.lines("requeue");
  EXPECT_EQ(std::stoll(requeues[0]), std::stoll(requeues[1]));
  EXPECT_GT(std::stoll(requeues[2]), 13'000'000);
}

}  // namespace
}  // namespace wbsim::block
