// /proc/diskstats of partitions and of devices without requests. A jiffy is 4 ms, and what happens
// begins at 8 ms; commands take 8 ms.
#include "sim/block/stacking/bio_accounting.hpp"

#include <gtest/gtest.h>

#include "sim/block/stacking/stack_test_util.hpp"

namespace wbsim::block {
namespace {

using engine::DiskStats;
using Group = engine::DiskStatsGroup;
using Rules = DiskStatsRules;

constexpr SimDuration kService = milliseconds(8);

StackRigOptions slow_disks(Rules rules, int members = 2) {
  StackRigOptions options;
  options.members = members;
  options.device.service = kService;
  options.limits.write_cache = true;
  options.disk_stats = rules;
  return options;
}

IoScript at_8_ms(const IoScript& script) { return IoScript{sleep_until(kService)} + script; }

// One disk with two partitions, of which the second follows the first.
struct Partitioned {
  explicit Partitioned(Rules rules) : rig{slow_disks(rules, 1)} {}
  void run(const IoScript& script, BioTarget& target) {
    rig.task(at_8_ms(script), target);
    rig.run();
  }
  [[nodiscard]] DiskStats disk_stats() const { return rig.queues[0]->disk_stats(0); }

  StackRig rig;
  std::unique_ptr<Partition> first = rig.partition(*rig.queues[0], 1024, 16);
  std::unique_ptr<Partition> second = rig.partition(*rig.queues[0], 1040, 1024);
};

TEST(PartitionStats, CountRequestsWithTheirTimesAsThoseOfTheDisk) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    Partitioned disk{rules};
    disk.run({plug(), write(0), write(8), unplug(), read(100)}, *disk.second);
    const DiskStats stats = disk.second->disk_stats(0);
    EXPECT_EQ(stats.write, (Group{.ios = 1, .merges = 1, .sectors = 16, .ms = 8}));
    EXPECT_EQ(stats.read, (Group{.ios = 1, .sectors = 8, .ms = 8}));
    EXPECT_EQ(stats.weighted_ms, 16);
    EXPECT_EQ(stats.io_ms, rules == Rules::kV3_6 ? 8 : 12);
    EXPECT_EQ(stats, disk.disk_stats());
    EXPECT_EQ(disk.first->disk_stats(0), DiskStats{});
  }
}

TEST(PartitionStats, OfV2_6_18CountBiosWhenTheyAreSubmitted) {
  Partitioned disk{Rules::kV2_6_18};
  disk.rig.task(at_8_ms({plug(), write(0), write(8), unplug(), read(100)}), *disk.second);
  disk.rig.run(milliseconds(9));
  const DiskStats expected{
      .read = {.ios = 1, .sectors = 8}, .write = {.ios = 2, .sectors = 16}, .flush = {}};
  EXPECT_EQ(disk.second->disk_stats(0), expected);
  disk.rig.run();
  EXPECT_EQ(disk.second->disk_stats(0), expected);
  EXPECT_EQ(disk.disk_stats().write, (Group{.ios = 1, .merges = 1, .sectors = 16, .ms = 8}));
}

TEST(PartitionStats, OfV2_6_18CountEachBioOfARun) {
  Partitioned disk{Rules::kV2_6_18};
  engine::Thread thread{disk.rig.machine, "writer", 99};
  Bio& run = disk.first->new_bio();
  run.unit = Sectors{8};
  run.count = 2;
  run.flags.write = true;
  disk.first->remap(run, thread);
  EXPECT_EQ(disk.first->disk_stats(0).write, (Group{.ios = 2, .sectors = 16}));
}

