// A queue of cfq, v3.6: the requests of one process, or the asynchronous ones of one priority.
#pragma once

#include <bit>
#include <boost/intrusive/set_hook.hpp>
#include <cstdint>

#include "sim/block/bio.hpp"
#include "sim/block/elevators/cfq/cfq_tunables.hpp"
#include "sim/block/elevators/head_order.hpp"
#include "sim/block/elevators/io_history.hpp"
#include "sim/block/elevators/sector_order.hpp"

namespace wbsim::block {

class ServiceTree;

// What queues wait for in common (wl_type_t): a queue that is worth idling for has a slice of its
// own; seeking ones share theirs, since the disk moves its head for each of them anyway.
enum class CfqWorkload : std::uint8_t { kAsync, kSyncNoIdle, kSync };

// Models: cfq_update_io_seektime() and CFQQ_SEEKY(), v3.6: one bit for each of the last 32
// requests, set for what an ordinary disk has to seek for, or what is small for a device without
// heads. More than 4 bits make a queue a seeking one.
class SeekHistory {
 public:
  void add(const Request& request, bool rotational) {
    const bool far = last_end_ != Lba{} && distance(request.sector, last_end_) > kFar;
    bits_ = (bits_ << 1U) | static_cast<std::uint32_t>(rotational ? far : request.length < kSmall);
    last_end_ = request.end();
  }
  [[nodiscard]] bool seeky() const { return std::popcount(bits_) > kSeekyBits; }

 private:
  static constexpr Sectors kFar{8 * 100};   // CFQQ_SEEK_THR
  static constexpr Sectors kSmall{2 * 32};  // CFQQ_SECT_THR_NONROT
  static constexpr int kSeekyBits = 32 / 8;
  std::uint32_t bits_ = 0;
  Lba last_end_;  // last_request_pos; 0: none yet
};

// The time that a queue has the device. Jiffies. It starts with the first completion; until then
// it is new and cannot be used up.
struct CfqSlice {
  bool is_new = true;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t dispatched = 0;  // requests
  std::int64_t residual = 0;    // left over from the one before; negative: overrun

  [[nodiscard]] bool used(std::int64_t now) const { return !is_new && now >= end; }
  [[nodiscard]] std::int64_t left(std::int64_t now) const { return end - now; }
};

// Models: struct cfq_queue, v3.6.
struct CfqQueue {
  explicit CfqQueue(bool is_sync) : sync{is_sync}, idle_window{is_sync} {}

  const bool sync;

  // Priority. The boost of v2.6.18 is gone, so `level` is the process's own.
  bool priority_changed = true;  // to be taken from the context with the next request
  IoClass io_class = IoClass::kBestEffort;
  int level = kCfqNormalLevel;

  // Requests that wait.
  SectorOrder sorted;
  RequestChain fifo;
  Request* next = nullptr;  // next_rq, the best of them
  int queued = 0;
  int prio_pending = 0;  // those with REQ_PRIO

  // References.
  int processes = 0;               // contexts that use it, or will after a merge
  int requests = 0;                // allocated and not yet freed
  int dispatched = 0;              // of these in the device or on their way
  CfqQueue* merge_into = nullptr;  // new_cfqq: what its processes are going to share

  // Service.
  using TreeHook =
      boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>,
                                        boost::intrusive::optimize_size<true>>;
  TreeHook service;
  std::int64_t service_key = 0;
  ServiceTree* tree = nullptr;
  TreeHook close;    // in CloseQueues
  Lba close_sector;  // under which it is there
  int close_level = -1;
  bool busy = false;  // on_rr: waits or is served
  CfqSlice slice;
  SeekHistory seeks;

  // Flags, cfqq_state_flags.
  bool wait_request = false;   // the idle timer runs for it
  bool must_dispatch = false;  // a request came in while it was waited for
  bool must_alloc_slice = false;
  bool fifo_checked = false;  // fifo_expire: has been looked at in this slice
  bool idle_window;           // worth idling for
  bool coop = false;          // shared by several processes
  bool split_coop = false;    // ... that drift apart
  bool deep = false;          // has had many requests queued
  bool wait_busy = false;     // its slice was lengthened for one more request

  [[nodiscard]] bool empty() const { return queued == 0; }
  [[nodiscard]] CfqSync kind() const { return sync ? kCfqSync : kCfqAsync; }
  [[nodiscard]] bool is_idle_class() const { return io_class == IoClass::kIdle; }
  [[nodiscard]] bool is_real_time() const { return io_class == IoClass::kRealTime; }
  [[nodiscard]] CfqWorkload workload() const {
    return !sync ? CfqWorkload::kAsync
                 : (idle_window ? CfqWorkload::kSync : CfqWorkload::kSyncNoIdle);
  }
};

}  // namespace wbsim::block
