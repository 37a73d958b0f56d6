// What every request queue is to those above it and to its device: the seam between the file
// systems and the generations of the block layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sim/block/bio.hpp"
#include "sim/block/bio_target.hpp"
#include "sim/block/device.hpp"
#include "sim/block/driver.hpp"
#include "sim/block/error_handler.hpp"
#include "sim/block/io_accounting.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/plug.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/request.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

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

// CPU time for a page of data of steps between bio and device: of a write when it is submitted,
// before it is split or merged, of a read when it has ended. Models: blk_queue_bounce();
// bio_integrity_prep() and bio_integrity_verify_fn(); blk-crypto-fallback.
struct DataSteps {
  SimDuration bounce{};     // copied, to or from memory that the device can address
  SimDuration integrity{};  // protection information made or verified
  SimDuration crypto{};     // encrypted or decrypted
  friend bool operator==(const DataSteps&, const DataSteps&) = default;

  [[nodiscard]] SimDuration page() const { return bounce + integrity + crypto; }
};

struct RequestQueueStats {
  std::int64_t bios = 0;
  std::int64_t back_merges = 0;
  std::int64_t front_merges = 0;
  std::int64_t request_merges = 0;  // two requests became one
  std::int64_t requests = 0;        // issued with data
  std::int64_t flushes = 0;         // issued
};

// Who acts in softirq context and in timers.
inline constexpr engine::TaskName kInterruptTask{"?", 0};

// What becomes of a bio without a priority: it stays as it is (v5.10), or submit_bio() gives it
// that of its submitter, the flusher's in background writeback (bio_set_ioprio(), since v6.0).
enum class BioPriorityRule { kAsSet, kOfSubmitter };

// What all queues are made with.
struct BlockQueueOptions {
  int device = 0;  // index, for traces
  QueueLimits limits;
  PriorityMerge priority_merge = PriorityMerge::kEqualOnly;
  BioPriorityRule bio_priority = BioPriorityRule::kAsSet;
  DiskStatsRules disk_stats = DiskStatsRules::kV6_1;
  PlugIssueOrder plug_issue_order = PlugIssueOrder::kFifo;
  // A command completes in the interrupt of its device, without a softirq: that of a device with
  // several hardware queues (blk_mq_complete_request_remote()).
  bool completes_in_irq = false;
  bool plug_merging = true;  // ablation
  bool bio_runs = true;      // optimisation: false keeps every bio an object of its own
  BlockTraceCosts trace{};
  DataSteps data_steps{};
  DriverOptions driver{};
};

