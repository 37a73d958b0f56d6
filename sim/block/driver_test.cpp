// What drivers make of commands that fail: retries, statuses, good sectors.
#include "sim/block/driver.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

// What a queue made of one failing command.
struct Fate {
  std::size_t tries;
  BlkStatus status;
  friend bool operator==(const Fate&, const Fate&) = default;
};
void PrintTo(const Fate& fate, std::ostream* stream) {
  *stream << fate.tries << " tries, status " << static_cast<int>(fate.status);
}

constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::max();

RigOptions before(Driver driver, Fault fault) {
  RigOptions options;
  options.queue.driver.driver = driver;
  options.queue.limits.write_cache = true;
  options.faults = {fault};
  return options;
}

Fault saying(DeviceError error, std::int64_t times = kAlways) {
  return {.times = times, .answer = {.error = error}};
}

template <class Rig>
Fate fate_of(Rig& rig, const IoStep& step) {
  rig.task({step});
  rig.run(seconds(1000));
  EXPECT_TRUE(rig.drained());
  return {rig.device.accepted().size(), rig.ledger.ends().at(0).status};
}

Fate fate(Driver driver, DeviceError error, const IoStep& step, std::int64_t times = kAlways) {
  QueueRig rig{before(driver, saying(error, times))};
  return fate_of(rig, step);
}

Fate legacy_fate(SingleRigOptions options, ErrorRules rules, DeviceError error,
                 const IoStep& step) {
  options.queue.driver.rules = rules;
  options.faults = {saying(error)};
  SingleRig rig{options};
  return fate_of(rig, step);
}

// --- SCSI -----------------------------------------------------------------------------------

TEST(ScsiErrors, WhatCannotBeReadIsNotTriedAgain) {
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kMedium, read(0)), (Fate{1, BlkStatus::kMedium}));
}

TEST(ScsiErrors, WhatCannotBeWrittenGetsFiveRetries) {
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kMedium, write(0)), (Fate{6, BlkStatus::kIoError}));
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kMedium, write(0), 5), (Fate{6, BlkStatus::kOk}));
}

TEST(ScsiErrors, AnAbortedCommandGetsFiveRetries) {
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kAborted, read(0)), (Fate{6, BlkStatus::kIoError}));
}

TEST(ScsiErrors, WhatNoRetryWouldHelpEndsAtOnceWithAStatusOfItsOwn) {
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kHardware, write(0)), (Fate{1, BlkStatus::kTarget}));
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kIllegal, read(0)), (Fate{1, BlkStatus::kTarget}));
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kTransport, write(0)),
            (Fate{1, BlkStatus::kTransport}));
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kNoSpace, write(0)), (Fate{1, BlkStatus::kNoSpace}));
}

TEST(ScsiErrors, ABusyDeviceIsTriedMoreThanFiveTimes) {
  for (const DeviceError error :
       {DeviceError::kBusy, DeviceError::kQueueFull, DeviceError::kUnitAttention}) {
    EXPECT_EQ(fate(Driver::kScsi, error, write(0), 20), (Fate{21, BlkStatus::kOk}));
  }
}

TEST(ScsiErrors, ABusyDeviceIsTriedForSixTimeouts) {
  RigOptions options = before(Driver::kScsi, saying(DeviceError::kBusy));
  options.queue.driver.timeout = seconds(2);
  QueueRig rig{options};
  rig.task({write(0)});
  rig.run();
  ASSERT_TRUE(rig.drained());
  EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kIoError);
  EXPECT_GT(rig.ledger.ends()[0].us, 12'000'000);
  EXPECT_LT(rig.ledger.ends()[0].us, 12'050'000);
}

TEST(ScsiErrors, ABusyDeviceIsLeftAloneForTwoDelays) {
  QueueRig rig{before(Driver::kScsi, saying(DeviceError::kBusy, 1))};
  rig.task({write(0)});
  rig.run();
  // Each delay of 3 ms is a jiffy of 4 ms and what was left of the one before.
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"0 task0 issue W 0+8", "16000 kworker/0:1H issue W 0+8"}));
  EXPECT_EQ(rig.log.lines("requeue"), (Lines{"100 ? requeue W 0+8"}));
}

TEST(ScsiErrors, AnotherCommandThatEndsOpensABusyDevice) {
  QueueRig rig{before(Driver::kScsi, saying(DeviceError::kBusy, 1))};
  rig.task({write(0), sleep_until(microseconds(50)), write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "50 task0 issue W 100+8",
                                           "150 kworker/0:1H issue W 0+8"}));
}

TEST(ScsiErrors, ThatNoSectorsAreGoodIsTracedToo) {
  QueueRig rig{before(Driver::kScsi, saying(DeviceError::kHardware))};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(rig.log.lines("partly"), (Lines{"100 ? partly W 0+0"}));
  EXPECT_EQ(rig.log.lines("complete"), (Lines{"100 ? complete W 0+8 error"}));
  QueueRig nvme{before(Driver::kNvme, saying(DeviceError::kMedium))};
  nvme.task({write(0)});
  nvme.run();
  EXPECT_EQ(nvme.log.lines("partly"), Lines{});
}

