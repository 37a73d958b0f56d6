// The tunables of bfq, and what follows from them and from the clock.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "sim/base/units.hpp"
#include "sim/block/elevators/bfq/clock.hpp"
#include "sim/block/elevators/elevator.hpp"

namespace wbsim::block::bfq {

// Models: bfq_init_queue() and the *_store() functions, block/bfq-iosched.c, v5.10 and v6.1.
// Jiffies where the kernel counts them, else time.
struct Tuning {
  Tuning(const ElevatorContext& context, const Clock& clock);

  static std::span<const Tunable> tunables();

  bool v6_1;                               // rules that are newer than v5.10
  bool rotational;                         // of the device
  std::array<SimDuration, 2> fifo_expire;  // by whether a request is synchronous
  Sectors back_seek_max;
  std::int64_t back_seek_penalty;
  SimDuration slice_idle;
  std::int64_t user_max_budget;  // sectors; 0: follows the peak rate
  std::uint64_t timeout;         // jiffies of a budget (bfq_timeout)
  bool timeout_is_set;           // was written: the largest budget then follows the peak rate
  bool strict_guarantees;
  bool low_latency;

  std::uint64_t usual_timeout;             // HZ / 8, which charging by time keeps to
  std::uint64_t raise_soft_real_time;      // bfq_wr_rt_max_time, 300 ms
  std::uint64_t raise_min_idle;            // bfq_wr_min_idle_time, 2 s
  std::uint64_t raise_min_async_interval;  // bfq_wr_min_inter_arr_async, 500 ms
  std::uint64_t raise_min;                 // of an interactive raising, 3 s
  std::uint64_t raise_max;                 // of an interactive raising, 25 s
  std::uint64_t reference_duration;        // ref_wr_duration, 7 s or 2.5 s
  std::uint64_t burst_interval;            // bfq_burst_interval, 180 ms
  std::uint64_t merge_limit;               // bfq_merge_time_limit, HZ / 10
  std::uint64_t idle_class_timeout;        // BFQ_CL_IDLE_TIMEOUT, HZ / 5
};

}  // namespace wbsim::block::bfq
