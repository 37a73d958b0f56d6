// A blk-mq request queue: from bio to one of its hardware queues, to the device, and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/block/bio.hpp"
#include "sim/block/block_queue.hpp"
#include "sim/block/cpu_map.hpp"
#include "sim/block/device.hpp"
#include "sim/block/dispatch_budget.hpp"
#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/flush_machinery.hpp"
#include "sim/block/hardware_queue.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/plug.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"
#include "sim/block/request_timer.hpp"
#include "sim/block/rq_qos/wbt.hpp"
#include "sim/block/tag_host.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/block/throttle/io_throttle.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

// How many requests are taken out of an elevator at once (10.5) while the device has not been busy:
// up to nr_requests (v5.10), or up to the first for which there is no driver tag (since v5.11).
enum class ElevatorPull { kUpToRequests, kWhileTags };
// Where a FUA write that needs no flush goes: past the elevator, issued by kblockd (v5.10) or by
// its submitter (v6.1); or the way of any other request (since v6.5), as does one that a flush
// follows.
enum class FuaIssue { kKblockd, kSubmitter, kAsOthers };

// When a large request of a plug (BLK_PLUG_FLUSH_SIZE) has it flushed: the newest, always (v5.10)
// or where nomerges is not 2 (v6.1); then the oldest (v6.12).
enum class PlugSizeLimit { kAlways, kWhereMerging, kOldestWhereMerging };

// What several hardware queues mean to plugs and elevators.
//   kV5_10  a plug holds back one request at a time where the driver gains nothing by more; an
//           elevator with one state for all runs by the hardware queue that brought it requests
//   kV6_1   plugs are always used; such an elevator runs by the hardware queue of whoever asks; a
//           host's tags are waited for in batches by share, and its elevator tags are shared too
enum class MultiQueueRules { kV5_10, kV6_1 };
// When the driver tells the device of a command: at once, or of all that it was given in a row
// (bd.last, commit_rqs(), and since v5.16 queue_rqs()): nvme and virtio-blk.
enum class Doorbell { kEachCommand, kEachBatch };

struct RequestQueueOptions {
  int device = 0;  // index, for traces
  QueueLimits limits;
  // The elevator; null: none.
  const ElevatorType* elevator = nullptr;
  ElevatorGeneration elevator_generation = ElevatorGeneration::kV5_10;
  TunableValues iosched{};
  // Requests allocated at once: tags of the elevator, or without one of the driver.
  int nr_requests = 32;  // of each hardware queue
  int hw_queues = 1;
  CpuSpread cpu_spread = CpuSpread::kInTurn;
  MultiQueueRules multi_queue = MultiQueueRules::kV5_10;
  std::optional<int> queue_depth{};  // of each hardware queue; absent: what the device holds
  std::optional<int> driver_tags{};  // with an elevator; absent: the depth
  bool host_wide_tags = false;       // all hardware queues have the same tags
  // Whose tags are shared with other queues, outlives this one; null: it has tags of its own.
  TagHost* tag_host = nullptr;
  Doorbell doorbell = Doorbell::kEachCommand;
  PlugMergeRule plug_merge = PlugMergeRule::kAllRequests;
  PlugIssueOrder plug_issue_order = PlugIssueOrder::kFifo;
  ElevatorPull elevator_pull = ElevatorPull::kUpToRequests;
  FuaIssue fua_issue = FuaIssue::kKblockd;
  PlugSizeLimit plug_size_limit = PlugSizeLimit::kAlways;
  bool plugs_each_bio = false;  // __submit_bio(), since v6.9
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
// blk_mq_dispatch_rq_list() and the completion path, block/blk-mq*.c, v5.10 to v6.12.
// Simplified: of cgroups io.max alone; no hardware queues for reads or polling alone; completions
// interrupt the CPU that submitted; the data of a flush sequence goes to the dispatch list, where
// the kernel since v6.5 puts it before all others in the elevator.
class RequestQueue final : public BlockQueue,
                           private HardwareQueueHost,
                           private FlushHost,
                           private ElevatorHost,
                           private ThrottleHost,
                           private IoContextUser {
 public:
  RequestQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
               DeviceModel& device, const RequestQueueOptions& options);
  ~RequestQueue() override;

  // How busy the device has been, 0 to 9 (dispatch_busy in the debugfs of a hardware queue).
  [[nodiscard]] int dispatch_busy(std::size_t hw_queue = 0) const {
    return hctxs_[hw_queue]->dispatch_busy();
  }
  [[nodiscard]] std::size_t in_flight() const override;
  // Null where it is off.
  [[nodiscard]] const Wbt* wbt() const { return wbt_ ? &*wbt_ : nullptr; }