TEST(ScsiErrors, AResetEndsNoSectorsAndHasTheRequestTriedAgain) {
  Fault reset = saying(DeviceError::kUnitAttention);
  reset.times = 1;
  QueueRig rig{before(Driver::kScsi, reset)};
  rig.task({write(0)});
  rig.run();
  EXPECT_EQ(rig.log.lines("partly"), (Lines{"100 ? partly W 0+0"}));
  EXPECT_EQ(rig.log.lines("requeue").size(), 1U);
}

TEST(ScsiErrors, OfAFailedRequestTheGoodSectorsSucceed) {
  for (const bool runs : {true, false}) {
    RigOptions options = before(Driver::kScsi, saying(DeviceError::kMedium));
    options.queue.bio_runs = runs;
    options.faults[0].range = Fault::Range{Lba{18}, Sectors{1}};
    QueueRig rig{options};
    rig.task({plug(), read(0), read(8), read(16), read(24), unplug()});
    rig.run();
    const auto& ends = rig.ledger.ends();
    ASSERT_EQ(ends.size(), 4U);
    EXPECT_EQ(ends[0], (BioLedger::End{0, 100, BlkStatus::kOk}));
    EXPECT_EQ(ends[1], (BioLedger::End{8, 100, BlkStatus::kOk}));
    EXPECT_EQ(ends[2], (BioLedger::End{16, 100, BlkStatus::kMedium}));
    EXPECT_EQ(ends[3], (BioLedger::End{24, 100, BlkStatus::kMedium}));
    EXPECT_TRUE(rig.drained());
    EXPECT_EQ(rig.log.lines("partly"), (Lines{"100 ? partly R 0+18"}));
    EXPECT_EQ(rig.log.lines("complete"), (Lines{"100 ? complete R 18+14 error"}));
  }
}

TEST(ScsiErrors, AFlushHasNoGoodSectors) {
  EXPECT_EQ(fate(Driver::kScsi, DeviceError::kMedium, flush()), (Fate{6, BlkStatus::kIoError}));
}

TEST(ScsiErrors, BeforeBlkMqAllIsAnIoError) {
  EXPECT_EQ(legacy_fate(of_3_6(), ErrorRules::kV3_6, DeviceError::kMedium, read(0)),
            (Fate{1, BlkStatus::kIoError}));
  EXPECT_EQ(legacy_fate(of_3_6(), ErrorRules::kV3_6, DeviceError::kHardware, write(0)),
            (Fate{1, BlkStatus::kIoError}));
  EXPECT_EQ(legacy_fate(of_3_6(), ErrorRules::kV3_6, DeviceError::kMedium, write(0)),
            (Fate{6, BlkStatus::kIoError}));
}

TEST(ScsiErrors, In2_6_18WhatCannotBeReadIsTriedAgain) {
  EXPECT_EQ(legacy_fate(of_2_6_18(), ErrorRules::kV2_6_18, DeviceError::kMedium, read(0)),
            (Fate{6, BlkStatus::kIoError}));
}

TEST(ScsiErrors, OfABarrierAreRetriedInPlace) {
  SingleRigOptions options = of_2_6_18();
  options.queue.driver.rules = ErrorRules::kV2_6_18;
  options.queue.limits.write_cache = true;
  options.faults = {saying(DeviceError::kAborted, 1)};
  options.faults[0].op = DeviceOp::kWrite;
  SingleRig rig{options};
  rig.task({fua(0), write(100), unplug_queue()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "W 0+8", "W 0+8", "F", "W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

// --- NVMe, virtio-blk, null_blk -------------------------------------------------------------

TEST(NvmeErrors, EverythingGetsFiveRetries) {
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kMedium, read(0)), (Fate{6, BlkStatus::kMedium}));
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kNoSpace, write(0)), (Fate{6, BlkStatus::kNoSpace}));
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kIllegal, write(0)), (Fate{6, BlkStatus::kTarget}));
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kBusy, write(0)), (Fate{6, BlkStatus::kTarget}));
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kTransport, write(0)),
            (Fate{6, BlkStatus::kTransport}));
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kHardware, flush()), (Fate{6, BlkStatus::kIoError}));
  EXPECT_EQ(fate(Driver::kNvme, DeviceError::kAborted, write(0), 5), (Fate{6, BlkStatus::kOk}));
}

TEST(NvmeErrors, UnlessTheDeviceSaysThatTheyAreNoUse) {
  Fault fault = saying(DeviceError::kMedium);
  fault.answer.do_not_retry = true;
  QueueRig rig{before(Driver::kNvme, fault)};
  EXPECT_EQ(fate_of(rig, write(0)), (Fate{1, BlkStatus::kMedium}));
}

