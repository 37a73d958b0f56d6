#include "sim/fs/extent_map.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/fs/free_space.hpp"

namespace wbsim::fs {
namespace {

constexpr PageIndex at(std::int64_t page) { return PageIndex{page}; }

TEST(ExtentMap, NeighboursInFileAndOnDeviceAreOneExtent) {
  ExtentMap map;
  map.insert(at(0), FsBlock{100}, Pages{4}, false);
  map.insert(at(8), FsBlock{108}, Pages{4}, false);
  EXPECT_EQ(map.extents(), 2U);
  map.insert(at(4), FsBlock{104}, Pages{4}, false);
  EXPECT_EQ(map.extents(), 1U);
  EXPECT_EQ(map.find(at(5)).length, Pages{7});
  map.insert(at(12), FsBlock{200}, Pages{1}, false);
  EXPECT_EQ(map.extents(), 2U) << "elsewhere on the device";
  EXPECT_EQ(map.goal(at(12)), FsBlock{112});
  EXPECT_EQ(map.goal(at(0)), std::nullopt);
}

TEST(ExtentMap, WritingAPartOfAnUnwrittenExtentSplitsIt) {
  ExtentMap map;
  map.insert(at(0), FsBlock{100}, Pages{10}, true);
  map.mark_written(at(3), Pages{2});
  EXPECT_EQ(map.extents(), 3U);
  EXPECT_TRUE(map.find(at(2)).unwritten);
  EXPECT_FALSE(map.find(at(3)).unwritten);
  EXPECT_TRUE(map.find(at(5)).unwritten);
  map.mark_written(at(5), Pages{5});
  map.mark_written(at(0), Pages{3});
  EXPECT_EQ(map.extents(), 1U);
}

TEST(ExtentMap, RemovingCutsTheExtentThatReachesOver) {
  ExtentMap map;
  map.insert(at(0), FsBlock{100}, Pages{10}, false);
  map.insert(at(20), FsBlock{300}, Pages{2}, false);
  const auto removed = map.remove_from(at(7));
  ASSERT_EQ(removed.size(), 2U);
  EXPECT_EQ(removed[0].first, FsBlock{107});
  EXPECT_EQ(removed[0].length, FsBlocks{3});
  EXPECT_EQ(map.blocks(), FsBlocks{7});
  EXPECT_TRUE(map.find(at(7)).hole);
  EXPECT_EQ(map.find(at(7)).length, Pages::max());
}

TEST(FreeSpace, GoesOnFromTheGoalAndElseTakesTheFirstRunThatIsLongEnough) {
  FreeSpace space{FsBlock{0}, FsBlocks{100}};
  EXPECT_EQ(space.allocate(std::nullopt, FsBlocks{100}).length, FsBlocks{100});
  space.release(FsBlock{10}, FsBlocks{5});
  space.release(FsBlock{30}, FsBlocks{20});
  space.release(FsBlock{60}, FsBlocks{30});
  const FreeSpace::Run at_goal = space.allocate(FsBlock{12}, FsBlocks{8});
  EXPECT_EQ(at_goal.first, FsBlock{12});
  EXPECT_EQ(at_goal.length, FsBlocks{3}) << "what lies there";
  EXPECT_EQ(space.allocate(FsBlock{20}, FsBlocks{25}).first, FsBlock{60});
  const FreeSpace::Run longest = space.allocate(FsBlock{20}, FsBlocks{50});
  EXPECT_EQ(longest.first, FsBlock{30});
  EXPECT_EQ(longest.length, FsBlocks{20});
}

TEST(FreeSpace, WithoutAGoalGoesOnWhereTheLastAllocationEnded) {
  FreeSpace space{FsBlock{7}, FsBlocks{100}};
  EXPECT_EQ(space.allocate(std::nullopt, FsBlocks{3}).first, FsBlock{7});
  EXPECT_EQ(space.allocate(FsBlock{50}, FsBlocks{4}).first, FsBlock{50});
  EXPECT_EQ(space.allocate(std::nullopt, FsBlocks{1}).first, FsBlock{54});
}

TEST(FreeSpace, ReservedBlocksAreNotAvailable) {
  FreeSpace space{FsBlock{0}, FsBlocks{10}};
  space.reserve(FsBlocks{8});
  EXPECT_DEATH(space.reserve(FsBlocks{3}), "count <= available");
  EXPECT_EQ(space.available(), FsBlocks{2});
  space.unreserve(FsBlocks{8});
  EXPECT_EQ(space.available(), FsBlocks{10});
}

// No block is given out twice, and all that is given back can be had again.
TEST(FreeSpace, NeverGivesABlockTwice) {
  Rng rng = Rng::stream(1, "free space test");
  constexpr std::int64_t kBlocks = 500;
  FreeSpace space{FsBlock{0}, FsBlocks{kBlocks}};
  std::vector<bool> used(kBlocks, false);
  std::vector<FreeSpace::Run> held;
  for (int i = 0; i < 5000; ++i) {
    if (space.free() > FsBlocks{0} && rng.uniform(2) == 0) {
      const auto wanted = FsBlocks{1 + static_cast<std::int64_t>(rng.uniform(40))};
      const FsBlock goal{static_cast<std::int64_t>(rng.uniform(kBlocks))};
      const FreeSpace::Run run = space.allocate(goal, wanted);
      ASSERT_GT(run.length, FsBlocks{0});
      ASSERT_LE(run.length, wanted);
      for (std::int64_t b = 0; b < run.length.count(); ++b) {
        const auto block = static_cast<std::size_t>(run.first.value() + b);
        ASSERT_FALSE(used[block]);
        used[block] = true;
      }
      held.push_back(run);
    } else if (!held.empty()) {
      const std::size_t chosen = rng.uniform(held.size());
      const FreeSpace::Run run = held[chosen];
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(chosen));
      for (std::int64_t b = 0; b < run.length.count(); ++b) {
        used[static_cast<std::size_t>(run.first.value() + b)] = false;
      }
      space.release(run.first, run.length);
    }
  }
  for (const FreeSpace::Run& run : held) {
    space.release(run.first, run.length);
  }
  EXPECT_EQ(space.allocate(FsBlock{0}, FsBlocks{kBlocks}).length, FsBlocks{kBlocks});
}

}  // namespace
}  // namespace wbsim::fs
