// Partitions, device mapper and raid0: remapping, splitting, order of submission, flushes, errors.
#include <gtest/gtest.h>

#include "sim/block/stacking/stack_test_util.hpp"

namespace wbsim::block {
namespace {

// Lines without their times and tasks.
Lines bare(const Lines& lines) {
  Lines found;
  for (const std::string& line : lines) {
    const std::size_t second = line.find(' ', line.find(' ') + 1);
    found.push_back(line.substr(second + 1));
  }
  return found;
}

TEST(Partition, MovesBiosByItsStartAndGivesThemBackAsTheyWere) {
  StackRig rig{{.members = 1}};
  const auto part = rig.partition(*rig.queues[0], 2048);
  rig.task({write(8), read(64)}, *part);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 2056+8", "R 2112+8"}));
  EXPECT_EQ(bare(rig.log.lines("remap")), (Lines{"remap 2056+8", "remap 2112+8"}));
  EXPECT_TRUE(rig.drained(*part));
}

TEST(Partition, MergesInThePlugOfItsDevice) {
  StackRig rig{{.members = 1}};
  const auto part = rig.partition(*rig.queues[0], 2048);
  rig.task(IoScript{plug()} + IoScript{write(0), write(8), write(16)} + IoScript{unplug()}, *part);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 2048+24"}));
  EXPECT_TRUE(rig.drained(*part));
}

TEST(Partition, OfAnArrayIsMappedByIt) {
  StackRig rig;
  const auto top = rig.raid0(1024, 16);
  const auto part = rig.partition(*top, 8);
  rig.task({write(0, 16)}, *part);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 8+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+8"}));
  EXPECT_TRUE(rig.drained(*part));
}

TEST(Partition, LeavesAFlushWhereItIs) {
  StackRig rig{{.members = 1, .limits = {.write_cache = true}}};
  const auto part = rig.partition(*rig.queues[0], 2048);
  rig.task({flush()}, *part);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F"}));
  EXPECT_TRUE(rig.log.lines("remap").empty());
  EXPECT_EQ(bare(rig.log.lines(" queue ")), (Lines{"queue 0+0"}));
}

TEST(DmLinear, SplitsABioThatReachesIntoTheNextMember) {
  StackRig rig;
  const auto top = rig.linear(1024);
  rig.task({write(1016, 16)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 1016+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+8"}));
  EXPECT_EQ(rig.ledger.ends().size(), 1U);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(DmLinear, MergesInThePlugsOfItsMembers) {
  StackRig rig;
  const auto top = rig.linear(1024);
  rig.task(IoScript{plug()} + IoScript{write(0), write(8), write(1024), write(1032)} +
               IoScript{unplug()},
           *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 0+16"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+16"}));
  EXPECT_TRUE(rig.drained(*top));
}

TEST(DmLinear, FlushesAllMembersForOneFlush) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.linear(1024);
  rig.task({flush()}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F"}));
  EXPECT_EQ(rig.issued(1), (Lines{"F"}));
  EXPECT_EQ(rig.ledger.ends().size(), 1U);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(DmLinear, WritesDataOfAFlushOnceAllMembersAreFlushed) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.linear(1024);
  rig.task({preflush(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F", "W 8+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"F"}));
  EXPECT_TRUE(rig.drained(*top));
}

TEST(DmLinear, PassesFuaOnAndDropsFlushesWhereNothingIsVolatile) {
  StackRig cached{{.limits = {.write_cache = true, .fua = true}}};
  const auto top = cached.linear(1024);
  cached.task({fua(8)}, *top);
  cached.run();
  EXPECT_EQ(cached.issued(0), (Lines{"W 8+8 fua"}));
  StackRig plain;
  const auto through = plain.linear(1024);
  plain.task({fua(8), flush()}, *through);
  plain.run();
  EXPECT_EQ(plain.issued(0), (Lines{"W 8+8"}));
  EXPECT_TRUE(plain.drained(*through));
}

TEST(DmLinear, HandsErrorsOfAPartUpOnce) {
  StackRig rig{
      {.device = {.faults = {{.range = {{Lba{0}, Sectors{8}}}, .status = BlkStatus::kIoError}}}}};
  const auto top = rig.linear(1024);
  rig.task({write(1016, 16)}, *top);
  rig.run();
  ASSERT_EQ(rig.ledger.ends().size(), 1U);
  EXPECT_EQ(rig.ledger.ends()[0].status, BlkStatus::kIoError);
  EXPECT_TRUE(rig.drained(*top));
}

TEST(DmLinear, HandsAnErrorOfAFlushUp) {
  StackRig rig{{.limits = {.write_cache = true}}};
  rig.devices[1]->add_fault({.op = DeviceOp::kFlush, .status = BlkStatus::kIoError});
  const auto top = rig.linear(1024);
  rig.task({flush()}, *top);
  rig.run();
  EXPECT_EQ(rig.ledger.ends().at(0).status, BlkStatus::kIoError);
}

TEST(DmLinear, CopiesPrioritiesAndSegmentsOfMemory) {
  StackRig rig{{.limits = {.max_segments = 2}}};
  const auto top = rig.linear(1024);
  IoStep urgent = write(0);
  urgent.priority = {IoClass::kRealTime, 0};
  rig.task(IoScript{plug()} + IoScript{urgent, write(8)} + IoScript{unplug()}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 0+8", "W 8+8"})) << "of different priority";
  IoStep scattered = write(1024, 32);
  scattered.segment = 8;
  rig.task({scattered}, *top);
  rig.run(seconds(200));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+16", "W 16+16"})) << "two segments at once";
}

// dm-linear passes on what its members then split.
TEST(DmStriped, MapsNoMoreAtOnceThanTheLimitsAllow) {
  StackRig rig{{.limits = {.max_sectors = Sectors{8}}}};
  const auto striped = rig.striped(1024, 16);
  rig.task({write(0, 16)}, *striped);
  rig.run();
  EXPECT_EQ(rig.log.lines("remap").size(), 2U);
  StackRig other{{.limits = {.max_sectors = Sectors{8}}}};
  const auto linear = other.linear(1024);
  other.task({write(0, 16)}, *linear);
  other.run();
  EXPECT_EQ(other.log.lines("remap").size(), 1U);
}

TEST(DmStriped, CutsAtChunks) {
  StackRig rig{{.members = 3}};
  const auto top = rig.striped(1024, 16);
  rig.task({write(8, 48)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 8+8", "W 16+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+16"}));
  EXPECT_EQ(rig.issued(2), (Lines{"W 0+16"}));
  EXPECT_EQ(bare(rig.log.lines("split")), (Lines{"split 16+40", "split 32+24", "split 48+8"}));
  EXPECT_TRUE(rig.drained(*top));
}

TEST(DmStriped, WidthOfAMemberInOneBioMergesThere) {
  StackRig rig;
  const auto top = rig.striped(1024, 8);
  rig.task(IoScript{plug()} + IoScript{write(0, 32)} + IoScript{unplug()}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 0+16"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 0+16"}));
}

TEST(Raid0, SplitsAtChunksAndGoesOnBehindTheSmallestMember) {
  StackRig rig;
  Raid0 top{rig.machine,
            rig.tracer,
            rig.stacked(),
            rig.all_members(),
            {.chunk = Sectors{16},
             .data_offset = Sectors{2048},
             .member_sizes = {Sectors{16}, Sectors{48}}}};
  rig.task({write(8, 40)}, top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 2056+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"W 2048+16", "W 2064+16"}));
  EXPECT_TRUE(rig.drained(top));
}

TEST(Raid0, HasAWorkerFlushItsMembersBeforeTheData) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.raid0(1024, 16);
  rig.task({preflush(8)}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F", "W 8+8"}));
  EXPECT_EQ(rig.issued(1), (Lines{"F"}));
  EXPECT_TRUE(rig.drained(*top));
}

// Flushes of 100 us: the first is under way when the others ask; one more does for both.
TEST(Raid0, OneFlushDoesForAllWhoAskedBeforeItBegan) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.raid0(1024, 16);
  rig.task({flush()}, *top);
  rig.task({sleep_until(microseconds(10)), flush()}, *top);
  rig.task({sleep_until(microseconds(20)), flush()}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F", "F"}));
  ASSERT_EQ(rig.ledger.ends().size(), 3U);
  EXPECT_EQ(rig.ledger.ends()[0].us, 100);
  EXPECT_EQ(rig.ledger.ends()[1].us, 200);
  EXPECT_EQ(rig.ledger.ends()[2].us, 200);
}

TEST(Raid0, WhoAsksOnceAFlushHasEndedGetsAnother) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.raid0(1024, 16);
  rig.task({sleep_until(microseconds(10)), flush(), sleep_until(milliseconds(1)), flush()}, *top);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"F", "F"}));
  EXPECT_EQ(rig.ledger.ends().size(), 2U);
}

