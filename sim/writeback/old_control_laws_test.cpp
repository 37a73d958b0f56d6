// Limits and control laws of v2.6.18 and v3.6, by numbers worked out from their formulas.
#include <gtest/gtest.h>

#include <cstdint>

#include "sim/writeback/dirty_limits.hpp"
#include "sim/writeback/position_ratio.hpp"

namespace wbsim::writeback {
namespace {

VmSysctl ratios_of(int dirty, int background) {
  VmSysctl vm;
  vm.dirty_ratio = dirty;
  vm.dirty_background_ratio = background;
  return vm;
}

void expect_old_limits(const DirtyLimits& limits, std::int64_t thresh, std::int64_t background) {
  EXPECT_EQ(limits.thresh, Pages{thresh});
  EXPECT_EQ(limits.bg_thresh, Pages{background});
}

// --- v3.6 ---------------------------------------------------------------------------------------

TEST(LimitsOf36, AreExactParts) {
  const Pages avail{2'000'000};
  expect_old_limits(global_dirty_limits(ratios_of(20, 10), avail, false), 400'000, 200'000);
  expect_old_limits(global_dirty_limits(ratios_of(20, 10), Pages{1'000'033}, false), 200'006,
                    100'003);
}

TEST(LimitsOf36, ARealTimeTaskSeesThemRaisedByAQuarterAndNothingElse) {
  expect_old_limits(global_dirty_limits(ratios_of(20, 10), Pages{2'000'000}, true), 500'000,
                    250'000);
}

TEST(LimitsOf36, BackgroundAtOrAboveTheLimitIsHalfOfIt) {
  expect_old_limits(global_dirty_limits(ratios_of(10, 10), Pages{2'000'000}, false), 200'000,
                    100'000);
}

TEST(LimitsOf36, BytesWinAndRoundUp) {
  VmSysctl vm = ratios_of(20, 10);
  vm.dirty_bytes = mebibytes(256) + Bytes{1};
  vm.dirty_background_bytes = mebibytes(64);
  expect_old_limits(global_dirty_limits(vm, Pages{2'000'000}, false), 65'537, 16'384);
}

TEST(LawsOf36, ThePolynomialIsNotClamped) {
  const Pages setpoint{349'853};
  const Pages limit{399'902};
  const auto ratio = [&](std::int64_t dirty) {
    return pos_ratio_polynom(setpoint, Pages{dirty}, limit, ControlLaws::kV3_6);
  };
  EXPECT_EQ(ratio(0), 350'640);
  EXPECT_EQ(ratio(299'804), 2045);
  EXPECT_EQ(ratio(319'804), 1244);
  EXPECT_EQ(ratio(349'853), 1024);
  EXPECT_EQ(ratio(379'853), 804);
  EXPECT_EQ(ratio(399'901), 2);
}

TEST(LawsOf36, ThePositionRatioOfAMachineWithFewDirtyPagesHasNoBound) {
  PositionInput in{.dirty = Pages{200'000},
                   .thresh = Pages{399'902},
                   .bg_thresh = Pages{199'707},
                   .dirty_limit = Pages{0},
                   .wb_dirty = Pages{200'000},
                   .wb_thresh = Pages{399'902},
                   .wb_bg_thresh = Pages{0},
                   .avg_write_bandwidth = Pages{25'600}};
  EXPECT_EQ(wb_position_ratio(in).pos_ratio, 3546);
  in.laws = ControlLaws::kV3_6;
  EXPECT_EQ(wb_position_ratio(in).pos_ratio, 49'323);
}

// --- v2.6.18 ------------------------------------------------------------------------------------

TEST(LimitsOf2618, ArePartsOfAllMemory) {
  expect_old_limits(get_dirty_limits(ratios_of(40, 10), {Pages{1'000'000}, Pages{0}}, false),
                    400'000, 100'000);
}

TEST(LimitsOf2618, HalfOfWhatIsNotMappedIsTheMost) {
  expect_old_limits(get_dirty_limits(ratios_of(40, 10), {Pages{1'000'000}, Pages{300'000}}, false),
                    350'000, 100'000);
}

TEST(LimitsOf2618, FivePercentAreTheLeastAndTheBackgroundStaysBelow) {
  expect_old_limits(get_dirty_limits(ratios_of(40, 10), {Pages{1'000'000}, Pages{950'000}}, false),
                    50'000, 20'000);
  expect_old_limits(get_dirty_limits(ratios_of(1, 10), {Pages{1'000'000}, Pages{0}}, false), 50'000,
                    20'000);
}

TEST(LimitsOf2618, ARealTimeTaskSeesThemRaisedByAQuarter) {
  expect_old_limits(get_dirty_limits(ratios_of(40, 10), {Pages{1'000'000}, Pages{0}}, true),
                    500'000, 125'000);
}

TEST(LimitsOf2618, ATaskLooksAfterAPartOfMemoryAtMost4MiB) {
  EXPECT_EQ(old_ratelimit_pages(Pages{1'000'000}, 1), 1024);
  EXPECT_EQ(old_ratelimit_pages(Pages{100'000}, 4), 781);
  EXPECT_EQ(old_ratelimit_pages(Pages{100}, 1), 16);
}

}  // namespace
}  // namespace wbsim::writeback
