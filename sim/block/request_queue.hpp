// A blk-mq request queue with one hardware queue: from bio to device and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/block/bio.hpp"
#include "sim/block/block_queue.hpp"
#include "sim/block/device.hpp"
#include "sim/block/dispatch_budget.hpp"
#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/flush_machinery.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/plug.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"
#include "sim/block/rq_qos/wbt.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/block/throttle/io_throttle.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

// Which requests of a plug a bio may merge with.
enum class PlugMergeRule { kAllRequests, kNewestOnly };
// How many requests are taken out of an elevator at once (10.5) while the device has not been busy:
// up to nr_requests (v5.10), or up to the first for which there is no driver tag (since v5.11).
enum class ElevatorPull { kUpToRequests, kWhileTags };
// Who issues a FUA write that needs no flush: kblockd (v5.10), or its submitter (v6.1).
enum class FuaIssue { kKblockd, kSubmitter };

// When a large newest request of a plug (BLK_PLUG_FLUSH_SIZE) has it flushed: always (v5.10), or
// where nomerges is not 2 (v6.1).
enum class PlugSizeLimit { kAlways, kWhereMerging };

struct RequestQueueOptions {
  int device = 0;  // index, for traces
  QueueLimits limits;
  // The elevator; null: none.
  const ElevatorType* elevator = nullptr;
  ElevatorGeneration elevator_generation = ElevatorGeneration::kV5_10;
  TunableValues iosched{};
  // Requests allocated at once: tags of the elevator, or without one of the driver.
  int nr_requests = 32;
  std::optional<int> driver_tags{};  // with an elevator; absent: the device's depth
  PlugMergeRule plug_merge = PlugMergeRule::kAllRequests;
  PlugIssueOrder plug_issue_order = PlugIssueOrder::kFifo;
  ElevatorPull elevator_pull = ElevatorPull::kUpToRequests;
  FuaIssue fua_issue = FuaIssue::kKblockd;
  PlugSizeLimit plug_size_limit = PlugSizeLimit::kAlways;
  TagWakeRule tag_wake = TagWakeRule::kPerWaitQueue;
  BioPriorityRule bio_priority = BioPriorityRule::kAsSet;
  DiskStatsRules disk_stats = DiskStatsRules::kV6_1;
  ControlGroups cgroups{};
  SplitCharge split_charge = SplitCharge::kAfterwards;
  std::size_t plug_requests_max = 32;
  std::optional<WbtOptions> wbt{};  // writeback throttling; absent: off
  bool plug_merging = true;         // ablation
  bool bio_runs = true;             // optimisation: false keeps every bio an object of its own
  BlockTraceCosts trace{};
  DataSteps data_steps{};
  DriverOptions driver{};
};

