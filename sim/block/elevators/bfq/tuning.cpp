#include "sim/block/elevators/bfq/tuning.hpp"

#include <algorithm>
#include <limits>

namespace wbsim::block::bfq {

namespace {

constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();
constexpr std::int64_t kUintMax = std::numeric_limits<unsigned>::max();

constexpr std::int64_t kFifoExpireSync = 125;   // ms, bfq_fifo_expire[1]
constexpr std::int64_t kFifoExpireAsync = 250;  // ms, bfq_fifo_expire[0]
constexpr std::int64_t kBackSeekMax = 16384;    // KiB, bfq_back_max
constexpr std::int64_t kBackSeekPenalty = 2;    // bfq_back_penalty
constexpr std::int64_t kSliceIdle = 8;          // ms, bfq_slice_idle
constexpr std::int64_t kSliceIdleUs = 8000;
// bfq_timeout is HZ / 8: 31 jiffies with HZ 250, which the kernel shows as 124 ms.
constexpr std::int64_t kTimeoutSync = 124;  // ms
constexpr std::int64_t kLowLatency = 1;
constexpr SimDuration kStrictSliceIdleMin = milliseconds(8);

constexpr std::array<Tunable, 10> kBfqTunables{{
    {"fifo_expire_sync", "ms that a synchronous request may wait", 1, kIntMax, kFifoExpireSync},
    {"fifo_expire_async", "ms that an asynchronous request may wait", 1, kIntMax, kFifoExpireAsync},
    {"back_seek_max", "KiB that a request may be behind the last one", 0, kIntMax, kBackSeekMax},
    {"back_seek_penalty", "how many times farther what is behind counts", 1, kIntMax,
     kBackSeekPenalty},
    {"slice_idle", "ms to wait for the next request of a process", 0, kIntMax, kSliceIdle},
    {"slice_idle_us", "the same in us; counts where it is not 8000", 0, kUintMax, kSliceIdleUs},
    {"max_budget", "sectors of a budget; 0: by the peak rate", 0, kIntMax, 0},
    {"timeout_sync", "ms in which a budget is to be used up", 1, kIntMax, kTimeoutSync},
    {"strict_guarantees", "1: one request in the device, always wait for the next", 0, 1, 0},
    {"low_latency", "1: raise the weight of interactive and soft real-time queues", 0, 1,
     kLowLatency},
}};

// Two files show one value; the last that was written holds. Of two that were written, the finer.
SimDuration slice_idle_of(const ElevatorContext& context) {
  const std::int64_t us = context.tunable("slice_idle_us", kSliceIdleUs);
  const std::int64_t ms = context.tunable("slice_idle", kSliceIdle);
  return us != kSliceIdleUs ? microseconds(us) : milliseconds(ms);
}

}  // namespace

std::span<const Tunable> Tuning::tunables() { return kBfqTunables; }

Tuning::Tuning(const ElevatorContext& context, const Clock& clock)
    : v6_1{context.generation >= ElevatorGeneration::kV6_1},
      rotational{context.rotational},
      fifo_expire{milliseconds(context.tunable("fifo_expire_async", kFifoExpireAsync)),
                  milliseconds(context.tunable("fifo_expire_sync", kFifoExpireSync))},
      back_seek_max{sectors_floor(kibibytes(context.tunable("back_seek_max", kBackSeekMax)))},
      back_seek_penalty{context.tunable("back_seek_penalty", kBackSeekPenalty)},
      slice_idle{slice_idle_of(context)},
      user_max_budget{context.tunable("max_budget", 0)},
      strict_guarantees{context.tunable("strict_guarantees", 0) != 0},
      low_latency{context.tunable("low_latency", kLowLatency) != 0} {
  const std::int64_t timeout_sync = context.tunable("timeout_sync", kTimeoutSync);
  usual_timeout = clock.hz() / 8;
  timeout = timeout_sync == kTimeoutSync
                ? usual_timeout
                : clock.from_msecs(static_cast<std::uint64_t>(timeout_sync));
  timeout_is_set = timeout != usual_timeout;
  if (strict_guarantees) {
    slice_idle = std::max(slice_idle, kStrictSliceIdleMin);
  }
  raise_soft_real_time = clock.from_msecs(300);
  raise_min_idle = clock.from_msecs(2000);
  raise_min_async_interval = clock.from_msecs(500);
  raise_min = clock.from_msecs(3000);
  raise_max = clock.from_msecs(25000);
  reference_duration = clock.from_msecs(rotational ? 7000 : 2500);
  burst_interval = clock.from_msecs(180);
  merge_limit = clock.hz() / 10;
  idle_class_timeout = clock.hz() / 5;
}

}  // namespace wbsim::block::bfq
