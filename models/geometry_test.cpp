#include "models/geometry.hpp"

#include <gtest/gtest.h>

#include "models/test_parameters.hpp"

namespace wbsim::models {
namespace {

// A cylinder of the outer zone holds 200 sectors, one of the inner zone 100.
Geometry small() { return {2, small_hdd().zones}; }

TEST(Geometry, HoldsWhatItsZonesHold) {
  EXPECT_EQ(small().capacity(), Sectors{64 * 200 + 32 * 100});
  EXPECT_EQ(small().cylinders(), 96);
}

TEST(Geometry, CountsAlongTheTrackThenHeadsThenCylinders) {
  const Geometry g = small();
  EXPECT_EQ(g.place(Lba{99}).head, 0);
  EXPECT_EQ(g.place(Lba{100}).head, 1);
  EXPECT_EQ(g.place(Lba{199}).cylinder, 0);
  EXPECT_EQ(g.place(Lba{200}).cylinder, 1);
  EXPECT_EQ(g.place(Lba{200}).head, 0);
  EXPECT_EQ(g.place(Lba{130}).sectors_left, Sectors{70});
}

TEST(Geometry, CrossesIntoTheInnerZone) {
  const Geometry g = small();
  EXPECT_EQ(g.place(Lba{12'799}).cylinder, 63);
  EXPECT_EQ(g.place(Lba{12'799}).track, Sectors{100});
  EXPECT_EQ(g.place(Lba{12'800}).cylinder, 64);
  EXPECT_EQ(g.place(Lba{12'800}).track, Sectors{50});
  EXPECT_EQ(g.place(Lba{12'800}).angle, 0);
  EXPECT_EQ(g.place(Lba{15'999}).cylinder, 95);
}

// A switch of heads (0.5 ms of 10 ms) is 5 of 100 sectors, a step (1 ms) 10.
TEST(Geometry, TurnsTracksByTheirSkew) {
  const Geometry g = small();
  const auto sectors_from_zero = [&g](std::int64_t lba) {
    return g.place(Lba{lba}).angle / (kTurn / 100);
  };
  EXPECT_EQ(sectors_from_zero(7), 7);
  EXPECT_EQ(sectors_from_zero(100), 5);
  EXPECT_EQ(sectors_from_zero(200), 15);
  EXPECT_EQ(sectors_from_zero(300), 20);
  EXPECT_EQ(sectors_from_zero(400), 30);
  EXPECT_EQ(sectors_from_zero(195), 0) << "a track ends where it begins";
}

TEST(Geometry, RoundsSkewsUp) {
  EXPECT_EQ(skew_covering(microseconds(500), Sectors{50}, 6000), Sectors{3});
  EXPECT_EQ(skew_covering(microseconds(500), Sectors{100}, 6000), Sectors{5});
  EXPECT_EQ(skew_covering(milliseconds(10), Sectors{100}, 6000), Sectors{0}) << "a whole turn";
}

}  // namespace
}  // namespace wbsim::models
