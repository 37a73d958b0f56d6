// A hardware queue: what a blk-mq queue has once for each queue of its device.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "sim/block/flush_machinery.hpp"
#include "sim/block/kblockd.hpp"
#include "sim/block/request.hpp"
#include "sim/block/software_queues.hpp"
#include "sim/block/tag_host.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

class HardwareQueue;

// What it asks of the request queue that it belongs to.
class HardwareQueueHost {
 public:
  [[nodiscard]] virtual SimDuration kblockd_hop() const = 0;
  virtual engine::Task<> run_from_kblockd(TaskIo& io, HardwareQueue& hctx) = 0;
  // Tags were freed, for which it was waiting, on `cpu`.
  virtual void on_tags_freed(HardwareQueue& hctx, int cpu) = 0;

 protected:
  ~HardwareQueueHost() = default;
};

struct HardwareQueueOptions {
  int index = 0;
  int hw_queues = 1;      // of the request queue
  std::vector<int> cpus;  // that submit to it, ascending
  int requests = 0;       // Request::number is below it
  // The tags that requests are allocated by: those of the elevator, or the driver's.
  TagSet& allocation_tags;
  DriverTags& driver_tags;
  int first_tag = 0;      // of the driver's, among all of the host
  bool elevator = false;  // the driver's tags are taken at dispatch
  // Of the driver's tags; this queue's own, or of all hardware queues of the request queue.
  TagShare& share;
  const TagHost& host;
};

// Models: struct blk_mq_hw_ctx, v5.10 and v6.1. Properties:
//  1. kblockd runs a queue of one hardware queue where it was asked to, else on the CPUs that are
//     mapped to this one, in turn, eight runs on each (blk_mq_hctx_next_cpu()).
//  2. There is one piece of work: a run replaces a delay in progress, and a delay a run that has
//     not begun (mod_delayed_work_on()).
//  3. dispatch_busy is an EWMA in integers: from idle 2, 3, ... 9, and back 7, 6, ... 0.
//  4. Who has no driver tag asks for a run after the next completion of this queue (RESTART), or,
//     where others take the same tags, is told when some are freed (blk_mq_mark_tag_wait()).
// Simplified: host-wide tags wait in the second way in all versions, as since v6.3: before, a
// request could wait for ever for a tag that another hardware queue frees.
class HardwareQueue final : public KblockdWork, public TagWaiter {
 public:
  HardwareQueue(BlockQueue& owner, HardwareQueueHost& host, FlushHost& flush_host,
                engine::Machine& machine, Kblockd& kblockd, const HardwareQueueOptions& options);
  HardwareQueue(const HardwareQueue&) = delete;
  HardwareQueue& operator=(const HardwareQueue&) = delete;
  ~HardwareQueue();

  [[nodiscard]] int index() const { return options_.index; }

  // Runs by kblockd: as soon as it can, or after 3 ms in jiffies. `cpu`: that asks.
  void run_async(int cpu);
  void run_delayed(int cpu);
  [[nodiscard]] bool delay_pending() const { return delayed_run_.pending(); }
  // The same of the requeue list, whose work is done by the hardware queue of the CPU that asks.
  void run_requeue_list(int cpu);

  [[nodiscard]] bool needs_restart() const { return restart_; }
  void mark_restart() { restart_ = true; }
  bool take_restart() { return std::exchange(restart_, false); }
  [[nodiscard]] int dispatch_busy() const { return dispatch_busy_; }
  void update_dispatch_busy(bool busy);

  // Requests and tags. A request that was allocated is numbered by its tag.
  [[nodiscard]] const std::vector<std::unique_ptr<Request>>& requests() const { return requests_; }
  [[nodiscard]] TagSet& allocation_tags() { return options_.allocation_tags; }
  // Null where there is no tag. `word_depth`: of each word of the tags.
  Request* allocate(int cpu, int word_depth);
  // blk_mq_free_request(), the part of the tags.
  void free(Request& request);
  // Without an elevator a request was allocated by its driver tag, and keeps it.
  bool get_driver_tag(Request& request) {
    return (request.tag != kNoTag && !shared()) || get_counted_tag(request);
  }
  void put_driver_tag(Request& request);
  // blk_mq_mark_tag_wait(): there was none.
  void wait_for_driver_tag();
  // Its driver tags may be freed without a completion of this queue.
  [[nodiscard]] bool shares_tags() const { return options_.host.options().host_wide || shared(); }
  // blk_mq_tag_idle(): the request queue has been idle for some time.
  void become_idle(int cpu) { options_.driver_tags.idle(options_.share, cpu); }
  [[nodiscard]] bool shared() const { return options_.host.shared(); }

  [[nodiscard]] RequestChain& dispatch_list() { return dispatch_; }
  [[nodiscard]] SoftwareQueues& software() { return software_; }
  [[nodiscard]] FlushMachinery& flush() { return flush_; }
  // Commands that the device has not been told of yet.
  [[nodiscard]] RequestChain& batch() { return batch_; }

  // Requests that were inserted into the elevator by it, less those that came out (elevator_queued,
  // v5.10).
  int elevator_queued = 0;

  // KblockdWork.
  [[nodiscard]] SimDuration kblockd_hop() const override { return host_.kblockd_hop(); }
  engine::Task<> run_from_kblockd(TaskIo& io) override { return host_.run_from_kblockd(io, *this); }

 private:
  void on_delayed_run() { kblockd_.queue_work(*this, delayed_run_cpu_); }
  void make_requests();
  [[nodiscard]] int next_cpu(int cpu);
  bool get_counted_tag(Request& request);
  bool take_driver_tag(Request& request);
  void count_in(Request& request);
  void count_out(Request& request);
  // TagWaiter.
  void on_tags_freed(int cpu) override { host_.on_tags_freed(*this, cpu); }

  BlockQueue& owner_;
  HardwareQueueHost& host_;
  engine::Machine& machine_;
  Kblockd& kblockd_;
  HardwareQueueOptions options_;
  std::vector<std::unique_ptr<Request>> requests_;  // by number
  FlushMachinery flush_;   // hctx->fq; its request may be on the lists below
  RequestChain dispatch_;  // hctx->dispatch
  RequestChain batch_;
  SoftwareQueues software_;
  bool restart_ = false;  // BLK_MQ_S_SCHED_RESTART
  int dispatch_busy_ = 0;
  std::size_t next_cpu_ = 0;  // of options_.cpus
  int next_cpu_batch_;
  engine::Event delayed_run_;
  int delayed_run_cpu_ = 0;
};

}  // namespace wbsim::block
