#include "sim/engine/jiffies.hpp"

#include <gtest/gtest.h>

#include "sim/engine/test_time.hpp"

namespace wbsim::engine {
namespace {

constexpr std::uint64_t kStart = 4'294'893'300;  // a 6.1 guest, 4 s after boot

TEST(JiffiesTest, BootValueWrapsAThirtyTwoBitCountAfterFiveMinutes) {
  EXPECT_EQ(Jiffies::initial(250), 4'294'892'296U);
  EXPECT_EQ(Jiffies::initial(250) + 300 * 250, std::uint64_t{1} << 32);
  EXPECT_EQ(Jiffies::initial(1000), 4'294'667'296U);
}

TEST(JiffiesTest, TickAtExactlyThatTimeCounts) {
  const Jiffies jiffies{250, kStart, microseconds(1500)};
  EXPECT_EQ(jiffies.tick(), milliseconds(4));
  EXPECT_EQ(jiffies.at(at(nanoseconds(0))), kStart);
  EXPECT_EQ(jiffies.at(at(nanoseconds(1'499'999))), kStart);
  EXPECT_EQ(jiffies.at(at(nanoseconds(1'500'000))), kStart + 1);
  EXPECT_EQ(jiffies.at(at(nanoseconds(5'499'999))), kStart + 1);
  EXPECT_EQ(jiffies.at(at(nanoseconds(5'500'000))), kStart + 2);
  EXPECT_EQ(jiffies.at(at(nanoseconds(-2'500'001))), kStart - 1) << "also before t = 0";
}

TEST(JiffiesTest, TimeOfIsTheInverseOfAt) {
  const Jiffies jiffies{250, kStart, microseconds(1500)};
  EXPECT_EQ(ns(jiffies.time_of(kStart)), -2'500'000);
  EXPECT_EQ(ns(jiffies.time_of(kStart + 1)), 1'500'000);
  for (std::uint64_t j = kStart - 5; j < kStart + 5; ++j) {
    EXPECT_EQ(jiffies.at(jiffies.time_of(j)), j);
    EXPECT_EQ(jiffies.at(jiffies.time_of(j) - nanoseconds(1)), j - 1);
  }
}

TEST(JiffiesTest, NextTickIsStrictlyAfter) {
  const Jiffies jiffies{250, kStart, microseconds(1500)};
  EXPECT_EQ(ns(jiffies.next_tick_after(at(nanoseconds(1'499'999)))), 1'500'000);
  EXPECT_EQ(ns(jiffies.next_tick_after(at(nanoseconds(1'500'000)))), 5'500'000);
}

TEST(JiffiesTest, PhaseZeroMeansAFullTick) {
  const Jiffies jiffies{1000, 0, SimDuration{0}};
  EXPECT_EQ(ns(jiffies.next_tick_after(at(nanoseconds(0)))), 1'000'000);
  EXPECT_EQ(ns(jiffies.time_of(0)), 0);
}

TEST(JiffiesTest, TickOfHzThatDoesNotDivideASecondIsRounded) {
  EXPECT_EQ((Jiffies{300, 0, SimDuration{0}}.tick()), nanoseconds(3'333'333));
}

// Vectors from the rule of calc_wheel_index() and calc_index(), v6.1, at jiffies = 1000.
TEST(JiffiesTest, WheelRoundsUpByDistance) {
  const Jiffies jiffies{250, 0, SimDuration{0}};
  const auto fires_after = [&](std::uint64_t delta) {
    return jiffies.wheel_expiry(1000, 1000 + delta) - 1000;
  };
  // Level 0: one more than asked for (property 1).
  EXPECT_EQ(fires_after(0), 1U);
  EXPECT_EQ(fires_after(1), 2U);
  EXPECT_EQ(fires_after(2), 3U);
  EXPECT_EQ(fires_after(62), 63U);
  // Level 1: the next multiple of 8 after 1063, 1064, ... (1000 is one).
  EXPECT_EQ(fires_after(63), 64U);
  EXPECT_EQ(fires_after(64), 72U) << "strictly after";
  EXPECT_EQ(fires_after(71), 72U);
  EXPECT_EQ(fires_after(503), 504U);
  // Level 2: multiples of 64; 1000 = 15 * 64 + 40.
  EXPECT_EQ(fires_after(504), 24U * 64 - 1000);
  EXPECT_EQ(fires_after(1250), 36U * 64 - 1000);
  EXPECT_EQ(fires_after(4031), 79U * 64 - 1000);
  // Level 3: multiples of 512.
  EXPECT_EQ(fires_after(4032), 10U * 512 - 1000);
}

TEST(JiffiesTest, ReArmedTimersKeepInStepWithTheirLevel) {  // property 2
  const Jiffies jiffies{250, kStart, microseconds(3974)};
  SimTime wake = jiffies.timer_time(at(nanoseconds(0)), 1250);
  EXPECT_EQ(jiffies.at(wake) % 64, 0U);
  for (int i = 0; i < 5; ++i) {
    const SimTime next = jiffies.timer_time(wake, 1250);
    EXPECT_EQ(next - wake, milliseconds(5120)) << "5 s at HZ=250";
    wake = next;
  }
  wake = jiffies.timer_time(wake, 250);
  for (int i = 0; i < 5; ++i) {
    const SimTime next = jiffies.timer_time(wake, 250);
    EXPECT_EQ(next - wake, milliseconds(1024)) << "1 s at HZ=250";
    wake = next;
  }
}

// Seen on 6.1 (HZ=250), in a trace of balance_dirty_pages: a task that called 2.7 ms after a tick
// to sleep two jiffies went on 9.3 ms later, at the third tick.
TEST(JiffiesTest, ShortSleepEndsOneTickAfterTheOneAskedFor) {
  const Jiffies jiffies{250, kStart, milliseconds(4)};
  const SimTime call = at(microseconds(366'740));
  EXPECT_EQ(jiffies.timer_time(call, 2), at(milliseconds(376)));
}

TEST(JiffiesTest, TimerInThePastFiresAtTheNextTick) {  // property 3
  const Jiffies jiffies{250, 0, SimDuration{0}};
  EXPECT_EQ(jiffies.wheel_expiry(1000, 990), 1001U);
  const Jiffies old{250, 0, SimDuration{0}, TimerWheel::kCascading};
  EXPECT_EQ(old.wheel_expiry(1000, 990), 1001U);
  EXPECT_EQ(old.wheel_expiry(1000, 1000), 1001U);
}

TEST(JiffiesTest, WheelEndsAtItsCapacity) {  // property 4
  const std::uint64_t far = std::uint64_t{1} << 40;
  const Jiffies nine_levels{250, 0, SimDuration{0}};
  EXPECT_EQ(nine_levels.wheel_expiry(0, far), 63U << 24);
  const Jiffies eight_levels{100, 0, SimDuration{0}};
  EXPECT_EQ(eight_levels.wheel_expiry(0, far), 63U << 21);
}

TEST(JiffiesTest, CascadingWheelOfOldKernelsIsExact) {
  const Jiffies jiffies{250, 0, SimDuration{0}, TimerWheel::kCascading};
  for (const std::uint64_t delta : {1U, 2U, 63U, 64U, 250U, 1250U, 100'000U}) {
    EXPECT_EQ(jiffies.wheel_expiry(1000, 1000 + delta), 1000 + delta);
  }
  EXPECT_EQ(ns(jiffies.timer_time(at(nanoseconds(3'999'999)), 1)), 4'000'000);
}

TEST(JiffiesTest, ConvertsAsTheKernelDoes) {
  const Jiffies hz250{250, 0, SimDuration{0}};
  EXPECT_EQ(hz250.from_msecs_ceil(0), 0U);
  EXPECT_EQ(hz250.from_msecs_ceil(1), 1U);
  EXPECT_EQ(hz250.from_msecs_ceil(4), 1U);
  EXPECT_EQ(hz250.from_msecs_ceil(5), 2U);
  EXPECT_EQ(hz250.from_centisecs_ceil(500), 1250U);
  EXPECT_EQ(hz250.from_duration_floor(nanoseconds(7'999'999)), 1U);
  EXPECT_EQ(hz250.from_duration_floor(milliseconds(8)), 2U);
  EXPECT_EQ(hz250.to_msecs(3), 12U);
  EXPECT_EQ(hz250.to_duration(3), milliseconds(12));
  const Jiffies hz300{300, 0, SimDuration{0}};
  EXPECT_EQ(hz300.from_msecs_ceil(10), 3U);
  EXPECT_EQ(hz300.from_msecs_ceil(11), 4U);
  EXPECT_EQ(hz300.to_msecs(1), 4U);
}

TEST(JiffiesTest, RoundsUpToASecondOfTheCount) {
  const Jiffies jiffies{250, 0, SimDuration{0}};
  EXPECT_EQ(jiffies.round_up_to_second(1001), 1250U);
  EXPECT_EQ(jiffies.round_up_to_second(1249), 1250U);
  EXPECT_EQ(jiffies.round_up_to_second(1250), 1500U) << "a whole second goes to the next";
  EXPECT_EQ(jiffies.round_up_to_second(1240, 2), 1244U) << "CPU 2 is six jiffies early";
  EXPECT_EQ(jiffies.round_up_to_second(1244, 2), 1494U);
}

}  // namespace
}  // namespace wbsim::engine
