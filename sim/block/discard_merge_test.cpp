// Discards: what joins them, and where they are split.
#include <gtest/gtest.h>

#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

using engine::MergeRefusal;

// The largest discard, in sectors, and how many ranges it may have.
QueueLimits discards(std::int64_t sectors, int ranges) {
  QueueLimits limits;
  limits.max_discard_sectors = Sectors{sectors};
  limits.max_discard_segments = ranges;
  return limits;
}

struct Outcome {
  Lines issued;
  engine::QueueTotals totals;
};

Outcome submitted(const IoScript& script, const QueueLimits& limits,
                  const ElevatorType* elevator = nullptr) {
  RigOptions options;
  options.queue.limits = limits;
  options.queue.elevator = elevator;
  QueueRig rig{options};
  rig.task(script);
  rig.run();
  EXPECT_TRUE(rig.drained());
  return {rig.issued(), rig.queue.totals()};
}

Outcome plugged(const IoScript& script, const QueueLimits& limits) {
  return submitted(IoScript{plug()} + script + IoScript{unplug()}, limits);
}

TEST(DiscardMerge, OneRangeGrowsAtBothEnds) {
  EXPECT_EQ(plugged({discard(8), discard(16), discard(0)}, discards(1000, 1)).issued,
            (Lines{"D 0+24"}));
}

TEST(DiscardMerge, OneRangeTakesNothingFromElsewhere) {
  EXPECT_EQ(plugged({discard(8), discard(100)}, discards(1000, 1)).issued,
            (Lines{"D 8+8", "D 100+8"}));
}

// The device gets the sectors of all ranges together, from the first one's.
TEST(DiscardMerge, AListTakesRangesWhereverTheyAre) {
  EXPECT_EQ(plugged({discard(800), discard(100), discard(300)}, discards(1000, 256)).issued,
            (Lines{"D 800+24"}));
}

TEST(DiscardMerge, AListHoldsSoManyRanges) {
  const Outcome outcome = plugged({discard(800), discard(100), discard(300)}, discards(1000, 2));
  EXPECT_EQ(outcome.issued, (Lines{"D 800+16", "D 300+8"}));
  EXPECT_EQ(outcome.totals.bios.refused_by(MergeRefusal::kMaxSegments), 1);
}

TEST(DiscardMerge, AFullListTakesNothingMore) {
  // The third is too large, and the fourth, which would fit, finds the list closed.
  EXPECT_EQ(plugged({discard(800), discard(100, 90), discard(400, 5)}, discards(100, 256)).issued,
            (Lines{"D 800+98", "D 400+5"}));
  EXPECT_EQ(plugged({discard(800), discard(100, 93), discard(400, 5)}, discards(100, 256)).issued,
            (Lines{"D 800+8", "D 100+98"}));
}

TEST(DiscardMerge, OneRangeIsLimitedAsAWhole) {
  const Outcome outcome = plugged({discard(0), discard(8)}, discards(15, 1));
  EXPECT_EQ(outcome.issued, (Lines{"D 0+8", "D 8+8"}));
  EXPECT_EQ(outcome.totals.bios.refused_by(MergeRefusal::kMaxSectors), 1);
}

TEST(DiscardMerge, LimitsOfWritesAreNotTheirs) {
  QueueLimits limits = discards(1000, 1);
  limits.max_sectors = Sectors{8};
  limits.max_segments = 1;
  limits.chunk_sectors = Sectors{8};
  EXPECT_EQ(plugged({discard(0), discard(8, 100), discard(108)}, limits).issued,
            (Lines{"D 0+116"}));
}

TEST(DiscardMerge, NotWithWrites) {
  for (const int ranges : {1, 256}) {
    const Outcome outcome = plugged({discard(0), write(8), discard(16)}, discards(1000, ranges));
    EXPECT_EQ(outcome.totals.bios.refused_by(MergeRefusal::kOtherOperation), ranges == 1 ? 2 : 1);
    EXPECT_EQ(outcome.issued,
              ranges == 1 ? (Lines{"D 0+8", "W 8+8", "D 16+8"}) : (Lines{"D 0+16", "W 8+8"}));
  }
}

TEST(DiscardMerge, OfAListIsNotTraced) {
  RigOptions options;
  options.queue.limits = discards(1000, 256);
  QueueRig rig{options};
  rig.task({plug(), discard(0), discard(100), unplug()});
  rig.run();
  EXPECT_EQ(rig.log.lines("merge"), Lines{});
  EXPECT_EQ(rig.queue.stats().back_merges, 1);
}

// Of a list an elevator knows the one that merged last, and where it ended when it was queued.
TEST(DiscardMerge, InAnElevatorARangeJoinsTheLastListOrWhatItFollows) {
  RigOptions options;
  options.queue.limits = discards(1000, 256);
  options.queue.elevator = find_elevator("mq-deadline");
  options.device.depth = 1;
  options.device.service = milliseconds(1);
  QueueRig rig{options};
  rig.task({write(5000), sleep_until(microseconds(10)),   // the device is busy
            discard(100), sleep_until(microseconds(20)),  // and this one is waiting for it
            discard(700), discard(300), write(50), discard(20), discard(708)});
  rig.run();
  EXPECT_TRUE(rig.drained());
  EXPECT_EQ(rig.issued(), (Lines{"W 5000+8", "D 100+8", "D 700+32", "W 50+8"}));
}

TEST(DiscardMerge, ListsBecomeOneWhenTheyAreInsertedIntoAnElevator) {
  RigOptions options;
  options.queue.limits = discards(1000, 256);
  options.queue.elevator = find_elevator("mq-deadline");
  options.device.depth = 1;
  options.device.service = milliseconds(1);
  options.cpus = 2;
  QueueRig rig{options};
  rig.task({write(5000), sleep_until(microseconds(10)), discard(100), sleep_until(microseconds(30)),
            discard(700)});
  rig.task({sleep_until(microseconds(20)), plug(), discard(300), discard(500),
            compute(microseconds(20)), unplug()});
  rig.run();
  EXPECT_TRUE(rig.drained());
  EXPECT_EQ(rig.issued(), (Lines{"W 5000+8", "D 100+8", "D 700+24"}));
  EXPECT_EQ(rig.queue.stats().request_merges, 1);
}

TEST(DiscardSplit, EveryPartButTheLastIsAsLargeAsItMayBe) {
  EXPECT_EQ(submitted({discard(0, 250)}, discards(100, 1)).issued,
            (Lines{"D 0+100", "D 100+100", "D 200+50"}));
}

TEST(DiscardSplit, ThereIsAlwaysAWholeNumberOfGranules) {
  QueueLimits limits = discards(100, 1);
  limits.discard_granularity = to_bytes(Sectors{32});
  EXPECT_EQ(submitted({discard(0, 250)}, limits).issued, (Lines{"D 0+96", "D 96+96", "D 192+58"}));
}

TEST(DiscardSplit, PartsBeginAtGranules) {
  QueueLimits limits = discards(96, 1);
  limits.discard_granularity = to_bytes(Sectors{32});
  EXPECT_EQ(submitted({discard(8, 200)}, limits).issued, (Lines{"D 8+88", "D 96+96", "D 192+16"}));
  limits.discard_alignment = to_bytes(Sectors{8});
  EXPECT_EQ(submitted({discard(8, 200)}, limits).issued, (Lines{"D 8+96", "D 104+96", "D 200+8"}));
}

}  // namespace
}  // namespace wbsim::block
