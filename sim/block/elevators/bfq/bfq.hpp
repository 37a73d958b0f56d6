// bfq: each process has a budget of sectors in turn, by weight.
#pragma once

#include <span>

#include "sim/block/elevators/bfq/burst.hpp"
#include "sim/block/elevators/bfq/cooperators.hpp"
#include "sim/block/elevators/bfq/depth_limits.hpp"
#include "sim/block/elevators/bfq/injection.hpp"
#include "sim/block/elevators/bfq/membership.hpp"
#include "sim/block/elevators/bfq/peak_rate.hpp"
#include "sim/block/elevators/bfq/processes.hpp"
#include "sim/block/elevators/bfq/queueing.hpp"
#include "sim/block/elevators/bfq/service.hpp"
#include "sim/block/elevators/bfq/state.hpp"
#include "sim/block/elevators/bfq/wakers.hpp"
#include "sim/block/elevators/bfq/weight_raising.hpp"
#include "sim/block/elevators/elevator.hpp"

namespace wbsim::block::bfq {

// Models: block/bfq-iosched.c, v5.10 and v6.1. The rules are in modules of their own; this class
// leads the queue's calls through them (README.md). Simplified: one actuator, control
// groups do not change during a run, no requests at the head, REQ_META is not known.
class Bfq final : public Elevator, private QueueKeeper {
 public:
  explicit Bfq(const ElevatorContext& context);

  static std::span<const Tunable> tunables() { return Tuning::tunables(); }

  void bio_merge_begins(const Bio& bio) override;
  void insert_begins(Request& request) override;
  void insert(Request& request) override;
  Request* dispatch() override { return service_.dispatch(); }
  [[nodiscard]] bool has_work() const override;
  [[nodiscard]] Request* find_front_merge(const Bio& bio) override;
  [[nodiscard]] bool allow_merge(const Request& request, const Bio& bio) override;
  void request_merged(Request& request, MergeKind kind) override;
  void requests_merged(Request& request, Request& next) override;
  [[nodiscard]] Request* former_request(Request& request) override;
  [[nodiscard]] Request* latter_request(Request& request) override;
  [[nodiscard]] int word_depth_for(const Bio& bio) override;
  [[nodiscard]] int min_word_depth() const override { return depths_.min(); }
  void finish_request(Request& request) override;
  void requeue_request(Request& request) override { finish_request(request); }
  void io_context_exits(const IoContext& context) override;

 private:
  void dereferenced(Queue& queue) override { processes_.release_if_unused(queue); }

  // The ways of a request into its queue (arrival.cpp).
  Queue& redirect(Request& request);
  void update_think_time(Queue& queue);
  void update_short_think_time(Queue& queue);
  void update_seeks(Queue& queue, const Request& request);
  void update_intensity(Queue& queue) const;
  void count_requests_in_time(Queue& queue, bool in_time) const;
  void add(Queue& queue, Request& request);
  WeightRaising::Claim becomes_busy(Queue& queue, const Process& process);
  [[nodiscard]] bool may_preempt(const Queue& queue, bool wants_to) const;
  void choose_next(Queue& queue, Request& candidate);

  Clock clock_;
  Tuning tuning_;
  State state_;
  PeakRate peak_rate_;
  WeightRaising raising_;
  Bursts bursts_;
  Wakers wakers_;
  Injection injection_;
  QueueingDetector queueing_;
  Cooperators cooperators_;
  Service service_;
  Membership membership_;
  Processes processes_;
  DepthLimits depths_;

  // Of the bio that is being tried for a merge (bio_bic, bio_bfqq).
  Process* bio_process_ = nullptr;
  Queue* bio_queue_ = nullptr;
};

}  // namespace wbsim::block::bfq
