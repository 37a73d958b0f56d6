// A request queue of the kernels before blk-mq: one list, one elevator, one request_fn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/block/block_queue.hpp"
#include "sim/block/dispatch_queue.hpp"
#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/flush_machinery.hpp"
#include "sim/block/ordered_sequence.hpp"
#include "sim/block/request_pool.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

// What holds requests back to merge them (8.7): the queue, from when it was empty until somebody
// waits (v2.6.18), or the task (v3.6).
enum class QueuePlugging { kPerQueue, kPerTask };
// How a cache is flushed (10.6): by barriers that drain the queue (v2.6.18), or by sequences of
// their own (v3.6).
enum class CacheFlush { kBarriers, kSequences };

struct SingleQueueOptions {
  int device = 0;  // index, for traces
  QueueLimits limits;
  const ElevatorType* elevator = nullptr;  // there is always one
  ElevatorGeneration elevator_generation = ElevatorGeneration::kV3_6;
  TunableValues iosched{};
  int nr_requests = 128;  // of each class; BLKDEV_MAX_RQ
  QueuePlugging plugging = QueuePlugging::kPerTask;
  CacheFlush cache_flush = CacheFlush::kSequences;
  RequestClasses request_classes = RequestClasses::kBySync;
  SortedDirections sorted_directions = SortedDirections::kApart;
  std::size_t plug_requests_max = 16;  // BLK_MAX_REQUEST_COUNT
  DiskStatsRules disk_stats = DiskStatsRules::kV3_6;
  // False: the device takes nothing beside a flush, so the queue waits for it
  // (QUEUE_FLAG_FLUSH_QUEUEABLE; libata has it off).
  bool flush_queueable = true;
  bool plug_merging = true;  // ablation
  bool bio_runs = true;      // optimisation
  BlockTraceCosts trace{};
  DataSteps data_steps{};
  DriverOptions driver{.driver = Driver::kScsi, .rules = ErrorRules::kV3_6};
  Congestion* congestion = nullptr;  // of the machine
};

