#include "sim/block/elevators/mq_deadline.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr auto kV5_10 = ElevatorGeneration::kV5_10;
constexpr auto kV6_1 = ElevatorGeneration::kV6_1;
constexpr auto kV6_6 = ElevatorGeneration::kV6_6;
constexpr IoPriority kRealTime{IoClass::kRealTime, 0};
constexpr IoPriority kIdle{IoClass::kIdle, 0};

class MqDeadlineTest : public ::testing::TestWithParam<ElevatorGeneration> {
 protected:
  static ElevatorRigOptions with(TunableValues tunables) {
    return {.generation = GetParam(), .tunables = std::move(tunables)};
  }
};
INSTANTIATE_TEST_SUITE_P(Generations, MqDeadlineTest, ::testing::Values(kV5_10, kV6_1),
                         [](const auto& param) {
                           return std::string{param.param == kV5_10 ? "V5_10" : "V6_1"};
                         });

TEST_P(MqDeadlineTest, StartsWithTheOldestAndGoesUpInSectors) {
  ElevatorRig rig{with({})};
  for (const int sector : {300, 500, 100, 400}) {
    rig.insert(write(sector));
  }
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 300+8", "W 400+8", "W 500+8", "W 100+8"}));
}

TEST_P(MqDeadlineTest, DoesNotWrapRoundButRestartsWithTheOldest) {
  ElevatorRig rig{with({})};
  for (const int sector : {500, 200, 100, 300}) {
    rig.insert(read(sector));
  }
  EXPECT_EQ(rig.dispatch_all(), (Lines{"R 500+8", "R 200+8", "R 300+8", "R 100+8"}));
}

TEST_P(MqDeadlineTest, ARequestThatArrivesAboveTheLastOneDoesNotReplaceItsSuccessor) {
  ElevatorRig rig{with({})};
  rig.insert(write(100));
  rig.insert(write(300));
  EXPECT_EQ(rig.dispatch(), "W 100+8");
  rig.insert(write(200));
  EXPECT_EQ(rig.dispatch(), "W 300+8") << "the successor is kept as it was at the dispatch";
  EXPECT_EQ(rig.dispatch(), "W 200+8");
}

TEST(MqDeadlineGenerations, V6_6GoesOnFromTheSectorOfTheLastOne) {
  ElevatorRig rig{{.generation = kV6_6}};
  rig.insert(write(100));
  rig.insert(write(300));
  EXPECT_EQ(rig.dispatch(), "W 100+8");
  rig.insert(write(200));
  rig.insert(write(50));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 200+8", "W 300+8", "W 50+8"}));
}

TEST(MqDeadlineGenerations, V6_6BeginsAtTheFirstSector) {
  ElevatorRig rig{{.generation = kV6_6}};
  for (const int sector : {300, 500, 100, 400}) {
    rig.insert(write(sector));
  }
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+8", "W 300+8", "W 400+8", "W 500+8"}));
}

TEST(MqDeadlineGenerations, V6_6RemembersASectorOfEachDirection) {
  ElevatorRig rig{{.generation = kV6_6, .tunables = {{"fifo_batch", 1}}}};
  rig.insert(write(500));
  EXPECT_EQ(rig.dispatch(), "W 500+8");
  rig.insert(read(100));
  EXPECT_EQ(rig.dispatch(), "R 100+8");
  rig.insert(write(400));
  rig.insert(write(600));
  EXPECT_EQ(rig.dispatch(), "W 600+8") << "the write behind, not the oldest";
}

TEST_P(MqDeadlineTest, LooksAtExpiryOnlyBetweenBatches) {
  ElevatorRig rig{with({{"fifo_batch", 3}, {"write_expire", 400}})};
  rig.insert(write(500));
  rig.insert(write(10));  // expires at 400 ms, and is behind
  rig.run_until(milliseconds(100));
  for (const int sector : {510, 520, 530, 540, 550, 560}) {
    rig.insert(write(sector));
  }
  EXPECT_EQ(rig.dispatch(), "W 500+8");
  rig.run_until(milliseconds(450));
  EXPECT_EQ(rig.dispatch_all(),
            (Lines{"W 510+8", "W 520+8", "W 10+8", "W 530+8", "W 540+8", "W 550+8", "W 560+8"}));
}

// Jiffies of 4 ms: 500 ms are 125.
TEST_P(MqDeadlineTest, ARequestExpiresWithTheJiffyOfItsTime) {
  for (const bool expired : {false, true}) {
    ElevatorRig rig{with({{"fifo_batch", 1}})};
    rig.insert(read(900));
    EXPECT_EQ(rig.dispatch(), "R 900+8");
    rig.insert(read(500));
    rig.insert(read(100));
    rig.insert(read(600));
    EXPECT_EQ(rig.dispatch(), "R 500+8");
    rig.run_until(milliseconds(500) - (expired ? SimDuration{} : nanoseconds(1)));
    EXPECT_EQ(rig.dispatch(), expired ? "R 100+8" : "R 600+8");
  }
}

