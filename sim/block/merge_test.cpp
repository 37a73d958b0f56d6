// Merging of bios into the requests of a plug.
#include <gtest/gtest.h>

#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

Lines issued(const IoScript& script, const RequestQueueOptions& queue = {}) {
  RigOptions options;
  options.queue = queue;
  QueueRig rig{options};
  rig.task(IoScript{plug()} + script + IoScript{unplug()});
  rig.run();
  EXPECT_TRUE(rig.drained());
  return rig.issued();
}

RequestQueueOptions newest_only() {
  RequestQueueOptions options;
  options.plug_merge = PlugMergeRule::kNewestOnly;
  return options;
}

RequestQueueOptions limited(const QueueLimits& limits) {
  RequestQueueOptions options;
  options.limits = limits;
  return options;
}

TEST(Merge, BackAndFront) { EXPECT_EQ(issued({write(8), write(16), write(0)}), (Lines{"W 0+24"})); }

TEST(Merge, IsTracedAndCounted) {
  QueueRig rig;
  rig.task({plug(), write(8), write(16), write(0), write(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("merge"), (Lines{"0 task0 backmerge 16+8", "0 task0 frontmerge 0+8"}));
  EXPECT_EQ(rig.log.lines("getrq"), (Lines{"0 task0 getrq 8+8", "0 task0 getrq 100+8"}));
  EXPECT_EQ(rig.queue.stats().bios, 4);
  EXPECT_EQ(rig.queue.stats().back_merges, 1);
  EXPECT_EQ(rig.queue.stats().front_merges, 1);
  EXPECT_EQ(rig.queue.stats().requests, 2);
}

TEST(Merge, AllRequestsOfThePlugAreTried) {
  EXPECT_EQ(issued({write(0), write(100), write(8), write(108)}), (Lines{"W 0+16", "W 100+16"}));
}

TEST(Merge, OfAllRequestsTheNewestIsTriedFirst) {
  EXPECT_EQ(issued({write(0), write(16), write(8)}), (Lines{"W 0+8", "W 8+16"}));
}

TEST(Merge, NewestOnlyLooksAtNoOlderRequest) {
  EXPECT_EQ(issued({write(0), write(100), write(8), write(16)}, newest_only()),
            (Lines{"W 0+8", "W 100+8", "W 8+16"}));
}

TEST(Merge, ARefusalBySizeDoesNotEndTheSearch) {
  // The third bio would make the newest request too large, and fits before the oldest.
  EXPECT_EQ(issued({write(24), write(0, 16), write(16)}, limited({.max_sectors = Sectors{16}})),
            (Lines{"W 16+16", "W 0+16"}));
}

TEST(Merge, UpToMaxSectorsExactly) {
  const RequestQueueOptions options = limited({.max_sectors = Sectors{24}});
  EXPECT_EQ(issued({write(0), write(8), write(16), write(24)}, options),
            (Lines{"W 0+24", "W 24+8"}));
  EXPECT_EQ(issued({write(24), write(16), write(8), write(0)}, options),
            (Lines{"W 8+24", "W 0+8"}));
  EXPECT_EQ(issued({write(0, 16), write(16, 9)}, options), (Lines{"W 0+16", "W 16+9"}));
}

TEST(Merge, UpToMaxSegments) {
  EXPECT_EQ(issued({write(0), write(8), write(16)}, limited({.max_segments = 2})),
            (Lines{"W 0+16", "W 16+8"}));
}

TEST(Merge, ARequestThatMetALimitIsNotTriedAgain) {
  // The third bio would fit, at either end.
  const RequestQueueOptions options = limited({.max_sectors = Sectors{24}});
  EXPECT_EQ(issued({write(100, 16), write(116, 16), write(92)}, options),
            (Lines{"W 100+16", "W 116+16", "W 92+8"}));
  EXPECT_EQ(issued({write(100, 16), write(116, 16), write(116)}, options),
            (Lines{"W 100+16", "W 116+16", "W 116+8"}));
}

TEST(Merge, NoneWithNomerges2) {
  EXPECT_EQ(issued({write(0), write(8)}, limited({.nomerges = 2})), (Lines{"W 0+8", "W 8+8"}));
}

TEST(Merge, NoneWhenSwitchedOff) {
  RequestQueueOptions options;
  options.plug_merging = false;
  EXPECT_EQ(issued({write(0), write(8)}, options), (Lines{"W 0+8", "W 8+8"}));
}

TEST(Merge, ReadsAndWritesStayApart) {
  EXPECT_EQ(issued({read(0), write(8), read(8)}), (Lines{"R 0+16", "W 8+8"}));
}

TEST(Merge, FuaAndPreflushStayAlone) {
  RequestQueueOptions options = limited({.write_cache = true, .fua = true});
  EXPECT_EQ(issued({write(0), fua(8), write(16)}, options).size(), 3U);
}

TEST(Merge, EveryBioOfARequestEndsOnceWithItsStatus) {
  RigOptions options;
  options.device.faults = {{.times = 1, .status = BlkStatus::kNoSpace}};
  QueueRig rig{options};
  rig.task({plug(), write(8), write(16), write(0), write(24, 4), write(100), unplug()});
  rig.run();
  using End = BioLedger::End;
  const BlkStatus failed = BlkStatus::kNoSpace;
  EXPECT_EQ(rig.ledger.ends(), (std::vector<End>{{0, 100, failed},
                                                 {8, 100, failed},
                                                 {16, 100, failed},
                                                 {24, 100, failed},
                                                 {100, 100, BlkStatus::kOk}}));
  EXPECT_EQ(rig.log.lines("complete"),
            (Lines{"100 ? complete W 0+28 error", "100 ? complete W 100+8"}));
  EXPECT_TRUE(rig.drained());
}

TEST(Merge, RunsOfBiosAreAnOptimisationOnly) {
  for (const bool bio_runs : {true, false}) {
    RigOptions options;
    options.queue.bio_runs = bio_runs;
    QueueRig rig{options};
    rig.task({plug(), write(0), write(8), write(16), write(24, 16), write(40, 16), unplug()});
    rig.run();
    EXPECT_EQ(rig.issued(), (Lines{"W 0+56"}));
    EXPECT_EQ(rig.ledger.ends().size(), 5U);
    EXPECT_TRUE(rig.drained());
  }
}

}  // namespace
}  // namespace wbsim::block
