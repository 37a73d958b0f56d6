#include "sim/workload/address_pattern.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace wbsim::workload {
namespace {

constexpr std::uint64_t kSeed = 1;

JobSpec random_job(std::string name = "w") {
  JobSpec job;
  job.name = std::move(name);
  job.pattern = Pattern::kRandom;
  return job;
}

JobExtent extent(std::int64_t blocks, Bytes begin = Bytes{0}) {
  const Bytes length = kibibytes(4) * blocks;
  return {FileOffset{begin.count()}, length, length};
}

std::vector<std::int64_t> blocks_of(AddressPattern& pattern, std::size_t count,
                                    Bytes length = kibibytes(4)) {
  std::vector<std::int64_t> blocks;
  while (blocks.size() < count) {
    const Io io = pattern.next(Direction::kWrite, length);
    blocks.push_back(io.at.value() / kibibytes(4).count());
  }
  return blocks;
}

std::vector<std::int64_t> first_blocks(const JobSpec& job, std::uint64_t seed = kSeed) {
  AddressPattern pattern{job, extent(1000), seed};
  return blocks_of(pattern, 50);
}

TEST(RandomPermutation, VisitsEachNumberOnceWhateverTheSize) {
  for (const std::uint64_t n : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097}) {
    for (const std::uint64_t key : {0ULL, 1ULL, 0xFFFFFFFFFFFFFFFFULL}) {
      const RandomPermutation permutation{n, key};
      std::vector<bool> seen(n);
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t value = permutation(i);
        ASSERT_LT(value, n);
        EXPECT_FALSE(seen[value]) << n << " " << key << " " << value;
        seen[value] = true;
      }
    }
  }
}

// Neither the identity nor a shift: as many steps go up as go down, and few go to a neighbour.
TEST(RandomPermutation, LooksRandom) {
  constexpr std::uint64_t kNumbers = 10'000;
  const RandomPermutation permutation{kNumbers, 42};
  int up = 0;
  int neighbours = 0;
  for (std::uint64_t i = 1; i < kNumbers; ++i) {
    const std::uint64_t before = permutation(i - 1);
    const std::uint64_t here = permutation(i);
    up += here > before ? 1 : 0;
    neighbours += here == before + 1 ? 1 : 0;
  }
  EXPECT_NEAR(up, 5000, 200);
  EXPECT_LT(neighbours, 10);
}

TEST(AddressPattern, SequentialOffsetsWrapAtTheEndOfTheRegion) {
  const JobSpec job;
  AddressPattern pattern{job, extent(3, kibibytes(40)), kSeed};
  EXPECT_EQ(blocks_of(pattern, 7), (std::vector<std::int64_t>{10, 11, 12, 10, 11, 12, 10}));
}

TEST(AddressPattern, AnIncompleteLastBlockIsNotWritten) {
  JobSpec job;
  job.set_block_size(kibibytes(8));
  AddressPattern pattern{job, extent(5), kSeed};
  EXPECT_EQ(blocks_of(pattern, 3, kibibytes(8)), (std::vector<std::int64_t>{0, 2, 0}));
}

TEST(AddressPattern, RestartGoesBackToTheBeginning) {
  const JobSpec job;
  AddressPattern pattern{job, extent(5), kSeed};
  blocks_of(pattern, 3);
  pattern.restart();
  EXPECT_EQ(pattern.next(Direction::kWrite, kibibytes(4)).at, FileOffset{0});
}

TEST(AddressPattern, RandomMapVisitsEachBlockOnceAPass) {
  const JobSpec job = random_job();
  AddressPattern pattern{job, extent(100), kSeed};
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<std::int64_t> blocks = blocks_of(pattern, 100);
    EXPECT_FALSE(std::is_sorted(blocks.begin(), blocks.end()));
    std::sort(blocks.begin(), blocks.end());
    for (std::int64_t i = 0; i < 100; ++i) {
      EXPECT_EQ(blocks[static_cast<std::size_t>(i)], i);
    }
  }
}