TEST_P(MqDeadlineTest, WritesExpireByTheirOwnTime) {
  for (const bool expired : {false, true}) {
    ElevatorRig rig{with({{"fifo_batch", 1}})};
    rig.insert(write(500));
    rig.insert(write(100));
    rig.insert(write(600));
    EXPECT_EQ(rig.dispatch(), "W 500+8");
    rig.run_until(seconds(5) - (expired ? SimDuration{} : nanoseconds(1)));
    EXPECT_EQ(rig.dispatch(), expired ? "W 100+8" : "W 600+8");
  }
}

// Batches: R R W R R W, as long as both wait; a batch ends after fifo_batch requests.
TEST_P(MqDeadlineTest, WritesWaitForWritesStarvedBatchesOfReads) {
  ElevatorRig rig{with({{"fifo_batch", 1}, {"writes_starved", 2}})};
  for (int i = 0; i < 6; ++i) {
    rig.insert(read(100 * i));
    rig.insert(write(100 * i + 50));
  }
  std::string order;
  for (const std::string& line : rig.dispatch_all()) {
    order += line[0];
  }
  EXPECT_EQ(order, "RRWRRWRRWWWW");
}

TEST_P(MqDeadlineTest, ReadsWithoutWaitingWritesStarveNobody) {
  ElevatorRig rig{with({{"fifo_batch", 1}})};
  for (int i = 0; i < 8; ++i) {
    rig.insert(read(100 * i));
  }
  rig.dispatch_all(4);
  rig.insert(write(50));
  EXPECT_EQ(rig.dispatch_all(3), (Lines{"R 400+8", "R 500+8", "W 50+8"}));
}

TEST_P(MqDeadlineTest, NegativeWritesStarvedPutsWritesFirst) {
  ElevatorRig rig{with({{"fifo_batch", 1}, {"writes_starved", -1}})};
  rig.insert(read(0));
  rig.insert(write(50));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 50+8", "R 0+8"}));
}

TEST_P(MqDeadlineTest, ABatchGoesOnThoughTheOtherDirectionArrives) {
  ElevatorRig rig{with({{"fifo_batch", 3}})};
  for (int i = 0; i < 5; ++i) {
    rig.insert(write(100 * i));
  }
  EXPECT_EQ(rig.dispatch(), "W 0+8");
  rig.insert(read(5));
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 100+8", "W 200+8", "R 5+8", "W 300+8", "W 400+8"}));
}

// The difference between the generations: where a direction goes on after the other had its turn.
Lines after_a_read(ElevatorGeneration generation) {
  ElevatorRig rig{{.generation = generation, .tunables = {{"fifo_batch", 2}}}};
  for (const int sector : {300, 400, 100, 500}) {
    rig.insert(write(sector));
  }
  rig.dispatch_all(2);
  rig.insert(read(0));
  rig.dispatch();
  return rig.dispatch_all();
}

TEST(MqDeadlineGenerations, V5_10ForgetsWhereTheOtherDirectionWas) {
  EXPECT_EQ(after_a_read(kV5_10), (Lines{"W 100+8", "W 500+8"}));
}

TEST(MqDeadlineGenerations, V6_1RemembersWhereTheOtherDirectionWas) {
  EXPECT_EQ(after_a_read(kV6_1), (Lines{"W 500+8", "W 100+8"}));
}

Lines by_priority(ElevatorGeneration generation) {
  ElevatorRig rig{{.generation = generation}};
  rig.insert(read(0), kIdle);
  rig.insert(read(100));
  rig.insert(read(200), kRealTime);
  rig.insert(read(300), {IoClass::kBestEffort, 7});
  return rig.dispatch_all();
}

TEST(MqDeadlineGenerations, V6_1ServesHigherClassesFirst) {
  EXPECT_EQ(by_priority(kV6_1), (Lines{"R 200+8", "R 100+8", "R 300+8", "R 0+8"}));
}

TEST(MqDeadlineGenerations, V5_10KnowsNoClasses) {
  EXPECT_EQ(by_priority(kV5_10), (Lines{"R 0+8", "R 100+8", "R 200+8", "R 300+8"}));
}

TEST(MqDeadlinePriorities, ALowerClassWaitsForHigherRequestsInTheDevice) {
  ElevatorRig rig{{.generation = kV6_1}};
  rig.insert(read(100));
  rig.insert(read(0), kIdle);
  EXPECT_EQ(rig.dispatch(true), "R 100+8");
  EXPECT_EQ(rig.dispatch(), "-");
  EXPECT_TRUE(rig.elevator().has_work());
  rig.finish_held();
  EXPECT_EQ(rig.dispatch(), "R 0+8");
}