// The same in v3.6: each waits for its turn.
TEST(Raid0, InTurnEachFlushIsOfItsOwn) {
  StackRig rig{{.limits = {.write_cache = true}, .md_flush = MdFlush::kInTurn}};
  const auto top = rig.raid0(1024, 16);
  rig.task({flush()}, *top);
  rig.task({sleep_until(microseconds(10)), preflush(8)}, *top);
  rig.task({sleep_until(microseconds(20)), flush()}, *top);
  rig.run();
  // The last one begins once the data of the second is submitted, not when that has ended.
  EXPECT_EQ(rig.issued(0), (Lines{"F", "F", "W 8+8", "F"}));
  ASSERT_EQ(rig.ledger.ends().size(), 3U);
  EXPECT_EQ(rig.ledger.ends()[0].us, 100);
  EXPECT_EQ(rig.ledger.ends()[1].us, 300);
  EXPECT_EQ(rig.ledger.ends()[2].us, 300);
}

// Of the flushes that the members got: REQ_SYNC.
std::vector<bool> sync_of_flushes(StackRig& rig, BioTarget& top) {
  MemberWatch watch{2};
  rig.tracer.attach(watch);
  rig.task({flush()}, top);
  rig.run();
  std::vector<bool> sync;
  for (const MemberWatch::Seen& bio : watch.seen) {
    EXPECT_TRUE(bio.flags.preflush);
    sync.push_back(bio.flags.sync);
  }
  return sync;
}

