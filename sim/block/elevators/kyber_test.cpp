#include "sim/block/elevators/kyber.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block {
namespace {

// The timer of 100 ms, which the wheel fires with the tick after.
constexpr SimDuration kAdjusted = milliseconds(104);
constexpr engine::RwbsFlags kSyncWrite{.write = true, .sync = true};

ElevatorRigOptions kyber(TunableValues tunables = {}) {
  ElevatorRigOptions options;
  options.elevator = "kyber";
  options.tunables = std::move(tunables);
  options.cpus = 2;
  return options;
}

class KyberTest : public ::testing::Test {
 protected:
  ElevatorRig& rig() { return *rig_; }
  void restart(const ElevatorRigOptions& options) { rig_ = std::make_unique<ElevatorRig>(options); }

  void insert_many(int count, const IoStep& first) {
    IoStep step = first;
    for (int i = 0; i < count; ++i, step.sector += 100) {
      rig().insert(step);
    }
  }
  // "RRRW": directions of what is given, none of which returns its token.
  std::string hold_all() {
    std::string order;
    for (std::string line = rig().dispatch(true); line != "-"; line = rig().dispatch(true)) {
      order += line[0];
    }
    return order;
  }
  // How many requests like `step` the elevator gives away at most.
  std::size_t depth(const IoStep& step) {
    insert_many(300, step);
    const std::size_t given = hold_all().size();
    rig().finish_held();
    while (rig().dispatch() != "-") {
    }
    return given;
  }
  // The end of requests that took so long, at `now`.
  void complete(int count, const IoStep& step, SimDuration total, SimDuration io, SimDuration now) {
    Request& request = rig().request(rig().bio(step));
    request.started = at(now - total);
    request.issued = at(now - io);
    for (int i = 0; i < count; ++i) {
      rig().elevator().completed_request(request, at(now));
    }
  }
  void complete(int count, const IoStep& step, SimDuration latency, SimDuration now = {}) {
    complete(count, step, latency, latency, now);
  }

