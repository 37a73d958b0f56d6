// A request: what the driver sees, made of one or more bios.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set_hook.hpp>
#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

class BlockQueue;
namespace bfq {
struct Process;
struct Queue;
}  // namespace bfq

inline constexpr int kNoTag = -1;  // BLK_MQ_NO_TAG

// op_is_sync().
[[nodiscard]] inline bool is_sync(const engine::RwbsFlags& flags) {
  return !flags.write || flags.sync || flags.fua || flags.preflush;
}

// Steps of a flush sequence, REQ_FSEQ_* of block/blk-flush.c: bits of Request::flush_done.
enum FlushStep : unsigned {
  kFlushPre = 1U << 0U,
  kFlushData = 1U << 1U,
  kFlushPost = 1U << 2U,
  kFlushAll = kFlushPre | kFlushData | kFlushPost,
};

// What becomes of a request whose command has ended: it ends as well, with `status` and the first
// `good` sectors of it without error, or it is tried again.
struct Verdict {
  bool retry = false;
  SimDuration delay{};  // until it is tried again, at least
  Sectors good{0};
};

// Of a request before a device with faults.
struct RequestErrors {
  Verdict verdict;
  int retries = 0;
  bool tried = false;          // issued before
  bool aborted = false;        // after a timeout, once
  SimTime first_issue;         // jiffies_at_alloc of a SCSI command
  std::uint64_t deadline = 0;  // in jiffies
};

// Lives in the tag set of its queue, one per tag. Between allocation and completion it belongs to
// exactly one of: a plug, a list of the queue, the elevator, the flush machinery, the device.
struct Request {
  Request(BlockQueue& owner, int own_number);

  BlockQueue& queue;
  // The tag it is allocated by: one of the scheduler's where the queue has an elevator
  // (internal_tag), else the driver's.
  int number;
  int tag = kNoTag;  // the driver's
  int cpu = 0;       // of the task that allocated it
  int cgroup = 0;    // of all its bios
  Lba sector;
  Sectors length;
  engine::RwbsFlags flags;
  IoPriority priority;
  IoContext* context = nullptr;  // of the task that allocated it
  std::int64_t segments = 0;     // never re-coalesced
  std::int64_t bio_count = 0;
  SimDuration end_cost{};  // of all bios
  Bio* bio = nullptr;      // list of runs, owned until completion
  Bio* bio_tail = nullptr;
  std::uint16_t part = 0;       // that it counts in (PartStats)
  bool no_merge = false;        // REQ_NOMERGE: a size or segment limit was hit
  bool flush_sequence = false;  // RQF_FLUSH_SEQ
  unsigned flush_done = 0;
  SimTime started;  // start_time_ns
  SimTime issued;   // io_start_time_ns
  BlkStatus status = BlkStatus::kOk;
  DeviceCommand command;
  RequestErrors errors;
  engine::Interrupt hard_irq;  // the device's interrupt
  engine::Interrupt soft_irq;  // the block softirq that completes it

  std::uint64_t fifo_time = 0;  // when it expires, in the elevator's unit
  int domain_token = kNoTag;    // of kyber, from dispatch until it is freed
  unsigned wbt_flags = 0;       // of writeback throttling
  bool timed = false;           // RQF_STATS: issued while latencies are measured
  bool in_elevator = false;     // counted by the elevator from insertion until it is freed
  bfq::Process* elevator_process = nullptr;  // elv.priv[0]
  bfq::Queue* elevator_queue = nullptr;      // elv.priv[1]
  bool started_by_elevator = false;          // RQF_STARTED: taken out of the elevator
  bool prepared = false;    // RQF_DONTPREP: given back by a driver, nothing may be merged with it
  bool has_budget = false;  // of DispatchBudget
  bool counted = false;     // RQF_MQ_INFLIGHT: in TagShare::requests
  // Of a single queue.
  std::uint8_t pool_class = 0;  // RequestClass that it is counted in
  bool seen = false;            // REQ_STARTED: the driver has looked at it, nothing may pass it
  bool soft_barrier = false;    // REQ_SOFTBARRIER: nothing is sorted past it
  bool sorted = false;          // REQ_SORTED: came through the elevator
  bool elevator_data = false;   // REQ_ELVPRIV: set_request() was called for it
  bool barrier = false;         // REQ_HARDBARRIER (v2.6.18)
  bool color = false;           // REQ_ORDERED_COLOR: before or behind a barrier (v2.6.18)

  using HashHook = boost::intrusive::list_member_hook<
      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using SortHook = boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>>;
  HashHook hash;                                    // by end sector, for back merges
  SortHook sort;                                    // by sector, in the elevator
  boost::intrusive::list_member_hook<> queuelist;   // in a list of the queue or a dispatcher
  boost::intrusive::list_member_hook<> flush_list;  // in a list of the flush machinery

  [[nodiscard]] Lba end() const { return sector + length; }
  [[nodiscard]] bool is_write() const { return flags.write; }
};

// Requests in order; linked through the requests themselves, so that nothing allocates.
using RequestChain =
    boost::intrusive::list<Request, boost::intrusive::constant_time_size<false>,
                           boost::intrusive::member_hook<
                               Request, boost::intrusive::list_member_hook<>, &Request::queuelist>>;
using FlushChain = boost::intrusive::list<
    Request, boost::intrusive::constant_time_size<false>,
    boost::intrusive::member_hook<Request, boost::intrusive::list_member_hook<>,
                                  &Request::flush_list>>;

}  // namespace wbsim::block
