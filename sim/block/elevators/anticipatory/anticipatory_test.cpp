// anticipatory: batches, expiry and merging. Anticipation is off unless a test is about both. The
// rig's tick is 1 ms: read_expire is 125 ticks, write_expire 250, read_batch_expire 500,
// write_batch_expire 125. A batch has 12 writes at first, 24 after the first read: no time was
// needed for the no writes before it.
#include "sim/block/elevators/anticipatory/anticipatory.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/single_queue_rig.hpp"

namespace wbsim::block {
namespace {

SingleQueueRigOptions options(TunableValues tunables = {{"antic_expire", 0}}) {
  return {.elevator = "anticipatory",
          .generation = ElevatorGeneration::kV2_6_18,
          .tunables = std::move(tunables),
          .hz = 1000};
}
const WriteBatch& write_batch(SingleQueueRig& rig) {
  return static_cast<Anticipatory&>(rig.elevator()).write_batch();
}

// Keeps `reads` and `writes` requests queued and serves `count`, `time` each. Returns the kinds as
// a string of R and W.
class Saturation {
 public:
  explicit Saturation(SingleQueueRig& rig) : rig_{rig} {}
  std::string serve(int count, SimDuration time, bool reads = true, bool writes = true) {
    std::string kinds;
    for (int i = 0; i < count; ++i) {
      for (; reads && reads_ < 4; ++reads_) {
        rig_.submit(1, read(next_read_ += 16));
      }
      for (; writes && writes_ < 4; ++writes_) {
        rig_.submit(2, write(next_write_ += 16));
      }
      const std::string text = rig_.serve(time);
      if (text == "-") {
        break;
      }
      kinds += text[0];
      --(text[0] == 'R' ? reads_ : writes_);
    }
    return kinds;
  }

