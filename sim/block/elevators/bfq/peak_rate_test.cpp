#include "sim/block/elevators/bfq/peak_rate.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

struct PeakRateScene : Parts {
  explicit PeakRateScene(const Options& options = {}) : Parts(options) {
    advance(milliseconds(100));
  }
  PeakRate peak_rate{state};
};

TEST(PeakRate, StartsAtTwoThirdsOfTheReference) {
  EXPECT_EQ((PeakRateScene{{.rotational = true}}.peak_rate.rate()), 9333U);
  EXPECT_EQ((PeakRateScene{}.peak_rate.rate()), 22'000U);
}

// `count` requests of 256 sectors every `gap`, in sequence or not; the device is never idle.
std::uint32_t rate_after(int count, SimDuration gap, bool sequential) {
  PeakRateScene scene{{.rotational = true}};
  std::int64_t sector = 1000;
  for (int i = 0; i < count; ++i) {
    scene.peak_rate.dispatched(scene.request(sector, 256), true);
    scene.state.in_driver = 1;
    scene.advance(gap);
    sector += sequential ? 256 : 100'000;
  }
  return scene.peak_rate.rate();
}

TEST(PeakRate, FollowsSequencesOverASecond) {
  EXPECT_EQ(rate_after(100, milliseconds(10), true), 9333U) << "the second is not over";
  const std::uint32_t rate = rate_after(101, milliseconds(10), true);
  // 101 * 256 sectors in 1 s are 1694; of nine tenths sequential weight 8: half of each.
  EXPECT_EQ(rate, 9333U / 2 + (101ULL * 256 * 65'536 / 1'000'000) / 2);
}

TEST(PeakRate, DoesNotFollowScatteredRequestsBelowIt) {
  EXPECT_EQ(rate_after(150, milliseconds(10), false), 9333U);
}

TEST(PeakRate, ButFollowsThemAboveIt) {
  EXPECT_GT(rate_after(1100, milliseconds(1), false), 9333U);
}

TEST(PeakRate, SetsTheLargestBudget) {
  PeakRateScene scene{{.rotational = true}};
  std::int64_t sector = 1000;
  for (int i = 0; i < 101; ++i) {
    scene.peak_rate.dispatched(scene.request(sector, 256), true);
    scene.state.in_driver = 1;
    scene.advance(milliseconds(10));
    sector += 256;
  }
  EXPECT_EQ(scene.state.max_budget,
            static_cast<std::int64_t>(scene.peak_rate.rate()) * 1000 * 124 / 65'536);
}

TEST(PeakRate, APauseEndsTheWindow) {
  PeakRateScene scene{{.rotational = true}};
  for (int i = 0; i < 60; ++i) {
    scene.peak_rate.dispatched(scene.request(1000 + 256 * i, 256), true);
    scene.state.in_driver = 1;
    scene.advance(milliseconds(10));
  }
  EXPECT_EQ(scene.peak_rate.rate(), 9333U);
  scene.state.in_driver = 0;
  scene.advance(milliseconds(101));
  scene.peak_rate.dispatched(scene.request(1000 + 256 * 60, 256), true);
  EXPECT_NE(scene.peak_rate.rate(), 9333U) << "600 ms were enough, and they are over";
}

TEST(PeakRate, ACompletionTooLateToBeTheDevicesSpeedEndsTheWindow) {
  PeakRateScene scene{{.rotational = true}};
  for (int i = 0; i < 60; ++i) {
    scene.peak_rate.dispatched(scene.request(1000 + 8 * i, 8), true);
    scene.state.in_driver = 1;
    scene.advance(milliseconds(10));
  }
  scene.state.last_completion = scene.clock.now() - milliseconds(8);
  scene.peak_rate.completed(scene.clock.now());  // 8 sectors in 8 ms
  EXPECT_EQ(scene.peak_rate.rate(), 9333U);
  scene.state.last_completion = scene.clock.now() - milliseconds(9);
  scene.peak_rate.completed(scene.clock.now());
  EXPECT_NE(scene.peak_rate.rate(), 9333U);
}

}  // namespace
}  // namespace wbsim::block::bfq