  // submit_bio() of a single bio, split where it exceeds the limits. May sleep for a tag. Flushes
  // to a device without a volatile cache complete at once. What need not sleep happens in the call.
  // What exceeds the limits of the task's control group is submitted later, by another thread.
  engine::Task<> submit_bio(TaskIo& io, Bio& bio) override;

  engine::Task<> flush_plug(TaskIo& io) override;
  SimDuration flush_plug_from_schedule(TaskIo& io) override;

 private:
  engine::Task<> submit_allowed(TaskIo& io, Bio& bio);
  engine::Task<> submit_in_parts(TaskIo& io, Bio& bio);
  engine::Task<> submit_rest(TaskIo& io, Bio& bio);
  engine::Task<> submit_one(TaskIo& io, Bio& bio);
  engine::Task<> submit_plugged(TaskIo& io, Bio& bio);
  engine::Task<> submit_in_limits(TaskIo& io, Bio& bio);
  engine::Task<> submit_unmerged(TaskIo& io, Bio& bio, SimDuration search);
  static engine::Task<> run(engine::Thread& thread, SimDuration cost);
  engine::Task<bool> submit_flush(TaskIo& io, Request& request);

  // Merging, and CPU time that the attempt took.
  struct MergeAttempt {
    bool merged = false;
    SimDuration cost{};
  };
  MergeAttempt attempt_merge(TaskIo& io, Bio& bio);
  MergeAttempt attempt_merge(TaskIo& io, Bio& bio, const engine::BioTrace* trace);
  ElevatorQueue::BioMerge attempt_queued_merge(Bio& bio, int cpu);
  void end_absorbed(Request& request, engine::TaskName task);

  void add_hardware_queues();
  void add_elevator(const ElevatorType& type);
  [[nodiscard]] HardwareQueue& hctx_of(int cpu) const {
    return *hctx_of_cpu_[static_cast<std::size_t>(cpu)];
  }
  // rq->mq_hctx.
  [[nodiscard]] HardwareQueue& hctx_of(const Request& request) const {
    return hctx_of(request.cpu);
  }
  [[nodiscard]] bool is_flush_request(const Request& request) const {
    return hctx_of(request).flush().is_flush_request(request);
  }
  Request* try_get_request(engine::Thread& thread, const Bio& bio);
  engine::Task<Request*> wait_for_request(TaskIo& io, const Bio& bio);

  // Plugs.
  [[nodiscard]] bool plug_is_full(const Plug& plug) const;
  [[nodiscard]] bool uses_whole_plug() const;
  engine::Task<> add_alone_to_plug(TaskIo& io, Plug& plug, Request& request);
  void take_group(RequestChain& list, RequestChain& group) const;
  engine::Task<> issue_plug(TaskIo& io, RequestChain& list);
  engine::Task<> issue_batches(TaskIo& io, RequestChain& list);

  // Running hardware queues. `cpu`: that asks.
  [[nodiscard]] bool has_work(const HardwareQueue& hctx) const;
  [[nodiscard]] bool has_pending(HardwareQueue& hctx) const;
  [[nodiscard]] bool is_run_for(HardwareQueue& hctx, const HardwareQueue& asking) const;
  void run_pending_async(HardwareQueue& hctx, int cpu);
  void run_all_async(int cpu);
  void run_all_delayed(HardwareQueue& asking, int cpu);
  engine::Task<> run_hw_queue(TaskIo& io, HardwareQueue& hctx);
  void run_others_async(const HardwareQueue& hctx, int cpu);

  // ElevatorHost.
  void run_async(int cpu) override { run_all_async(cpu); }
  void run_hw_queue_async(int hw_queue, int cpu) override {
    run_pending_async(*hctxs_[static_cast<std::size_t>(hw_queue)], cpu);
  }

  // HardwareQueueHost. Requeued flush steps have a way of their own.
  [[nodiscard]] SimDuration kblockd_hop() const override {
    return requeue_.empty() ? costs().kblockd_hop : costs().flush_hop;
  }
  engine::Task<> run_from_kblockd(TaskIo& io, HardwareQueue& hctx) override;
  void on_tags_freed(HardwareQueue& hctx, int cpu) override { run_pending_async(hctx, cpu); }

