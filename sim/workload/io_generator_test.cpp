#include "sim/workload/io_generator.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace wbsim::workload {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr JobExtent kExtent{FileOffset{0}, mebibytes(64), mebibytes(64)};

JobSpec mixed_job(int read_percent) {
  JobSpec job;
  job.name = std::string{"m"};
  job.reads = true;
  job.mix_read_percent = read_percent;
  job.pattern = Pattern::kRandom;
  return job;
}

std::vector<Io> first_ios(const JobSpec& job, int count) {
  IoGenerator generator{job, kExtent, kSeed};
  std::vector<Io> ios;
  for (int i = 0; i < count; ++i) {
    ios.push_back(generator.next(0, generator.next_direction()));
  }
  return ios;
}

int reads_of(const std::vector<Io>& ios) {
  int reads = 0;
  for (const Io& io : ios) {
    reads += io.direction == Direction::kRead ? 1 : 0;
  }
  return reads;
}

TEST(IoGenerator, MixesDirectionsByPercent) {
  EXPECT_EQ(reads_of(first_ios(mixed_job(0), 1000)), 0);
  EXPECT_EQ(reads_of(first_ios(mixed_job(100), 1000)), 1000);
  EXPECT_NEAR(reads_of(first_ios(mixed_job(70), 10'000)), 7000, 200);
}

TEST(IoGenerator, AnotherMixMovesNoOffset) {
  const std::vector<Io> few = first_ios(mixed_job(10), 100);
  const std::vector<Io> many = first_ios(mixed_job(90), 100);
  for (std::size_t i = 0; i < few.size(); ++i) {
    EXPECT_EQ(few[i].at, many[i].at);
  }
}

TEST(IoGenerator, DrawsLengthsOfARangeEvenlyInStepsOfTheSmallest) {
  JobSpec job = mixed_job(0);
  job.random_map = false;
  job.blocks.write = {kibibytes(4), kibibytes(16), {}};
  std::map<std::int64_t, int> counts;
  for (const Io& io : first_ios(job, 4000)) {
    ++counts[io.length.count()];
    EXPECT_LE(io.at + io.length, kExtent.begin + kExtent.length);
  }
  ASSERT_EQ(counts.size(), 4U);
  for (const auto& [length, count] : counts) {
    EXPECT_NEAR(count, 1000, 120) << length;
  }
}

TEST(IoGenerator, DrawsLengthsByTheirShares) {
  JobSpec job = mixed_job(0);
  job.random_map = false;
  job.blocks.write = {kibibytes(4), kibibytes(64), {{kibibytes(4), 80}, {kibibytes(64), 20}}};
  int small = 0;
  for (const Io& io : first_ios(job, 10'000)) {
    small += io.length == kibibytes(4) ? 1 : 0;
  }
  EXPECT_NEAR(small, 8000, 160);
}

// fio draws such a length again instead of going back to the region's beginning.
TEST(IoGenerator, DrawsLengthsOfSequentialIosUntilTheyFit) {
  JobSpec job;
  job.name = std::string{"s"};
  job.blocks.write = {kibibytes(4), kibibytes(64), {}};
  IoGenerator generator{job, {FileOffset{0}, kibibytes(256), kibibytes(256)}, kSeed};
  Bytes written;
  while (!generator.used_up(0, Direction::kWrite)) {
    const Io io = generator.next(0, Direction::kWrite);
    EXPECT_EQ(io.at, FileOffset{written.count()});
    written += io.length;
  }
  EXPECT_EQ(written, kibibytes(256));
}

TEST(IoGenerator, ALoopRepeatsDirectionsAndLengthsWithRandrepeat) {
  for (const bool repeats : {false, true}) {
    JobSpec job = mixed_job(50);
    job.random_map = false;
    job.blocks.read = job.blocks.write = {kibibytes(4), kibibytes(64), {}};
    job.repeats_order = repeats;
    IoGenerator generator{job, kExtent, kSeed};
    std::vector<Io> loops[2];
    for (std::vector<Io>& ios : loops) {
      for (int i = 0; i < 50; ++i) {
        ios.push_back(generator.next(0, generator.next_direction()));
      }
      generator.restart();
    }
    EXPECT_EQ(loops[0] == loops[1], repeats);
  }
}

TEST(IoGenerator, ReplaysGivenIosAndBeginsAgainAfterThem) {
  JobSpec job = mixed_job(50);
  job.replay = {{Direction::kRead, FileOffset{8192}, kibibytes(4)},
                {Direction::kWrite, FileOffset{0}, kibibytes(8)}};
  const std::vector<Io> ios = first_ios(job, 5);
  for (std::size_t i = 0; i < ios.size(); ++i) {
    EXPECT_EQ(ios[i], job.replay[i % 2]);
  }
  IoGenerator generator{job, kExtent, kSeed};
  generator.next(0, Direction::kRead);
  EXPECT_FALSE(generator.used_up(0, Direction::kWrite));
  generator.next(0, Direction::kWrite);
  EXPECT_TRUE(generator.used_up(0, Direction::kRead));
}

}  // namespace
}  // namespace wbsim::workload