TEST(MdFlush, IsSynchronousInV3_6Alone) {
  for (const MdFlush way : {MdFlush::kInTurn, MdFlush::kShared}) {
    StackRig rig{{.limits = {.write_cache = true}, .md_flush = way}};
    const auto top = rig.raid0(1024, 16);
    const bool sync = way == MdFlush::kInTurn;
    EXPECT_EQ(sync_of_flushes(rig, *top), (std::vector<bool>{sync, sync}));
  }
}

TEST(DmFlush, IsSynchronousWhateverTheBioWas) {
  StackRig rig{{.limits = {.write_cache = true}}};
  const auto top = rig.linear(1024);
  EXPECT_EQ(sync_of_flushes(rig, *top), (std::vector<bool>{true, true}));
}

// A linear device over two striped ones of two members each.
struct Tower {
  explicit Tower(StackOrder order) : rig{{.members = 4, .order = order}} {
    for (int i = 0; i < 2; ++i) {
      StackedDeviceOptions options = rig.stacked(i == 0 ? "dm-0" : "dm-1");
      options.device = 4 + i;
      std::vector<BioTarget*> members{rig.queues[static_cast<std::size_t>(2 * i)].get(),
                                      rig.queues[static_cast<std::size_t>(2 * i + 1)].get()};
      stripes.push_back(std::make_unique<DmDevice>(
          rig.machine, rig.tracer, options, members,
          std::make_unique<StripeMap>(std::vector<Sectors>(2, Sectors{64}), Sectors{16}),
          DmPiece::kChunk));
    }
    StackedDeviceOptions options = rig.stacked("dm-2");
    options.device = 6;
    top = std::make_unique<DmDevice>(
        rig.machine, rig.tracer, options,
        std::vector<BioTarget*>{stripes[0].get(), stripes[1].get()},
        std::make_unique<LinearMap>(std::vector<Sectors>(2, Sectors{128})), DmPiece::kTarget);
  }
  // The bios that reached a request queue, in order: from the sizes one knows which.
  [[nodiscard]] Lines order() const { return bare(rig.log.lines("issue W")); }

  StackRig rig;
  std::vector<std::unique_ptr<DmDevice>> stripes;
  std::unique_ptr<DmDevice> top;
};

// The bio covers the last 40 sectors of one striped device (chunks of 8, 16, 16) and the first 24
// of the other (16, 8).
TEST(StackOrder, DepthFirstEndsWithOneChildBeforeItBeginsTheNext) {
  Tower tower{StackOrder::kDepthFirst};
  tower.rig.task({write(88, 64)}, *tower.top);
  tower.rig.run();
  EXPECT_EQ(tower.order(), (Lines{"issue W 40+8", "issue W 48+16", "issue W 48+16", "issue W 0+16",
                                  "issue W 0+8"}));
  EXPECT_TRUE(tower.rig.drained(*tower.top));
}

TEST(StackOrder, BreadthFirstTakesThemInTheOrderOfTheirSubmission) {
  Tower tower{StackOrder::kBreadthFirst};
  tower.rig.task({write(88, 64)}, *tower.top);
  tower.rig.run();
  // The rest of the upper bio comes before the rest of the lower one.
  EXPECT_EQ(tower.order(), (Lines{"issue W 40+8", "issue W 0+16", "issue W 48+16", "issue W 0+8",
                                  "issue W 48+16"}));
  EXPECT_TRUE(tower.rig.drained(*tower.top));
}

