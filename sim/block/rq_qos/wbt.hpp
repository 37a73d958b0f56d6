// Writeback throttling: keeps buffered writes from flooding the device while others read.
#pragma once

#include <array>
#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/request.hpp"
#include "sim/block/rq_qos/blk_stat.hpp"
#include "sim/block/rq_qos/rq_depth.hpp"
#include "sim/block/rq_qos/rq_wait.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

struct WbtOptions {
  SimDuration min_lat{};  // target for reads: wbt_lat_usec, above 0
  // blk_queue_depth() when the queue was registered: what the driver told, or else nr_requests,
  // which was that of the default elevator then. Later changes of nr_requests do not matter.
  int queue_depth = 64;
  bool write_cache = false;
  // wb.dirty_sleep of the bdi, in jiffies: when a task last paused in balance_dirty_pages(). It
  // outlives the queue. Null: nobody ever does.
  const std::uint64_t* dirty_sleep = nullptr;
};

// A bio, as far as throttling looks at it.
struct WbtBio {
  engine::RwbsFlags flags;
  bool kswapd = false;  // submitted by kswapd
};

// Models: struct rq_wb, block/blk-wbt.c, v5.10 and v6.1. Writes but those of direct I/O, and
// discards, are counted from before their request is allocated until it is done; merged bios pass.
//  1. Limits: max, the depth of the step (rq_depth.hpp); normal, (max + 1) / 2; background,
//     (max + 3) / 4. Where max <= 2: normal = max, background = 1.
//  2. A discard may go below background. Max holds for SYNC and PRIO, for kswapd, and for all while
//     a task has paused in balance_dirty_pages() within the last second; background for BACKGROUND,
//     and for all within 100 ms of a read; else normal. A waker asks this again for each sleeper,
//     but is itself not kswapd.
//  3. Writes, those of kswapd, and discards are counted and wait apart.
//  4. A completion wakes where nothing is in flight any more, or at least background / 2 less than:
//     background for discards; 0 with a volatile cache and no recent pause; else normal.
//  5. Windows of 100 ms, shortened to 100 ms / sqrt(step + 1) in steps > 0, run from the first
//     throttled bio for as long as there are throttled requests or step != 0.
//  6. A window exceeds the target where the oldest read that is watched is older than the window,
//     or than the target while no read has completed, or where the fastest read took longer; the
//     latter only with a read and three writes. Otherwise it is one of writes only where there was
//     any, a recent pause, or there are some in flight; else it tells nothing.
//  7. Exceeded: a step down, from any negative step to 0. Fine, or writes only: a step up. Five
//     windows that tell nothing: a step towards 0. A step up wakes all.
// Simplified: it is never switched on or off in mid-run; nothing submits META yet.
class Wbt final : private StatListener {
 public:
  Wbt(engine::Machine& machine, const engine::Tracer& tracer, int device,
      const WbtOptions& options);

  // rq_qos_throttle(): false where the task has to wait() first, at this instant.
  bool throttle(const WbtBio& bio);
  engine::Task<> wait(engine::Thread& thread, WbtBio bio);
  // rq_qos_track(): `request` has been allocated for the bio that came through.
  void track(Request& request, const WbtBio& bio);
  // rq_qos_issue(): the device has accepted it.
  void issue(Request& request);
  // rq_qos_requeue(): it has left the device and will be issued again.
  void requeue(const Request& request);
  // blk_stat_add() of a request that completes.
  void add_sample(const Request& request);
  // rq_qos_done(): it has completed, or has been merged into another one.
  void done(Request& request);

  [[nodiscard]] const RqDepth& depth() const { return depth_; }
  [[nodiscard]] int normal() const { return normal_; }
  [[nodiscard]] int background() const { return background_; }
  // Of all queues.
  [[nodiscard]] int inflight() const;
  [[nodiscard]] bool has_sleepers() const;

 private:
  enum Queue : std::size_t { kBackground, kKswapd, kDiscard, kQueues };  // WBT_RWQ_*
  // Bits of Request::wbt_flags, WBT_*.
  enum Flag : unsigned { kTracked = 1, kRead = 2, kFromKswapd = 4, kDiscards = 8 };

  [[nodiscard]] static unsigned flags_of(const WbtBio& bio);
  [[nodiscard]] static Queue queue_of(unsigned flags);
  [[nodiscard]] bool recent_wait() const;
  [[nodiscard]] bool close_io() const;
  [[nodiscard]] int limit(const WbtBio& bio) const;
  void wake(Queue queue);
  void wake_all();

  void window_over(const RqStats& stats) override;
  [[nodiscard]] engine::WbtStatus judge(const RqStats& stats, SimDuration& exceeding) const;
  void react(engine::WbtStatus status);
  void scale_up();
  void scale_down(bool hard);
  void calc_limits();
  void arm_timer();
  void trace_step() const;

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  int device_;
  WbtOptions options_;
  std::array<RqWait<WbtBio>, kQueues> queues_;
  RqDepth depth_;
  int normal_ = 0;
  int background_ = 0;
  int unknown_windows_ = 0;            // in a row
  SimDuration window_;                 // length of the current one
  std::uint64_t last_issue_ = 0;       // of a read, in jiffies
  std::uint64_t last_completion_ = 0;  // of a read, in jiffies
  // The read that is watched, and when it was issued. It may be gone: only compared.
  const Request* sync_cookie_ = nullptr;
  SimTime sync_issue_{};
  StatCallback stat_;
};

}  // namespace wbsim::block
