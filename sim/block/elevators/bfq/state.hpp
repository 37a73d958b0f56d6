// What the rules of bfq share.
#pragma once

#include <array>
#include <cstdint>

#include "sim/block/elevators/bfq/clock.hpp"
#include "sim/block/elevators/bfq/group.hpp"
#include "sim/block/elevators/bfq/process.hpp"
#include "sim/block/elevators/bfq/tuning.hpp"
#include "sim/block/elevators/bfq/weight_counts.hpp"
#include "sim/block/elevators/bfq/wf2q.hpp"

namespace wbsim::block::bfq {

inline constexpr std::int64_t kDefaultMaxBudget = 16 * 1024;     // bfq_default_max_budget, sectors
inline constexpr int kFactor = 30;                               // bfq_wr_coeff
inline constexpr SimDuration kShortThinkTime = milliseconds(2);  // BFQ_MIN_TT
// What counts as large on a device without seeks (BFQQ_SECT_THR_NONROT).
inline constexpr Sectors kLargeRequest{64};

// Why a queue's service ended (enum bfqq_expiration).
enum class Expiration { kTooIdle, kBudgetTimeout, kBudgetExhausted, kNoMoreRequests, kPreempted };

// Whether the device takes several requests at once (hw_tag; queueing.hpp).
enum class Queueing { kUnknown, kNo, kYes };

// Models: the fields of struct bfq_data that more than one rule reads.
struct State {
  State(const Clock& clock_, const Tuning& tuning_, QueueKeeper& keeper_,
        std::span<const ControlGroup> cgroups)
      : clock{clock_},
        tuning{tuning_},
        keeper{keeper_},
        groups{cgroups, clock_},
        wf2q{groups.root().members, clock_, tuning_.idle_class_timeout, weights, keeper_},
        max_budget{tuning_.user_max_budget != 0 ? tuning_.user_max_budget : kDefaultMaxBudget} {}

  const Clock& clock;
  const Tuning& tuning;
  QueueKeeper& keeper;
  WeightCounts weights;
  Groups groups;
  Wf2q wf2q;

  std::array<int, kClasses> busy{};  // queues that are scheduled, by class
  int raised_busy = 0;               // wr_busy_queues
  int queued = 0;                    // requests
  int in_driver = 0;                 // rq_in_driver
  int in_driver_max = 0;             // since the last look at the device's queueing
  Queue* in_service = nullptr;
  std::int64_t max_budget;   // bfq_max_budget, sectors
  int budgets_assigned = 0;  // moving average in 1/256

  Queueing queueing = Queueing::kUnknown;

  Lba last_position;                           // where the last request that was dispatched ends
  Lba last_position_in_service;                // the same of the queue in service; 0: none yet
  SimTime last_completion = at(seconds(-60));  // the time of boot stands for none
  Queue* last_completed = nullptr;             // queue of the last request that was completed
  SimTime budget_began;                        // last_budget_start
  SimTime idling_began;                        // last_idling_start

  [[nodiscard]] int busy_queues() const {
    return busy[kRealTimeClass] + busy[kBestEffortClass] + busy[kIdleClass];
  }
  [[nodiscard]] bool several_classes_busy() const {
    return (busy[kRealTimeClass] > 0) + (busy[kBestEffortClass] > 0) + (busy[kIdleClass] > 0) > 1;
  }
  // nonrot_with_queueing: such a device sorts better than bfq can.
  [[nodiscard]] bool is_flash_with_queueing() const {
    return !tuning.rotational && queueing != Queueing::kNo;
  }
  // bfq_asymmetric_scenario(): some queue is owed more than another, and `queue` is not the one
  // that is owed least. Groups may differ whatever their weights are: in how many they serve.
  [[nodiscard]] bool is_asymmetric(const Queue& queue) const {
    return (!weights.is_smallest(queue) && weights.are_varied()) || several_classes_busy() ||
           weights.any_group();
  }
  // bfq_serv_to_charge(): asynchronous requests count threefold (bfq_async_charge_factor), unless
  // that would upset what queues are owed.
  [[nodiscard]] std::int64_t charge_of(const Request& request, const Queue& queue) const {
    constexpr std::int64_t kAsyncChargeFactor = 3;
    const std::int64_t sectors = request.length.count();
    return queue.sync || queue.is_raised() || is_asymmetric(queue) ? sectors
                                                                   : sectors * kAsyncChargeFactor;
  }
  [[nodiscard]] bool next_fits(const Queue& queue) const {
    return charge_of(*queue.next, queue) <= queue.budget_left();
  }
  // BFQ_RQ_SEEKY(): far from `last`, and on a device without seeks small besides.
  [[nodiscard]] bool is_seek(Lba last, const Request& request) const {
    constexpr Sectors kSeek{800};  // BFQQ_SEEK_THR
    if (last == Lba{0}) {
      return false;
    }
    const Sectors distance = request.sector - last;
    return (distance > kSeek || -1 * distance > kSeek) &&
           (tuning.rotational || request.length < kLargeRequest);
  }
};

}  // namespace wbsim::block::bfq