TEST(AddressPattern, EveryPassHasAnOrderOfItsOwn) {
  for (const bool lengths_vary : {false, true}) {
    JobSpec job = random_job();
    job.blocks.write.max = kibibytes(lengths_vary ? 8 : 4);
    AddressPattern pattern{job, extent(100), kSeed};
    const std::vector<std::int64_t> first = blocks_of(pattern, 100);
    EXPECT_NE(blocks_of(pattern, 100), first) << lengths_vary;
  }
}

// fio 3.33 with loops=2: the same offsets twice, and others with randrepeat=0.
TEST(AddressPattern, ALoopRepeatsTheOrderOfTheFirstWithRandrepeat) {
  for (const bool random_map : {false, true}) {
    for (const bool repeats : {false, true}) {
      JobSpec job = random_job();
      job.random_map = random_map;
      job.repeats_order = repeats;
      AddressPattern pattern{job, extent(100), kSeed};
      const std::vector<std::int64_t> first = blocks_of(pattern, 150);
      pattern.restart();
      EXPECT_EQ(blocks_of(pattern, 150) == first, repeats) << random_map;
    }
  }
}

TEST(AddressPattern, IsUsedUpAtTheEndOfAPass) {
  JobSpec mapped = random_job();
  JobSpec varying = random_job();
  varying.blocks.write.max = kibibytes(8);
  for (const JobSpec& job : {JobSpec{}, mapped, varying}) {
    AddressPattern pattern{job, extent(3), kSeed};
    blocks_of(pattern, 2);
    EXPECT_FALSE(pattern.used_up(Direction::kWrite));
    blocks_of(pattern, 1);
    EXPECT_TRUE(pattern.used_up(Direction::kWrite));
    blocks_of(pattern, 1);
    EXPECT_FALSE(pattern.used_up(Direction::kWrite));
  }
}

TEST(AddressPattern, IsNeverUsedUpWithoutAMap) {
  JobSpec job = random_job();
  job.random_map = false;
  AddressPattern pattern{job, extent(3), kSeed};
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(pattern.used_up(Direction::kWrite));
    pattern.next(Direction::kWrite, kibibytes(4));
  }
}

// fio 3.33: rw=write:4k size=64k ends after half of it, on a whole device it comes round.
TEST(AddressPattern, HolesComeRoundOnAWholeDeviceAndBackwards) {
  const auto used_up = [](Bytes hole, bool whole_device) {
    JobSpec job;
    job.hole = hole;
    JobExtent region = extent(8);
    region.whole_device = whole_device;
    AddressPattern pattern{job, region, kSeed};
    blocks_of(pattern, 4);
    return pattern.used_up(Direction::kWrite);
  };
  EXPECT_TRUE(used_up(kibibytes(4), false));
  EXPECT_FALSE(used_up(kibibytes(4), true));
  EXPECT_FALSE(used_up(kibibytes(-8), false));
}

TEST(AddressPattern, WithoutRandomMapBlocksRepeatWithinAPass) {
  JobSpec job = random_job();
  job.random_map = false;
  AddressPattern pattern{job, extent(100), kSeed};
  std::vector<std::int64_t> blocks = blocks_of(pattern, 100);
  std::sort(blocks.begin(), blocks.end());
  EXPECT_GE(blocks.front(), 0);
  EXPECT_LT(blocks.back(), 100);
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  // 100 draws of 100 hit 63 different ones on average.
  EXPECT_NEAR(static_cast<double>(blocks.size()), 63, 12);
}

TEST(AddressPattern, EachJobAndCloneHasAStreamOfItsOwn) {
  JobSpec clone = random_job();
  clone.clone = 1;
  const auto first = first_blocks(random_job());
  EXPECT_EQ(first, first_blocks(random_job()));
  EXPECT_NE(first, first_blocks(random_job("other")));
  EXPECT_NE(first, first_blocks(clone));
  EXPECT_NE(first_blocks(random_job("other")), first_blocks(clone));
}

TEST(AddressPattern, APlaceInTheWorkloadMovesNoStream) {
  JobSpec later = random_job();
  later.index = 7;
  later.group = 2;
  EXPECT_EQ(first_blocks(random_job()), first_blocks(later));
}

