// The completely fair scheduler.
#pragma once

#include "sim/engine/fair_queue.hpp"

namespace wbsim::engine {

// Models: the CFS run queue of one CPU, kernel/sched/fair.c, v5.10 and v6.1 (place_entity(),
// check_preempt_tick(), check_preempt_wakeup(), pick_next_entity()). Simplified: no groups.
class CfsQueue final : public FairQueue {
 public:
  explicit CfsQueue(int cpus);

  void join(FairEntity& entity, Joins how) override;
  bool charge(SimDuration time) override;
  bool preempts(FairEntity& entity) override;
  bool tick() override;
  void put_current(Leaves why) override;
  FairEntity* pick() override;
  [[nodiscard]] SimDuration origin() const override { return min_vruntime_; }

 private:
  void place(FairEntity& entity, Joins how) const;
  void update_min_vruntime();
  [[nodiscard]] SimDuration slice(const FairEntity& entity) const;
  [[nodiscard]] FairEntity& leftmost() const;
  [[nodiscard]] SimDuration wakeup_granularity(const FairEntity& entity) const;
  FairEntity& most_entitled();

  int factor_;  // of the tunables
  // Of those who wait: whose wake-up asked for the CPU (cfs_rq.next).
  FairEntity* next_buddy_ = nullptr;
  SimDuration min_vruntime_{};
};

}  // namespace wbsim::engine
