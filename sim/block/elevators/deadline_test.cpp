#include "sim/block/elevators/deadline.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr ElevatorGeneration kOld = ElevatorGeneration::kV2_6_18;
constexpr ElevatorGeneration kNew = ElevatorGeneration::kV3_6;

ElevatorRigOptions of(ElevatorGeneration generation, TunableValues tunables = {}) {
  return {.elevator = "deadline", .generation = generation, .tunables = std::move(tunables)};
}

class DeadlineOfBoth : public ::testing::TestWithParam<ElevatorGeneration> {};
INSTANTIATE_TEST_SUITE_P(Kernels, DeadlineOfBoth, ::testing::Values(kOld, kNew),
                         [](const auto& subject) {
                           return subject.param == kOld ? "v2_6_18" : "v3_6";
                         });

TEST_P(DeadlineOfBoth, ServesABatchInOrderOfSectors) {
  ElevatorRigOptions options = of(GetParam());
  options.limits.nomerges = 2;
  ElevatorRig rig{options};
  rig.insert(write(0));
  rig.insert(write(16));
  rig.insert(write(8));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 0+8", "W 8+8", "W 16+8"}));
}

TEST_P(DeadlineOfBoth, ReadsGoFirst) {
  ElevatorRig rig{of(GetParam())};
  rig.insert(write(0));
  rig.insert(read(100));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"R 100+8", "W 0+8"}));
}

TEST_P(DeadlineOfBoth, WritesWaitForSoManyBatchesOfReads) {
  ElevatorRig rig{of(GetParam(), {{"fifo_batch", 1}, {"writes_starved", 3}})};
  rig.insert(write(1000));
  for (std::int64_t sector : {0, 100, 200, 300, 400}) {
    rig.insert(read(sector));
  }
  EXPECT_EQ(rig.dispatch_all(),
            (Lines{"R 0+8", "R 100+8", "R 200+8", "W 1000+8", "R 300+8", "R 400+8"}));
}

// Adjacent requests, so that nothing but its length ends a batch.
TEST_P(DeadlineOfBoth, ABatchHasFifoBatchRequests) {
  ElevatorRigOptions options = of(GetParam(), {{"fifo_batch", 2}, {"writes_starved", 0}});
  options.limits.nomerges = 2;
  ElevatorRig rig{options};
  for (std::int64_t sector : {0, 8, 16, 24}) {
    rig.insert(read(sector));
    rig.insert(write(1000 + sector));
  }
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 1000+8", "W 1008+8", "W 1016+8", "W 1024+8", "R 0+8",
                                       "R 8+8", "R 16+8", "R 24+8"}))
      << "no reads while writes are starved";
}

TEST_P(DeadlineOfBoth, AnExpiredRequestStartsABatch) {
  ElevatorRig rig{of(GetParam(), {{"read_expire", 100}, {"fifo_batch", 1}})};
  rig.insert(read(500));
  rig.insert(read(100));
  rig.insert(read(900));
  EXPECT_EQ(rig.dispatch(), GetParam() == kOld ? "R 100+8" : "R 500+8");
  rig.insert(read(50));
  rig.run_until(milliseconds(104));
  EXPECT_EQ(rig.dispatch(), GetParam() == kOld ? "R 500+8" : "R 100+8")
      << "the oldest that is left";
}

// After the first dispatch a request waits that is older than the one that would follow.
TEST_P(DeadlineOfBoth, HasNotExpiredInTheLastJiffyOfItsTime) {
  const bool old = GetParam() == kOld;
  for (const SimDuration now : {milliseconds(103), milliseconds(104)}) {
    ElevatorRig rig{of(GetParam(), {{"read_expire", 100}, {"fifo_batch", 1}})};
    for (const std::int64_t sector : old ? std::vector<std::int64_t>{900, 100, 500}
                                         : std::vector<std::int64_t>{500, 100, 900}) {
      rig.insert(read(sector));
    }
    EXPECT_EQ(rig.dispatch(), old ? "R 100+8" : "R 500+8");
    rig.run_until(now);
    const bool expired = now >= milliseconds(104);
    const char* const next = old ? "R 500+8" : "R 900+8";
    EXPECT_EQ(rig.dispatch(), !expired ? next : old ? "R 900+8" : "R 100+8");
  }
}