 private:
  SingleQueueRig& rig_;
  int reads_ = 0;
  int writes_ = 0;
  std::int64_t next_read_ = 0;
  std::int64_t next_write_ = 500'000'000;
};

// Lengths of the runs of equal letters, the last one left out.
std::vector<std::pair<char, int>> runs(const std::string& kinds) {
  std::vector<std::pair<char, int>> all;
  for (const char kind : kinds) {
    if (all.empty() || all.back().first != kind) {
      all.emplace_back(kind, 0);
    }
    ++all.back().second;
  }
  all.pop_back();
  return all;
}

TEST(AnticipatoryBatches, AlternateByTimeAndByNumber) {
  SingleQueueRig rig{options()};
  const auto batches = runs(Saturation{rig}.serve(600, milliseconds(4)));
  ASSERT_GE(batches.size(), 4U);
  // A batch of reads lasts until 500 ms after its first completion are over.
  EXPECT_EQ(batches[0], (std::pair{'R', 127}));
  EXPECT_EQ(batches[1], (std::pair{'W', 24}));
  EXPECT_EQ(batches[2], (std::pair{'R', 127}));
  EXPECT_EQ(batches[3], (std::pair{'W', 25})) << "24 had taken 100 ms";
}

TEST(AnticipatoryBatches, OfWritesEndsWithItsTimeToo) {
  SingleQueueRig rig{options()};
  const auto batches = runs(Saturation{rig}.serve(400, milliseconds(30)));
  EXPECT_EQ(batches[1], (std::pair{'W', 5})) << "125 ms";
}

TEST(AnticipatoryBatches, OfReadsDoesNotEndWithoutWrites) {
  SingleQueueRig rig{options()};
  Saturation load{rig};
  EXPECT_EQ(load.serve(100, milliseconds(10), true, false), std::string(100, 'R'));
  const auto batches = runs(load.serve(100, milliseconds(10)));
  EXPECT_EQ(batches[0].second, 50) << "500 ms from the last read before the writes";
}

TEST(AnticipatoryBatches, OfWritesGoesOnWithoutReads) {
  SingleQueueRig rig{options()};
  EXPECT_EQ(Saturation{rig}.serve(50, milliseconds(10), false, true), std::string(50, 'W'));
}

TEST(AnticipatoryBatches, OfReadsBeginsWhenTheWritesAreOutOfTheDevice) {
  SingleQueueRig rig{options()};
  rig.submit(2, write(0));
  rig.submit(2, write(16));
  ASSERT_EQ(rig.issue_all(), (Lines{"W 0+8", "W 16+8"}));
  rig.submit(1, read(1000));
  EXPECT_EQ(rig.issue(), "-");
  rig.complete_oldest();
  EXPECT_EQ(rig.issue(), "-");
  EXPECT_EQ(rig.async_runs_asked(), 0);
  rig.complete_oldest();
  EXPECT_EQ(rig.async_runs_asked(), 1);
  EXPECT_EQ(rig.issue(), "R 1000+8");
}

TEST(AnticipatoryBatches, TimeOfReadsCountsFromTheirFirstCompletion) {
  SingleQueueRig rig{options()};
  Saturation load{rig};
  // The first read takes 400 ms, which the batch is given on top.
  EXPECT_EQ(load.serve(1, milliseconds(400)), "R");
  EXPECT_EQ(runs(load.serve(100, milliseconds(10)))[0].second, 51);
}

TEST(AnticipatoryBatches, OfReadsBeginsWithTheOldestOfWritesWhereTheyEnded) {
  SingleQueueRig rig{options()};
  rig.submit(2, write(1000));
  ASSERT_EQ(rig.serve(), "W 1000+8");
  rig.submit(1, read(9000));
  rig.submit(1, read(5000));
  rig.submit(2, write(3000));
  rig.submit(2, write(2000));
  EXPECT_EQ(rig.serve(), "R 9000+8");
  EXPECT_EQ(rig.serve(), "R 5000+8");
  EXPECT_EQ(rig.serve(), "W 2000+8");
}

TEST(AnticipatoryOrder, UpFromTheHeadAndAShortWayBack) {
  SingleQueueRig rig{options()};
  rig.submit(1, read(2'000'000));
  ASSERT_EQ(rig.serve(), "R 2000000+8");
  for (const int sector : {951'000, 952'000, 2'500'000, 1'900'000}) {
    rig.submit(1, read(sector));
  }
  EXPECT_EQ(rig.serve(), "R 1900000+8") << "100008 back are 200016 ahead";
  EXPECT_EQ(rig.serve(), "R 2500000+8") << "951008 back are more than 599992 ahead";
  EXPECT_EQ(rig.serve(), "R 951000+8") << "1048576 back at most, so from the lowest";
}

TEST(AnticipatoryExpiry, TheOldestGoesFirstWhenItHasWaitedTooLong) {
  for (const auto& [ticks, first] : {std::pair{125, "R 600+8"}, {126, "R 90000+8"}}) {
    SingleQueueRig rig{options()};
    rig.submit(1, read(500));
    ASSERT_EQ(rig.serve(), "R 500+8");
    rig.wait_ticks(1);
    rig.submit(1, read(90'000));
    rig.submit(1, read(600));
    rig.wait_ticks(ticks);
    EXPECT_EQ(rig.serve(), first) << ticks;
  }
}

TEST(AnticipatoryExpiry, IsLookedAtOnceInThatTime) {
  SingleQueueRig rig{options()};
  rig.submit(1, read(500));
  ASSERT_EQ(rig.serve(), "R 500+8");
  for (const int sector : {90'000, 80'000, 90'100, 600}) {
    rig.submit(1, read(sector));
  }
  rig.wait_ticks(127);
  EXPECT_EQ(rig.serve(), "R 90000+8");
  EXPECT_EQ(rig.serve(), "R 90100+8") << "though 80000 is late";
  rig.wait_ticks(126);
  EXPECT_EQ(rig.serve(), "R 80000+8");
}

TEST(AnticipatoryExpiry, EndsAnticipation) {
  SingleQueueRig rig{options({})};
  rig.submit(1, read(500));
  rig.submit(2, read(90'000'000));
  ASSERT_EQ(rig.issue(), "R 500+8");
  rig.wait_ticks(126);
  EXPECT_EQ(rig.issue(), "R 90000000+8") << "late, so not even asked";
}

TEST(WriteBatchTest, StartsWithATenthOfItsTimeInTicks) {
  EXPECT_EQ(WriteBatch{125}.most(), 12);
  EXPECT_EQ(WriteBatch{5}.most(), 2);
}

// `took`: jiffies since the batch began. `used`: how many of its 12 writes there were.
std::int64_t tuned(std::int64_t took, int used, bool idled) {
  WriteBatch batch{125};
  batch.begin();
  for (int i = 0; i < used; ++i) {
    batch.dispatched();
  }
  if (idled) {
    batch.note_idle();
  }
  batch.tune(1000 + took, 1000 + 125);
  return batch.most();
}

TEST(WriteBatchTest, HasLessWritesWhereTheyTookLonger) {
  EXPECT_EQ(tuned(126, 12, false), 11);
  EXPECT_EQ(tuned(375, 12, false), 11);
  EXPECT_EQ(tuned(376, 12, false), 6);
  EXPECT_EQ(tuned(376, 12, true), 12) << "not all of the time was the writes'";
}

TEST(WriteBatchTest, HasMoreWritesWhereTheyTookLess) {
  EXPECT_EQ(tuned(125, 12, false), 12);
  EXPECT_EQ(tuned(124, 12, false), 13);
  EXPECT_EQ(tuned(42, 12, false), 13);
  EXPECT_EQ(tuned(41, 12, false), 24);
  EXPECT_EQ(tuned(41, 11, false), 12) << "there were not as many";
}

TEST(WriteBatchTest, HasAtLeastOne) {
  WriteBatch batch{5};
  for (int i = 0; i < 4; ++i) {
    batch.begin();
    batch.tune(1000, 500);
  }
  EXPECT_EQ(batch.most(), 1);
}

TEST(AnticipatoryBatches, OfWritesAreTunedWithTheFirstReadAfterThem) {
  SingleQueueRig rig{options()};
  Saturation load{rig};
  load.serve(127 + 24, milliseconds(4));
  EXPECT_EQ(write_batch(rig).most(), 24);
  load.serve(1, milliseconds(1));
  EXPECT_EQ(write_batch(rig).most(), 25) << "97 ms for 125";
}

TEST(AnticipatoryBatches, OfWritesThatWereNotWaitedForAreNotTuned) {
  SingleQueueRig rig{options()};
  Saturation load{rig};
  load.serve(60, milliseconds(20), false, true);  // 1200 ms
  load.serve(1, milliseconds(10), true, true);
  EXPECT_EQ(write_batch(rig).most(), 12);
}

TEST(AnticipatoryForced, GivesUpEverything) {
  SingleQueueRig rig{options({})};
  rig.submit(1, read(500));
  rig.submit(2, read(90'000'000));
  rig.submit(2, write(1000));
  ASSERT_EQ(rig.issue(), "R 500+8");
  ASSERT_EQ(rig.issue(), "-");
  EXPECT_EQ(rig.drain(), (Lines{"W 1000+8", "R 90000000+8"}));
  EXPECT_FALSE(rig.elevator().has_work());
}

TEST(AnticipatoryMerge, IsBackOnlyExceptForSynchronousWrites) {
  SingleQueueRig rig{options()};
  rig.submit(1, read(90'000));
  rig.submit(1, read(1000));
  rig.submit(1, write(190'000));
  rig.submit(1, write(101'000));
  rig.submit(1, sync_write(201'000));
  rig.submit(1, sync_write(290'000));
  EXPECT_EQ(rig.merge(1, read(1008)), MergeKind::kBack);
  rig.merge(1, read(90'008));  // becomes last_merge
  EXPECT_EQ(rig.merge(1, read(992)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(1, write(100'992)), MergeKind::kNone);
  EXPECT_EQ(rig.merge(1, sync_write(200'992)), MergeKind::kFront);
}

TEST(AnticipatoryMerge, OfTwoRequestsKeepsTheEarlierExpiry) {
  SingleQueueRig rig{options()};
  rig.submit(1, read(500'000));
  ASSERT_EQ(rig.serve(), "R 500000+8");
  rig.submit(1, read(90'008));
  rig.wait_ticks(100);
  rig.submit(1, read(89'992));
  rig.submit(1, read(600'000));
  ASSERT_NE(rig.merge(1, read(90'000)), MergeKind::kNone);
  rig.wait_ticks(26);
  EXPECT_EQ(rig.serve(), "R 89992+24");
}

TEST(AnticipatoryAlias, SendsTheOlderRequestOfASectorToTheDriver) {
  SingleQueueRig rig{options()};
  rig.submit(1, read(1000));
  rig.submit(1, read(9000));
  rig.submit(2, read(9000, 16));
  EXPECT_EQ(rig.listed(), (Lines{"R 9000+8"}));
}

}  // namespace
}  // namespace wbsim::block