  // Dispatch.
  // What is issued past the software queues: a single request, the requests of a list, or those of
  // a plug since v5.16. When one is refused the hardware queue is run: always with a plug, else if
  // it was the last.
  enum class DirectIssue { kOne, kList, kPlug };
  engine::Task<> issue_directly(TaskIo& io, RequestChain& list, DirectIssue issue);
  [[nodiscard]] SimDuration insert_cost() const {
    return costs().request_insert + options_.trace.rq_insert;
  }
  engine::Task<> insert(TaskIo& io, RequestChain& list);
  engine::Task<> insert_rest(TaskIo& io, RequestChain& list);
  void insert_first(RequestChain& list, engine::TaskName task);
  void insert_one(Request& request, engine::TaskName task);
  engine::Task<> run_queue(TaskIo& io, HardwareQueue& hctx);
  engine::Task<> run_queue_twice(TaskIo& io, HardwareQueue& hctx);
  // What a run of the queue came to.
  //   kProgress  all that was taken went to the device: there may be more to take
  //   kDone      there is nothing more to do now
  //   kAgain     the dispatch list has got new entries, which go first
  enum class DispatchResult { kProgress, kDone, kAgain };
  engine::Task<DispatchResult> dispatch_requests(TaskIo& io, HardwareQueue& hctx);
  engine::Task<DispatchResult> dispatch_from_elevator(TaskIo& io, HardwareQueue& hctx);
  engine::Task<bool> dispatch_pulled(TaskIo& io, HardwareQueue& hctx, RequestChain& list);
  engine::Task<bool> dispatch_by_hw_queue(TaskIo& io, RequestChain& list);
  [[nodiscard]] bool lasted_too_long(SimTime start) const;
  DispatchResult pull_from_elevator(const engine::Thread& thread, HardwareQueue& hctx,
                                    RequestChain& list);
  engine::Task<DispatchResult> dispatch_ctx_one_by_one(TaskIo& io, HardwareQueue& hctx);
  engine::Task<bool> dispatch_list(TaskIo& io, HardwareQueue& hctx, RequestChain& list);
  SubmitResult start(HardwareQueue& hctx, Request& request, engine::TaskName task);
  [[nodiscard]] bool batches() const { return options_.doorbell == Doorbell::kEachBatch; }
  bool ring(HardwareQueue& hctx) { return hctx.batch().empty() || ring_for_batch(hctx); }
  bool ring_for_batch(HardwareQueue& hctx);
  void take_back(HardwareQueue& hctx, Request& request);
  bool take_budget();
  bool take_budget(Request& request);
  void put_budget(Request& request);
  void put_untaken_budget();
  void leave_undispatched(const engine::Thread& thread, HardwareQueue& hctx, RequestChain& list,
                          bool no_completion_will_help);

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
  void run_after_recovery() override { run_all_async(0); }
  void note_activity();
  void on_activity_timer();

  // FlushHost: every step goes through kblockd.
  void queue_flush_data(Request& request, int cpu) override {
    requeue_.push_front(request);
    kick_requeue_list({}, cpu);
  }
  void queue_flush(Request& flush_request, int cpu) override {
    requeue_.push_back(flush_request);
    kick_requeue_list({}, cpu);
  }
  void leave_device(Request& request) override;
  void end_flushed(Request& request) override { end_request(request); }

  void free_request(Request& request);
  void restart(HardwareQueue& hctx, int cpu);

  RequestQueueOptions options_;
  std::unique_ptr<TagHost> own_tags_;  // null where they are shared with other queues
  TagHost& tag_host_;
  std::vector<std::unique_ptr<TagSet>> elevator_tags_;  // of each hardware queue, or of all
  std::vector<TagShare> shares_;                        // the same of the driver's tags
  std::vector<std::unique_ptr<HardwareQueue>> hctxs_;
  std::vector<HardwareQueue*> hctx_of_cpu_;
  std::vector<Request*> in_driver_;  // by driver tag
  int allocated_ = 0;                // requests
  std::optional<ElevatorQueue> elevator_;
  RequestChain requeue_;  // requeue list, drained by kblockd
  RequestChain waiting_;  // that are on the requeue list too, but for which nobody has asked yet
  std::optional<DispatchBudget> budget_;  // of a SCSI disk
  engine::Event requeue_kick_;
  engine::Event activity_event_;
  RequestTimer activity_timer_;  // where tags are shared: when the queue has been idle
  std::optional<Wbt> wbt_;
  std::unique_ptr<IoThrottle> throttle_;  // null where there are no control groups
};

}  // namespace wbsim::block