// Models: blk_mq_submit_bio(), blk_mq_flush_plug_list(), __blk_mq_sched_dispatch_requests(),
// blk_mq_dispatch_rq_list() and the completion path, block/blk-mq*.c, v5.10 and v6.1.
// Simplified: one hardware queue, of cgroups io.max alone, no tags shared between queues.
class RequestQueue final : public BlockQueue,
                           private FlushHost,
                           private ElevatorHost,
                           private ThrottleHost,
                           private IoContextUser {
 public:
  RequestQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
               DeviceModel& device, const RequestQueueOptions& options);
  ~RequestQueue() override;

  // How busy the device has been, 0 to 9 (dispatch_busy in the debugfs of a hardware queue).
  [[nodiscard]] int dispatch_busy() const { return dispatch_busy_; }
  [[nodiscard]] std::size_t in_flight() const override;
  // Null where it is off.
  [[nodiscard]] const Wbt* wbt() const { return wbt_ ? &*wbt_ : nullptr; }

  // submit_bio() of a single bio, split where it exceeds the limits. May sleep for a tag. Flushes
  // to a device without a volatile cache complete at once. What need not sleep happens in the call.
  // What exceeds the limits of the task's control group is submitted later, by another thread.
  engine::Task<> submit_bio(TaskIo& io, Bio& bio) override;

  engine::Task<> flush_plug(TaskIo& io) override;
  SimDuration flush_plug_from_schedule(TaskIo& io) override;

  // What it takes until kblockd works on this queue: requeued flush steps have a way of their own.
  [[nodiscard]] SimDuration kblockd_hop() const override {
    return requeue_.empty() ? costs().kblockd_hop : costs().flush_hop;
  }
  engine::Task<> run_from_kblockd(TaskIo& io) override;

 private:
  engine::Task<> submit_allowed(TaskIo& io, Bio& bio);
  engine::Task<> submit_in_parts(TaskIo& io, Bio& bio);
  engine::Task<> submit_rest(TaskIo& io, Bio& bio);
  engine::Task<> submit_in_limits(TaskIo& io, Bio& bio);
  engine::Task<> submit_unmerged(TaskIo& io, Bio& bio, SimDuration search);
  static engine::Task<> run(engine::Thread& thread, SimDuration cost);
  engine::Task<> submit_flush(TaskIo& io, Request& request);

  // Merging, and CPU time that the attempt took.
  struct MergeAttempt {
    bool merged = false;
    SimDuration cost{};
  };
  MergeAttempt attempt_merge(TaskIo& io, Bio& bio);
  MergeAttempt attempt_merge(TaskIo& io, Bio& bio, const engine::BioTrace* trace);
  ElevatorQueue::BioMerge attempt_queued_merge(Bio& bio, int cpu);
  void end_absorbed(Request& request, engine::TaskName task);

  void add_elevator(const ElevatorType& type);
  Request* try_get_request(engine::Thread& thread, const Bio& bio);
  engine::Task<Request*> wait_for_request(TaskIo& io, const Bio& bio);
  [[nodiscard]] bool plug_is_full(const Plug& plug) const;

  // Dispatch.
  [[nodiscard]] bool has_pending() const;
  void run_queue_async(int cpu);
  void run_async(int cpu) override;  // for an elevator that asks
  void run_queue_delayed(int cpu);
  void on_delayed_run() { run_queue_async(delayed_run_cpu_); }
  engine::Task<> issue_directly(TaskIo& io, RequestChain& list);
  [[nodiscard]] SimDuration insert_cost() const {
    return costs().request_insert + options_.trace.rq_insert;
  }
  engine::Task<> insert(TaskIo& io, RequestChain& list);
  engine::Task<> insert_rest(TaskIo& io, RequestChain& list);
  void insert_first(RequestChain& list, engine::TaskName task);
  void insert_one(Request& request, engine::TaskName task);
  engine::Task<> run_queue(TaskIo& io);
  engine::Task<> run_queue_twice(TaskIo& io);
  // What a run of the queue came to.
  //   kProgress  all that was taken went to the device: there may be more to take
  //   kDone      there is nothing more to do now
  //   kAgain     the dispatch list has got new entries, which go first
  enum class DispatchResult { kProgress, kDone, kAgain };
  engine::Task<DispatchResult> dispatch_requests(TaskIo& io);
  engine::Task<DispatchResult> dispatch_from_elevator(TaskIo& io);
  [[nodiscard]] bool lasted_too_long(SimTime start) const;
  DispatchResult pull_from_elevator(const engine::Thread& thread, RequestChain& list);
  engine::Task<DispatchResult> dispatch_ctx_one_by_one(TaskIo& io);
  engine::Task<bool> dispatch_list(TaskIo& io, RequestChain& list);
  SubmitResult start(Request& request, engine::TaskName task);
  bool get_driver_tag(Request& request);
  void put_driver_tag(Request& request);
  bool take_budget();
  bool take_budget(Request& request);
  void put_budget(Request& request);
  void put_untaken_budget();
  void leave_undispatched(const engine::Thread& thread, RequestChain& list,
                          bool no_completion_will_help);
  void update_dispatch_busy(bool busy);

  // ThrottleHost.
  engine::Task<> submit_released(TaskIo& io, Bio& bio) override;

  // IoContextUser.
  void io_context_exits(const IoContext& context) override;

  // Completion.
  Request& request_of(const DeviceCommand& command) override;
  [[nodiscard]] SimDuration soft_irq_cost(const Request& request) const override;
  void on_soft_irq(Request& request) override;
  void end_command_budget(Request& request);
  void end_request(Request& request);
  void retry(Request& request, SimDuration delay) override;
  void kick_requeue_list(SimDuration delay, int cpu);
  void on_requeue_kick() { kick_requeue_list({}, 0); }
  void run_after_recovery() override { run_queue_async(0); }

  // FlushHost: every step goes through kblockd.
  void queue_flush_data(Request& request, int cpu) override {
    requeue_.push_front(request);
    kick_requeue_list({}, cpu);
  }
  void queue_flush(Request& flush_request, int cpu) override {
    requeue_.push_back(flush_request);
    kick_requeue_list({}, cpu);
  }
  void leave_device(Request& request) override { put_driver_tag(request); }
  void end_flushed(Request& request) override { end_request(request); }

  void free_request(Request& request);
  void restart(int cpu);

  RequestQueueOptions options_;
  TagSet tags_;                                     // those that requests are allocated by
  std::optional<TagSet> driver_tags_;               // with an elevator: taken at dispatch
  std::vector<std::unique_ptr<Request>> requests_;  // by number
  std::vector<Request*> in_driver_;                 // by driver tag
  std::optional<ElevatorQueue> elevator_;
  RequestChain ctx_list_;  // software queue (one hardware queue: kept as one list)
  RequestChain dispatch_;  // hctx->dispatch
  RequestChain requeue_;   // requeue list, drained by kblockd
  RequestChain waiting_;   // that are on the requeue list too, but for which nobody has asked yet
  std::optional<DispatchBudget> budget_;  // of a SCSI disk
  bool restart_ = false;                  // BLK_MQ_S_SCHED_RESTART
  int dispatch_busy_ = 0;                 // EWMA
  engine::Event delayed_run_;
  int delayed_run_cpu_ = 0;
  engine::Event requeue_kick_;
  FlushMachinery flush_;
  std::optional<Wbt> wbt_;
  std::unique_ptr<IoThrottle> throttle_;  // null where there are no control groups
};

}  // namespace wbsim::block
