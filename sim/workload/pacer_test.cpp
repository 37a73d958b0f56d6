#include "sim/workload/pacer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace wbsim::workload {
namespace {

constexpr std::uint64_t kPacerSeed = 1;
constexpr SimTime kBegin{seconds(5)};

JobSpec paced(std::int64_t iops, RateProcess process = RateProcess::kLinear) {
  JobSpec job;
  job.name = std::string{"w"};
  job.rate_iops.write = iops;
  job.rate_process = process;
  return job;
}

TEST(Pacer, LinearPutsIosOnAGridOfMicroseconds) {
  Pacer pacer{paced(3), kPacerSeed};
  pacer.restart(kBegin);
  EXPECT_TRUE(pacer.active());
  EXPECT_FALSE(pacer.active(Direction::kRead));
  EXPECT_EQ(pacer.due(Direction::kWrite), kBegin);
  pacer.issued(Direction::kWrite, kibibytes(4));
  EXPECT_EQ(pacer.due(Direction::kWrite), kBegin + microseconds(333'333));
  pacer.issued(Direction::kWrite, kibibytes(4));
  pacer.issued(Direction::kWrite, kibibytes(4));
  EXPECT_EQ(pacer.due(Direction::kWrite), kBegin + seconds(1));
}

TEST(Pacer, EachDirectionHasARateOfItsOwn) {
  JobSpec job = paced(10);
  job.reads = true;
  job.rate_iops.read = 100;
  Pacer pacer{job, kPacerSeed};
  pacer.restart(kBegin);
  pacer.issued(Direction::kRead, kibibytes(4));
  EXPECT_EQ(pacer.due(Direction::kRead), kBegin + milliseconds(10));
  EXPECT_EQ(pacer.due(Direction::kWrite), kBegin);
}

TEST(Pacer, ARateOfADirectionThatTheJobDoesNotTakeCountsForNothing) {
  JobSpec job = paced(10);
  job.rate_iops = {10, std::nullopt};
  EXPECT_FALSE((Pacer{job, kPacerSeed}.active()));
}

// Mean and variance of an exponential distribution: 1 and 1; e^-1 of it lie above the mean.
TEST(Exponential, HasItsMeanAndIsMemoryless) {
  Rng rng = Rng::stream(kPacerSeed, "test");
  constexpr int kDraws = 100'000;
  double sum = 0;
  double squares = 0;
  int above = 0;
  for (int i = 0; i < kDraws; ++i) {
    const SimDuration drawn = exponential(rng, milliseconds(1));
    EXPECT_EQ(drawn % microseconds(1), SimDuration{});
    const double x = static_cast<double>(drawn.count()) / 1e6;
    sum += x;
    squares += x * x;
    above += x > 1 ? 1 : 0;
  }
  EXPECT_NEAR(sum / kDraws, 1, 0.02);
  EXPECT_NEAR(squares / kDraws, 2, 0.08);
  EXPECT_NEAR(static_cast<double>(above) / kDraws, 0.3679, 0.01);
}

TEST(Pacer, PoissonKeepsTheRateOnAverage) {
  Pacer pacer{paced(1000, RateProcess::kPoisson), kPacerSeed};
  pacer.restart(kBegin);
  SimTime before = kBegin;
  bool uneven = false;
  for (int i = 0; i < 10'000; ++i) {
    pacer.issued(Direction::kWrite, kibibytes(4));
    const SimTime due = pacer.due(Direction::kWrite);
    EXPECT_GE(due, before);
    uneven = uneven || due - before > milliseconds(3);
    before = due;
  }
  EXPECT_TRUE(uneven);
  EXPECT_NEAR(static_cast<double>((before - kBegin).count()) / 1e9, 10, 0.4);
}

TEST(Pacer, DrawsTheSameTimesAgainWhenReseeded) {
  Pacer pacer{paced(1000, RateProcess::kPoisson), kPacerSeed};
  std::vector<SimTime> loops[2];
  for (std::vector<SimTime>& times : loops) {
    pacer.restart(kBegin);
    for (int i = 0; i < 20; ++i) {
      pacer.issued(Direction::kWrite, kibibytes(4));
      times.push_back(pacer.due(Direction::kWrite));
    }
    pacer.reseed();
  }
  EXPECT_EQ(loops[0], loops[1]);
}

}  // namespace
}  // namespace wbsim::workload
