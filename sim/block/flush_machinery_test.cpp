#include "sim/block/flush_machinery.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

// A device with a volatile cache; every command takes 100 us.
RigOptions cached(bool fua_support = false) {
  RigOptions options;
  options.queue.limits = {.write_cache = true, .fua = fua_support};
  options.device.volatile_cache = true;
  return options;
}

std::vector<std::int64_t> issued_us(const QueueRig& rig) {
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < rig.device.accepted().size(); ++i) {
    times.push_back(rig.issued_us(i));
  }
  return times;
}
using Us = std::vector<std::int64_t>;

// --- Policy ---------------------------------------------------------------------------------

TEST(FlushPolicy, WithoutAVolatileCacheAnEmptyFlushEndsAtOnce) {
  QueueRig rig;
  rig.task({flush()});
  rig.run();
  EXPECT_TRUE(rig.issued().empty());
  ASSERT_EQ(rig.ledger.ends().size(), 1U);
  EXPECT_EQ(rig.ledger.ends().at(0), (BioLedger::End{0, 0, BlkStatus::kOk}));
  EXPECT_TRUE(rig.drained());
}

TEST(FlushPolicy, WithoutAVolatileCacheFlagsAreDroppedAndTheBioIsLikeAnyOther) {
  QueueRig rig;
  rig.task({plug(), write(0), fua(8), preflush(16), unplug()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+24"}));
  EXPECT_TRUE(rig.drained());
}

TEST(FlushPolicy, AnEmptyFlushIsOneCommandIssuedByKblockd) {
  RigOptions options = cached();
  options.costs.flush_hop = microseconds(5);
  options.costs.kblockd_hop = microseconds(50);
  options.costs.flush_done = microseconds(3);
  QueueRig rig{options};
  rig.task({flush()});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F"}));
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"5 kworker/0:1H issue F 0+0"}));
  // The flush completes, and then the request that asked for it.
  EXPECT_EQ(rig.log.lines("complete"), (Lines{"105 ? complete F -1+0", "108 ? complete W 0+0"}));
  EXPECT_EQ(rig.queue.stats().flushes, 1);
  EXPECT_EQ(rig.queue.stats().requests, 0);
  EXPECT_TRUE(rig.drained());
}

TEST(FlushPolicy, PreflushThenData) {
  QueueRig rig{cached()};
  rig.task({preflush(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "W 0+8"}));
  EXPECT_EQ(issued_us(rig), (Us{0, 100}));
  EXPECT_TRUE(rig.drained());
}

TEST(FlushPolicy, FuaWithoutDeviceSupportIsDataThenFlush) {
  QueueRig rig{cached()};
  rig.task({fua(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "F"}));
  EXPECT_EQ(issued_us(rig), (Us{0, 100}));
  ASSERT_EQ(rig.ledger.ends().size(), 1U) << "the bio ends once, at the end of the sequence";
  EXPECT_EQ(rig.ledger.ends().at(0).us, 200);
  EXPECT_TRUE(rig.device.is_durable(Lba{0}, Sectors{8}));
}

TEST(FlushPolicy, FuaWithDeviceSupportIsOneCommand) {
  QueueRig rig{cached(true)};
  rig.task({fua(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8 fua"}));
  EXPECT_TRUE(rig.device.is_durable(Lba{0}, Sectors{8}));
  EXPECT_TRUE(rig.drained());
}

TEST(FlushPolicy, PreflushAndFuaAreUpToThreeCommands) {
  IoStep both = fua(0);
  both.flags.preflush = true;
  QueueRig without{cached(false)};
  without.task({both});
  without.run();
  EXPECT_EQ(without.issued(), (Lines{"F", "W 0+8", "F"}));
  QueueRig with{cached(true)};
  with.task({both});
  with.run();
  EXPECT_EQ(with.issued(), (Lines{"F", "W 0+8 fua"}));
  EXPECT_TRUE(without.drained() && with.drained());
}

TEST(FlushPolicy, FlushesDoNotWaitInThePlug) {
  QueueRig rig{cached()};
  rig.task({plug(), write(0), flush(), compute(microseconds(500)), unplug()});
  rig.run();
  // kblockd issues the flush when the task gives up the CPU; the plug belongs to the task.
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "F"}));
  EXPECT_TRUE(rig.drained());
}

// --- At most one flush; coalescing ----------------------------------------------------------

TEST(Flush, WantedWhileOneIsInTheDeviceSharesTheNext) {
  QueueRig rig{cached()};
  for (int i = 0; i < 4; ++i) {
    rig.task({sleep_until(microseconds(20 * i)), flush()});
  }
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "F"}));
  EXPECT_EQ(issued_us(rig), (Us{0, 100}));
  std::vector<std::int64_t> ends;
  for (const BioLedger::End& end : rig.ledger.ends()) {
    ends.push_back(end.us);
  }
  EXPECT_EQ(ends, (Us{100, 200, 200, 200}));
  EXPECT_TRUE(rig.drained());
}

