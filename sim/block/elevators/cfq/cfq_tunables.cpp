#include "sim/block/elevators/cfq/cfq_tunables.hpp"

#include <limits>
#include <string_view>

namespace wbsim::block {

namespace {

constexpr std::int64_t kUintMax = std::numeric_limits<unsigned>::max();
constexpr std::int64_t kTimeMax = 1'000'000'000;  // ms
constexpr std::int64_t kPenaltyMax = 1'000'000;
constexpr ElevatorGeneration kOld = ElevatorGeneration::kV2_6_18;
constexpr ElevatorGeneration kNew = ElevatorGeneration::kV3_6;

constexpr std::int64_t kQuantumOld = 4;
constexpr std::int64_t kQuantumNew = 8;
constexpr std::int64_t kQueued = 8;
constexpr std::int64_t kBackSeekMax = 16 * 1024;  // KiB
constexpr std::int64_t kBackSeekPenalty = 2;
constexpr std::int64_t kSliceAsyncRq = 2;

constexpr TimePart kFifoExpireSync{1, 8};
constexpr TimePart kFifoExpireAsync{1, 4};
constexpr TimePart kSliceSync{1, 10};
constexpr TimePart kSliceAsync{1, 25};
constexpr TimePart kSliceIdle{1, 125};
constexpr TimePart kGroupIdle{1, 125};
constexpr TimePart kTargetLatency{3, 10};

constexpr Tunable time_tunable(std::string_view name, std::string_view summary, std::int64_t min,
                               TimePart part, ElevatorGeneration since) {
  return {name, summary, min, kTimeMax, part.msecs(), since, kNew, part};
}

// Ranges: the STORE_FUNCTION() lines of the elevator's sysfs part, up to what 64 bits bear.
constexpr std::array<Tunable, 14> kCfqTunables{
    Tunable{"quantum", "requests of a queue at once", 1, kUintMax, kQuantumOld, kOld, kOld},
    Tunable{"quantum", "requests of a queue in the device", 1, kUintMax, kQuantumNew, kNew, kNew},
    Tunable{"queued", "without effect", 1, kUintMax, kQueued, kOld, kOld},
    time_tunable("fifo_expire_sync", "ms that a synchronous request may wait", 1, kFifoExpireSync,
                 kOld),
    time_tunable("fifo_expire_async", "ms that an asynchronous request may wait", 1,
                 kFifoExpireAsync, kOld),
    Tunable{"back_seek_max", "KiB that the head may go back", 0, kUintMax, kBackSeekMax, kOld,
            kNew},
    Tunable{"back_seek_penalty", "how many times as far the way back counts", 1, kPenaltyMax,
            kBackSeekPenalty, kOld, kNew},
    time_tunable("slice_sync", "ms; slice of a synchronous queue of level 4", 1, kSliceSync, kOld),
    time_tunable("slice_async", "ms; slice of an asynchronous queue of level 4", 1, kSliceAsync,
                 kOld),
    Tunable{"slice_async_rq", "half of the requests of an asynchronous slice, per level", 1,
            kUintMax, kSliceAsyncRq, kOld, kNew},
    time_tunable("slice_idle", "ms that an empty queue is waited for", 0, kSliceIdle, kOld),
    time_tunable("group_idle", "ms that an empty group is waited for", 0, kGroupIdle, kNew),
    Tunable{"low_latency", "1: slices are cut to target_latency", 0, 1, 1, kNew, kNew},
    time_tunable("target_latency", "ms in which every queue shall have had a turn", 1,
                 kTargetLatency, kNew)};

}  // namespace

std::span<const Tunable> CfqTunables::table() { return kCfqTunables; }

CfqTunables::CfqTunables(const ElevatorContext& context)
    : quantum{context.tunable("quantum", context.generation == kOld ? kQuantumOld : kQuantumNew)},
      fifo_expire{context.jiffies("fifo_expire_async", kFifoExpireAsync),
                  context.jiffies("fifo_expire_sync", kFifoExpireSync)},
      back_seek_max{sectors_floor(kibibytes(context.tunable("back_seek_max", kBackSeekMax)))},
      back_seek_penalty{context.tunable("back_seek_penalty", kBackSeekPenalty)},
      slice{context.jiffies("slice_async", kSliceAsync), context.jiffies("slice_sync", kSliceSync)},
      slice_async_rq{context.tunable("slice_async_rq", kSliceAsyncRq)},
      slice_idle{context.jiffies("slice_idle", kSliceIdle)},
      group_idle{context.jiffies("group_idle", kGroupIdle)},
      target_latency{context.jiffies("target_latency", kTargetLatency)},
      low_latency{context.tunable("low_latency", 1) != 0} {}

}  // namespace wbsim::block
