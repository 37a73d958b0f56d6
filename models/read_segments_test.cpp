#include "models/read_segments.hpp"

#include <gtest/gtest.h>

namespace wbsim::models {
namespace {

TEST(ReadSegments, HitOnlyWhenOneHoldsAll) {
  ReadSegments segments{2, Sectors{100}};
  EXPECT_FALSE(segments.hit(Lba{0}, Sectors{1}));
  segments.add(Lba{0}, Sectors{50});
  EXPECT_TRUE(segments.hit(Lba{10}, Sectors{40}));
  EXPECT_FALSE(segments.hit(Lba{10}, Sectors{41}));
}

TEST(ReadSegments, ContinueTheOneBeforeAndKeepItsEnd) {
  ReadSegments segments{2, Sectors{100}};
  segments.add(Lba{0}, Sectors{80});
  segments.add(Lba{80}, Sectors{80});
  EXPECT_TRUE(segments.hit(Lba{60}, Sectors{100}));
  EXPECT_FALSE(segments.hit(Lba{59}, Sectors{1}));
}

TEST(ReadSegments, ReplaceTheLeastRecentlyUsed) {
  ReadSegments segments{2, Sectors{100}};
  segments.add(Lba{0}, Sectors{8});
  segments.add(Lba{1000}, Sectors{8});
  EXPECT_TRUE(segments.hit(Lba{0}, Sectors{8}));
  segments.add(Lba{2000}, Sectors{8});
  EXPECT_TRUE(segments.hit(Lba{0}, Sectors{8}));
  EXPECT_FALSE(segments.hit(Lba{1000}, Sectors{8}));
}

TEST(ReadSegments, DropWhatWasWrittenAndWhatFollowsIt) {
  ReadSegments segments{1, Sectors{100}};
  segments.add(Lba{0}, Sectors{100});
  segments.drop(Lba{40}, Sectors{8});
  EXPECT_TRUE(segments.hit(Lba{0}, Sectors{40}));
  EXPECT_FALSE(segments.hit(Lba{40}, Sectors{1}));
  EXPECT_FALSE(segments.hit(Lba{50}, Sectors{1}));
}

TEST(ReadSegments, NoneNeverHit) {
  ReadSegments segments{0, Sectors{0}};
  segments.add(Lba{0}, Sectors{8});
  EXPECT_FALSE(segments.hit(Lba{0}, Sectors{8}));
}

}  // namespace
}  // namespace wbsim::models