TEST(PartitionStats, BeforeV5_12TakeWhatTheDiskGetsInTheirRange) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    Partitioned disk{rules};
    disk.run({write(1023, 1), write(1024), write(1039, 1), write(1040)}, *disk.rig.queues[0]);
    const bool by_sector = rules != Rules::kV6_1;
    EXPECT_EQ(disk.first->disk_stats(0).write.ios, by_sector ? 2 : 0);
    EXPECT_EQ(disk.second->disk_stats(0).write.ios, by_sector ? 1 : 0);
    EXPECT_EQ(disk.disk_stats().write.ios, 4);
  }
}

TEST(PartitionStats, ARequestCountsWhereItsFirstBioDoes) {
  for (const Rules rules : {Rules::kV5_10, Rules::kV6_1}) {
    Partitioned disk{rules};
    disk.run({plug(), write(1032), write(1040), write(1024), unplug()}, *disk.rig.queues[0]);
    const bool by_sector = rules == Rules::kV5_10;
    EXPECT_EQ(disk.first->disk_stats(0).write,
              by_sector ? (Group{.ios = 1, .merges = 2, .sectors = 24, .ms = 8}) : Group{});
    EXPECT_EQ(disk.second->disk_stats(0), DiskStats{});
  }
}

// Nothing is moved, so before v5.12 it is not in the range of the partition.
TEST(PartitionStats, AFlushIsAnEmptyWriteOfThePartitionSinceV5_12AndAFlushOfTheDisk) {
  for (const Rules rules : {Rules::kV2_6_18, Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    Partitioned disk{rules};
    disk.run({flush()}, *disk.second);
    const DiskStats stats = disk.second->disk_stats(0);
    EXPECT_EQ(stats.write, rules == Rules::kV6_1 ? (Group{.ios = 1, .ms = 8}) : Group{});
    EXPECT_EQ(stats.flush, Group{});
    EXPECT_EQ(disk.disk_stats().write.ios, 1);
    EXPECT_EQ(disk.disk_stats().flush.ios, rules >= Rules::kV5_10 ? 1 : 0);
  }
}

TEST(PartitionStats, WhatIsInFlightIsSoInBothLines) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    Partitioned disk{rules};
    disk.rig.task(at_8_ms({write(0)}), *disk.second);
    disk.rig.task(at_8_ms({flush()}), *disk.second);
    disk.rig.run(milliseconds(9));
    EXPECT_EQ(disk.second->disk_stats(0).in_flight, 1);
    // Requests that exist (v3.6), commands in the driver (v5.10), those with data (v6.1).
    EXPECT_EQ(disk.disk_stats().in_flight, rules == Rules::kV6_1 ? 1 : 2);
    disk.rig.run();
    EXPECT_EQ(disk.second->disk_stats(0).in_flight, 0);
    EXPECT_EQ(disk.disk_stats().in_flight, 0);
  }
}

// What a device on top of two disks tells after `script`.
DiskStats after(StackRig& rig, BioTarget& top, const IoScript& script) {
  rig.task(at_8_ms(script), top);
  rig.run();
  EXPECT_TRUE(rig.drained(top));
  EXPECT_EQ(top.disk_stats(0).in_flight, 0);
  return top.disk_stats(0);
}
DiskStats linear_after(Rules rules, const IoScript& script) {
  StackRig rig{slow_disks(rules)};
  const auto top = rig.linear(1024);
  return after(rig, *top, script);
}
DiskStats raid0_after(Rules rules, const IoScript& script) {
  StackRig rig{slow_disks(rules)};
  const auto top = rig.raid0(1024, 16);
  return after(rig, *top, script);
}
DiskStats raid1_after(Rules rules, const IoScript& script) {
  StackRig rig{slow_disks(rules)};
  const auto top = rig.raid1();
  return after(rig, *top, script);
}
DiskStats raid5_after(Rules rules, const IoScript& script) {
  StackRig rig{slow_disks(rules, 4)};
  const auto top = rig.raid5({.chunk = Sectors{16}, .member_size = Sectors{1024}});
  return after(rig, *top, script);
}

