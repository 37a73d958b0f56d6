// Throttling of tasks that dirty pages: balance_dirty_pages() and the estimates behind it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/wb_domain.hpp"
#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/writeback/dirty_limits.hpp"
#include "sim/writeback/position_ratio.hpp"

namespace wbsim::writeback {

// When background writeback is started by who dirties pages.
enum class BackgroundStart {
  kOnExit,     // v5.10: above freerun, and on leaving balance_dirty_pages()
  kEveryTurn,  // v6.1: at the top of every turn of its loop
};

// Who updates the bandwidth estimates, and what happens to idle time (3.9).
enum class BandwidthUpdate {
  kThrottleAndFlusher,  // v5.10: also after each batch of the flusher; idle gaps > 1 s are skipped
  kDoWritepages,        // v6.1: also in do_writepages() and 200 ms after the last completion
};

// When a writer asks whether it dirtied too much: after each page (generic_perform_write(), up to
// v6.5 for block devices), or before each (iomap_write_iter(), since v6.6).
enum class DirtyCheck { kAfterPage, kBeforePage };

// How a task that dirties too much is held back.
enum class ThrottleAction {
  kWriteBack,           // v2.6.18: it writes itself, while the machine is over its limit
  kWriteBackPerDevice,  // v2.6.24 to v3.1: while its device is over its share of that
  kPause,               // since v3.2: it sleeps as long as the device needs for what it dirtied
};

// When reclaim asks for dirty pages to be written.
enum class ReclaimWakeup {
  kDirectScans,   // v2.6.18, v3.6: a task that scanned half as much again as it wants, so many
  kDirtyBatches,  // v5.10: a batch of nothing but dirty pages that nobody writes, everything
};

struct ThrottleOptions {
  ThrottleAction action = ThrottleAction::kPause;
  LimitRules limits = LimitRules::kV5_10;
  ControlLaws laws = ControlLaws::kV5_10;
  MemoryUse memory;  // of kV2_6_18's limits
  pagecache::WritepagesRules writepages = pagecache::WritepagesRules::kV5_10;
  ReclaimWakeup reclaim_wakeup = ReclaimWakeup::kDirtyBatches;
  bool flusher_plug = true;           // around all that one piece of work writes; not in v3.6
  bool sync_writes = true;            // WB_SYNC_ALL makes REQ_SYNC; not in v2.6.18
  bool write_begin_waits = false;     // v3.6: whoever writes waits for pages under writeback
  bool write_marks_accessed = false;  // before v3.11: writing a page twice activates it
  bool errors_per_file = true;        // since v4.13: a failed write is told to each open file
  BackgroundStart background_start = BackgroundStart::kOnExit;
  BandwidthUpdate bandwidth_update = BandwidthUpdate::kThrottleAndFlusher;
  DirtyCheck dirty_check = DirtyCheck::kAfterPage;
  bool over_background_exact = false;  // v6.1: sum per-CPU parts when the threshold is small
  bool requeues_young = true;          // an inode of which more is left than a turn may write stays
                                       // on b_more_io though it is not old enough; not in v6.12
  bool throttling = true;              // ablation: tasks never sleep
  bool background_writeback = true;    // ablation: nobody starts background writeback
  SimDuration trace_writeback{};       // CPU time of one writeback event traced in the machine
};

// The sysctl that an action sets.
enum class VmKey {
  kDirtyRatio,
  kDirtyBackgroundRatio,
  kDirtyBytes,
  kDirtyBackgroundBytes,
  kDirtyWritebackCentisecs,
  kDirtyExpireCentisecs,
};

// Models: the dirty throttling of mm/page-writeback.c, v5.10 to v6.12.
// Options make it that of v3.6; before that, tasks wrote themselves (writer_throttle.hpp).
// Simplified: no memory cgroups, no strictlimit devices, no real-time tasks, no laptop mode.
class DirtyThrottle {
 public:
  DirtyThrottle(engine::Machine& machine, const engine::Tracer& tracer, pagecache::PageCache& cache,
                pagecache::WbDomain& domain, const VmSysctl& vm, const ThrottleOptions& options);
  DirtyThrottle(const DirtyThrottle&) = delete;
  DirtyThrottle& operator=(const DirtyThrottle&) = delete;
  virtual ~DirtyThrottle() = default;

