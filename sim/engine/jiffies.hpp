// Jiffies: the tick clock of one machine. Converts between virtual time and jiffies, and knows when
// a kernel timer that was armed for some jiffies really fires.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::engine {

// Which timer wheel the kernel has (kernel/time/timer.c, before 4.2 kernel/timer.c).
enum class TimerWheel {
  kCascading,     // before 4.8: fires at the tick asked for
  kNonCascading,  // since 4.8: rounds up by distance, see wheel_expiry()
};

// Is one value of jiffies later than another? They wrap, so differences of less than half their
// range count.
[[nodiscard]] constexpr bool time_after(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a - b) > 0;
}

class Jiffies {
 public:
  // `next_tick`: from t = 0 to the next tick, > 0 and at most one tick; 0 means a full tick.
  Jiffies(int hz, std::uint64_t jiffies_at_t0, SimDuration next_tick,
          TimerWheel wheel = TimerWheel::kNonCascading);

  // INITIAL_JIFFIES: the value at boot, so that a 32-bit count wraps five minutes later.
  static constexpr std::uint64_t initial(int hz) { return static_cast<std::uint32_t>(-300 * hz); }

  [[nodiscard]] int hz() const { return hz_; }
  [[nodiscard]] SimDuration tick() const { return tick_; }

  // Value of jiffies at `time`; a tick at exactly that time counts.
  [[nodiscard]] std::uint64_t at(SimTime time) const;
  // When jiffies became that value.
  [[nodiscard]] SimTime time_of(std::uint64_t jiffies) const;
  [[nodiscard]] SimTime next_tick_after(SimTime time) const { return time_of(at(time) + 1); }

  // The jiffies value at which a timer armed at `now_jiffies` for `expires` fires.
  [[nodiscard]] std::uint64_t wheel_expiry(std::uint64_t now_jiffies, std::uint64_t expires) const;
  // When a timer armed `now` for `delta_jiffies` fires: schedule_timeout(), mod_timer(jiffies + n),
  // delayed work.
  [[nodiscard]] SimTime timer_time(SimTime now, std::uint64_t delta_jiffies) const;

  // msecs_to_jiffies(): rounds up.
  [[nodiscard]] std::uint64_t from_msecs_ceil(std::uint64_t msecs) const;
  // Of a sysctl in centiseconds, as the kernel takes it: msecs_to_jiffies(centisecs * 10).
  [[nodiscard]] std::uint64_t from_centisecs_ceil(std::uint64_t centisecs) const {
    return from_msecs_ceil(centisecs * 10);
  }
  // nsecs_to_jiffies(): rounds down.
  [[nodiscard]] std::uint64_t from_duration_floor(SimDuration duration) const;
  // jiffies_to_msecs(): rounds up where HZ does not divide 1000, else exact.
  [[nodiscard]] std::uint64_t to_msecs(std::uint64_t jiffies) const;
  // jiffies_to_nsecs(): that many ticks.
  [[nodiscard]] SimDuration to_duration(std::uint64_t jiffies) const;
  // round_jiffies_up(): the next whole second of the jiffies count, which for a whole second is
  // the one after; three jiffies earlier per CPU number, to spread the load.
  [[nodiscard]] std::uint64_t round_up_to_second(std::uint64_t jiffies, int cpu = 0) const;

 private:
  int hz_;
  SimDuration tick_;
  std::uint64_t jiffies_at_t0_;
  SimTime last_tick_;  // the tick that made the count jiffies_at_t0_; not after t = 0
  TimerWheel wheel_;
};

}  // namespace wbsim::engine
