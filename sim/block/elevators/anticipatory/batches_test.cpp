// anticipatory: when batches begin and end, requests on their way, merges. The rig's tick is 1 ms:
// read_expire is 125 ticks, write_expire 250, read_batch_expire 500, write_batch_expire 125,
// antic_expire 6 unless a test does without.
#include <gtest/gtest.h>

#include "sim/block/elevators/anticipatory/anticipatory.hpp"
#include "sim/block/elevators/single_queue_rig.hpp"

namespace wbsim::block {
namespace {

SingleQueueRigOptions with(TunableValues tunables) {
  return {.elevator = "anticipatory",
          .generation = ElevatorGeneration::kV2_6_18,
          .tunables = std::move(tunables),
          .hz = 1000};
}
SingleQueueRigOptions without_anticipation() { return with({{"antic_expire", 0}}); }
const WriteBatch& batch_of_writes(SingleQueueRig& rig) {
  return static_cast<Anticipatory&>(rig.elevator()).write_batch();
}

// Work.

TEST(AnticipatoryWork, IsWhatWaitsOfEitherKind) {
  for (const IoStep& step : {read(1000), write(1000)}) {
    SingleQueueRig rig{without_anticipation()};
    EXPECT_FALSE(rig.elevator().has_work());
    rig.submit(1, step);
    EXPECT_TRUE(rig.elevator().has_work());
    rig.serve();
    EXPECT_FALSE(rig.elevator().has_work());
  }
}

TEST(AnticipatoryWork, NothingIsGivenWhileSomebodyIsWaitedFor) {
  SingleQueueRig rig{with({})};
  rig.submit(1, read(1000));
  rig.submit(2, read(90'000'000));
  ASSERT_EQ(rig.issue(), "R 1000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.wait_ticks(200);  // so that it has expired
  EXPECT_EQ(rig.issue(), "-") << "the read in the device is waited for";
}

TEST(AnticipatoryWork, WithoutAnticipationNobodyMustHaveARequest) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(1, read(1000));
  ASSERT_EQ(rig.serve(), "R 1000+8");
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
}

// Anticipation.

TEST(AnticipationWait, DoesNotBeginAgainOnceItIsOver) {
  SingleQueueRig rig{with({})};
  rig.submit(1, read(1000));
  rig.submit(2, read(90'000'000));
  ASSERT_EQ(rig.serve(), "R 1000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.submit(1, write(50'000'000));
  EXPECT_EQ(rig.async_runs_asked(), 1) << "it is over";
  rig.submit(3, read(200'000'000));
  EXPECT_EQ(rig.issue(), "R 90000000+8") << "and stays so, whoever comes";
}

TEST(AnticipationWait, OfAReadInTheDeviceHasNoTime) {
  SingleQueueRig rig{with({})};
  rig.submit(1, read(1000));
  ASSERT_EQ(rig.issue(), "R 1000+8");
  rig.wait_ticks(10);
  rig.submit(2, read(90'000'000));
  EXPECT_EQ(rig.issue(), "-");
  rig.submit(3, read(1008 + 8193));
  EXPECT_EQ(rig.async_runs_asked(), 0) << "what is close does not grow before it has ended";
}

TEST(AnticipationWait, OfAReadThatIsDispatchedIsNotOverByTheOneBefore) {
  SingleQueueRig rig{with({})};
  rig.submit(1, read(1000));
  ASSERT_EQ(rig.serve(), "R 1000+8");
  rig.submit(1, read(1008));
  rig.wait_ticks(6);
  ASSERT_EQ(rig.issue(), "R 1008+8");
  rig.submit(2, read(90'000'000));
  EXPECT_EQ(rig.issue(), "-");
}

TEST(AnticipationWait, IsForTheEndOfTheTasksOwnRead) {
  SingleQueueRig rig{with({})};
  rig.submit(3, read(1000));
  rig.submit(2, read(1100));
  rig.submit(4, read(90'000'000));
  ASSERT_EQ(rig.issue(), "R 1000+8");
  ASSERT_EQ(rig.issue(), "R 1100+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.complete_oldest();
  rig.wait_ticks(20);
  EXPECT_EQ(rig.issue(), "-") << "that of task 2 is in the device";
}

TEST(AnticipationWait, DoesNotBeginInABatchOfWrites) {
  SingleQueueRig rig{with({})};
  for (const int sector : {1000, 2000}) {
    rig.submit(1, write(sector));
  }
  ASSERT_EQ(rig.serve(), "W 1000+8");
  EXPECT_EQ(rig.issue(), "W 2000+8");
}

TEST(AnticipationWait, DoesNotBeginBeforeThereIsABatchOfReads) {
  SingleQueueRig rig{with({})};
  rig.submit(3, read(1000));
  rig.submit(1, read(1000, 16));  // sends the older one of that sector to the driver
  ASSERT_EQ(rig.serve(), "R 1000+8");
  EXPECT_EQ(rig.issue(), "R 1000+16") << "though task 3 could be waited for";
}

TEST(AnticipationWait, IsOverWithAForcedDispatch) {
  SingleQueueRig rig{with({})};
  rig.submit(1, read(1000));
  rig.submit(2, read(90'000'000));
  ASSERT_EQ(rig.serve(), "R 1000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.drain();
  rig.async_runs_asked();
  rig.wait_ticks(10);
  EXPECT_EQ(rig.async_runs_asked(), 0) << "the timer does not run";
}

TEST(AnticipationWait, DoesNotBeginAfterAWriteThatWasForcedOut) {
  SingleQueueRig rig{with({})};
  rig.submit(2, write(5000));
  rig.drain();
  rig.complete_all();
  rig.submit(1, read(90'000'000));
  EXPECT_EQ(rig.issue(), "R 90000000+8");
}

TEST(AnticipationWait, DoesNotEndWithACloseWrite) {
  SingleQueueRig rig{with({})};
  rig.submit(1, read(1000));
  rig.submit(2, read(90'000'000));
  ASSERT_EQ(rig.serve(), "R 1000+8");
  ASSERT_EQ(rig.issue(), "-");
  rig.submit(3, write(1016));
  EXPECT_EQ(rig.async_runs_asked(), 0);
}

TEST(AnticipationWait, WhatIsCloseDoesNotGrowBeforeItBegins) {
  SingleQueueRig rig{with({{"antic_expire", 40}})};
  rig.submit(1, read(1000));
  rig.submit(2, read(1'001'008));
  ASSERT_EQ(rig.serve(), "R 1000+8");
  rig.wait_ticks(7);  // after which 8192 << 7 would be close
  EXPECT_EQ(rig.issue(), "-");
}

// The second read of task 3 is close as new tasks seek, and makes task 1 one that seeks less.
TEST(AnticipationWait, IsOverForGoodThoughWhatEndedItIsNotCloseAnyMore) {
  SingleQueueRig rig{with({})};
  rig.submit(9, read(900'000'000));
  ASSERT_NE(rig.serve(), "-");
  rig.submit(9, read(900'200'008));  // so that new tasks seek 25000 sectors
  ASSERT_NE(rig.serve(), "-");
  rig.wait_ticks(10);
  rig.submit(1, read(1000));
  rig.submit(2, read(90'000'000));
  ASSERT_NE(rig.serve(), "-");
  ASSERT_EQ(rig.issue(), "-");
  rig.submit(3, read(21'008));
  ASSERT_EQ(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 21008+8");
}

// Batches.

TEST(AnticipatoryBatches, DoNotRunOutBeforeTheyHaveBegun) {
  SingleQueueRig rig{
      with({{"antic_expire", 0}, {"read_batch_expire", 10}, {"write_batch_expire", 10}})};
  rig.submit(1, write(24));
  rig.wait(milliseconds(8));
  rig.submit(2, write(8));
  ASSERT_EQ(rig.issue(), "W 8+8");
  rig.submit(2, read(30'016));
  rig.wait_ticks(12);
  ASSERT_EQ(rig.issue(), "-") << "the batch of reads waits for the write";
  rig.complete_all();
  rig.wait_ticks(12);
  EXPECT_EQ(rig.issue(), "R 30016+8");
}

TEST(AnticipatoryBatches, NothingIsGivenBetweenThem) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(2, write(1000));
  ASSERT_EQ(rig.issue(), "W 1000+8");
  rig.submit(1, read(9000));
  rig.submit(1, read(5000));
  ASSERT_EQ(rig.issue(), "-");
  rig.wait_ticks(130);
  ASSERT_EQ(rig.issue(), "-");
  rig.complete_all();
  EXPECT_EQ(rig.issue(), "R 9000+8") << "the look at the oldest was not used up before";
}

TEST(AnticipatoryBatches, OfWritesBeginsWithAnExpiredOne) {
  SingleQueueRig rig{with({{"antic_expire", 0}, {"write_expire", 30}, {"read_batch_expire", 10}})};
  rig.submit(2, write(90'000));
  rig.submit(2, write(1000));
  rig.submit(1, read(5000));
  ASSERT_EQ(rig.serve(milliseconds(31)), "R 5000+8");
  EXPECT_EQ(rig.issue(), "W 90000+8");
}

TEST(AnticipatoryExpiry, OfWritesIsAfterWriteExpire) {
  for (const auto& [ticks, first] : {std::pair{250, "W 1000+8"}, {251, "W 90000+8"}}) {
    SingleQueueRig rig{without_anticipation()};
    rig.submit(2, write(90'000));
    rig.submit(2, write(1000));
    rig.wait_ticks(ticks);
    EXPECT_EQ(rig.issue(), first) << ticks;
  }
}

TEST(AnticipatoryExpiry, IsLookedAtAgainAfterThatTimeExactly) {
  for (const auto& [ticks, second] : {std::pair{125, "R 80000+8"}, {124, "R 90100+8"}}) {
    SingleQueueRig rig{without_anticipation()};
    for (const int sector : {90'000, 80'000, 90'100, 600}) {
      rig.submit(1, read(sector));
    }
    rig.wait_ticks(200);
    ASSERT_EQ(rig.issue(), "R 90000+8");
    rig.wait_ticks(ticks);
    EXPECT_EQ(rig.issue(), second) << ticks;
  }
}

TEST(AnticipatoryExpiry, IsLookedAtWhenReadsBegin) {
  SingleQueueRig rig{with({{"antic_expire", 0}, {"read_batch_expire", 10}})};
  for (const int sector : {1000, 80'000, 600}) {
    rig.submit(1, read(sector));
  }
  ASSERT_EQ(rig.serve(), "R 1000+8");
  rig.wait_ticks(100);
  rig.submit(2, write(500'000));
  ASSERT_EQ(rig.serve(), "W 500000+8");
  ASSERT_EQ(rig.serve(), "R 80000+8") << "the oldest";
  rig.submit(1, read(80'100));
  rig.wait_ticks(30);  // 130 since the look before, but 30 since the batch began
  EXPECT_EQ(rig.issue(), "R 80100+8") << "not that of 600, though it has expired";
}

// The number of writes in the next batch.

// A batch may have three writes in 20 ticks; a read is served before it, and may wait meanwhile.
class AnticipatoryTuning : public ::testing::Test {
 protected:
  void have_writes(int count, bool read_waits) {
    submit_read();
    for (int i = 0; i < count; ++i) {
      rig_.submit(2, write(1000 + 16 * i));
    }
    rig_.serve(milliseconds(1));
    ASSERT_EQ(batch_of_writes(rig_).most(), 3);
    if (read_waits) {
      submit_read();
    }
    rig_.wait_ticks(6);
  }
  void submit_read() { rig_.submit(1, read(90'000 + 16 * reads_++)); }
  std::string serve(int ticks) { return rig_.serve(milliseconds(ticks)).substr(0, 1); }
  std::int64_t most() { return batch_of_writes(rig_).most(); }

  SingleQueueRig rig_{
      with({{"antic_expire", 0}, {"write_batch_expire", 20}, {"read_batch_expire", 5}})};
  int reads_ = 0;
};

TEST_F(AnticipatoryTuning, IsLessWhereTheyTookLongWhileAReadWaited) {
  have_writes(1, true);
  ASSERT_EQ(serve(70), "W");
  ASSERT_EQ(rig_.issue().substr(0, 1), "R");
  ASSERT_EQ(rig_.issue(), "-") << "nothing is left, but that is the reads' batch";
  rig_.complete_all();
  EXPECT_EQ(most(), 1) << "longer than three times 20";
}

TEST_F(AnticipatoryTuning, IsTheSameWhereThereWereNoMore) {
  have_writes(1, false);
  ASSERT_EQ(serve(70), "W");
  ASSERT_EQ(serve(1), "-");
  submit_read();
  ASSERT_EQ(serve(1), "R");
  EXPECT_EQ(most(), 3);
}

TEST_F(AnticipatoryTuning, IsLessThoughNobodyWaitedAtFirst) {
  have_writes(3, false);
  ASSERT_EQ(serve(1), "W");
  ASSERT_EQ(serve(70), "W");
  submit_read();
  ASSERT_EQ(serve(1), "R");
  EXPECT_EQ(most(), 1) << "there were more, and not all had been used";
}

TEST_F(AnticipatoryTuning, IsLessWhereAllWereUsedWhileAReadWaited) {
  have_writes(4, true);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(serve(7), "W");
  }
  ASSERT_EQ(serve(1), "R");
  EXPECT_EQ(most(), 2) << "21 ticks for 20";
}

// The batch has no time of its own where it has waited for the reads before it: it is measured by
// theirs, which is over.
TEST(AnticipatoryBatches, OfWritesThatWaitedForReadsIsOverAtOnce) {
  SingleQueueRig rig{with({{"antic_expire", 0}, {"read_batch_expire", 10}})};
  rig.submit(1, read(1000));
  ASSERT_NE(rig.serve(), "-");
  rig.submit(1, read(1100));
  rig.submit(2, write(90'000));
  ASSERT_EQ(rig.issue(), "R 1100+8");
  rig.wait_ticks(12);
  rig.submit(1, read(1200));
  ASSERT_EQ(rig.issue(), "-") << "the writes wait for the read";
  rig.complete_all();
  EXPECT_EQ(rig.issue(), "R 1200+8");
}

TEST(WriteBatchTest, ABatchThatIdledSaysNothingOfTheNext) {
  WriteBatch batch{125};
  batch.begin();
  batch.note_idle();
  batch.tune(1000, 1000);
  ASSERT_EQ(batch.most(), 12);
  batch.begin();
  batch.tune(1126, 1125);
  EXPECT_EQ(batch.most(), 11);
}

// Forced.

TEST(AnticipatoryForced, EndsAChangeOfBatches) {
  SingleQueueRig rig{with({{"antic_expire", 0}, {"read_batch_expire", 10}})};
  rig.submit(1, read(5000));
  rig.submit(2, write(1000));
  ASSERT_EQ(rig.issue(), "R 5000+8");
  ASSERT_EQ(rig.issue(), "-") << "the writes wait for the read";
  rig.drain();
  rig.submit(1, read(6000));
  EXPECT_EQ(rig.issue(), "R 6000+8");
}

TEST(AnticipatoryForced, LooksAtTheOldest) {
  SingleQueueRig rig{without_anticipation()};
  rig.wait_ticks(100);
  rig.drain();
  rig.submit(1, read(90'000));
  rig.submit(1, read(600));
  rig.wait_ticks(124);
  rig.submit(1, read(700));
  ASSERT_EQ(rig.serve(milliseconds(2)), "R 600+8") << "not looked at for 125 ticks from then";
  EXPECT_EQ(rig.issue(), "R 90000+8");
}

TEST(AnticipatoryForced, BeginsNoBatchOfReads) {
  SingleQueueRig rig{with({{"antic_expire", 0}, {"read_batch_expire", 10}})};
  rig.submit(1, read(5000));
  ASSERT_EQ(rig.issue(), "R 5000+8") << "whose time begins with its completion";
  rig.wait_ticks(10);
  rig.drain();
  rig.complete_all();
  rig.wait_ticks(5);
  rig.submit(1, read(6000));
  rig.submit(2, write(2000));
  EXPECT_EQ(rig.issue(), "W 2000+8") << "it did not, and 10 ticks from the start are over";
}

// Order and merging.

TEST(AnticipatoryOrder, ReachesAMebisectorBack) {
  for (const auto& [sector, first] :
       {std::pair{3'000'008 - 1'048'576, "R 1951432+8"}, {3'000'008 - 1'048'577, "R 9000000+8"}}) {
    SingleQueueRig rig{without_anticipation()};
    rig.submit(1, read(3'000'000));
    ASSERT_EQ(rig.serve(), "R 3000000+8");
    rig.submit(1, read(sector));
    rig.submit(1, read(9'000'000));
    EXPECT_EQ(rig.issue(), first) << sector;
  }
}

TEST(AnticipatoryOrder, TheWayBackCountsTwice) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(1, read(100'000));
  ASSERT_EQ(rig.serve(), "R 100000+8");
  rig.submit(1, read(100'008 - 50));
  rig.submit(1, read(100'008 + 101));
  EXPECT_EQ(rig.issue(), "R 99958+8");
}

TEST(AnticipatoryMerge, InFrontDrivesOutWhoBeginsThere) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(1, sync_write(4992, 24));
  rig.submit(1, sync_write(5000));
  ASSERT_EQ(rig.merge(1, sync_write(4992)), MergeKind::kFront);
  EXPECT_EQ(rig.listed(), (Lines{"W 4992+24"}));
  EXPECT_EQ(rig.serve_all(), (Lines{"W 4992+24", "W 4992+16"}));
}

TEST(AnticipatoryMerge, OfTwoRequestsMakesAnotherOneTheNext) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(1, read(1002));
  ASSERT_EQ(rig.serve(), "R 1002+8");
  rig.submit(1, read(1000));
  rig.submit(1, read(1016));  // the next: 6 ahead, the other is 10 behind
  ASSERT_EQ(rig.merge(1, read(1008)), MergeKind::kBack);
  EXPECT_EQ(rig.issue_all(), (Lines{"R 1000+24"}));
}

TEST(AnticipatoryMerge, OfTwoRequestsLeavesTheOlderOneWhereItIs) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(1, read(500'000));
  ASSERT_EQ(rig.serve(), "R 500000+8");
  rig.submit(1, read(89'992));
  rig.wait_ticks(100);
  rig.submit(1, read(600'000));
  rig.submit(1, read(90'008));
  ASSERT_NE(rig.merge(1, read(90'000)), MergeKind::kNone);
  rig.wait_ticks(26);
  EXPECT_EQ(rig.issue(), "R 89992+24");
}

TEST(AnticipatoryMerge, OfTwoRequestsGivesTheYoungerOneThePlaceOfTheOlder) {
  SingleQueueRig rig{without_anticipation()};
  rig.submit(1, read(500'000));
  ASSERT_EQ(rig.serve(), "R 500000+8");
  rig.submit(1, read(90'008));
  rig.wait_ticks(100);
  rig.submit(1, read(600'000));
  rig.submit(1, read(89'992));
  ASSERT_NE(rig.merge(1, read(90'000)), MergeKind::kNone);
  rig.wait_ticks(26);
  EXPECT_EQ(rig.issue(), "R 89992+24") << "before what came in between";
}

// Requests of two tasks become one: it is the older one's from then on, and the other task sees an
// end.
TEST(AnticipatoryMerge, OfTwoTasksIsTheOlderOnes) {
  SingleQueueRig rig{with({})};
  rig.submit(2, read(90'008));
  rig.wait_ticks(1);
  rig.submit(1, read(89'992));
  ASSERT_NE(rig.merge(1, read(90'000)), MergeKind::kNone);
  ASSERT_EQ(rig.serve(), "R 89992+24");
  rig.submit(3, read(90'000'000));
  ASSERT_EQ(rig.issue(), "-");
  EXPECT_EQ(rig.may_queue(1, read(0)), MayQueue::kMay);
  EXPECT_EQ(rig.may_queue(2, read(0)), MayQueue::kMust);
}

TEST(AnticipatoryMerge, OfTwoTasksIsAnEndForTheOther) {
  for (const auto& [ticks, waits] : {std::pair{2, true}, {10, false}}) {
    SingleQueueRig rig{with({})};
    rig.submit(1, write(50'000'000));
    ASSERT_NE(rig.serve(), "-");
    rig.wait_ticks(100);
    rig.submit(2, read(90'008));
    rig.wait_ticks(1);
    rig.submit(1, read(89'992));
    ASSERT_NE(rig.merge(1, read(90'000)), MergeKind::kNone);
    ASSERT_EQ(rig.serve(), "R 89992+24");
    rig.wait_ticks(ticks);
    // Task 1 has thought for so long since.
    rig.submit(1, read(95'000));
    ASSERT_EQ(rig.serve(), "R 95000+8");
    rig.submit(3, read(90'000'000));
    EXPECT_EQ(rig.issue() == "-", waits) << ticks;
  }
}

}  // namespace
}  // namespace wbsim::block