TEST(StackedDevice, IsBusyWhileABioIsInIt) {
  StackRig rig;
  const auto top = rig.linear(1024);
  rig.task({write(0), sleep_until(microseconds(500)), write(8)}, *top);
  rig.run(microseconds(550));
  EXPECT_EQ(top->in_device(), 1);
  EXPECT_EQ(top->device_busy(), microseconds(150));
  rig.run();
  EXPECT_EQ(top->in_device(), 0);
  EXPECT_EQ(top->device_busy(), microseconds(200));
}

// No member has a volatile cache, and the array has told so.
TEST(StackedDevice, EndsFlushesThatNobodyNeedsAtOnce) {
  StackRig rig;
  StackedDeviceOptions options = rig.stacked("dm-0");
  options.limits.write_cache = options.limits.fua = false;
  DmDevice top{rig.machine,
               rig.tracer,
               options,
               rig.all_members(),
               std::make_unique<LinearMap>(rig.sizes(1024)),
               DmPiece::kTarget};
  rig.task({flush(), preflush(8)}, top);
  rig.run();
  EXPECT_EQ(bare(rig.log.lines(" queue ")), (Lines{"queue 8+8", "queue 8+8"}));
  ASSERT_EQ(rig.ledger.ends().size(), 2U);
  EXPECT_EQ(rig.ledger.ends()[0].us, 0);
  EXPECT_TRUE(rig.drained(top));
}

TEST(StackedDevice, IsFollowedWhereTheBioBeforeEnded) {
  StackRig rig;
  const auto top = rig.linear(1024);
  rig.task({write(8)}, *top);
  rig.run();
  engine::Thread thread{rig.machine, "asker", 99};
  const TaskIo io{thread};
  EXPECT_TRUE(top->follows_plug(io, Lba{16}));
  EXPECT_FALSE(top->follows_plug(io, Lba{24}));
}

TEST(StackedDevice, QueuesAndCompletesEachBioOnceHoweverItIsSplit) {
  StackRig rig{{.members = 3}};
  const auto top = rig.striped(1024, 16);
  rig.task({write(8, 48)}, *top);
  rig.run();
  EXPECT_EQ(bare(rig.log.lines(" queue 8+48")), (Lines{"queue 8+48"}));
  EXPECT_EQ(bare(rig.log.lines("bio complete")), (Lines{"bio complete 8+48"}));
}

TEST(StackedDevice, BuildsBiosThatNeedNoSplitInKernelsThatDoNotSplit) {
  StackRig rig{{.order = StackOrder::kBreadthFirst}};
  EXPECT_EQ(rig.striped(1024, 16)->bio_sectors_max(Lba{24}), Sectors{8});
  EXPECT_EQ(rig.raid0(1024, 16)->bio_sectors_max(Lba{20}), Sectors{12});
  std::vector<std::unique_ptr<DmDevice>> striped;
  std::vector<BioTarget*> mirrors;
  for (int i = 0; i < 2; ++i) {
    striped.push_back(rig.striped(1024, i == 0 ? 16 : 8));
    mirrors.push_back(striped.back().get());
  }
  const Raid1 raid1{rig.machine, rig.tracer, rig.stacked(), mirrors, Raid1Options{}};
  EXPECT_EQ(raid1.bio_sectors_max(Lba{16}), Sectors{8});
  StackRig later;
  EXPECT_EQ(later.raid0(1024, 16)->bio_sectors_max(Lba{20}), to_sectors(kBioPagesMax));
}

// Whole devices with chunks of their own pass them on to what is on top.
TEST(ChunkSectors, NoRequestCrossesAChunk) {
  StackRig rig{{.members = 1, .limits = {.chunk_sectors = Sectors{16}}}};
  rig.task({write(8, 24)}, *rig.queues[0]);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 8+8", "W 16+16"}));
}

TEST(ChunkSectors, NothingMergesAcrossAChunk) {
  StackRig rig{{.members = 1, .limits = {.chunk_sectors = Sectors{16}}}};
  rig.task(
      IoScript{plug()} + IoScript{write(0), write(8), write(16), write(24)} + IoScript{unplug()},
      *rig.queues[0]);
  rig.run();
  EXPECT_EQ(rig.issued(0), (Lines{"W 0+16", "W 16+16"}));
}

TEST(ChunkSectors, OfMembersHoldForBiosOfAnArray) {
  StackRig rig{{.members = 2, .limits = {.chunk_sectors = Sectors{16}}}};
  const auto top = rig.raid1();
  rig.task({write(8, 16)}, *top);
  rig.run();
  EXPECT_EQ(rig.log.lines(" split ").size(), 1U);
  EXPECT_EQ(rig.issued(1), (Lines{"W 8+8", "W 16+8"}));
}

}  // namespace
}  // namespace wbsim::block
