// The requests of a process that wait for service, and what is known of the process.
#pragma once

#include <array>
#include <bit>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set_hook.hpp>
#include <cstddef>
#include <cstdint>

#include "sim/block/elevators/bfq/entity.hpp"
#include "sim/block/elevators/sector_order.hpp"
#include "sim/block/request.hpp"

namespace wbsim::block::bfq {

struct Group;
struct Process;

using ListHook =
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using PositionHook =
    boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Raising of a queue's weight (wr_*). The factor itself is Entity::coefficient. Jiffies.
struct Raising {
  std::uint64_t start_or_end = 0;  // last_wr_start_finish; of a queue not raised also its last
                                   // request
  std::uint64_t longest = 0;       // wr_cur_max_time; 0: not raised
  std::uint64_t before_soft_real_time = 0;  // wr_start_at_switch_to_srt
  std::int64_t service = 0;                 // service_from_wr, sectors
};

// Time between the end of a process's requests and its next one (bfq_ttime); averages as of cfq.
struct ThinkTime {
  SimTime last_end;
  std::uint64_t samples = 0;  // in 1/256
  std::uint64_t total = 0;
  std::uint64_t mean = 0;  // ns

  // Models: bfq_update_io_thinktime(): a moving average that remembers 7/8.
  void add(SimDuration elapsed) {
    samples = (7 * samples + 256) / 8;
    total = (7 * total + 256 * static_cast<std::uint64_t>(elapsed.count())) / 8;
    mean = (total + 128) / samples;
  }
  [[nodiscard]] bool is_valid() const { return samples > 80; }  // bfq_sample_valid()
};

// How many requests of others a queue bears while it is empty (injection.hpp).
struct InjectionLimit {
  unsigned limit = 0;           // inject_limit
  SimDuration baseline{};       // last_serv_time_ns: service without injection; 0: unknown
  std::uint64_t decreased = 0;  // decrease_time_jif
};

// How busy a process keeps its queue (IO_bound). v6.1: by idle time; v5.10: by requests in time.
struct Intensity {
  bool io_bound = true;
  SimTime since;                  // io_start_time
  SimDuration idle{};             // tot_idle_time
  int requests_within_timer = 0;  // v5.10
};

// Models: struct bfq_queue. A queue lives as long as something refers to it: processes, requests,
// the tree that it is in, the count of weights, or a merge that may come.
struct Queue : Entity {
  std::uint64_t number = 0;  // counts the queues ever made, from 1
  Group* group = nullptr;    // bfqq_group(); `parent` but for the root

  // Requests.
  SectorOrder sorted;
  RequestChain fifo;
  Request* next = nullptr;           // next_rq
  std::array<int, 2> queued{};       // by whether they are synchronous
  int dispatched = 0;                // in the driver
  std::int64_t max_budget = 0;       // sectors, by feedback
  std::uint64_t budget_timeout = 0;  // jiffies; of an idle queue: since when it is

  // References (see unused()).
  int processes = 0;             // bfqq_process_refs(); an asynchronous queue's group counts as one
  int stable_refs = 0;           // processes that may still join it
  int counted_weight = 0;        // weight_counter; 0: in no count
  Process* owner = nullptr;      // bic; null where it is shared
  Queue* merged_into = nullptr;  // new_bfqq

  // Flags.
  bool sync = false;
  bool just_created = false;
  bool busy = false;
  bool waits_for_request = false;   // wait_request: in service, and the idle timer runs
  bool expired_by_waiting = false;  // non_blocking_wait_rq
  bool fifo_checked = false;        // fifo_expire
  bool short_think_time = false;    // has_short_ttime
  bool in_large_burst = false;
  bool shared = false;                  // coop
  bool split_wanted = false;            // split_coop
  bool soft_real_time_pending = false;  // softrt_update

  // What is known of the process.
  Raising raising;
  ThinkTime think_time;
  InjectionLimit injection;
  Intensity intensity;
  std::uint32_t seek_history = 1;  // a bit for each request; the first is taken for a seek
  Lba last_request;                // where its last request ended
  std::uint64_t created = 0;       // jiffies, as all below
  std::uint64_t split_time = 0;
  std::uint64_t soft_real_time_next = 0;      // soft_rt_next_start
  std::uint64_t backlogged_since = 0;         // last_idle_bklogged
  std::int64_t service_since_backlogged = 0;  // service_from_backlogged, sectors
  std::uint64_t first_io = 0;                 // first_IO_time

  // Wakers (wakers.hpp).
  Queue* waker = nullptr;
  bool waker_certain = false;
  std::uint64_t tentative_waker = 0;  // its number
  int waker_detections = 0;
  SimTime waker_detection_began;
  ListHook woken_link;  // in the waker's `woken`
  using WokenList =
      boost::intrusive::list<Queue,
                             boost::intrusive::member_hook<Queue, ListHook, &Queue::woken_link>,
                             boost::intrusive::constant_time_size<false>>;
  WokenList woken;

  ListHook active_link;        // in the list of active queues
  ListHook burst_link;         // in the burst in progress
  PositionHook position_link;  // by sector of `next`, to find cooperators

  [[nodiscard]] bool empty() const { return sorted.empty(); }
  [[nodiscard]] bool is_raised() const { return coefficient > 1; }
  // BFQQ_SEEKY(), BFQQ_TOTALLY_SEEKY().
  [[nodiscard]] bool seeky() const { return std::popcount(seek_history) > 19; }
  [[nodiscard]] bool totally_seeky() const { return seek_history == ~std::uint32_t{0}; }
  [[nodiscard]] bool unused() const {
    return processes == 0 && requests == 0 && !counted && counted_weight == 0 && stable_refs == 0;
  }
};

// op_is_sync(): REQ_SYNC, or what implies it.
inline bool is_sync(const engine::RwbsFlags& flags) {
  return !flags.write || flags.sync || flags.fua || flags.preflush;
}

}  // namespace wbsim::block::bfq
