// A blk-mq request queue with one hardware queue: from bio to device and back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/device.hpp"
#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/flush_machinery.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/plug.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

// Which requests of a plug a bio may merge with.
enum class PlugMergeRule { kAllRequests, kNewestOnly };
// How its owner issues a plug of one queue without an elevator (8.6): oldest first and through the
// software queue where the device has been busy (v5.10), or newest first straight to the device.
enum class PlugIssueOrder { kFifo, kLifo };
// How many requests are taken out of an elevator at once (10.5) while the device has not been busy:
// up to nr_requests (v5.10), or up to the first for which there is no driver tag (since v5.11).
enum class ElevatorPull { kUpToRequests, kWhileTags };
// Who issues a FUA write that needs no flush: kblockd (v5.10), or its submitter (v6.1).
enum class FuaIssue { kKblockd, kSubmitter };

// When a large newest request of a plug (BLK_PLUG_FLUSH_SIZE) has it flushed: always (v5.10), or
// where nomerges is not 2 (v6.1).
enum class PlugSizeLimit { kAlways, kWhereMerging };
// What becomes of a bio without a priority: it stays as it is (v5.10), or submit_bio() gives it
// that of its submitter, the flusher's in background writeback (bio_set_ioprio(), since v6.0).
enum class BioPriorityRule { kAsSet, kOfSubmitter };

// CPU time of events that are traced in the simulated machine; zero for those that are not.
struct BlockTraceCosts {
  SimDuration bio_queue{};
  SimDuration bio_merge{};  // block_bio_backmerge or block_bio_frontmerge
  SimDuration getrq{};
  SimDuration plug{};
  SimDuration unplug{};
  SimDuration split{};
  SimDuration rq_insert{};
  SimDuration rq_merge{};
  SimDuration rq_issue{};
  SimDuration rq_complete{};
};

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
  std::size_t plug_requests_max = 32;
  bool plug_merging = true;  // ablation
  bool bio_runs = true;      // optimisation: false keeps every bio an object of its own
  BlockTraceCosts trace{};
};

struct RequestQueueStats {
  std::int64_t bios = 0;
  std::int64_t back_merges = 0;
  std::int64_t front_merges = 0;
  std::int64_t request_merges = 0;  // two requests became one
  std::int64_t requests = 0;        // issued with data
  std::int64_t flushes = 0;         // issued
};

