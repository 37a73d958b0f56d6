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

std::vector<std::int64_t> blocks_of(AddressPattern& pattern, std::size_t count) {
  std::vector<std::int64_t> blocks;
  while (blocks.size() < count) {
    blocks.push_back(pattern.next().value() / kibibytes(4).count());
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
  job.block_size = kibibytes(8);
  AddressPattern pattern{job, extent(5), kSeed};
  EXPECT_EQ(blocks_of(pattern, 3), (std::vector<std::int64_t>{0, 2, 0}));
}

TEST(AddressPattern, RestartGoesBackToTheBeginning) {
  const JobSpec job;
  AddressPattern pattern{job, extent(5), kSeed};
  blocks_of(pattern, 3);
  pattern.restart();
  EXPECT_EQ(pattern.next(), FileOffset{0});
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

TEST(AddressPattern, ReplaysGivenOffsetsAndBeginsAgainAfterThem) {
  JobSpec job = random_job();
  job.replay = {FileOffset{8192}, FileOffset{0}, FileOffset{8192}};
  AddressPattern pattern{job, extent(100), kSeed};
  EXPECT_EQ(blocks_of(pattern, 5), (std::vector<std::int64_t>{2, 0, 2, 2, 0}));
}

}  // namespace
}  // namespace wbsim::workload
