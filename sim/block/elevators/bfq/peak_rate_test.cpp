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

std::uint32_t rate_of(std::uint64_t sectors, std::uint64_t us) {
  return static_cast<std::uint32_t>((sectors << 16U) / us);
}

TEST(PeakRate, NeedsThirtyTwoSamples) {
  EXPECT_EQ(rate_after(33, milliseconds(40), true), 9333U) << "26 in a second";
  EXPECT_NE(rate_after(35, milliseconds(32), true), 9333U) << "33 in 1024 ms";
}

// Forty requests every `gap`, then a pause that ends the window.
struct PausedScene : PeakRateScene {
  explicit PausedScene(SimDuration gap, const Options& options = {.rotational = true})
      : PeakRateScene(options) {
    for (int i = 0; i < 40; ++i) {
      peak_rate.dispatched(request(1000 + 256 * i, 256), true);
      state.in_driver = 1;
      advance(gap);
    }
  }
  void pause() {
    state.in_driver = 0;
    advance(milliseconds(101));
    peak_rate.dispatched(request(1000 + 256 * 40, 256), true);
  }
};

TEST(PeakRate, NeedsAWindowOfThreeHundredMilliseconds) {
  PausedScene brief{microseconds(7692)};  // the last one after 299.988 ms
  brief.pause();
  EXPECT_EQ(brief.peak_rate.rate(), 9333U);
  PausedScene enough{microseconds(7693)};
  enough.pause();
  EXPECT_NE(enough.peak_rate.rate(), 9333U);
}

// Of nine tenths 39/40 are 8; of 390 ms three tenths, so that the new rate counts a seventh.
TEST(PeakRate, AShortWindowCountsLess) {
  PausedScene scene{milliseconds(10)};
  scene.pause();
  EXPECT_EQ(scene.peak_rate.rate(), 9333U * 6 / 7 + rate_of(std::uint64_t{40} * 256, 390'000) / 7);
}

// The last request is completed after 1190 ms: nine tenths, of which eight count.
TEST(PeakRate, AWindowLastsToItsLastCompletionAndCountsFourFifthsAtMost) {
  PausedScene scene{milliseconds(10)};
  scene.advance(milliseconds(790));
  scene.state.last_completion = scene.clock.now();
  scene.pause();
  EXPECT_EQ(scene.peak_rate.rate(), 9333U / 2 + rate_of(std::uint64_t{40} * 256, 1'190'000) / 2);
}

TEST(PeakRate, OneThatIsSequentialInPartCountsLess) {
  PeakRateScene scene{{.rotational = true}};
  std::int64_t sector = 1000;
  for (int i = 0; i < 101; ++i) {
    scene.peak_rate.dispatched(scene.request(sector, 256), true);
    scene.state.in_driver = 1;
    scene.advance(milliseconds(10));
    sector += i % 5 == 0 ? 100'000 : 256;
  }
  // 80 of 101 are sequential: seven tenths.
  EXPECT_EQ(scene.peak_rate.rate(),
            9333U * 2 / 3 + rate_of(std::uint64_t{101} * 256, 1'000'000) / 3);
}

TEST(PeakRate, IsNotWhatNoDeviceReaches) {
  PeakRateScene scene;
  for (int i = 0; i < 1001; ++i) {
    scene.peak_rate.dispatched(scene.request(1000 + 30'000 * i, 30'000), true);
    scene.state.in_driver = 1;
    scene.advance(milliseconds(1));
  }
  EXPECT_EQ(scene.peak_rate.rate(), 22'000U);
}

TEST(PeakRate, OnlyBackToBackRequestsAreSequential) {
  for (const bool idle : {true, false}) {
    PeakRateScene scene{{.rotational = true}};
    for (int i = 0; i < 101; ++i) {
      scene.peak_rate.dispatched(scene.request(1000 + 256 * i, 256), true);
      scene.state.last_completion = scene.clock.now() + milliseconds(idle ? 8 : 9);
      scene.advance(milliseconds(10));
    }
    EXPECT_EQ(scene.peak_rate.rate() == 9333U, idle) << "idle for 2 ms before each";
  }
}

// The 32nd dispatch forgets the large one before it, so that 9 ms are too late for what is left.
TEST(PeakRate, ALargeRequestExplainsALateCompletionForThirtyTwoDispatches) {
  for (const int count : {63, 64}) {
    PeakRateScene scene{{.rotational = true}};
    for (int i = 0; i < count; ++i) {
      scene.state.in_driver = 1;
      scene.advance(milliseconds(10));
      scene.peak_rate.dispatched(scene.request(90'000 + 8 * i, i == 40 ? 1000 : 8), true);
    }
    scene.state.last_completion = scene.clock.now() - milliseconds(9);
    scene.peak_rate.completed(scene.clock.now());
    EXPECT_EQ(scene.peak_rate.rate() != 9333U, count == 64);
  }
}

TEST(PeakRate, KnowsWhereTheLastRequestOfTheQueueInServiceEnds) {
  PeakRateScene scene;
  scene.peak_rate.dispatched(scene.request(1000), true);
  scene.peak_rate.dispatched(scene.request(90'000), false);
  EXPECT_EQ(scene.state.last_position, Lba{90'008});
  EXPECT_EQ(scene.state.last_position_in_service, Lba{1008});
}

TEST(PeakRate, SetsNoBudgetThatTheUserHasSetAndAtOnceWhereATimeoutIsSet) {
  PausedScene scene{milliseconds(10), {.rotational = true, .tunables = {{"max_budget", 1000}}}};
  scene.pause();
  EXPECT_EQ(scene.state.max_budget, 1000);
  const PeakRateScene timeout{{.rotational = true, .tunables = {{"timeout_sync", 40}}}};
  EXPECT_EQ(timeout.state.max_budget, 9333 * 1000 * 40 / 65'536);
}

TEST(PeakRate, RaisingLastsThreeSecondsAtLeastAndTwentyFiveAtMost) {
  PeakRateScene fast;
  for (int i = 0; i < 3000; ++i) {
    fast.peak_rate.dispatched(fast.request(1000 + 2000 * i, 2000), true);
    fast.state.in_driver = 1;
    fast.advance(milliseconds(1));
  }
  EXPECT_EQ(fast.peak_rate.raise_duration(), 3000U / 4);
  PeakRateScene slow;
  for (int i = 0; i < 1000; ++i) {
    slow.peak_rate.dispatched(slow.request(1000 + 8 * i, 8), true);
    slow.state.in_driver = 1;
    slow.advance(milliseconds(10));
  }
  EXPECT_EQ(slow.peak_rate.raise_duration(), 25'000U / 4);
}

}  // namespace
}  // namespace wbsim::block::bfq
