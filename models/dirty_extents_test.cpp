#include "models/dirty_extents.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "models/test_parameters.hpp"
#include "sim/base/rng.hpp"

namespace wbsim::models {
namespace {

using Range = std::pair<std::int64_t, std::int64_t>;  // first and end

class DirtyExtentsTest : public testing::Test {
 protected:
  void add(std::int64_t first, std::int64_t length, std::int64_t longest = 1000) {
    extents_.add(Lba{first}, Sectors{length}, Sectors{longest});
  }
  std::vector<Range> all() { return near(0, 1000); }
  std::vector<Range> near(std::int64_t around, int most) {
    std::vector<Range> ranges;
    extents_.visit_near(Lba{around}, most, [&ranges](DirtyExtents::Extent& e) {
      ranges.emplace_back(e.first.value(), e.end().value());
    });
    std::sort(ranges.begin(), ranges.end());
    return ranges;
  }

  Geometry geometry_{2, small_hdd().zones};
  DirtyExtents extents_{geometry_};
};

TEST_F(DirtyExtentsTest, JoinNeighboursUpToTheLongest) {
  add(0, 8, 16);
  add(8, 8, 16);
  EXPECT_EQ(all(), (std::vector<Range>{{0, 16}}));
  add(16, 8, 16);
  EXPECT_EQ(all(), (std::vector<Range>{{0, 16}, {16, 24}}));
}

TEST_F(DirtyExtentsTest, JoinWhatOverlapsWhateverItsLength) {
  add(0, 8, 8);
  add(20, 8, 8);
  add(4, 20, 8);
  EXPECT_EQ(all(), (std::vector<Range>{{0, 28}}));
  EXPECT_EQ(extents_.sectors(), Sectors{28});
}

TEST_F(DirtyExtentsTest, CutTakesOutTheMiddle) {
  add(0, 30);
  extents_.cut(Lba{10}, Sectors{5});
  EXPECT_EQ(all(), (std::vector<Range>{{0, 10}, {15, 30}}));
  extents_.cut(Lba{0}, Sectors{100});
  EXPECT_TRUE(extents_.empty());
}

TEST_F(DirtyExtentsTest, ShowTheNearestOnEitherSide) {
  for (std::int64_t i = 0; i < 10; ++i) {
    add(i * 100, 8);
  }
  EXPECT_EQ(near(450, 2), (std::vector<Range>{{300, 308}, {400, 408}, {500, 508}, {600, 608}}));
  EXPECT_EQ(near(0, 1), (std::vector<Range>{{0, 8}}));
}

// Against a set of single sectors.
TEST_F(DirtyExtentsTest, HoldWhatWasAddedAndNotCut) {
  Rng rng = Rng::stream(1, "dirty_extents");
  std::set<std::int64_t> expected;
  for (int i = 0; i < 3000; ++i) {
    const auto first = static_cast<std::int64_t>(rng.uniform(400));
    const auto length = static_cast<std::int64_t>(1 + rng.uniform(20));
    const bool cut = rng.uniform(3) == 0;
    for (std::int64_t s = first; s < first + length; ++s) {
      cut ? static_cast<void>(expected.erase(s)) : static_cast<void>(expected.insert(s));
    }
    if (cut) {
      extents_.cut(Lba{first}, Sectors{length});
    } else {
      add(first, length, 24);
    }
    ASSERT_EQ(extents_.sectors(), Sectors{static_cast<std::int64_t>(expected.size())});
    ASSERT_EQ(all().size(), extents_.count());
    for (const auto& [begin, end] : all()) {
      for (std::int64_t s = begin; s < end; ++s) {
        ASSERT_TRUE(expected.contains(s)) << s;
      }
      ASSERT_TRUE(extents_.contains(Lba{begin}, Sectors{end - begin}));
      ASSERT_FALSE(extents_.contains(Lba{begin}, Sectors{end - begin + 1}));
    }
  }
}

}  // namespace
}  // namespace wbsim::models