// Models: blk_queue_bio(), blk_flush_plug_list() and the peek, start and end of requests,
// block/blk-core.c, v3.6; __make_request() and the plug of the queue, block/ll_rw_blk.c, v2.6.18;
// scsi_request_fn() and scsi_run_queue(), drivers/scsi/scsi_lib.c, of both.
// Simplified: one device to a host, completions on the submitter's CPU, block_rq_issue is told when
// the device takes the request and not when the driver first looks at it, no cgroups.
class SingleQueue final : public BlockQueue,
                          public KblockdWork,
                          private FlushHost,
                          private SingleQueueHost,
                          private IoContextUser {
 public:
  SingleQueue(engine::Machine& machine, const engine::Tracer& tracer, Kblockd& kblockd,
              DeviceModel& device, const SingleQueueOptions& options);
  ~SingleQueue() override;

  [[nodiscard]] std::size_t in_flight() const override;
  [[nodiscard]] Sectors bio_sectors_max(Lba at) const override;
  [[nodiscard]] const RequestPool& pool() const { return pool_; }
  [[nodiscard]] bool write_congested() const override { return pool_.congested(kWriteOrAsync); }

  engine::Task<> submit_bio(TaskIo& io, Bio& bio) override;
  engine::Task<> flush_plug(TaskIo& io) override;
  SimDuration flush_plug_from_schedule(TaskIo& io) override;

  [[nodiscard]] bool is_plugged() const override { return plugged_; }
  engine::Task<> unplug(TaskIo& io) override;

  [[nodiscard]] SimDuration kblockd_hop() const override { return costs().kblockd_hop; }
  engine::Task<> run_from_kblockd(TaskIo& io) override;

 private:
  // A run of the queue in softirq context, one command after the other.
  struct SoftIrqRun {
    SoftIrqRun(SingleQueue& owner, int own_cpu);
    SingleQueue& queue;
    int cpu;
    Request* request = nullptr;  // on its way to the device
    engine::Interrupt interrupt;
  };
  enum class Where { kSort, kSortMerge, kFlush, kBarrier, kFront };

  // Submission (single_queue.cpp).
  [[nodiscard]] bool refuses(const Bio& bio) const;
  [[nodiscard]] Where place_of(const Bio& bio) const;
  engine::Task<bool> attempt_merge(TaskIo& io, Bio& bio);
  SimDuration merge(TaskIo& io, Bio& bio, const engine::BioTrace* trace, bool& merged);
  engine::Task<Request*> get_request(TaskIo& io, Bio& bio, Where where);
  Request* try_get_request(TaskIo& io, Bio& bio, Where where);
  engine::Task<> add_to_plug(TaskIo& io, Request& request);
  [[nodiscard]] std::size_t plugged_here(const Plug& plug) const;
  engine::Task<> submit_to_plugged_queue(TaskIo& io, Request& request, Where where);

  // Insertion (single_queue.cpp).
  void add_request(Request& request, Where where, engine::TaskName task);
  void add_to_elevator(Request& request, InsertMerge merging, engine::TaskName task);
  void end_absorbed(Request& request, engine::TaskName task);

  // Dispatch (single_queue_dispatch.cpp).
  [[nodiscard]] bool queue_is_empty() const;
  void plug_device();
  bool remove_plug();
  void hold_back();
  void run_later(int cpu);
  void on_delay();
  Request* peek();
  bool device_is_ready();
  Request* take_next();
  void dispatch_command(Request& request, engine::TaskName task);
  void requeue(Request& request, SubmitResult reason);
  engine::Task<> run_queue(TaskIo& io);
  engine::Task<> run_where_elevator_asked(TaskIo& io);
  void run_in_softirq(int cpu);
  static void soft_irq_run_thunk(void* run);

  // Completion (single_queue_dispatch.cpp).
  Request& request_of(const DeviceCommand& command) override;
  [[nodiscard]] SimDuration soft_irq_cost(const Request& request) const override;
  void on_soft_irq(Request& request) override;
  void retry(Request& request, SimDuration delay) override;
  void run_after_recovery() override { run_async(0); }
  void end_part(Request& request);
  void end_in_sequence(Request& request);
  void end_request(Request& request);
  void free_request(Request& request);

  // FlushHost.
  void queue_flush_data(Request& request, int cpu) override;
  void queue_flush(Request& flush_request, int cpu) override;
  void leave_device(Request& /*request*/) override {}
  void end_flushed(Request& request) override { end_request(request); }
  // SingleQueueHost.
  void run_after_hook() override { run_wanted_ = true; }
  void run_async(int cpu) override;
  DispatchList& dispatch_list() override { return dispatch_; }
  // IoContextUser.
  void io_context_exits(const IoContext& context) override;

  SingleQueueOptions options_;
  RequestPool pool_;
  DispatchQueue dispatch_;
  std::optional<ElevatorQueue> elevator_;
  FlushMachinery flush_;        // v3.6
  OrderedSequence ordered_;     // v2.6.18
  int in_driver_ = 0;           // in_flight: requests with data, from start to end
  int device_busy_ = 0;         // commands from start to completion
  int blocked_ = 0;             // device_blocked, host_blocked: runs to go until it is tried again
  bool plugged_ = false;        // QUEUE_FLAG_PLUGGED
  bool kicked_ = false;         // kblockd runs the queue for the elevator, plugged or not
  bool run_wanted_ = false;     // a hook of the elevator asked for a run
  bool flush_queued_ = false;   // the flush machinery has put something into the list
  bool flush_delayed_ = false;  // flush_queue_delayed: the queue waits for a flush
  std::vector<Request*> by_tag_;
  std::vector<int> free_tags_;
  std::vector<std::unique_ptr<SoftIrqRun>> softirq_runs_;  // by CPU
  engine::Event delay_;
};

}  // namespace wbsim::block