TEST(NvmeErrors, ARetryIsAsLateAsTheDeviceWantsIt) {
  Fault fault = saying(DeviceError::kBusy, 1);
  fault.answer.retry_after = 2;
  QueueRig rig{before(Driver::kNvme, fault)};
  rig.task({write(0)});
  rig.run();
  ASSERT_EQ(rig.device.accepted().size(), 2U);
  EXPECT_GE(rig.issued_us(1), 200'000);
  EXPECT_LT(rig.issued_us(1), 240'000);  // the timer wheel rounds up
}

TEST(NvmeErrors, ARetryThatIsAskedForEndsTheDelayOfAnother) {
  Fault slow = saying(DeviceError::kBusy, 1);
  slow.answer.retry_after = 20;
  RigOptions options = before(Driver::kNvme, slow);
  options.faults.push_back(saying(DeviceError::kAborted, 1));
  options.faults[1].range = Fault::Range{Lba{100}, Sectors{8}};
  options.faults[0].range = Fault::Range{Lba{0}, Sectors{8}};
  QueueRig rig{options};
  rig.task({write(0), sleep_until(milliseconds(5)), write(100)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "W 100+8", "W 0+8"}));
  EXPECT_EQ(rig.issued_us(3), 5100);
}

TEST(NvmeErrors, OfAFailedRequestNothingSucceeds) {
  Fault fault = saying(DeviceError::kMedium);
  fault.range = Fault::Range{Lba{8}, Sectors{1}};
  QueueRig rig{before(Driver::kNvme, fault)};
  rig.task({plug(), write(0), write(8), unplug()});
  rig.run();
  ASSERT_EQ(rig.ledger.ends().size(), 2U);
  EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kMedium);
}

TEST(OtherDrivers, KnowOneErrorAndTryNothingAgain) {
  for (const Driver driver : {Driver::kVirtioBlk, Driver::kNullBlk}) {
    for (const DeviceError error :
         {DeviceError::kMedium, DeviceError::kNoSpace, DeviceError::kAborted}) {
      EXPECT_EQ(fate(driver, error, write(0)), (Fate{1, BlkStatus::kIoError}));
    }
  }
}

// --- requeueing -----------------------------------------------------------------------------

TEST(Requeue, PassesByTheElevatorAndItsCounts) {
  for (const char* elevator : {"mq-deadline", "kyber", "bfq"}) {
    for (const Driver driver : {Driver::kScsi, Driver::kNvme}) {
      RigOptions options = before(driver, saying(DeviceError::kAborted, 4));
      options.queue.elevator = find_elevator(elevator);
      QueueRig rig{options};
      rig.task({write(0), read(100), write(200), sync_write(300), write(400)});
      rig.run();
      EXPECT_TRUE(rig.drained()) << elevator;
      EXPECT_EQ(rig.log.lines("requeue").size(), 4U) << elevator;
      EXPECT_EQ(rig.log.lines("insert").size(), 5U) << elevator;
    }
  }
}

// Writes have 128 tokens. Those that wait for their retry need none, so the rest gets through.
TEST(Requeue, KyberGetsItsTokensBack) {
  RigOptions options = before(Driver::kNvme, saying(DeviceError::kAborted, 128));
  options.faults[0].answer.retry_after = 10;
  options.device.depth = 256;
  options.queue.nr_requests = 256;
  options.queue.elevator = find_elevator("kyber");
  QueueRig rig{options};
  rig.task(scattered_writes(130));
  rig.run();
  EXPECT_TRUE(rig.drained());
  EXPECT_LT(rig.issued_us(129), 1'000'000);
}

TEST(Requeue, CountsRetriesAndFailures) {
  RigOptions options = before(Driver::kNvme, saying(DeviceError::kMedium, 8));
  QueueRig rig{options};
  rig.task({write(0), sleep_until(milliseconds(100)), write(100)});
  rig.run();
  EXPECT_EQ(rig.queue.totals().errors,
            (engine::ErrorCounts{.failed = 1, .retries = 7, .timeouts = 0}));
}

TEST(Errno, IsThatOfTheKernel) {
  EXPECT_EQ(errno_of(BlkStatus::kOk), 0);
  EXPECT_EQ(errno_of(BlkStatus::kIoError), -5);
  EXPECT_EQ(errno_of(BlkStatus::kTimeout), -110);
  EXPECT_EQ(errno_of(BlkStatus::kNoSpace), -28);
  EXPECT_EQ(errno_of(BlkStatus::kTransport), -67);
  EXPECT_EQ(errno_of(BlkStatus::kTarget), -121);
  EXPECT_EQ(errno_of(BlkStatus::kMedium), -61);
}

}  // namespace
}  // namespace wbsim::block