// Models: blk_mq_submit_bio(), blk_mq_flush_plug_list(), __blk_mq_sched_dispatch_requests(),
// blk_mq_dispatch_rq_list() and the completion path, block/blk-mq*.c, v5.10 and v6.1.
// Simplified: one hardware queue, no rq_qos, no cgroups, no tags shared between queues.
class RequestQueue final : public DeviceClient, private ElevatorHost {
 public:
  RequestQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
               DeviceModel& device, const RequestQueueOptions& options);
  ~RequestQueue();

  [[nodiscard]] const QueueLimits& limits() const { return options_.limits; }
  [[nodiscard]] const RequestQueueStats& stats() const { return stats_; }
  // What became of all attempts to merge.
  [[nodiscard]] engine::QueueTotals totals() const {
    return {options_.device, merger_.bio_counts(), merger_.request_counts()};
  }
  [[nodiscard]] PlugIssueOrder plug_issue_order() const { return options_.plug_issue_order; }
  [[nodiscard]] int device_index() const { return options_.device; }
  [[nodiscard]] bool bio_runs() const { return options_.bio_runs; }
  [[nodiscard]] const engine::CpuCosts& costs() const { return machine_.costs(); }
  // CPU time of the events of a bio that is merged.
  [[nodiscard]] SimDuration merge_trace_cost() const {
    return options_.trace.bio_queue + options_.trace.bio_merge;
  }
  [[nodiscard]] int in_device() const { return in_device_; }
  // How busy the device has been, 0 to 9 (dispatch_busy in the debugfs of a hardware queue).
  [[nodiscard]] int dispatch_busy() const { return dispatch_busy_; }
  // Time during which at least one command was in the device, up to now.
  [[nodiscard]] SimDuration device_busy() const;
  // Everything that is handed out: requests and bios. Zero in a drained queue.
  [[nodiscard]] std::size_t in_flight() const;

  // A bio to fill and submit; it belongs to the queue again once end_bio() has returned. Its end
  // costs what that of a page of writeback does, unless the submitter says otherwise.
  Bio& new_bio();

  // How many bios of `unit` sectors, back to back from `sector`, would back-merge one after the
  // other into the newest request of the task's plug; at most `wanted`.
  [[nodiscard]] std::int64_t merge_room(const TaskIo& io, Lba sector, Sectors unit,
                                        std::int64_t wanted) const;
  // True when the newest request of the task's plug ends where `sector` begins.
  [[nodiscard]] bool follows_plug(const TaskIo& io, Lba sector) const;
  // Merges such a run, the first bio now. The caller charges the CPU time next, `step` per bio.
  void merge_run(TaskIo& io, Bio& run, SimDuration step);

  // submit_bio() of a single bio, split where it exceeds the limits. May sleep for a tag. Flushes
  // to a device without a volatile cache complete at once. What need not sleep happens in the call.
  engine::Task<> submit_bio(TaskIo& io, Bio& bio);

  // Plug flushes: by the owner, and by the owner's going to sleep (returns the CPU time).
  engine::Task<> flush_plug(TaskIo& io);
  SimDuration flush_plug_from_schedule(TaskIo& io);

  // What it takes until kblockd works on this queue: requeued flush steps have a way of their own.
  [[nodiscard]] SimDuration kblockd_hop() const {
    return requeue_.empty() ? costs().kblockd_hop : costs().flush_hop;
  }
  // The work that kblockd does for this queue.
  engine::Task<> run_from_kblockd(TaskIo& io);

  // A task that has submitted bios ends (TaskIo::exit()).
  void io_context_exits(int context);

  // DeviceClient.
  void complete(DeviceCommand& command, BlkStatus status) override;

 private:
  friend class FlushMachinery;

  engine::Task<> submit_in_parts(TaskIo& io, Bio& bio);
  engine::Task<> submit_in_limits(TaskIo& io, Bio& bio);
  engine::Task<> submit_unmerged(TaskIo& io, Bio& bio, SimDuration search);
  static engine::Task<> run(engine::Thread& thread, SimDuration cost);
  Bio& split_off(Bio& bio, Sectors length, const engine::Thread& thread);
  [[nodiscard]] IoPriority submitted_priority(const TaskIo& io, IoPriority set) const;
  engine::Task<> submit_flush(TaskIo& io, Request& request);

  // Merging, and CPU time that the attempt took.
  struct MergeAttempt {
    bool merged = false;
    SimDuration cost{};
  };
  void refuse_merge(const Bio& bio);
  MergeAttempt attempt_merge(TaskIo& io, Bio& bio);
  MergeAttempt attempt_merge(TaskIo& io, Bio& bio, const engine::BioTrace* trace);
  MergeKind attempt_plug_merge(Plug& plug, Bio& bio, std::int64_t& scanned);
  ElevatorQueue::BioMerge attempt_queued_merge(Bio& bio, int cpu);
  void account_merge(MergeKind kind, std::int64_t bios, const engine::BioTrace* trace);
  void end_absorbed(Request& request, engine::TaskName task);

  void add_elevator(const ElevatorType& type);
  Request* try_get_request(engine::Thread& thread, const Bio& bio);
  engine::Task<Request*> wait_for_request(TaskIo& io, const Bio& bio);
  [[nodiscard]] bool plug_is_full(const Plug& plug) const;
  void take_plugged(Plug& plug, RequestChain& taken) const;

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
  bool get_driver_tag(Request& request);
  void put_driver_tag(Request& request);
  void leave_undispatched(const engine::Thread& thread, RequestChain& list,
                          bool no_completion_will_help);
  SubmitResult issue(Request& request, engine::TaskName task);
  void update_dispatch_busy(bool busy);

  // Completion.
  void on_hard_irq(Request& request);
  void on_soft_irq(Request& request);
  static void hard_irq_thunk(void* request);
  static void soft_irq_thunk(void* request);
  void end_request(Request& request);
  void end_bio(Bio& bio, BlkStatus status, int cpu);
  void free_request(Request& request);
  void restart(int cpu);
  friend struct Request;

  void trace_bio(engine::BioStep step, const engine::Thread& thread, const Bio& bio,
                 SimDuration pace = {}) const {
    if (tracer_.active()) {
      emit_bio(step, trace_of(thread, bio, pace));
    }
  }
  [[nodiscard]] engine::BioTrace trace_of(const engine::Thread& thread, const Bio& bio,
                                          SimDuration pace = {}) const;
  void emit_bio(engine::BioStep step, const engine::BioTrace& trace) const;
  void trace_unplug(const engine::Thread& thread, const RequestChain& list, bool from_schedule);
  void trace_request(engine::RequestStep step, engine::TaskName task, const Request& request);

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  Kblockd& kblockd_;
  DeviceModel& device_;
  RequestQueueOptions options_;
  RequestQueueStats stats_;
  TagSet tags_;                                     // those that requests are allocated by
  std::optional<TagSet> driver_tags_;               // with an elevator: taken at dispatch
  std::vector<std::unique_ptr<Request>> requests_;  // by number
  std::vector<Request*> in_driver_;                 // by driver tag
  SlabPool<Bio> bios_;
  RequestMerger merger_;
  std::optional<ElevatorQueue> elevator_;
  RequestChain ctx_list_;  // software queue (one hardware queue: kept as one list)
  RequestChain dispatch_;  // hctx->dispatch
  RequestChain requeue_;   // requeue list, drained by kblockd
  bool restart_ = false;   // BLK_MQ_S_SCHED_RESTART
  int dispatch_busy_ = 0;  // EWMA
  int in_device_ = 0;
  SimDuration busy_{};
  SimTime busy_since_{};
  engine::Event delayed_run_;
  int delayed_run_cpu_ = 0;
  FlushMachinery flush_;
};

}  // namespace wbsim::block