TEST_P(DeadlineOfBoth, WithDispatchTheOtherDirectionForgetsWhereItWas) {
  ElevatorRig rig{of(GetParam(), {{"fifo_batch", 1}, {"writes_starved", 1}})};
  rig.insert(read(500));
  rig.insert(read(600));
  rig.insert(read(100));
  rig.insert(write(2000));
  const std::string first = rig.dispatch();  // a read; its successor is remembered
  EXPECT_EQ(first, GetParam() == kOld ? "R 100+8" : "R 500+8");
  EXPECT_EQ(rig.dispatch(), "W 2000+8");
  EXPECT_EQ(rig.dispatch(), GetParam() == kOld ? "R 500+8" : "R 600+8")
      << "from the lowest sector, or the oldest";
}

TEST_P(DeadlineOfBoth, MergesInFrontUnlessToldOtherwise) {
  for (const std::int64_t front : {0, 1}) {
    ElevatorRig rig{of(GetParam(), {{"front_merges", front}})};
    rig.insert(write(900));  // last_merge, which is tried before anything else
    rig.insert(write(100));
    EXPECT_EQ(rig.merge(write(92)), front == 1 ? MergeKind::kFront : MergeKind::kNone);
  }
}

TEST_P(DeadlineOfBoth, AMergedRequestTakesTheEarlierTime) {
  ElevatorRig rig{of(GetParam(), {{"fifo_batch", 1}, {"read_expire", 100}})};
  rig.insert(read(16));
  rig.run_until(milliseconds(8));
  rig.insert(read(700));
  rig.insert(read(0));
  rig.merge(read(8));  // joins 0 and 16; the place of 16 in the queue is the first
  rig.run_until(milliseconds(200));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"R 0+24", "R 700+8"}));
}

TEST(DeadlineOf3_6, GoesOnWithTheOldestAtTheEndOfTheDisk) {
  ElevatorRig rig{of(kNew)};
  rig.insert(read(500));
  rig.insert(read(300));
  rig.insert(read(100));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"R 500+8", "R 300+8", "R 100+8"}));
}

TEST(DeadlineOf2_6_18, GoesOnWithTheLowestSectorAtTheEndOfTheDisk) {
  ElevatorRig rig{of(kOld)};
  rig.insert(read(500));
  rig.insert(read(300));
  rig.insert(read(100));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"R 100+8", "R 300+8", "R 500+8"}));
}

TEST(DeadlineOf2_6_18, AGapEndsTheBatchAndExpiryIsLookedAt) {
  for (const ElevatorGeneration generation : {kOld, kNew}) {
    ElevatorRig rig{of(generation, {{"read_expire", 100}})};
    rig.insert(read(0));
    rig.insert(read(300));
    rig.insert(read(100));
    EXPECT_EQ(rig.dispatch(), "R 0+8");
    rig.run_until(milliseconds(200));
    EXPECT_EQ(rig.dispatch(), generation == kOld ? "R 300+8" : "R 100+8");
  }
}

TEST(DeadlineOf2_6_18, WithoutAGapABatchGoesOnPastExpiry) {
  ElevatorRigOptions options = of(kOld, {{"read_expire", 100}});
  options.limits.nomerges = 2;
  ElevatorRig rig{options};
  rig.insert(read(0));
  rig.insert(read(300));
  rig.insert(read(8));
  EXPECT_EQ(rig.dispatch(), "R 0+8");
  rig.run_until(milliseconds(200));
  EXPECT_EQ(rig.dispatch(), "R 8+8");
}

TEST(DeadlineOf2_6_18, TheSecondRequestOfASectorSendsTheFirstToTheDriver) {
  ElevatorRig rig{of(kOld)};
  rig.insert(write(0));
  rig.insert(write(500, 8));
  rig.insert(write(500, 16));
  EXPECT_FALSE(rig.host().list.empty());
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 500+8", "W 0+8", "W 500+16"}));

  ElevatorRig later{of(kNew)};
  later.insert(write(500, 8));
  later.insert(write(500, 16));
  EXPECT_TRUE(later.host().list.empty());
}

}  // namespace
}  // namespace wbsim::block