TEST(MqDeadlinePriorities, WhatHasAgedGoesBeforeHigherClasses) {
  for (const bool aged : {false, true}) {
    ElevatorRig rig{{.generation = kV6_1}};
    rig.insert(read(0), kIdle);
    rig.run_until(seconds(10) - (aged ? SimDuration{} : nanoseconds(1)));
    rig.insert(read(100));
    EXPECT_EQ(rig.dispatch(), aged ? "R 0+8" : "R 100+8");
  }
}

TEST(MqDeadlinePriorities, TheAgingTimeIsATunable) {
  ElevatorRig rig{{.generation = kV6_1, .tunables = {{"prio_aging_expire", 100}}}};
  rig.insert(write(0), kIdle);
  rig.run_until(milliseconds(100));
  rig.insert(read(100), kRealTime);
  EXPECT_EQ(rig.dispatch(), "W 0+8");
}

TEST(MqDeadlineDepth, V6_1GivesAllButReadsAsyncDepthOfTheTags) {
  const auto bits = [](TunableValues tunables, engine::RwbsFlags flags) {
    ElevatorRig rig{{.generation = kV6_1, .tunables = std::move(tunables), .nr_requests = 256}};
    return rig.elevator().word_depth(flags);
  };
  const engine::RwbsFlags sync_write{.write = true, .sync = true};
  EXPECT_EQ(bits({{"async_depth", 256}}, sync_write), 16) << "words have 16 bits here";
  EXPECT_EQ(bits({{"async_depth", 192}}, sync_write), 12);
  EXPECT_EQ(bits({{"async_depth", 2}}, sync_write), 1) << "rounded up";
  EXPECT_EQ(bits({}, sync_write), 4) << "64 of 256: nr_requests was raised afterwards";
  EXPECT_EQ(bits({{"async_depth", 2}}, {}), Sbitmap::kWholeWord) << "a read";
}

TEST(MqDeadlineDepth, V6_12LimitsAllTagsTogether) {
  ElevatorRig rig{{.generation = ElevatorGeneration::kV6_12, .nr_requests = 256}};
  EXPECT_EQ(rig.elevator().word_depth({.write = true}), 64)
      << "of 256: nr_requests was raised afterwards";
}

TEST(MqDeadlineDepth, V5_10LimitsNobody) {
  ElevatorRig rig{{.tunables = {{"async_depth", 2}}}};
  EXPECT_EQ(rig.elevator().word_depth({.write = true}), Sbitmap::kWholeWord);
}

TEST_P(MqDeadlineTest, FrontMergesCanBeSwitchedOff) {
  for (const int front_merges : {0, 1}) {
    ElevatorRig rig{with({{"front_merges", front_merges}})};
    rig.insert(write(108));
    rig.insert(write(300));  // takes the place of last_merge
    EXPECT_EQ(rig.merge(write(308)), MergeKind::kBack);
    EXPECT_EQ(rig.merge(write(100)), front_merges != 0 ? MergeKind::kFront : MergeKind::kNone);
  }
}

TEST_P(MqDeadlineTest, ARequestThatGrewAtItsFrontIsSortedAnew) {
  ElevatorRig rig{with({})};
  rig.insert(write(900));
  rig.insert(write(108));
  EXPECT_EQ(rig.merge(write(100)), MergeKind::kFront);
  EXPECT_EQ(rig.merge(write(92)), MergeKind::kFront) << "found at its new sector";
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 900+8", "W 92+24"}));
}

TEST_P(MqDeadlineTest, AMergedRequestKeepsTheEarlierPlaceAndExpiry) {
  ElevatorRig rig{with({{"fifo_batch", 1}})};
  rig.insert(read(200));  // expires at 500 ms
  rig.insert(read(500));  // also
  rig.run_until(milliseconds(100));
  rig.insert(read(184));  // at 600 ms
  EXPECT_EQ(rig.merge(read(192)), MergeKind::kFront) << "closes the gap before 200";
  EXPECT_EQ(rig.dispatch(), "R 184+24") << "the oldest, for 200 was";
}

TEST_P(MqDeadlineTest, TheNextOfABatchMayBeMergedAway) {
  ElevatorRig rig{with({})};
  for (const int sector : {100, 200, 300}) {
    rig.insert(write(sector));
  }
  EXPECT_EQ(rig.dispatch(), "W 100+8");  // next: 200
  rig.insert(write(184));
  EXPECT_EQ(rig.merge(write(192)), MergeKind::kBack);
  EXPECT_EQ(rig.dispatch_all(), (Lines{"W 300+8", "W 184+24"}))
      << "the batch goes on above what was absorbed";
}

}  // namespace
}  // namespace wbsim::block