// Bios in, commands out, completions back. How a bio becomes a request and when that is issued is
// the business of RequestQueue (blk-mq) and SingleQueue (before).
class BlockQueue : public BioTarget, public DeviceClient, private ErrorHost {
 public:
  BlockQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
             DeviceModel& device, const BlockQueueOptions& options);

  [[nodiscard]] const RequestQueueStats& stats() const { return stats_; }
  // What became of all attempts to merge, and the device's line of /proc/diskstats.
  [[nodiscard]] engine::QueueTotals totals() const {
    return {common_.device, merger_.bio_counts(), merger_.request_counts(), accounting_.stats(),
            errors_ ? std::optional{errors_->counts()} : std::nullopt};
  }
  [[nodiscard]] PlugIssueOrder plug_issue_order() const { return common_.plug_issue_order; }
  [[nodiscard]] SimDuration merge_trace_cost() const final {
    return common_.trace.bio_queue + common_.trace.bio_merge;
  }
  int add_partition(Lba start, Sectors length) final {
    return accounting_.add_partition(start, length);
  }
  [[nodiscard]] engine::DiskStats disk_stats(int part) const final {
    return accounting_.stats(part);
  }
  [[nodiscard]] int in_device() const final { return in_device_; }
  [[nodiscard]] SimDuration device_busy() const final;

  [[nodiscard]] std::int64_t merge_room(const TaskIo& io, Lba sector, Sectors unit,
                                        std::int64_t wanted) const final;
  // Where the newest request of the task's plug ends.
  [[nodiscard]] bool follows_plug(const TaskIo& io, Lba sector) const final;
  void merge_run(TaskIo& io, Bio& run, SimDuration step) final;

  // Plug flushes: by the owner, and by the owner's going to sleep (returns the CPU time).
  virtual engine::Task<> flush_plug(TaskIo& io) = 0;
  virtual SimDuration flush_plug_from_schedule(TaskIo& io) = 0;

  // DeviceClient.
  void complete(DeviceCommand& command, BlkStatus status) final;

 protected:
  // Completion: the request of a command that has ended, the CPU time of its softirq, and what
  // happens at the end of that.
  virtual Request& request_of(const DeviceCommand& command) = 0;
  [[nodiscard]] virtual SimDuration soft_irq_cost(const Request& request) const = 0;
  virtual void on_soft_irq(Request& request) = 0;
  // The same for one whose command is to be tried again, after `delay`.
  virtual void retry(Request& request, SimDuration delay) = 0;

  // queue_rq(), queuecommand(): hands one request to the device. On refusal nothing has changed.
  SubmitResult issue(Request& request, engine::TaskName task);
  // The same in two steps: the request is started, but the device learns of it later. Only the
  // second may be refused by the device.
  SubmitResult announce(Request& request, engine::TaskName task);
  bool hand_over(Request& request);
  void end_bios(Request& request);
  void fill_request(Request& request, const Bio& bio, const engine::Thread& thread) const;
  void cancel_interrupts(Request& request);

  // The priority that a bio has once it is submitted.
  // Models: bio_set_ioprio(), get_current_ioprio().
  [[nodiscard]] IoPriority submitted_priority(const TaskIo& io, IoPriority set) const {
    if (common_.bio_priority == BioPriorityRule::kAsSet || set.io_class != IoClass::kNone) {
      return set;
    }
    const IoPriority own = io.priority();
    return own.io_class == IoClass::kNone ? kPriorityOfNiceZero : own;
  }

  // CPU time of DataSteps for what a bio writes, and for what a request has read.
  [[nodiscard]] SimDuration data_steps_of(const Bio& bio) const {
    return page_step_ > SimDuration{} && bio.flags.write && !bio.flags.discard
               ? data_steps_of(bio.length())
               : SimDuration{};
  }
  [[nodiscard]] SimDuration data_steps_of(const Request& request) const {
    return page_step_ > SimDuration{} && !request.flags.write && !request.flags.flush
               ? data_steps_of(request.length)
               : SimDuration{};
  }

  // Of a bio that must not be merged, or with a queue that merges nothing.
  void refuse_merge(const Bio& bio);
  // `trace`: of the bio as it was, where anybody wants it.
  void account_merge(MergeKind kind, std::int64_t bios, const engine::BioTrace* trace) {
    merger_.end_attempt(kind, bios);
    const bool front = kind == MergeKind::kFront;
    (front ? stats_.front_merges : stats_.back_merges) += bios;
    accounting_.bios_merged(merger_.merged_into(), bios);
    if (trace != nullptr && kind != MergeKind::kDiscard) {
      emit_bio(front ? engine::BioStep::kFrontMerge : engine::BioStep::kBackMerge, *trace);
    }
  }
  void trace_plug(const engine::Thread& thread);
  void trace_unplug(const engine::Thread& thread, const RequestChain& list, bool from_schedule);
  void trace_unplug(engine::TaskName task, int requests, bool from_schedule);
  void trace_request(engine::RequestStep step, engine::TaskName task, const Request& request);

  // Takes this queue's requests out of a plug, oldest first.
  void take_plugged(Plug& plug, RequestChain& taken) const;
  // Models: blk_attempt_plug_merge(), with all requests of the plug or the newest of this queue.
  // `scanned` counts the requests looked at in vain.
  MergeKind attempt_plug_merge(Plug& plug, Bio& bio, PlugMergeRule rule, std::int64_t& scanned) {
    if (rule == PlugMergeRule::kNewestOrOldest && !plug.empty() && plug.multiple_queues &&
        &plug.newest().queue != this) [[unlikely]] {
      return attempt_merge_with_oldest(plug, bio, scanned);
    }
    for (auto it = plug.requests.rbegin(); it != plug.requests.rend(); ++it) {
      if (&it->queue != this) {
        continue;
      }
      const MergeKind kind = kind_of(merger_.attempt_bio_merge(*it, bio));
      if (kind != MergeKind::kNone) {
        return kind;
      }
      ++scanned;
      if (rule != PlugMergeRule::kAllRequests) {
        break;
      }
    }
    return MergeKind::kNone;
  }

  MergeKind attempt_merge_with_oldest(Plug& plug, Bio& bio, std::int64_t& scanned);

  Kblockd& kblockd_;
  DeviceModel& device_;
  RequestQueueStats stats_;
  IoAccounting accounting_;

 private:
  friend struct Request;
  [[nodiscard]] SimDuration data_steps_of(Sectors length) const {
    return page_step_ * pages_ceil(to_bytes(length)).count();
  }
  void on_hard_irq(Request& request);
  [[nodiscard]] SimDuration end_cost(const Request& request) const;
  void prepare_command(Request& request);
  void note_in_device(Request& request);
  void trace_issue(Request& request, engine::TaskName task);
  // Of an interrupt on `cpu`: with whom it interrupts.
  [[nodiscard]] engine::TaskName traced(engine::TaskName task, int cpu) const;
  void trace_failure(Request& request);
  void end_or_retry(Request& request);
  void end_good_bios(Request& request);
  void note_left_device(const Request& request);
  // ErrorHost.
  void end_given_up(Request& request) override;
  static void hard_irq_thunk(void* request);
  static void soft_irq_thunk(void* request);

  BlockQueueOptions common_;
  SimDuration page_step_;  // of all DataSteps
  std::optional<ErrorHandler> errors_;
  int in_device_ = 0;
  SimDuration busy_{};
  SimTime busy_since_{};

 protected:
  RequestMerger merger_;
};

}  // namespace wbsim::block
