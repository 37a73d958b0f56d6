// The two clocks that bfq reads.
#pragma once

#include <cstdint>
#include <limits>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"

namespace wbsim::block::bfq {

class Clock {
 public:
  explicit Clock(const engine::Machine& machine) : machine_{machine} {}

  [[nodiscard]] SimTime now() const { return machine_.simulator().now(); }
  [[nodiscard]] std::uint64_t jiffies() const { return machine_.jiffies_now(); }
  // time_is_before_jiffies(), time_is_before_eq_jiffies(): jiffies wrap.
  [[nodiscard]] bool is_past(std::uint64_t when) const { return is_after(jiffies(), when); }
  [[nodiscard]] bool is_reached(std::uint64_t when) const { return !is_after(when, jiffies()); }
  // bfq_smallest_from_now(): as long ago as comparisons of jiffies allow (MAX_JIFFY_OFFSET).
  [[nodiscard]] std::uint64_t long_ago() const {
    constexpr std::uint64_t kMaxOffset = (std::numeric_limits<std::int64_t>::max() >> 1) - 1;
    return jiffies() - kMaxOffset;
  }
  [[nodiscard]] std::uint64_t from_msecs(std::uint64_t msecs) const {
    return machine_.jiffies().from_msecs_ceil(msecs);
  }
  [[nodiscard]] std::uint64_t to_msecs(std::uint64_t jiffies) const {
    return machine_.jiffies().to_msecs(jiffies);
  }
  [[nodiscard]] std::uint64_t from_duration(SimDuration duration) const {
    return machine_.jiffies().from_duration_floor(duration);
  }
  [[nodiscard]] std::uint64_t hz() const {
    return static_cast<std::uint64_t>(machine_.jiffies().hz());
  }

  static bool is_after(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::int64_t>(a - b) > 0;
  }

 private:
  const engine::Machine& machine_;
};

}  // namespace wbsim::block::bfq
