#include "sim/block/stacking/raid1.hpp"

#include <gtest/gtest.h>

#include "sim/block/stacking/stack_test_util.hpp"

namespace wbsim::block {
namespace {

StackRigOptions disks(bool rotational) {
  StackRigOptions options;
  options.limits.rotational = rotational;
  return options;
}

TEST(Raid1, WritesToAllMirrorsAndEndsWithTheLast) {
  StackRig rig{{.members = 3}};
  rig.devices[1]->add_fault({.delay = microseconds(50)});
  const auto top = rig.raid1();
  rig.task({write(8)}, *top);
  rig.run();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rig.issued(i), (Lines{"W 8+8"}));
  }
  ASSERT_EQ(rig.ledger.ends().size(), 1U);
  EXPECT_EQ(rig.ledger.ends()[0].us, 150);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(Raid1, AWriteHasSucceededWhenOneMirrorHasIt) {
  StackRig rig;
  rig.devices[0]->add_fault({.op = DeviceOp::kWrite, .status = BlkStatus::kIoError});
  const auto top = rig.raid1();
  rig.task({write(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kOk);
  rig.devices[1]->add_fault({.op = DeviceOp::kWrite, .status = BlkStatus::kIoError});
  rig.task({write(16)}, *top);
  rig.run(seconds(200));
  EXPECT_EQ(rig.ledger.ends().at(1).status, BlkStatus::kIoError);
}

TEST(Raid1, WritesWithoutAPlugAreIssuedByItsThread) {
  StackRig rig;
  const auto top = rig.raid1(MirrorWrites::kByPlug);
  rig.task({write(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.log.lines("md0_raid1 issue").size(), 2U);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(Raid1, WritesInAPlugAreIssuedByItsOwner) {
  StackRig rig;
  const auto top = rig.raid1(MirrorWrites::kByPlug);
  rig.task(IoScript{plug()} + IoScript{write(0), write(8)} + IoScript{unplug()}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 0+16"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+16"}));
  EXPECT_TRUE(rig.log.lines("md0_raid1").empty());
  EXPECT_TRUE(rig.drained(*top));
}

TEST(Raid1, WritesInAPlugGoToItsThreadWhereTheOwnerSleeps) {
  StackRig rig;
  const auto top = rig.raid1(MirrorWrites::kByPlug);
  rig.task(
      IoScript{plug()} + IoScript{write(0), sleep_until(microseconds(10))} + IoScript{unplug()},
      *top);
  rig.run();
  EXPECT_EQ(rig.log.lines("md0_raid1 issue").size(), 2U);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(Raid1, DirectWritesNeedNoThread) {
  StackRig rig;
  const auto top = rig.raid1(MirrorWrites::kDirect);
  rig.task({write(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.log.lines("task0 issue").size(), 2U);
}

TEST(Raid1Read, GoesOnWithTheMirrorOfASequence) {
  StackRig rig{disks(true)};
  const auto top = rig.raid1();
  rig.task({read(1000), sleep_until(milliseconds(1)), read(1008), read(1016), read(1024)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"R 1000+8", "R 1008+8", "R 1016+8", "R 1024+8"}));
  EXPECT_TRUE(rig.issued(1).empty());
}

TEST(Raid1Read, TakesAnIdleMirrorFirst) {
  StackRig rig{disks(true)};
  const auto top = rig.raid1();
  rig.task({read(1000), read(5000)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"R 1000+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"R 5000+8"}));
}

// Both mirrors are busy, the first with two reads and its head nearer. Heads are where the last
// completed request ended.
IoScript busy_mirrors() {
  return {read(1000), read(5000), sleep_until(milliseconds(1)), read(1008), read(5008),
          read(1016), read(1100)};
}

TEST(Raid1Read, OfBusyDisksTakesTheOneWhoseHeadIsNearest) {
  StackRig rig{disks(true)};
  const auto top = rig.raid1();
  rig.task(busy_mirrors(), *top);
  rig.run();
  EXPECT_EQ(rig.issued(0).back(), "R 1100+8");
  EXPECT_TRUE(rig.drained(*top));
}

TEST(Raid1Read, OfBusyDisksTakesTheSecondWhereItsHeadIsNearer) {
  StackRig rig{disks(true)};
  const auto top = rig.raid1();
  rig.task(
      {read(1000), read(5000), sleep_until(milliseconds(1)), read(1008), read(5008), read(5100)},
      *top);
  rig.run();
  EXPECT_EQ(rig.issued(1), (Lines{"R 5000+8", "R 5008+8", "R 5100+8"}));
}

// The first has two reads to do and none of them leads there, but its head is where this one
// begins.
TEST(Raid1Read, BeginsWhereTheHeadIsAsIfItWentOn) {
  StackRig rig{disks(false)};
  const auto top = rig.raid1();
  rig.task(
      {read(1000), sleep_until(milliseconds(1)), read(9000), read(5000), read(9008), read(1008)},
      *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"R 1000+8", "R 9000+8", "R 9008+8", "R 1008+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"R 5000+8"}));
}

TEST(Raid1Read, AMirrorWhoseReadsHaveEndedIsIdleAgain) {
  StackRig rig{disks(false)};
  const auto top = rig.raid1();
  rig.task({read(1000), sleep_until(milliseconds(1)), read(5000)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"R 1000+8", "R 5000+8"}));
}

TEST(Raid1Read, OfBusyMirrorsWithoutHeadsTakesTheOneWithLeastPending) {
  StackRig rig{disks(false)};
  const auto top = rig.raid1();
  rig.task(busy_mirrors(), *top);
  rig.run();
  EXPECT_EQ(rig.issued(1).back(), "R 1100+8");
}

// 6.1 and 5.10 alike: a sequence longer than the optimal I/O of an SSD may move to another one.
TEST(Raid1Read, ASequenceOfWholeOptimalIosStaysWhereNoOtherIsChosen) {
  StackRigOptions options = disks(false);
  options.limits.io_opt = Bytes{8192};
  StackRig rig{options};
  const auto top = rig.raid1();
  rig.task({read(1000, 16), sleep_until(milliseconds(1)), read(1016, 16),
            sleep_until(milliseconds(2)), read(1032, 16)},
           *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"R 1000+16", "R 1016+16", "R 1032+16"}));
}

// A write has taken both heads to where the sequence goes on.
TEST(Raid1Read, ASequenceOfWholeOptimalIosMovesWhereAnotherHeadIsThereToo) {
  StackRigOptions options = disks(false);
  options.limits.io_opt = Bytes{8192};
  StackRig rig{options};
  const auto top = rig.raid1();
  rig.task(
      {read(1000, 16), sleep_until(milliseconds(1)), read(1016, 16), sleep_until(milliseconds(2)),
       write(1024), sleep_until(milliseconds(3)), read(1032, 16)},
      *top);
  rig.run();
  EXPECT_EQ(rig.issued(1).back(), "R 1032+16");
}

// One that is as long, but began elsewhere, is no such sequence.
TEST(Raid1Read, ASequenceCountsFromWhereItBegan) {
  StackRigOptions options = disks(false);
  options.limits.io_opt = Bytes{8192};
  StackRig rig{options};
  const auto top = rig.raid1();
  rig.task({read(1000, 8), sleep_until(milliseconds(1)), write(1000), sleep_until(milliseconds(2)),
            read(1008, 16)},
           *top);
  rig.run();
  EXPECT_EQ(rig.issued(0).back(), "R 1008+16");
}

TEST(Raid1, PassesFuaAndSyncOnToItsMirrors) {
  StackRig rig{{.limits = {.write_cache = true, .fua = true}}};
  MemberWatch watch{2};
  rig.tracer.attach(watch);
  const auto top = rig.raid1();
  rig.task({fua(8), write(16)}, *top);
  rig.run();
  ASSERT_EQ(watch.seen.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(watch.seen[i].flags.fua, i < 2);
    EXPECT_EQ(watch.seen[i].flags.sync, i < 2);
  }
}

// The plug is full in the middle of a submission to a device on top of the array.
TEST(Raid1, WritesOfAPlugThatIsFlushedWithinASubmissionGoToItsThread) {
  StackRigOptions options;
  options.members = 3;
  options.device.depth = 64;  // nobody sleeps for a tag
  StackRig rig{options};
  std::vector<BioTarget*> mirrors{rig.queues[0].get(), rig.queues[1].get()};
  Raid1 array{rig.machine, rig.tracer, rig.stacked("md0"), mirrors,
              Raid1Options{.writes = MirrorWrites::kByPlug}};
  StackedDeviceOptions of_top = rig.stacked("dm-0");
  of_top.device = 4;
  DmDevice top{rig.machine,
               rig.tracer,
               of_top,
               {&array, rig.queues[2].get()},
               std::make_unique<LinearMap>(std::vector<Sectors>{Sectors{1024}, Sectors{8192}}),
               DmPiece::kTarget};
  IoScript script{plug(), write(0)};
  for (int i = 0; i < 33; ++i) {
    script.push_back(write(1024 + 100 * i));
  }
  script.push_back(unplug());
  rig.task(script, top);
  rig.run();
  EXPECT_EQ(rig.log.lines("md0_raid1 issue").size(), 2U);
  EXPECT_TRUE(rig.drained(top));
}

TEST(Raid1, HandsAnErrorOfAReadUp) {
  StackRig rig;
  rig.devices[0]->add_fault({.op = DeviceOp::kRead, .status = BlkStatus::kIoError});
  const auto top = rig.raid1();
  rig.task({read(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kIoError);
}

TEST(Raid1, SplitsAtUnitsOfTheBarrier) {
  StackRig rig{{.members = 2, .limits = {.max_sectors = Sectors{2048}}}};
  const auto top = rig.raid1();
  rig.task({write((1 << 17) - 8, 16)}, *top);
  rig.run();
  EXPECT_EQ(rig.log.lines(" split ").size(), 1U);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(Raid1, FlushesAllMirrors) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.raid1();
  rig.task({preflush(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F", "W 8+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"F", "W 8+8"}));
  EXPECT_TRUE(rig.drained(*top));
}

}  // namespace
}  // namespace wbsim::block