TEST(DmStats, CountWholeJiffiesOfABio) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    const DiskStats stats = linear_after(rules, {write(0), read(100)});
    EXPECT_EQ(stats.write, (Group{.ios = 1, .sectors = 8, .ms = 8}));
    EXPECT_EQ(stats.read, (Group{.ios = 1, .sectors = 8, .ms = 8}));
    EXPECT_EQ(stats.weighted_ms, 16);
    EXPECT_EQ(stats.io_ms, rules == Rules::kV3_6 ? 8 : 12);
    // Within the jiffies it is nothing, or what the first of them adds.
    const DiskStats between = linear_after(
        rules, {sleep_until(milliseconds(9)), write(0), sleep_until(milliseconds(21))});
    EXPECT_EQ(between.write.ms, 8);
  }
}

TEST(DmStats, CountBiosOrSinceV5_0WhatIsMappedAtOnce) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    EXPECT_EQ(linear_after(rules, {write(1016, 16)}).write,
              (Group{.ios = rules == Rules::kV3_6 ? 1 : 2, .sectors = 16, .ms = 16}));
  }
}

TEST(DmStats, CountAFlushAsAWrite) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    const DiskStats stats = linear_after(rules, {flush()});
    EXPECT_EQ(stats.write, (Group{.ios = 1, .ms = 8}));
    EXPECT_EQ(stats.flush, Group{});
  }
}

TEST(DmStats, CountAWriteBehindAFlushTwiceAndInV5_10ItsDataToo) {
  EXPECT_EQ(linear_after(Rules::kV3_6, {preflush(8)}).write,
            (Group{.ios = 1, .sectors = 8, .ms = 16}));
  EXPECT_EQ(linear_after(Rules::kV5_10, {preflush(8)}).write,
            (Group{.ios = 2, .sectors = 16, .ms = 16}));
  EXPECT_EQ(linear_after(Rules::kV6_1, {preflush(8)}).write,
            (Group{.ios = 2, .sectors = 8, .ms = 16}));
}

TEST(DmStats, TellWhatIsUnderWay) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    StackRig rig{slow_disks(rules)};
    const auto top = rig.linear(1024);
    rig.task(at_8_ms({write(0), flush()}), *top);
    rig.run(milliseconds(9));
    EXPECT_EQ(top->disk_stats(0).in_flight, 2);
    rig.run();
    EXPECT_EQ(top->disk_stats(0).in_flight, 0);
  }
}

TEST(MdStats, OfV3_6HaveNoTimes) {
  StackRig rig{slow_disks(Rules::kV3_6)};
  const auto top = rig.raid1();
  rig.task(at_8_ms({write(0), flush(), read(100)}), *top);
  rig.run(milliseconds(9));
  EXPECT_EQ(top->disk_stats(0).in_flight, 0);
  rig.run();
  EXPECT_EQ(top->disk_stats(0),
            (DiskStats{
                .read = {.ios = 1, .sectors = 8}, .write = {.ios = 2, .sectors = 8}, .flush = {}}));
}

TEST(MdStats, OfV5_10CountBiosUntilAllOfThemHasEnded) {
  StackRig rig{slow_disks(Rules::kV5_10)};
  rig.devices[0]->add_fault({.delay = milliseconds(8)});
  const auto top = rig.raid0(1024, 16);
  const DiskStats stats = after(rig, *top, {write(8, 16)});
  EXPECT_EQ(stats.write, (Group{.ios = 1, .sectors = 16, .ms = 16}));
  EXPECT_EQ(raid5_after(Rules::kV5_10, {read(8, 16)}).read,
            (Group{.ios = 1, .sectors = 16, .ms = 8}));
}

// Parts that are split off because they are too long are bios of their own.
TEST(MdStats, OfV5_10CountBiosWithinTheLimits) {
  StackRigOptions options = slow_disks(Rules::kV5_10);
  options.limits.max_sectors = Sectors{8};
  StackRig rig{options};
  const auto top = rig.raid0(1024, 16);
  EXPECT_EQ(after(rig, *top, {write(0, 16)}).write, (Group{.ios = 2, .sectors = 16, .ms = 16}));
}

