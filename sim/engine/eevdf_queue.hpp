// Earliest eligible virtual deadline first.
#pragma once

#include "sim/engine/fair_queue.hpp"

namespace wbsim::engine {

// Models: the run queue of one CPU, kernel/sched/fair.c, v6.6 and v6.12 (pick_eevdf(),
// place_entity(), update_curr(), dequeue_entity(), requeue_delayed_entity()). With V the mean of
// the virtual run times v of all runnable threads by weight:
//  1. a thread is eligible while V >= v, that is while it is owed time (its lag V - v is not
//     negative); of the eligible ones that with the earliest deadline runs;
//  2. a deadline is a slice, by weight, behind the v at which it was given; reaching it ends a
//  turn;
//  3. a thread is not preempted before its deadline as long as it is eligible (RUN_TO_PARITY);
//  4. who sleeps keeps its lag, at most two slices or a jiffy, and comes back with it;
//  5. v6.12: who sleeps without being eligible stays until it is chosen, and has no lag then; if it
//     wakes up before, it goes on as if it had not slept.
// Simplified: no groups, all slices are equal.
class EevdfQueue final : public FairQueue {
 public:
  // `delays`: property 5.
  EevdfQueue(int cpus, SimDuration tick, bool delays);

  void join(FairEntity& entity, Joins how) override;
  bool charge(SimDuration time) override;
  bool preempts(FairEntity& entity) override;
  bool tick() override { return false; }
  void put_current(Leaves why) override;
  FairEntity* pick() override;
  [[nodiscard]] SimDuration origin() const override { return mean_; }

 private:
  [[nodiscard]] SimDuration slice(const FairEntity& entity) const {
    return weighted(slice_, entity.weight);
  }
  [[nodiscard]] std::int64_t load() const;
  [[nodiscard]] bool is_eligible(const FairEntity& entity) const;
  [[nodiscard]] SimDuration lag_of(const FairEntity& entity) const;
  [[nodiscard]] FairEntity& first_eligible() const;
  void update_mean();
  void place(FairEntity& entity, Joins how);

  SimDuration slice_;
  SimDuration tick_;
  bool delays_;
  SimDuration mean_{};  // V; of an empty queue that of before
};

}  // namespace wbsim::engine
