#include "sim/engine/jiffies.hpp"

#include "sim/base/check.hpp"

namespace wbsim::engine {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// LVL_CLK_SHIFT and LVL_SIZE: each level of the wheel has 64 buckets, each 8 times as wide as
// those of the level below.
constexpr unsigned kLevelShift = 3;
constexpr std::uint64_t kLevelBuckets = 64;

constexpr unsigned shift_of(unsigned level) { return level * kLevelShift; }

// LVL_START: the shortest distance filed at `level` (> 0). One bucket less than the level below
// could hold, because rounding up may add one bucket.
constexpr std::uint64_t start_of(unsigned level) {
  return (kLevelBuckets - 1) << shift_of(level - 1);
}

// LVL_DEPTH.
constexpr unsigned levels_of(int hz) { return hz > 100 ? 9 : 8; }

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Jiffies::Jiffies(int hz, std::uint64_t jiffies_at_t0, SimDuration next_tick, TimerWheel wheel)
    : hz_{hz}, jiffies_at_t0_{jiffies_at_t0}, wheel_{wheel} {
  SIM_CHECK(hz > 0);
  tick_ = SimDuration{(kNanosecondsPerSecond + hz / 2) / hz};  // TICK_NSEC
  SIM_CHECK(next_tick >= SimDuration{0} && next_tick <= tick_);
  const SimDuration until_tick = next_tick == SimDuration{0} ? tick_ : next_tick;
  last_tick_ = SimTime{until_tick - tick_};
}

std::uint64_t Jiffies::at(SimTime time) const {
  // Unsigned wrap-around is what jiffies do; times before t = 0 count backwards.
  return jiffies_at_t0_ +
         static_cast<std::uint64_t>(floor_div((time - last_tick_).count(), tick_.count()));
}

SimTime Jiffies::time_of(std::uint64_t jiffies) const {
  return last_tick_ + tick_ * static_cast<std::int64_t>(jiffies - jiffies_at_t0_);
}

// Models: calc_wheel_index(), calc_index(), __run_timers(), kernel/time/timer.c, v6.1 (the same
// rule since 4.8). The level is chosen by distance, and the timer fires at the *end* of the bucket
// that holds `expires`, so that it is never early:
//
//   level  distance (jiffies)  fires at the next multiple of ... after `expires`
//     0         0 -   62           1
//     1        63 -  503           8
//     2       504 - 4031          64
//     L   63*8^(L-1) - ...       8^L
//
// 1. "After" is strict, also at level 0: a timer for n jiffies fires n + 1 ticks from now, so
//    schedule_timeout(n) sleeps at least n and at most n + 1 jiffies.
// 2. A timer re-armed when it fires keeps in step with its level: at HZ=250, 5 s (1250 jiffies)
//    every 5.12 s, 1 s every 1.024 s.
// 3. A timer in the past fires at the next tick.
// 4. The wheel ends at 63 * 8^(depth - 1) jiffies; longer timers fire at its end.
//
// The cascading wheel of older kernels (internal_add_timer()) fires at `expires` exactly, hence
// schedule_timeout(n) sleeps more than n - 1 and at most n jiffies, and never before the next tick.
//
// Simplified: distance is taken from `now_jiffies`. The kernel takes it from the clock of the
// CPU's wheel, which is one ahead for the rest of a tick at which some timer fired; that matters
// for distances of exactly 63, 504, 4032, ... jiffies only.
std::uint64_t Jiffies::wheel_expiry(std::uint64_t now_jiffies, std::uint64_t expires) const {
  const auto distance = static_cast<std::int64_t>(expires - now_jiffies);
  if (distance < 0) {
    return now_jiffies + 1;
  }
  if (wheel_ == TimerWheel::kCascading) {
    return distance == 0 ? now_jiffies + 1 : expires;
  }
  const unsigned top = levels_of(hz_) - 1;
  if (static_cast<std::uint64_t>(distance) >= start_of(top + 1)) {
    expires = now_jiffies + start_of(top + 1) - (std::uint64_t{1} << shift_of(top));
  }
  unsigned level = 0;
  while (level < top && static_cast<std::uint64_t>(distance) >= start_of(level + 1)) {
    ++level;
  }
  return ((expires >> shift_of(level)) + 1) << shift_of(level);
}

SimTime Jiffies::timer_time(SimTime now, std::uint64_t delta_jiffies) const {
  const std::uint64_t now_jiffies = at(now);
  return time_of(wheel_expiry(now_jiffies, now_jiffies + delta_jiffies));
}

std::uint64_t Jiffies::from_msecs_ceil(std::uint64_t msecs) const {
  return (msecs * static_cast<std::uint64_t>(hz_) + 999) / 1000;
}

std::uint64_t Jiffies::from_duration_floor(SimDuration duration) const {
  return static_cast<std::uint64_t>(floor_div(duration.count(), tick_.count()));
}

std::uint64_t Jiffies::to_msecs(std::uint64_t jiffies) const {
  return (jiffies * 1000 + static_cast<std::uint64_t>(hz_) - 1) / static_cast<std::uint64_t>(hz_);
}

SimDuration Jiffies::to_duration(std::uint64_t jiffies) const {
  return tick_ * static_cast<std::int64_t>(jiffies);
}

std::uint64_t Jiffies::round_up_to_second(std::uint64_t jiffies, int cpu) const {
  const auto hz = static_cast<std::uint64_t>(hz_);
  const std::uint64_t skew = 3 * static_cast<std::uint64_t>(cpu);
  return (jiffies + skew) / hz * hz + hz - skew;
}

}  // namespace wbsim::engine
