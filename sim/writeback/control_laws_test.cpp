// The control laws of throttling, by numbers worked out from the formulas of v5.10.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "sim/writeback/bandwidth.hpp"
#include "sim/writeback/dirty_limits.hpp"
#include "sim/writeback/pause.hpp"
#include "sim/writeback/position_ratio.hpp"

namespace wbsim::writeback {
namespace {

constexpr Pages kThresh{399902};
constexpr Pages kBackground{199707};

VmSysctl ratios(int dirty, int background) {
  VmSysctl vm;
  vm.dirty_ratio = dirty;
  vm.dirty_background_ratio = background;
  return vm;
}

void expect_limits(const DirtyLimits& limits, std::int64_t thresh, std::int64_t background) {
  EXPECT_EQ(limits.thresh, Pages{thresh});
  EXPECT_EQ(limits.bg_thresh, Pages{background});
}

TEST(DirtyLimits, RatiosAreTakenInStepsOf4096th) {
  const Pages none{0};
  expect_limits(domain_dirty_limits(ratios(20, 10), Pages{2'000'000}, none, false), 399902, 199707);
  expect_limits(domain_dirty_limits(ratios(40, 10), Pages{1'000'000}, none, false), 399902, 99853);
}

TEST(DirtyLimits, BytesWinOverRatiosAndRoundUpToPages) {
  VmSysctl vm;
  vm.dirty_bytes = mebibytes(256);
  vm.dirty_background_bytes = mebibytes(64);
  expect_limits(domain_dirty_limits(vm, Pages{2'000'000}, Pages{0}, false), 65536, 16384);
  vm.dirty_bytes += Bytes{1};
  expect_limits(domain_dirty_limits(vm, Pages{2'000'000}, Pages{0}, false), 65537, 16384);
}

TEST(DirtyLimits, BackgroundAtOrAboveThreshIsHalfOfIt) {
  expect_limits(domain_dirty_limits(ratios(10, 20), Pages{2'000'000}, Pages{0}, false), 199707,
                99853);
  expect_limits(domain_dirty_limits(ratios(10, 10), Pages{2'000'000}, Pages{0}, false), 199707,
                99853);
}

TEST(DirtyLimits, RealTimeTasksSeeThemRaised) {
  expect_limits(domain_dirty_limits(ratios(20, 10), Pages{2'000'000}, Pages{400'000}, true), 512377,
                262133);
}

TEST(DirtyLimits, FreerunEndsHalfWayAndTheHardLimitIsTheLarger) {
  EXPECT_EQ(dirty_freerun_ceiling(kThresh, kBackground), Pages{299804});
  EXPECT_EQ(hard_dirty_limit(Pages{450'000}, kThresh), Pages{450'000});
  EXPECT_EQ(hard_dirty_limit(Pages{0}, kThresh), kThresh);
}

TEST(WbThresh, IsTheShareOfCompletionsWithinMinAndMax) {
  EXPECT_EQ(wb_calc_thresh(kThresh, {3, 4}, {}), Pages{299926});
  EXPECT_EQ(wb_calc_thresh(kThresh, {1, 4}, {.max_ratio = 1}), Pages{3999});
  EXPECT_EQ(wb_calc_thresh(kThresh, {1, 4}, {.min_ratio = 10, .min_ratio_sum = 10}), Pages{129967});
  EXPECT_EQ(wb_calc_thresh(kThresh, {0, 1}, {}), Pages{0});
  EXPECT_EQ(wb_calc_thresh(kThresh, {0, 1}, {.min_ratio = 10, .min_ratio_sum = 10}), Pages{39990});
}

TEST(StatError, GrowsWithCpusTimesTheirLogarithm) {
  EXPECT_EQ(wb_stat_error(1), Pages{8});
  EXPECT_EQ(wb_stat_error(4), Pages{96});
  EXPECT_EQ(wb_stat_error(8), Pages{256});
  EXPECT_EQ(wb_stat_error(64), Pages{3584});
}

TEST(PollInterval, IsTheRootOfTheRoomRoundedDownToAPowerOfTwo) {
  EXPECT_EQ(dirty_poll_interval(Pages{0}, kThresh), Pages{512});
  EXPECT_EQ(dirty_poll_interval(Pages{299804}, kThresh), Pages{256});
  EXPECT_EQ(dirty_poll_interval(Pages{399901}, kThresh), Pages{1});
  EXPECT_EQ(dirty_poll_interval(kThresh, kThresh), Pages{1});
  EXPECT_EQ(dirty_poll_interval(kThresh + Pages{1}, kThresh), Pages{1});
}

TEST(RatelimitPages, SharesTheThresholdBetweenCpus) {
  EXPECT_EQ(ratelimit_pages(kThresh, 1), 12496);
  EXPECT_EQ(ratelimit_pages(kThresh, 4), 3124);
  EXPECT_EQ(ratelimit_pages(kThresh, 16), 781);
  EXPECT_EQ(ratelimit_pages(kThresh, 64), 195);
  EXPECT_EQ(ratelimit_pages(Pages{511}, 1), 16);
}

TEST(Polynom, HasTheKernelsValues) {
  struct Vector {
    std::int64_t dirty, ratio;
  };
  constexpr std::array<Vector, 7> kVectors{{{299804, 2048},
                                            {319804, 1244},
                                            {339853, 1031},
                                            {349853, 1024},
                                            {359853, 1016},
                                            {379853, 804},
                                            {399901, 2}}};
  for (const Vector& v : kVectors) {
    EXPECT_EQ(pos_ratio_polynom(Pages{349853}, Pages{v.dirty}, kThresh), v.ratio) << v.dirty;
  }
}

// The numbered properties in the header.
TEST(Polynom, IsOneAtTheSetpointZeroAtTheLimitFlatBetweenAndFallsThroughout) {
  const Pages setpoint{349853};
  EXPECT_EQ(pos_ratio_polynom(setpoint, setpoint, kThresh), 1024);
  EXPECT_LE(pos_ratio_polynom(setpoint, kThresh, kThresh), 1);
  EXPECT_GE(pos_ratio_polynom(setpoint, setpoint + Pages{1000}, kThresh), 1022);
  std::int64_t last = 2048;
  for (Pages dirty{0}; dirty < kThresh + Pages{50'000}; dirty += Pages{997}) {
    const std::int64_t ratio = pos_ratio_polynom(setpoint, dirty, kThresh);
    EXPECT_LE(ratio, last);
    EXPECT_GE(ratio, 0);
    last = ratio;
  }
}

PositionInput position(std::int64_t dirty_limit, std::int64_t dirty, std::int64_t wb_thresh,
                       std::int64_t wb_dirty, std::int64_t bandwidth) {
  return {.dirty = Pages{dirty},
          .thresh = kThresh,
          .bg_thresh = kBackground,
          .dirty_limit = Pages{dirty_limit},
          .wb_dirty = Pages{wb_dirty},
          .wb_thresh = Pages{wb_thresh},
          .wb_bg_thresh = Pages{wb_thresh / 2},
          .avg_write_bandwidth = Pages{bandwidth}};
}

TEST(PositionRatio, HasTheKernelsValues) {
  const auto ratio = [](const PositionInput& in) { return wb_position_ratio(in).pos_ratio; };
  EXPECT_EQ(ratio(position(0, 349853, 399902, 349853, 25600)), 1023);
  EXPECT_EQ(ratio(position(0, 349853, 399902, 369853, 25600)), 923);
  EXPECT_EQ(ratio(position(0, 319853, 399902, 319853, 25600)), 1425);
  EXPECT_EQ(ratio(position(0, 300804, 0, 2000, 2560)), 10441);
  EXPECT_EQ(ratio(position(0, 349853, 39990, 39990, 2560)), 889);
  EXPECT_EQ(ratio(position(0, 399802, 99975, 100, 25600)), 104);
  EXPECT_EQ(ratio(position(450000, 420000, 399902, 420000, 25600)), 626);
}

TEST(PositionRatio, SetpointFollowsASlowlyFallingDirtyLimit) {
  EXPECT_EQ(wb_position_ratio(position(0, 1, 1, 1, 25600)).setpoint, Pages{349853});
  const PositionResult result = wb_position_ratio(position(450000, 420000, 399902, 420000, 25600));
  EXPECT_EQ(result.setpoint, Pages{374902});
  EXPECT_EQ(result.limit, Pages{450000});
}

TEST(PositionRatio, IsZeroFromTheHardLimitOn) {
  EXPECT_GT(wb_position_ratio(position(0, 399000, 399902, 399000, 25600)).pos_ratio, 0);
  EXPECT_EQ(wb_position_ratio(position(0, 399902, 399902, 1, 25600)).pos_ratio, 0);
}

TEST(PositionRatio, FarBeyondTheDevicesSetpointOnlyAQuarterIsLeft) {
  // span/4 before the x intercept the line ends: pos_ratio/4 holds from there on.
  const std::int64_t at_setpoint =
      wb_position_ratio(position(0, 349853, 39990, 18000, 2560)).pos_ratio;
  EXPECT_EQ(wb_position_ratio(position(0, 349853, 39990, 300000, 2560)).pos_ratio, 1024 / 4);
  EXPECT_GT(at_setpoint, 1024 / 4);
}

TEST(PositionRatio, StrictLimitDevicesFollowTheirOwnLimitsAlone) {
  PositionInput in = position(0, 319804, 1000, 7, 2560);
  in.strict_limit = true;
  EXPECT_EQ(wb_position_ratio(in).pos_ratio, 2048);  // below 8 pages: twice, at most 2
  in.wb_dirty = Pages{1000};
  EXPECT_EQ(wb_position_ratio(in).pos_ratio, 0);
  in.wb_dirty = Pages{750};  // its own set-point
  EXPECT_EQ(wb_position_ratio(in).pos_ratio, 1024);
  in.wb_thresh = Pages{1};
  in.wb_bg_thresh = Pages{0};
  EXPECT_EQ(wb_position_ratio(in).pos_ratio, 0);
}

TEST(WriteBandwidth, FollowsTheKernelsSequence) {
  struct Step {
    std::int64_t written, current, average;
  };
  constexpr std::array<Step, 8> kSteps{{{2500, 24960, 25600},
                                        {2500, 24351, 25520},
                                        {2500, 23772, 25374},
                                        {10000, 25052, 25374},
                                        {10000, 26270, 25374},
                                        {0, 24987, 25374},
                                        {0, 23766, 25326},
                                        {2560, 23230, 25131}}};
  for (const int hz : {250, 1000}) {
    WriteBandwidth bandwidth{kInitialBandwidth, kInitialBandwidth};
    for (const Step& step : kSteps) {
      bandwidth = update_write_bandwidth(bandwidth, Pages{step.written}, hz / 5, hz);
      EXPECT_EQ(bandwidth.current, Pages{step.current}) << hz;
      EXPECT_EQ(bandwidth.average, Pages{step.average}) << hz;
    }
  }
}

TEST(WriteBandwidth, BeyondItsPeriodItIsThePlainRate) {
  const WriteBandwidth old{kInitialBandwidth, kInitialBandwidth};
  const WriteBandwidth in_period = update_write_bandwidth(old, Pages{1024}, 1024, 250);
  EXPECT_EQ(in_period.current, Pages{250});  // the whole period: nothing of the old is left
  EXPECT_EQ(in_period.average, Pages{25600});
  const WriteBandwidth beyond = update_write_bandwidth(old, Pages{1025}, 1025, 250);
  EXPECT_EQ(beyond.current, Pages{250});
  EXPECT_EQ(beyond.average, Pages{250});
  EXPECT_EQ(update_write_bandwidth(old, Pages{0}, 2000, 250).average, Pages{1});
}

TEST(WriteBandwidth, PagesTakenBackCountAsNone) {
  const WriteBandwidth old{kInitialBandwidth, kInitialBandwidth};
  EXPECT_EQ(update_write_bandwidth(old, Pages{-500}, 50, 250).current,
            update_write_bandwidth(old, Pages{0}, 50, 250).current);
}

TEST(DirtyLimit, FallsByA32ndOfTheDistanceAndRisesAtOnce) {
  Pages limit{400'000};
  for (const std::int64_t expected : {397188, 394464, 391825, 389268, 386791}) {
    limit = update_dirty_limit(limit, Pages{300'000}, Pages{310'000});
    EXPECT_EQ(limit, Pages{expected});
  }
  EXPECT_EQ(update_dirty_limit(Pages{299'999}, Pages{300'000}, Pages{0}), Pages{300'000});
}

RatelimitResult ratelimit(std::int64_t limit, std::int64_t balanced, std::int64_t pos_ratio,
                          std::int64_t bandwidth, std::int64_t dirtied, std::int64_t dirty) {
  return update_dirty_ratelimit({.dirty_ratelimit = Pages{limit},
                                 .balanced_dirty_ratelimit = Pages{balanced},
                                 .pos_ratio = pos_ratio,
                                 .avg_write_bandwidth = Pages{bandwidth},
                                 .dirtied = Pages{dirtied},
                                 .elapsed = 50,
                                 .dirty = Pages{dirty},
                                 .setpoint = Pages{349853}},
                                250);
}

void expect_rate(const RatelimitResult& result, std::int64_t limit, std::int64_t balanced) {
  EXPECT_EQ(result.dirty_ratelimit, Pages{limit});
  EXPECT_EQ(result.balanced_dirty_ratelimit, Pages{balanced});
}

TEST(DirtyRatelimit, HasTheKernelsValues) {
  expect_rate(ratelimit(25600, 12000, 300, 12800, 5120, 390000), 23900, 3750);
  expect_rate(ratelimit(25600, 12000, 900, 12800, 2560, 360000), 25575, 12800);
  expect_rate(ratelimit(3200, 6000, 1600, 25600, 640, 310000), 3426, 25600);
  expect_rate(ratelimit(12800, 12700, 1010, 12800, 2600, 352000), 12800, 12430);
}

TEST(DirtyRatelimit, RampUpNeedsTwoIntervals) {
  const RatelimitResult first = ratelimit(1, 1, 2048, 25600, 1, 310000);
  expect_rate(first, 1, 15360);
  const RatelimitResult second =
      ratelimit(1, first.balanced_dirty_ratelimit.count(), 2048, 25600, 1, 310000);
  EXPECT_GT(second.dirty_ratelimit, Pages{1});
}

TEST(DirtyRatelimit, NeverMovesAgainstTheSideOfTheSetpoint) {
  // Below the set-point it does not fall, above it does not rise, whatever the estimates say.
  EXPECT_GE(ratelimit(20000, 100, 1500, 1000, 6000, 310000).dirty_ratelimit, Pages{20000});
  EXPECT_LE(ratelimit(100, 20000, 500, 25600, 20, 390000).dirty_ratelimit, Pages{100});
  EXPECT_EQ(ratelimit(1, 1, 1, 1, 5000, 390000).dirty_ratelimit, Pages{1});
}

TEST(Pause, HasTheKernelsValues) {
  struct Vector {
    int hz;
    std::int64_t wb_dirty, bandwidth, ratelimit, task_ratelimit, max, min, pages;
  };
  constexpr std::array<Vector, 8> kVectors{{
      {250, 300000, 25600, 25600, 25600, 50, 2, 200},
      {250, 300000, 25600, 3200, 3200, 50, 5, 112},
      {250, 5000, 25600, 400, 200, 7, 7, 5},
      {250, 300000, 2560, 320, 320, 50, 13, 32},
      {1000, 300000, 25600, 25600, 25600, 200, 6, 250},
      {1000, 300000, 25600, 3200, 3200, 200, 20, 121},
      {1000, 5000, 25600, 400, 200, 25, 25, 4},
      {1000, 300000, 2560, 320, 320, 200, 51, 32},
  }};
  for (const Vector& v : kVectors) {
    const std::int64_t max = wb_max_pause(Pages{v.wb_dirty}, Pages{v.bandwidth}, v.hz);
    const MinPause min =
        wb_min_pause(max, Pages{v.bandwidth}, Pages{v.ratelimit}, Pages{v.task_ratelimit}, v.hz);
    EXPECT_EQ(max, v.max);
    EXPECT_EQ(min.pause, v.min) << v.hz << " " << v.ratelimit;
    EXPECT_EQ(min.nr_dirtied_pause, Pages{v.pages}) << v.hz << " " << v.ratelimit;
  }
}

TEST(Pause, AVerySlowDeviceLeavesNoPagesBetweenPauses) {
  for (const int hz : {250, 1000}) {
    const std::int64_t max = wb_max_pause(Pages{1000}, Pages{256}, hz);
    EXPECT_EQ(wb_min_pause(max, Pages{256}, Pages{2}, Pages{1}, hz).nr_dirtied_pause, Pages{0});
  }
}

TEST(Pause, IsAtMostAFifthOfASecondAndAtLeastOneJiffy) {
  for (const int hz : {100, 250, 300, 1000}) {
    EXPECT_EQ(wb_max_pause(Pages{1'000'000}, Pages{1}, hz), hz / 5);
    EXPECT_EQ(wb_max_pause(Pages{0}, Pages{25600}, hz), 1);
  }
}

}  // namespace
}  // namespace wbsim::writeback