 private:
  std::unique_ptr<ElevatorRig> rig_ = std::make_unique<ElevatorRig>(kyber());
};

using KyberMerge = KyberTest;
using KyberBatches = KyberTest;
using KyberTokens = KyberTest;
using KyberQueues = KyberTest;
using KyberDepth = KyberTest;
using KyberTimer = KyberTest;

TEST_F(KyberMerge, ABioJoinsARequestBehindOrBeforeIt) {
  rig().insert(write(100));
  EXPECT_EQ(rig().merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig().merge(write(92)), MergeKind::kFront);
  EXPECT_EQ(rig().merge(read(116)), MergeKind::kNone) << "another domain";
  EXPECT_EQ(rig().dispatch_all(), (Lines{"W 92+24"}));
}

TEST_F(KyberMerge, OnlyWithRequestsOfItsOwnCpu) {
  rig().insert(write(100), {}, 1);
  EXPECT_EQ(rig().merge(write(108), {}, 0), MergeKind::kNone);
  EXPECT_EQ(rig().merge(write(108), {}, 1), MergeKind::kBack);
}

TEST_F(KyberMerge, TheEightNewestAreTried) {
  rig().insert(write(0));
  insert_many(7, write(100));
  EXPECT_EQ(rig().merge(write(8)), MergeKind::kBack);
  insert_many(1, write(800));
  EXPECT_EQ(rig().merge(write(16)), MergeKind::kNone);
}

TEST_F(KyberMerge, TheNewestFirst) {
  rig().insert(write(92, 16));
  rig().insert(write(100));
  EXPECT_EQ(rig().merge(write(108)), MergeKind::kBack);
  EXPECT_EQ(rig().dispatch_all(), (Lines{"W 92+16", "W 100+16"}));
}

TEST_F(KyberMerge, AnAdjacentButFullRequestEndsTheSearch) {
  ElevatorRigOptions options = kyber();
  options.limits.max_sectors = Sectors{16};
  restart(options);
  rig().insert(write(100));
  rig().insert(write(92, 16));
  EXPECT_EQ(rig().merge(write(108)), MergeKind::kNone);
  EXPECT_EQ(rig().merge(write(108)), MergeKind::kBack) << "the full one is known as such now";
}

TEST_F(KyberMerge, RequestsAreNotMergedWithEachOther) {
  rig().insert(write(100));
  rig().insert(write(116));
  rig().insert(write(124));
  EXPECT_EQ(rig().merge(write(108)), MergeKind::kFront) << "with the newer neighbour";
  EXPECT_EQ(rig().dispatch_all(), (Lines{"W 100+8", "W 108+16", "W 124+8"}));
}

TEST_F(KyberMerge, NotWithWhatHasBeenTakenOut) {
  rig().insert(write(100));
  rig().insert(write(200));
  EXPECT_EQ(rig().dispatch(), "W 100+8");
  EXPECT_EQ(rig().merge(write(208)), MergeKind::kNone);
}

TEST_F(KyberMerge, WhatCameAfterItWasTakenOutStaysUntilThatIsGone) {
  rig().insert(write(100));
  rig().insert(write(200));
  EXPECT_EQ(rig().dispatch(), "W 100+8");
  rig().insert(write(300));
  EXPECT_EQ(rig().dispatch(), "W 200+8");
  EXPECT_EQ(rig().merge(write(308)), MergeKind::kBack);
}

TEST_F(KyberMerge, WhatLacksATokenCanStillBeMergedWith) {
  insert_many(128, write(1000));
  hold_all();
  rig().insert(write(100));
  EXPECT_EQ(rig().dispatch(), "-");
  EXPECT_EQ(rig().merge(write(108)), MergeKind::kBack);
}

TEST_F(KyberBatches, SixteenReadsThenEightWrites) {
  insert_many(20, read(0));
  insert_many(20, write(50));
  EXPECT_EQ(hold_all(), "RRRRRRRRRRRRRRRRWWWWWWWWRRRRWWWWWWWWWWWW");
}

TEST_F(KyberBatches, OfOtherRequestsIsOne) {
  insert_many(3, write(50));
  for (int i = 0; i < 3; ++i) {
    rig().insert({.flags = {.flush = true}, .sector = 1000});
  }
  insert_many(20, read(0));
  std::string order;
  for (const std::string& line : rig().dispatch_all()) {
    order += line == "R 1000+0" ? 'F' : line[0];
  }
  EXPECT_EQ(order, "RRRRRRRRRRRRRRRRWWWFRRRRFF");
}

TEST_F(KyberBatches, ADomainThatRunsDryEndsItsBatch) {
  insert_many(3, read(0));
  insert_many(8, write(50));
  EXPECT_EQ(rig().dispatch_all(5).size(), 5U);  // RRRWW
  insert_many(3, read(500));
  EXPECT_EQ(hold_all(), "WWWWWWRRR");
}

TEST_F(KyberBatches, ADomainWithoutTokensIsPassedOver) {
  insert_many(128, write(0));
  EXPECT_EQ(hold_all().size(), 128U);
  insert_many(20, read(0));
  insert_many(1, write(50));
  EXPECT_EQ(hold_all(), "RRRRRRRRRRRRRRRRRRRR");
  EXPECT_TRUE(rig().elevator().has_work());
}

TEST_F(KyberQueues, AreEmptiedAtOnceCpuByCpu) {
  rig().insert(write(100), {}, 1);
  rig().insert(write(200), {}, 0);
  EXPECT_EQ(rig().dispatch(), "W 200+8");
  rig().insert(write(300), {}, 0);
  EXPECT_EQ(rig().dispatch_all(), (Lines{"W 100+8", "W 300+8"}));
  EXPECT_FALSE(rig().elevator().has_work());
}

TEST_F(KyberQueues, WhatWasTakenOutIsStillWork) {
  insert_many(2, read(0));
  EXPECT_EQ(rig().dispatch(), "R 0+8");
  EXPECT_TRUE(rig().elevator().has_work());
  EXPECT_EQ(rig().dispatch(), "R 100+8");
  EXPECT_FALSE(rig().elevator().has_work());
}

TEST_F(KyberQueues, OfOtherDomainsStayAsTheyAre) {
  rig().insert(read(100));
  rig().insert(write(200));
  EXPECT_EQ(rig().dispatch(), "R 100+8");
  EXPECT_EQ(rig().merge(write(208)), MergeKind::kBack);
}

TEST_F(KyberTokens, ThereAre256ForReadsAnd128ForWrites) {
  EXPECT_EQ(depth(read(0)), 256U);
  EXPECT_EQ(depth(write(0)), 128U);
  EXPECT_EQ(depth({.flags = {.flush = true}}), 16U);
}

TEST_F(KyberTokens, ARequestKeepsItsTokenUntilItIsFreed) {
  insert_many(129, write(0));
  hold_all();
  rig().finish_held(1);
  EXPECT_EQ(hold_all(), "W");
}

TEST_F(KyberTokens, ABatchOfFreedOnesHasTheQueueRun) {
  for (const TagWakeRule rule : {TagWakeRule::kPerWaitQueue, TagWakeRule::kCompletionCount}) {
    ElevatorRigOptions options = kyber();
    options.tag_wake = rule;
    restart(options);
    insert_many(129, write(0));
    hold_all();
    rig().finish_held(7);
    EXPECT_EQ(rig().queue_runs(), 0);
    rig().finish_held(1);
    EXPECT_EQ(rig().queue_runs(), 1);
    rig().finish_held();
    EXPECT_EQ(rig().queue_runs(), 1) << "nobody waits any longer";
  }
}

TEST_F(KyberTokens, NobodyWaitsForWhatCouldBeHad) {
  insert_many(127, write(0));
  hold_all();
  EXPECT_EQ(rig().dispatch(), "-");
  rig().finish_held();
  EXPECT_EQ(rig().queue_runs(), 0);
}

TEST_F(KyberTokens, WhoGotOneMeanwhileWaitsNoLonger) {
  insert_many(129, write(0));
  hold_all();
  rig().finish_held(1);
  EXPECT_EQ(rig().dispatch(true)[0], 'W');
  rig().finish_held();
  EXPECT_EQ(rig().queue_runs(), 0);
}

TEST_F(KyberTokens, DomainsWaitEachForTheirOwn) {
  insert_many(129, write(0));
  insert_many(300, read(0));
  hold_all();
  rig().finish_held(16);  // reads
  EXPECT_EQ(rig().queue_runs(), 1);
  rig().finish_held(8);  // writes
  EXPECT_EQ(rig().queue_runs(), 2);
}

TEST_F(KyberDepth, AllButSynchronousRequestsHaveThreeQuartersOfAWord) {
  const auto bits = [this](int per_word, const engine::RwbsFlags& flags) {
    ElevatorRigOptions options = kyber();
    options.bits_per_word = options.default_bits_per_word = per_word;
    restart(options);
    return rig().elevator().word_depth(flags);
  };
  EXPECT_EQ(bits(64, {.write = true}), 48);
  EXPECT_EQ(bits(16, {.write = true}), 12);
  EXPECT_EQ(bits(2, {.write = true}), 1);
  EXPECT_EQ(bits(1, {.write = true}), Sbitmap::kWholeWord) << "zero bits are no limit";
  EXPECT_EQ(bits(16, kSyncWrite), Sbitmap::kWholeWord);
  EXPECT_EQ(bits(16, {}), Sbitmap::kWholeWord) << "a read";
  EXPECT_EQ(rig().elevator().min_word_depth(), 12);
}

// nr_requests raised from 16 to 256: words of 64 bits instead of 4.
TEST_F(KyberDepth, V5_10KeepsThatOfTheTagsItWasChosenWith) {
  ElevatorRigOptions options = kyber();
  options.nr_requests = 256;
  options.default_nr_requests = 16;
  options.bits_per_word = 64;
  options.default_bits_per_word = 4;
  restart(options);
  EXPECT_EQ(rig().elevator().word_depth({.write = true}), 3);
  EXPECT_EQ(rig().elevator().min_word_depth(), Sbitmap::kWholeWord) << "wakes in full batches";
  options.nr_requests = 8;  // lowered: the same tags
  options.bits_per_word = 4;
  restart(options);
  EXPECT_EQ(rig().elevator().min_word_depth(), 3);
}

TEST_F(KyberDepth, V6_1FollowsNrRequests) {
  ElevatorRigOptions options = kyber();
  options.generation = ElevatorGeneration::kV6_1;
  options.nr_requests = 256;
  options.default_nr_requests = 16;
  options.bits_per_word = 64;
  options.default_bits_per_word = 4;
  restart(options);
  EXPECT_EQ(rig().elevator().word_depth({.write = true}), 48);
  EXPECT_EQ(rig().elevator().min_word_depth(), 48);
}

TEST_F(KyberDepth, V6_12IsOfAllTagsAndOfNrRequestsBeforeTheyWereSet) {
  ElevatorRigOptions options = kyber();
  options.generation = ElevatorGeneration::kV6_12;
  options.nr_requests = 256;
  options.default_nr_requests = 16;
  options.bits_per_word = 64;
  options.default_bits_per_word = 4;
  restart(options);
  EXPECT_EQ(rig().elevator().word_depth({.write = true}), 12);
  EXPECT_EQ(rig().elevator().min_word_depth(), 12);
}

TEST_F(KyberTimer, AdjustsAHundredMillisecondsAfterTheFirstCompletion) {
  complete(500, read(0), milliseconds(1), seconds(1), {});
  rig().run_until(kAdjusted - nanoseconds(1));
  complete(1, read(0), milliseconds(1), seconds(1), kAdjusted - nanoseconds(1));
  EXPECT_EQ(depth(read(0)), 256U);
  rig().run_until(kAdjusted);
  EXPECT_EQ(depth(read(0)), 128U) << "two quarters of the target";
}

TEST_F(KyberTimer, GoesOnWithTheNextCompletion) {
  complete(500, read(0), milliseconds(1), seconds(1), {});
  rig().run_until(milliseconds(200));
  complete(500, read(0), milliseconds(1), seconds(1), milliseconds(200));
  rig().run_until(milliseconds(200) + kAdjusted - nanoseconds(1));
  EXPECT_EQ(depth(read(0)), 128U);
  rig().run_until(milliseconds(200) + kAdjusted);
  EXPECT_EQ(depth(read(0)), 64U);
}

TEST_F(KyberTimer, DepthsStayBetweenOneAndTheirMaximum) {
  for (int i = 1; i <= 8; ++i) {
    const SimDuration now = milliseconds(200 * i);
    rig().run_until(now);
    complete(500, read(0), nanoseconds(1), now);
    complete(500, write(0), seconds(1), now);
    rig().run_until(now + kAdjusted);
  }
  EXPECT_EQ(depth(read(0)), 1U);
  EXPECT_EQ(depth(write(0)), 128U);
}

// What was given away before keeps its tokens: with 64 of 128 left, half of them come back.
TEST_F(KyberTimer, AShrunkDomainWaitsUntilEnoughCameBack) {
  insert_many(200, write(0));
  EXPECT_EQ(hold_all().size(), 128U);
  complete(500, write(0), milliseconds(5), seconds(1), {});
  rig().run_until(kAdjusted);
  rig().finish_held(32);
  EXPECT_EQ(hold_all().size(), 32U) << "tokens below the new depth";
  rig().finish_held();
  EXPECT_EQ(hold_all().size(), 40U) << "all that waited";
}

// Under congestion, what exceeds half of the target leaves three quarters of the depth.
TEST_F(KyberTimer, AimsAtTwoMillisecondsForReadsAndTenForWrites) {
  complete(500, read(0), nanoseconds(1'000'001), seconds(1), {});
  complete(500, write(0), nanoseconds(5'000'001), seconds(1), {});
  rig().run_until(kAdjusted);
  EXPECT_EQ(depth(read(0)), 192U);
  EXPECT_EQ(depth(write(0)), 96U);
}

TEST_F(KyberTimer, AimsAtTheTunables) {
  restart(kyber({{"read_lat_nsec", 200'000'000}, {"write_lat_nsec", 1'000'000}}));
  complete(500, read(0), milliseconds(70), {});
  complete(500, write(0), milliseconds(2), {});
  rig().run_until(kAdjusted);
  EXPECT_EQ(depth(read(0)), 128U);
}

// A flush without data is never issued itself: more than a tenth of them look like congestion.
TEST_F(KyberTimer, FlushesWithoutDataCountAsSlowIo) {
  for (const int flushes : {50, 51}) {
    restart(kyber());
    complete(500 - flushes, write(0), milliseconds(1), {});
    complete(flushes, flush(), milliseconds(1), {});
    rig().run_until(kAdjusted);
    EXPECT_EQ(depth(write(0)), flushes == 51 ? 32U : 128U);
  }
}

TEST_F(KyberTimer, TheFlushCommandItselfDoesNotCount) {
  complete(500, {.flags = {.flush = true}, .sectors = 8}, milliseconds(1), seconds(1), {});
  complete(500, read(0), milliseconds(1), {});
  complete(500, write(0), milliseconds(1), {});
  rig().run_until(kAdjusted);
  EXPECT_EQ(depth(read(0)), 256U);
  EXPECT_EQ(depth(write(0)), 128U);
}

}  // namespace
}  // namespace wbsim::block
