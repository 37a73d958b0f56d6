// Defaults of cfq's tunables, in jiffies, and the slices that follow from them.
#include "sim/block/elevators/cfq/cfq_tunables.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {
namespace {

CfqTunables tunables(ElevatorGeneration generation, int hz, const TunableValues& values = {}) {
  const QueueRig owner{RigOptions{.hz = hz}};
  return CfqTunables{{.machine = owner.machine, .generation = generation, .tunables = values}};
}

TEST(CfqTunablesTest, AreTheKernelsAtAThousandHertz) {
  const CfqTunables ticks = tunables(ElevatorGeneration::kV3_6, 1000);
  EXPECT_EQ(ticks.quantum, 8);
  EXPECT_EQ(ticks.fifo_expire[kCfqAsync], 250);
  EXPECT_EQ(ticks.fifo_expire[kCfqSync], 125);
  EXPECT_EQ(ticks.back_seek_max, Sectors{32'768});
  EXPECT_EQ(ticks.back_seek_penalty, 2);
  EXPECT_EQ(ticks.slice[kCfqAsync], 40);
  EXPECT_EQ(ticks.slice[kCfqSync], 100);
  EXPECT_EQ(ticks.slice_async_rq, 2);
  EXPECT_EQ(ticks.slice_idle, 8);
  EXPECT_EQ(ticks.group_idle, 8);
  EXPECT_EQ(ticks.target_latency, 300);
  EXPECT_TRUE(ticks.low_latency);
}

TEST(CfqTunablesTest, HadAQuantumOfFourBefore) {
  EXPECT_EQ(tunables(ElevatorGeneration::kV2_6_18, 1000).quantum, 4);
}

TEST(CfqTunablesTest, AreWholeJiffiesRoundedDown) {
  const CfqTunables ticks = tunables(ElevatorGeneration::kV3_6, 250);
  EXPECT_EQ(ticks.fifo_expire[kCfqAsync], 62) << "250 ms are 62.5";
  EXPECT_EQ(ticks.fifo_expire[kCfqSync], 31);
  EXPECT_EQ(ticks.slice_idle, 2);
  EXPECT_EQ(ticks.target_latency, 75);
}

TEST(CfqTunablesTest, SlicesChangeByAFifthForEachLevel) {
  const CfqTunables ticks = tunables(ElevatorGeneration::kV3_6, 1000);
  std::vector<std::int64_t> sync;
  std::vector<std::int64_t> async;
  std::vector<std::int64_t> requests;
  for (int level = 0; level < kCfqLevels; ++level) {
    sync.push_back(ticks.slice_of(kCfqSync, level));
    async.push_back(ticks.slice_of(kCfqAsync, level));
    requests.push_back(ticks.async_requests_of(level));
  }
  EXPECT_EQ(sync, (std::vector<std::int64_t>{180, 160, 140, 120, 100, 80, 60, 40}));
  EXPECT_EQ(async, (std::vector<std::int64_t>{72, 64, 56, 48, 40, 32, 24, 16}));
  EXPECT_EQ(requests, (std::vector<std::int64_t>{32, 28, 24, 20, 16, 12, 8, 4}));
}

}  // namespace
}  // namespace wbsim::block
