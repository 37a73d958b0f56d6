// What elevators remember of a process: the kernel's means, in its whole numbers.
#include "sim/block/elevators/io_history.hpp"

#include <gtest/gtest.h>

namespace wbsim::block {
namespace {

TEST(DecayingMeanTest, GivesASampleAnEighthOfTheWeight) {
  DecayingMean mean;
  mean.add(80);
  EXPECT_EQ(mean.samples(), 32) << "256 / 8";
  EXPECT_EQ(mean.mean(0), 80);
  mean.add(0);
  EXPECT_EQ(mean.samples(), 60) << "(7 * 32 + 256) / 8";
  EXPECT_EQ(mean.mean(0), 37) << "7 / 8 of 2560, by 60";
  for (int i = 0; i < 100; ++i) {
    mean.add(80);
  }
  EXPECT_EQ(mean.samples(), 249) << "never quite 256";
}

TEST(DecayingMeanTest, CountsFromTheThirdSampleOn) {
  DecayingMean mean;
  for (const bool valid : {false, false, true}) {
    mean.add(1);
    EXPECT_EQ(mean.valid(), valid) << mean.samples();
  }
}

TEST(ThinkTimeTest, IsRounded) {
  ThinkTime think{0};
  for (const std::int64_t jiffies : {0, 0, 3}) {
    think.add(jiffies);
  }
  EXPECT_EQ(think.mean(), 2) << "(96 + 128) / 84";
}

TEST(ThinkTimeTest, CountsFromTheLastEndUpToAMaximum) {
  ThinkTime think{100};
  think.ended(200);
  EXPECT_EQ(think.since_end(203), 3);
  for (int i = 0; i < 3; ++i) {
    think.add_since_end(300, 4);
  }
  EXPECT_EQ(think.mean(), 5) << "(338 + 128) / 84";
}

TEST(ThinkTimeTest, ExceedsOnlyWhatIsLess) {
  ThinkTime think{0};
  think.add(10);
  think.add(10);
  EXPECT_FALSE(think.exceeds(0)) << "two samples do not count";
  think.add(10);
  ASSERT_EQ(think.mean(), 11);
  EXPECT_FALSE(think.exceeds(11));
  EXPECT_TRUE(think.exceeds(10));
}

TEST(SeekMeanTest, TakesTheFirstThreeSeeksForWhatTheyAre) {
  SeekMean seeks;
  seeks.add(Sectors{0});
  seeks.add(Sectors{0});
  seeks.add(Sectors{2'000'000});
  EXPECT_EQ(seeks.mean(), Sectors{761'905}) << "64000000 / 84, rounded";
}

TEST(SeekMeanTest, CountsAnAllowanceAndFourTimesTheMeanAtMost) {
  SeekMean first;
  first.add(Sectors{100'000'000});
  EXPECT_EQ(first.mean(), Sectors{2 * 1024 * 1024});
  SeekMean seeks;
  for (int i = 0; i < 3; ++i) {
    seeks.add(Sectors{0});
  }
  seeks.add(Sectors{2'000'000});
  EXPECT_EQ(seeks.mean(), Sectors{39'946}) << "as 2 * 1024 * 64";
  seeks.add(Sectors{2'000'000});
  EXPECT_EQ(seeks.mean(), Sectors{105'507}) << "as 4 * 39946 more than that";
}

TEST(DistanceTest, IsTheSameEitherWay) {
  EXPECT_EQ(distance(Lba{100}, Lba{130}), Sectors{30});
  EXPECT_EQ(distance(Lba{130}, Lba{100}), Sectors{30});
}

}  // namespace
}  // namespace wbsim::block
