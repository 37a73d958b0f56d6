// /proc/diskstats of both rules. A jiffy is 4 ms, the first begins at t = 4 ms.
#include "sim/block/io_accounting.hpp"

#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using engine::DiskStats;

template <class Rig, class Options>
DiskStats stats_after(Options options, const IoScript& script, SimDuration service) {
  options.device.depth = 1;
  options.device.service = service;
  Rig rig{options};
  rig.task(script);
  rig.run();
  EXPECT_TRUE(rig.ledger.balanced());
  return rig.queue.totals().disk;
}
// blk-mq, the jiffies sampled.
DiskStats sampled(const IoScript& script, SimDuration service = milliseconds(1)) {
  RigOptions options;
  options.queue.limits.write_cache = true;
  return stats_after<QueueRig>(options, script, service);
}
// A single queue of 3.6, the time integrated.
DiskStats integrated(const IoScript& script, SimDuration service = milliseconds(1)) {
  SingleRigOptions options = of_3_6();
  options.queue.limits.write_cache = true;
  return stats_after<SingleRig>(options, script, service);
}

TEST(DiskStats, ARequestCountsWithItsSectorsFromItsAllocationToItsEnd) {
  const DiskStats disk = sampled({write(0, 16), sleep_until(milliseconds(50)), read(800, 8)});
  EXPECT_EQ(disk.write, (engine::DiskStatsGroup{.ios = 1, .sectors = 16, .ms = 1}));
  EXPECT_EQ(disk.read, (engine::DiskStatsGroup{.ios = 1, .sectors = 8, .ms = 1}));
  EXPECT_EQ(disk.in_flight, 0);
  EXPECT_EQ(disk.weighted_ms, 2);
  // The second waits in the plug for 10 ms.
  EXPECT_EQ(sampled({plug(), write(0), compute(milliseconds(10)), unplug()}).write.ms, 11);
}

TEST(DiskStats, BiosThatAreMergedAreMergesAndNoRequests) {
  const DiskStats disk = sampled({plug(), write(8), write(16), write(0), read(100), unplug()});
  EXPECT_EQ(disk.write.ios, 1);
  EXPECT_EQ(disk.write.merges, 2);
  EXPECT_EQ(disk.write.sectors, 24);
  EXPECT_EQ(disk.read.merges, 0);
}

// 0 and 16 wait in the elevator when what is between them arrives; 2000 is next, so it waits in the
// single queue's dispatch list.
TEST(DiskStats, RequestsThatAreMergedAreMergesSinceV5_0) {
  const IoScript script{write(1000), write(2000), write(0), write(16), write(8)};
  RigOptions options;
  options.queue.elevator = find_elevator("mq-deadline");
  const DiskStats disk = stats_after<QueueRig>(options, script, milliseconds(1));
  EXPECT_EQ(disk.write.merges, 2) << "a bio, and a request";
  EXPECT_EQ(disk.write.ios, 3);
  const DiskStats old = stats_after<SingleRig>(of_3_6("deadline"), script, milliseconds(1));
  EXPECT_EQ(old.write.merges, 1) << "the bio";
  EXPECT_EQ(old.write.ios, 3);
  EXPECT_EQ(old.in_flight, 0);
}

TEST(DiskStats, AFlushIsCountedApartAndItsSequenceIsAnEmptyWrite) {
  const DiskStats disk = sampled({flush()});
  EXPECT_EQ(disk.flush, (engine::DiskStatsGroup{.ios = 1, .ms = 1}));
  EXPECT_EQ(disk.write, (engine::DiskStatsGroup{.ios = 1, .ms = 1}));
  EXPECT_EQ(disk.weighted_ms, 2);
  const DiskStats old = integrated({flush()});
  EXPECT_EQ(old.flush.ios, 0) << "before v5.5 nobody counted them";
  EXPECT_EQ(old.write.ios, 1);
}

TEST(DiskStats, AWriteBehindAFlushCountsOnce) {
  const DiskStats disk = sampled({preflush(0, 8)});
  EXPECT_EQ(disk.write, (engine::DiskStatsGroup{.ios = 1, .sectors = 8, .ms = 2}));
  EXPECT_EQ(disk.flush.ios, 1);
}

// What begins in a jiffy that was counted, and ends in it, adds nothing.
TEST(DiskStats, ShortRequestsOfOneJiffyAreOneJiffyOfIo) {
  IoScript script{sleep_until(milliseconds(8))};
  for (int i = 0; i < 3; ++i) {
    script.push_back(write(100 * i));
  }
  EXPECT_EQ(sampled(script, microseconds(100)).io_ms, 4);
  EXPECT_EQ(integrated(script, microseconds(100)).io_ms, 0) << "less than a jiffy";
}

// From jiffy 2 to jiffy 5: three jiffies, and one for the start.
TEST(DiskStats, SamplingCountsTheStartTwice) {
  const IoScript script{sleep_until(milliseconds(8)), write(0)};
  EXPECT_EQ(sampled(script, milliseconds(12)).io_ms, 16);
  EXPECT_EQ(integrated(script, milliseconds(12)).io_ms, 12);
}

// Two that exist from 8 ms on, and end at 20 and at 32 ms.
TEST(DiskStats, WeightedTimeIsTheSumOfTimesOrTheIntegral) {
  const IoScript script{sleep_until(milliseconds(8)), write(0), write(100)};
  EXPECT_EQ(sampled(script, milliseconds(12)).weighted_ms, 12 + 24);
  EXPECT_EQ(integrated(script, milliseconds(12)).weighted_ms, 12 + 24);
  // In jiffies: 2 ms are none, or one that begins within.
  const IoScript between{sleep_until(milliseconds(9)), write(0), sleep_until(milliseconds(15)),
                         write(100)};
  EXPECT_EQ(sampled(between, milliseconds(2)).weighted_ms, 4);
  EXPECT_EQ(integrated(between, milliseconds(2)).weighted_ms, 4);
  EXPECT_EQ(integrated(between, milliseconds(2)).write.ms, 4);
}

TEST(DiskStats, InFlightIsWhatTheDriverHasOrBeforeWhatExists) {
  RigOptions options;
  options.device.depth = 1;
  options.device.service = milliseconds(10);
  QueueRig rig{options};
  rig.task({write(0), write(100)});
  rig.run(milliseconds(5));
  EXPECT_EQ(rig.queue.totals().disk.in_flight, 1);
  rig.run();

  SingleRigOptions before = of_3_6();
  before.device = options.device;
  SingleRig old{before};
  old.task({write(0), write(100)});
  old.run(milliseconds(5));
  EXPECT_EQ(old.queue.totals().disk.in_flight, 2);
  EXPECT_EQ(old.queue.totals().disk.weighted_ms, 8) << "up to now";
  old.run();
}

}  // namespace
}  // namespace wbsim::block