TEST(AddressPattern, TheRunsSeedCountsOnlyWithoutRandrepeat) {
  JobSpec job = random_job();
  EXPECT_EQ(first_blocks(job, 1), first_blocks(job, 2));
  job.random_repeat = false;
  EXPECT_NE(first_blocks(job, 1), first_blocks(job, 2));
  EXPECT_EQ(first_blocks(job, 2), first_blocks(job, 2));
}

TEST(AddressPattern, RandseedChangesTheOffsets) {
  JobSpec job = random_job();
  const auto first = first_blocks(job);
  job.random_seed = 5;
  EXPECT_NE(first, first_blocks(job));
}

TEST(AddressPattern, EachDirectionHasASequenceOfItsOwn) {
  JobSpec job;
  job.reads = true;
  AddressPattern pattern{job, extent(10), kSeed};
  blocks_of(pattern, 3);
  EXPECT_EQ(pattern.next(Direction::kRead, kibibytes(4)).at, FileOffset{0});
  EXPECT_EQ(pattern.next(Direction::kRead, kibibytes(4)).at, FileOffset{4096});
  EXPECT_EQ(pattern.next(Direction::kWrite, kibibytes(4)).at, FileOffset{3 * 4096});
}

TEST(AddressPattern, AHoleFollowsEachSequentialIo) {
  JobSpec job;
  job.hole = kibibytes(8);
  AddressPattern pattern{job, extent(8), kSeed};
  EXPECT_EQ(blocks_of(pattern, 4), (std::vector<std::int64_t>{0, 3, 6, 0}));
}

// As on the truth rig: the first I/O is at the beginning, the next two blocks before the end.
TEST(AddressPattern, ANegativeHoleGoesBackwardsFromTheEnd) {
  JobSpec job;
  job.hole = kibibytes(-8);
  AddressPattern pattern{job, extent(8, kibibytes(40)), kSeed};
  EXPECT_EQ(blocks_of(pattern, 9), (std::vector<std::int64_t>{10, 16, 15, 14, 13, 12, 11, 10, 16}));
}

TEST(AddressPattern, AStreakGoesOnFromARandomOffset) {
  JobSpec job = random_job();
  job.random_map = false;
  job.random_streak = 3;
  AddressPattern pattern{job, extent(1000), kSeed};
  const std::vector<std::int64_t> blocks = blocks_of(pattern, 9);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(i % 3 == 0 || blocks[i] == blocks[i - 1] + 1, true) << i;
  }
  EXPECT_NE(blocks[3], blocks[2] + 1);
}

// With a map no block is visited twice in a pass, whatever the lengths.
TEST(AddressPattern, AMapCutsLengthsToWhatIsNotVisited) {
  JobSpec job = random_job();
  job.blocks.write = {kibibytes(4), kibibytes(16), {}};
  AddressPattern pattern{job, extent(64), kSeed};
  std::vector<int> visits(64);
  for (std::int64_t left = 64; left > 0;) {
    const Io io = pattern.next(Direction::kWrite, kibibytes(16));
    ASSERT_GT(io.length, Bytes{0});
    for (FileOffset at = io.at; at < io.at + io.length; at = at + kibibytes(4)) {
      ++visits[static_cast<std::size_t>(at.value() / 4096)];
      --left;
    }
  }
  EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), 64);
}

TEST(RandomMap, FindsTheNextFreeBlockAndGoesRound) {
  RandomMap map{130};
  EXPECT_EQ(map.take(0, 129), 129U);
  EXPECT_EQ(map.next_free(5), 129U);
  EXPECT_EQ(map.next_free(129), 129U);
  EXPECT_EQ(map.take(129, 10), 1U);
  EXPECT_TRUE(map.full());
  map.clear();
  EXPECT_EQ(map.take(64, 66), 66U);
  EXPECT_EQ(map.next_free(100), 0U);
  EXPECT_EQ(map.take(60, 10), 4U);  // up to what is taken
}

}  // namespace
}  // namespace wbsim::workload