  [[nodiscard]] const VmSysctl& vm() const { return vm_; }
  [[nodiscard]] const ThrottleOptions& options() const { return options_; }
  // Writes a sysctl: its twin becomes zero; limits are recomputed as the kernel does.
  void set_vm(VmKey key, std::int64_t value);
  // Sum of the min ratios of all devices, in percent.
  void set_min_ratio_sum(int percent) { min_ratio_sum_ = percent; }

  // Pages that a task may dirty, one after the other, before a check could do anything; >= 1.
  [[nodiscard]] virtual std::int64_t pages_before_check(const pagecache::TaskContext& task,
                                                        const pagecache::BdiWriteback& wb) const;
  // The check after so many pages were written (balance_dirty_pages_ratelimited()): true when
  // balance_dirty_pages() is due. Picks up what exited tasks left behind.
  virtual bool check_due(pagecache::TaskContext& task, const pagecache::BdiWriteback& wb,
                         Pages written);
  // The end of a task (do_exit()): pages that it dirtied since its last pause, and never paused
  // for, are left to whoever dirties pages next on its CPU.
  virtual void leave_to_others(pagecache::TaskContext& task);
  // Sleeps, or writes, as long as the task has to; starts background writeback.
  virtual engine::Task<> balance_dirty_pages(pagecache::TaskContext& task,
                                             pagecache::BdiWriteback& wb);

  // The flusher's stop test (wb_over_bg_thresh()).
  bool over_background(const pagecache::TaskContext& task, pagecache::BdiWriteback& wb);
  // Bandwidth estimate without rate limit: after a flusher batch (v5.10, `since` is when the
  // caller started) or at the end of do_writepages() and later (v6.1).
  void update_bandwidth(pagecache::BdiWriteback& wb, std::uint64_t since);
  // v6.1: wb_bandwidth_estimate_start(), before a file is written.
  void bandwidth_estimate_start(pagecache::BdiWriteback& wb);
  // v6.1: the test at the end of do_writepages().
  [[nodiscard]] bool bandwidth_due(const pagecache::BdiWriteback& wb) const;

  [[nodiscard]] const engine::Tracer& tracer() const { return tracer_; }
  [[nodiscard]] Pages dirty_limit() const { return domain_.dirty_limit; }
  // Limits as of now, for observers (global_dirty_limits()).
  [[nodiscard]] DirtyLimits limits_now() const;
  [[nodiscard]] Pages wb_thresh_now(pagecache::BdiWriteback& wb) const;

 protected:
  // What the kernel calls a dirty_throttle_control.
  struct Control {
    Pages file_dirty;
    Pages avail;
    PositionInput in;
    PositionResult position;
  };

  Control global_state(const pagecache::TaskContext& task) const;
  void wb_limits(Control& control, pagecache::BdiWriteback& wb) const;
  void start_background(const pagecache::TaskContext& task, pagecache::BdiWriteback& wb) const;
  [[nodiscard]] std::int64_t ratelimit() const { return ratelimit_pages_; }
  [[nodiscard]] engine::Machine& machine() const { return machine_; }

 private:
  [[nodiscard]] Pages dirtyable() const;
  [[nodiscard]] DirtyLimits limits_of(Pages avail) const;
  [[nodiscard]] std::int64_t ratelimit_of(Pages thresh) const;
  void find_position(Control& control, pagecache::BdiWriteback& wb) const;
  void free_run(pagecache::TaskContext& task, const Control& control) const;
  void update_with_ratelimit(const pagecache::TaskContext& task, Control& control,
                             pagecache::BdiWriteback& wb, std::uint64_t since);
  void update_write_bandwidth_of(pagecache::BdiWriteback& wb, std::int64_t elapsed);
  // One turn's decision: how many jiffies to sleep; <= 0: leave at once.
  struct Decision {
    std::int64_t pause = 0;
    std::uint64_t paused_until = 0;  // dirty_paused_when after the sleep
    Pages nr_dirtied_pause{0};
    bool stop = false;  // task_ratelimit is 0
  };
  Decision decide(pagecache::TaskContext& task, const Control& control, pagecache::BdiWriteback& wb,
                  std::uint64_t start, Pages pages_dirtied);
  void set_ratelimit();
  [[nodiscard]] std::uint64_t bandwidth_interval() const;

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  pagecache::PageCache& cache_;
  pagecache::WbDomain& domain_;
  VmSysctl vm_;
  ThrottleOptions options_;
  std::int64_t ratelimit_pages_;
  std::vector<Pages> leaks_;  // per CPU: dirty_throttle_leaks
  int min_ratio_sum_ = 0;
};

}  // namespace wbsim::writeback
