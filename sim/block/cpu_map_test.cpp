#include "sim/block/cpu_map.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace wbsim::block {
namespace {

using Map = std::vector<int>;

TEST(CpuMap, InTurnGoesThroughTheQueuesAgainAndAgain) {
  EXPECT_EQ(map_queues(6, 4, CpuSpread::kInTurn), (Map{0, 1, 2, 3, 0, 1}));
  EXPECT_EQ(map_queues(5, 2, CpuSpread::kInTurn), (Map{0, 1, 0, 1, 0}));
}

TEST(CpuMap, ConsecutiveCpusShareAQueueTheFirstQueuesHavingMore) {
  EXPECT_EQ(map_queues(6, 4, CpuSpread::kConsecutive), (Map{0, 0, 1, 1, 2, 3}));
  EXPECT_EQ(map_queues(5, 2, CpuSpread::kConsecutive), (Map{0, 0, 0, 1, 1}));
}

TEST(CpuMap, OfAsManyQueuesAsCpusEachHasItsOwn) {
  for (const CpuSpread spread : {CpuSpread::kInTurn, CpuSpread::kConsecutive}) {
    EXPECT_EQ(map_queues(3, 3, spread), (Map{0, 1, 2}));
    EXPECT_EQ(map_queues(3, 1, spread), (Map{0, 0, 0}));
  }
}

}  // namespace
}  // namespace wbsim::block