TEST(Flush, WantedAfterOneEndedIsANewOne) {
  QueueRig rig{cached()};
  rig.task({flush(), sleep_until(microseconds(101)), flush()});
  rig.run();
  EXPECT_EQ(issued_us(rig), (Us{0, 101}));
}

TEST(Flush, DataPartsOfOneFlushGoOutInOrderOfSubmission) {
  QueueRig rig{cached()};
  rig.task({flush(), sleep_until(microseconds(10)), preflush(0), preflush(100), preflush(200)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F", "F", "W 0+8", "W 100+8", "W 200+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(Flush, CoversDataThatCompletedBeforeIt) {
  QueueRig rig{cached()};
  rig.task({write(0), sleep_until(microseconds(150)), flush(), write(100)});
  rig.run();
  EXPECT_TRUE(rig.device.is_durable(Lba{0}, Sectors{8}));
  EXPECT_FALSE(rig.device.is_durable(Lba{100}, Sectors{8}));
}

TEST(Flush, ThatLiesEndsWellAndMakesNothingDurable) {
  RigOptions options = cached();
  options.device.faults = {{.op = DeviceOp::kFlush, .lie = true}};
  QueueRig rig{options};
  rig.task({fua(0)});
  rig.run();
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kOk);
  EXPECT_FALSE(rig.device.is_durable(Lba{0}, Sectors{8}));
}

// --- Waiting for data parts of other sequences ----------------------------------------------

// One FUA write whose data takes `data`, and flushes wanted at the given times.
std::vector<std::int64_t> with_data_in_flight(SimDuration data,
                                              const std::vector<SimDuration>& flushes) {
  RigOptions options = cached();
  options.device.faults = {{.op = DeviceOp::kWrite, .delay = data - microseconds(100)}};
  QueueRig rig{options};
  rig.task({fua(0)});
  for (const SimDuration time : flushes) {
    rig.task({sleep_until(time), flush()});
  }
  rig.run();
  EXPECT_TRUE(rig.drained());
  return issued_us(rig);
}

TEST(Flush, WaitsForDataPartsAndServesTheirPostflushToo) {
  EXPECT_EQ(with_data_in_flight(milliseconds(1), {microseconds(10)}), (Us{0, 1000}));
}

// It is looked at again only when another sequence makes a step.
TEST(Flush, WaitsForDataPartsUpToFiveSeconds) {
  constexpr SimDuration kSince = microseconds(10);
  EXPECT_EQ(with_data_in_flight(seconds(10), {kSince, kSince + seconds(5) - microseconds(1)}),
            (Us{0, 10'000'000}));
}

TEST(Flush, WaitsForDataPartsNoLongerThanFiveSeconds) {
  constexpr SimDuration kSince = microseconds(10);
  EXPECT_EQ(with_data_in_flight(seconds(10), {kSince, kSince + seconds(5)}),
            (Us{0, 5'000'010, 10'000'000}));
}

// The device has room for one command. When the first data part ends, its tag stays in use and no
// flush may start; still the second has to be tried again.
TEST(Flush, AnEndingDataPartRestartsTheQueue) {
  RigOptions options = cached();
  options.device.depth = 1;
  QueueRig rig{options};
  rig.task({fua(0), fua(100)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8", "W 100+8", "F"}));
  EXPECT_TRUE(rig.drained());
}

// --- Errors ---------------------------------------------------------------------------------

TEST(FlushError, OfThePreflushEndsTheSequenceBeforeItsData) {
  RigOptions options = cached();
  options.device.faults = {{.op = DeviceOp::kFlush, .status = BlkStatus::kIoError}};
  QueueRig rig{options};
  rig.task({preflush(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"F"}));
  ASSERT_EQ(rig.ledger.ends().size(), 1U);
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kIoError);
  EXPECT_TRUE(rig.drained());
}

TEST(FlushError, OfTheDataEndsTheSequenceBeforeItsPostflush) {
  RigOptions options = cached();
  options.device.faults = {{.op = DeviceOp::kWrite, .status = BlkStatus::kNoSpace}};
  QueueRig rig{options};
  rig.task({fua(0)});
  rig.run();
  EXPECT_EQ(rig.issued(), (Lines{"W 0+8"}));
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kNoSpace);
  EXPECT_TRUE(rig.drained());
}

TEST(FlushError, ReachesEveryBioThatSharedTheFlushAndNoOther) {
  RigOptions options = cached();
  options.device.faults = {
      {.op = DeviceOp::kFlush, .skip = 1, .times = 1, .status = BlkStatus::kIoError}};
  QueueRig rig{options};
  for (int i = 0; i < 3; ++i) {
    rig.task({sleep_until(microseconds(20 * i)), flush()});
  }
  rig.task({sleep_until(microseconds(150)), flush()});
  rig.run();
  std::vector<BlkStatus> statuses;
  for (const BioLedger::End& end : rig.ledger.ends()) {
    statuses.push_back(end.status);
  }
  EXPECT_EQ(statuses, (std::vector<BlkStatus>{BlkStatus::kOk, BlkStatus::kIoError,
                                              BlkStatus::kIoError, BlkStatus::kOk}));
  EXPECT_TRUE(rig.drained());
}

}  // namespace
}  // namespace wbsim::block