TEST(MdStats, OfV5_10CountFlushesAsWrites) {
  EXPECT_EQ(raid0_after(Rules::kV5_10, {flush()}).write, (Group{.ios = 1, .ms = 8}));
  EXPECT_EQ(raid0_after(Rules::kV5_10, {preflush(8)}).write,
            (Group{.ios = 1, .sectors = 8, .ms = 16}));
}

TEST(MdStats, OfV6_1DoNotCountFlushes) {
  EXPECT_EQ(raid0_after(Rules::kV6_1, {flush()}), DiskStats{});
  EXPECT_EQ(raid0_after(Rules::kV6_1, {preflush(8)}).write,
            (Group{.ios = 1, .sectors = 8, .ms = 8}));
}

TEST(MdStats, OfV6_1CountWhatAPersonalityMapsAtOnce) {
  constexpr std::int64_t kUnit = 1 << 17;
  EXPECT_EQ(raid1_after(Rules::kV6_1, {write(kUnit - 8, 16), read(kUnit - 8, 16)}).write,
            (Group{.ios = 2, .sectors = 16, .ms = 16}));
  EXPECT_EQ(raid1_after(Rules::kV6_1, {read(kUnit - 8, 16)}).read,
            (Group{.ios = 2, .sectors = 16, .ms = 16}));
  EXPECT_EQ(raid5_after(Rules::kV6_1, {read(8, 16)}).read,
            (Group{.ios = 2, .sectors = 16, .ms = 16}));
  EXPECT_EQ(raid5_after(Rules::kV6_1, {write(0, 48)}).write,
            (Group{.ios = 1, .sectors = 48, .ms = 8}));
}

// What is left over is mapped last, and counts; it ends when it does, not with what came before.
TEST(MdStats, OfV6_1LeaveOutWhatRaid0SplitsOff) {
  StackRig rig{slow_disks(Rules::kV6_1)};
  rig.devices[0]->add_fault({.delay = milliseconds(8)});
  const auto top = rig.raid0(1024, 16);
  EXPECT_EQ(after(rig, *top, {write(8, 16)}).write, (Group{.ios = 1, .sectors = 8, .ms = 8}));
}

TEST(MdStats, OfAPartitionCountInTheLineOfTheArrayAsWell) {
  for (const Rules rules : {Rules::kV3_6, Rules::kV5_10, Rules::kV6_1}) {
    StackRig rig{slow_disks(rules)};
    const auto top = rig.raid1();
    const auto part = rig.partition(*top, 128);
    rig.task(at_8_ms({write(0)}), *part);
    rig.run(milliseconds(9));
    const bool counts = rules != Rules::kV3_6;
    EXPECT_EQ(part->disk_stats(0).in_flight, counts ? 1 : 0);
    EXPECT_EQ(top->disk_stats(0).in_flight, 0);
    rig.run();
    EXPECT_EQ(part->disk_stats(0).write,
              counts ? (Group{.ios = 1, .sectors = 8, .ms = 8}) : Group{});
    EXPECT_EQ(top->disk_stats(0).write, (Group{.ios = 1, .sectors = 8, .ms = counts ? 8 : 0}));
  }
}

TEST(MdStats, OfV5_10CountInThePartitionWhereABioBegins) {
  for (const Rules rules : {Rules::kV5_10, Rules::kV6_1}) {
    StackRig rig{slow_disks(rules)};
    const auto top = rig.raid1();
    const auto part = rig.partition(*top, 128);
    EXPECT_EQ(after(rig, *top, {write(128)}).write.ios, 1);
    EXPECT_EQ(part->disk_stats(0).write.ios, rules == Rules::kV5_10 ? 1 : 0);
  }
}

}  // namespace
}  // namespace wbsim::block
