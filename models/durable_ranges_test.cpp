#include "models/durable_ranges.hpp"

#include <gtest/gtest.h>

#include <set>

#include "sim/base/rng.hpp"

namespace wbsim::models {
namespace {

TEST(SectorSet, JoinsNeighboursAndSplitsAtErasure) {
  SectorSet set;
  set.insert(Lba{0}, Sectors{8});
  set.insert(Lba{16}, Sectors{8});
  EXPECT_EQ(set.ranges(), 2U);
  set.insert(Lba{8}, Sectors{8});
  EXPECT_EQ(set.ranges(), 1U);
  EXPECT_TRUE(set.contains(Lba{0}, Sectors{24}));
  EXPECT_FALSE(set.contains(Lba{0}, Sectors{25}));
  set.erase(Lba{10}, Sectors{2});
  EXPECT_EQ(set.ranges(), 2U);
  EXPECT_TRUE(set.contains(Lba{0}, Sectors{10}));
  EXPECT_FALSE(set.contains(Lba{9}, Sectors{2}));
  EXPECT_TRUE(set.contains(Lba{12}, Sectors{12}));
}

TEST(SectorSet, EqualsASetOfSingleSectors) {
  constexpr std::int64_t kSectors = 64;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng = Rng::stream(seed, "ranges");
    SectorSet set;
    std::set<std::int64_t> reference;
    for (int step = 0; step < 300; ++step) {
      const auto first = static_cast<std::int64_t>(rng.uniform(kSectors));
      const auto length = static_cast<std::int64_t>(1 + rng.uniform(10));
      const bool insert = rng.bernoulli(1, 2);
      insert ? set.insert(Lba{first}, Sectors{length}) : set.erase(Lba{first}, Sectors{length});
      for (std::int64_t s = first; s < first + length; ++s) {
        insert ? static_cast<void>(reference.insert(s)) : static_cast<void>(reference.erase(s));
      }
      for (std::int64_t s = 0; s < kSectors + 10; ++s) {
        ASSERT_EQ(set.contains(Lba{s}, Sectors{1}), reference.contains(s)) << "sector " << s;
      }
    }
  }
}

class DurableRangesTest : public testing::Test {
 protected:
  [[nodiscard]] bool durable(std::int64_t first, std::int64_t length) const {
    return ranges_.is_durable(Lba{first}, Sectors{length});
  }
  void write(std::int64_t first, std::int64_t length, bool fua = false) {
    ranges_.write_completed(Lba{first}, Sectors{length}, fua);
  }

  DurableRanges ranges_{true};
};

TEST_F(DurableRangesTest, WithoutACacheAWriteIsDurableWhenItCompletes) {
  DurableRanges ranges{false};
  ranges.write_completed(Lba{0}, Sectors{8}, false);
  EXPECT_TRUE(ranges.is_durable(Lba{0}, Sectors{8}));
}

TEST_F(DurableRangesTest, FlushCoversOnlyWhatCompletedBeforeItsSubmission) {
  write(0, 8);
  const auto flush = ranges_.flush_submitted();
  write(8, 8);
  EXPECT_FALSE(durable(0, 8)) << "not before the flush completes";
  ranges_.flush_completed(flush);
  EXPECT_TRUE(durable(0, 8));
  EXPECT_FALSE(durable(8, 8));
}

TEST_F(DurableRangesTest, OverwritingMakesVolatileAgain) {
  write(0, 16);
  ranges_.flush_completed(ranges_.flush_submitted());
  write(4, 4);
  EXPECT_TRUE(durable(0, 4));
  EXPECT_FALSE(durable(4, 4));
  EXPECT_TRUE(durable(8, 8));
}

TEST_F(DurableRangesTest, OverwriteDuringAFlushIsNotCoveredByIt) {
  write(0, 16);
  const auto flush = ranges_.flush_submitted();
  write(4, 4);
  ranges_.flush_completed(flush);
  EXPECT_TRUE(durable(0, 4));
  EXPECT_FALSE(durable(4, 4));
  ranges_.flush_completed(ranges_.flush_submitted());
  EXPECT_TRUE(durable(0, 16));
}

TEST_F(DurableRangesTest, FuaIsDurableAtOnceAndStaysSo) {
  write(0, 8);
  write(0, 8, true);
  EXPECT_TRUE(durable(0, 8));
  ranges_.flush_completed(ranges_.flush_submitted());
  EXPECT_TRUE(durable(0, 8));
}

TEST_F(DurableRangesTest, ALaterFlushCoversWhatAnOlderOneUnderWayCovers) {
  write(0, 8);
  ranges_.flush_submitted();
  write(8, 8);
  const auto later = ranges_.flush_submitted();
  ranges_.flush_completed(later);
  EXPECT_TRUE(durable(0, 16));
}

TEST_F(DurableRangesTest, AFailedFlushLeavesItsDataToTheNextOne) {
  write(0, 8);
  const auto flush = ranges_.flush_submitted();
  ranges_.flush_failed(flush);
  EXPECT_FALSE(durable(0, 8));
  ranges_.flush_completed(ranges_.flush_submitted());
  EXPECT_TRUE(durable(0, 8));
}

}  // namespace
}  // namespace wbsim::models
