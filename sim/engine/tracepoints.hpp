// Tracepoints: the only way in which the simulation tells anybody what it does. Named and filled
// as in the kernel (include/trace/events/{block,writeback}.h, v5.10), plus a few for what the
// kernel leaves to fio: system calls seen by the job.
//
// An Observer is told synchronously and must not touch the simulation; results with and without
// observers are byte-identical (determinism test).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/disk_stats.hpp"

namespace wbsim::engine {

// Who runs: job, flusher, kblockd worker or interrupt (name "?", id 0), and where. An interrupt has
// no task of its own; the kernel's traces name whom it interrupted, nobody ("", id 0) where the CPU
// was idle.
struct TaskName {
  std::string_view comm;
  int pid = 0;
  int cpu = 0;
  std::string_view interrupted{};
  int interrupted_pid = 0;
};

// Letters of the kernel's rwbs field.
struct RwbsFlags {
  bool write = false;       // else read, unless flush; also of a discard (op_is_write())
  bool discard = false;     // REQ_OP_DISCARD
  bool flush = false;       // REQ_OP_FLUSH
  bool preflush = false;    // REQ_PREFLUSH
  bool fua = false;         // REQ_FUA
  bool sync = false;        // REQ_SYNC
  bool idle = false;        // REQ_IDLE, which has no letter: direct writes
  bool ahead = false;       // REQ_RAHEAD
  bool prio = false;        // REQ_PRIO, which has no letter: metadata that others wait for
  bool background = false;  // REQ_BACKGROUND, which has no letter: periodic or background writeback
  friend bool operator==(const RwbsFlags&, const RwbsFlags&) = default;
};

// block_bio_queue, block_getrq, block_bio_backmerge, block_bio_frontmerge, block_split,
// block_bio_remap, block_bio_complete. A range event: `count` bios of `length` each, back to back
// from `sector`, the first at `time`, then one every `step`.
struct BioTrace {
  SimTime time;
  TaskName task;
  int device = 0;
  Lba sector;
  Sectors length;
  RwbsFlags rwbs;
  std::int64_t count = 1;
  SimDuration step{};
  // Of a remapping, by partitions and devices on top of others: where the bio was before. Of a
  // split: where the part begins that was split off.
  int from_device = -1;
  Lba from_sector{};
  // Of a completion.
  int error = 0;  // negative errno
  SimTime started{};
};

// block_rq_insert, block_rq_merge, block_rq_issue, block_rq_complete, block_rq_requeue. A finished
// flush sequence completes with sector -1 for the flush request itself, as the kernel prints it.
struct RequestTrace {
  SimTime time;
  TaskName task;
  int device = 0;
  Lba sector;
  Sectors length;
  RwbsFlags rwbs;
  int error = 0;          // complete only: negative errno
  std::int64_t bios = 1;  // bios merged into it
  SimTime started;        // start_time_ns: when the request was allocated
  SimTime issued;         // io_start_time_ns: complete only
  // Its I/O priority, as ioprio_set() takes it.
  int priority_class = 0;
  int priority_level = 0;
};

// A merged request has become part of another one and ends here. A requeued one has left the device
// and will be issued again. Where only the first sectors of a request succeed, these complete
// partly (block_rq_complete as well), then what is left of it completes with an error.
enum class RequestStep { kInsert, kIssue, kComplete, kMerge, kRequeue, kPartComplete };
// A split names what is left of the bio after the part that was split off. Only bios of devices on
// top of others are remapped by them and complete as such.
enum class BioStep { kQueue, kGetRequest, kBackMerge, kFrontMerge, kSplit, kRemap, kComplete };

struct PlugTrace {  // block_plug: the first request is held back
  SimTime time;
  TaskName task;
};

struct UnplugTrace {
  SimTime time;
  TaskName task;
  int requests = 0;
  bool from_schedule = false;
};

// Latencies of a direction in a window of writeback throttling (struct blk_rq_stat).
struct WbtSamples {
  std::int64_t count = 0;
  SimDuration mean{}, min{}, max{};
};

// wbt_timer at the end of a window, with what wbt_lat and wbt_stat say of the same window.
enum class WbtStatus { kOk = 1, kUnknown, kUnknownWrites, kExceeded };  // LAT_*, block/blk-wbt.c
struct WbtWindow {
  SimTime time;
  int device = 0;
  WbtStatus status = WbtStatus::kOk;
  int step = 0;             // before it changes
  int inflight = 0;         // throttled requests
  SimDuration exceeding{};  // wbt_lat: the latency that was too long
  WbtSamples reads, writes;
};

// wbt_step: the limits have been changed. A positive step throttles harder, a negative one less.
struct WbtStep {
  SimTime time;
  int device = 0;
  int step = 0;
  SimDuration window{};  // the one that has ended
  int background = 0, normal = 0, max = 0;
};

struct GlobalDirtyState {
  SimTime time;
  TaskName task;
  Pages nr_dirty, nr_writeback, background_thresh, dirty_thresh, dirty_limit, nr_dirtied,
      nr_written;
};

// Rates in pages per second (the kernel's trace prints KiB/s).
struct BdiDirtyRatelimit {
  SimTime time;
  int device = 0;
  Pages write_bw, avg_write_bw, dirty_rate, dirty_ratelimit, task_ratelimit,
      balanced_dirty_ratelimit;
  TaskName task{};  // whose call it was
};

// Times in jiffies, as the kernel computes them; `pause` <= 0 means that the task did not sleep.
struct BalanceDirtyPages {
  SimTime time;
  TaskName task;
  int device = 0;
  Pages limit, setpoint, dirty, bdi_setpoint, bdi_dirty, dirty_ratelimit, task_ratelimit, dirtied,
      dirtied_pause;
  std::int64_t paused = 0, pause = 0, period = 0, think = 0;
  // What the kernel's trace computes its own limit and set-points from: it prints the domain's
  // dirty_limit, where wb_position_ratio() works with the hard limit.
  Pages thresh{}, bg_thresh{}, dirty_limit{}, bdi_thresh{};
};

enum class WbReason { kBackground, kVmscan, kSync, kPeriodic, kLaptopTimer, kFsFreeSpace };
// As the kernel's traces print them (WB_WORK_REASON).
constexpr std::string_view to_string(WbReason reason) {
  switch (reason) {
    case WbReason::kBackground:
      break;
    case WbReason::kVmscan:
      return "vmscan";
    case WbReason::kSync:
      return "sync";
    case WbReason::kPeriodic:
      return "periodic";
    case WbReason::kLaptopTimer:
      return "laptop_timer";
    case WbReason::kFsFreeSpace:
      return "fs_free_space";
  }
  return "background";
}

// Why a bio or a request was not merged, the later the closer it came. Of several candidates the
// closest counts.
enum class MergeRefusal : std::uint8_t {
  kNomerges,        // nomerges is 2
  kNoMergeBio,      // flush, FUA, or part of a bio that was split
  kNotAdjacent,     // to nothing that was looked at
  kNoMergeRequest,  // that is adjacent: it met a limit before, is a flush or part of a split bio
  kOtherOperation,
  kOtherCgroup,
  kOtherPriority,
  kElevator,  // it does not allow it
  kMaxSectors,
  kMaxSegments,
  kVirtualBoundary,  // their memory leaves a gap that the device cannot skip
};
inline constexpr std::size_t kMergeRefusals = 11;

constexpr std::string_view to_string(MergeRefusal refusal) {
  constexpr std::array<std::string_view, kMergeRefusals> kNames{
      "nomerges",        "no_merge_bio", "not_adjacent",   "no_merge_request",
      "other_operation", "other_cgroup", "other_priority", "elevator",
      "max_sectors",     "max_segments", "virt_boundary"};
  return kNames[static_cast<std::size_t>(refusal)];
}

// Each attempt either merged or was refused once.
struct MergeCounts {
  std::int64_t attempts = 0;
  std::int64_t merged = 0;
  std::array<std::int64_t, kMergeRefusals> refused{};

  void refuse(MergeRefusal refusal, std::int64_t count = 1) {
    refused[static_cast<std::size_t>(refusal)] += count;
  }
  [[nodiscard]] std::int64_t refused_by(MergeRefusal refusal) const {
    return refused[static_cast<std::size_t>(refusal)];
  }
  friend bool operator==(const MergeCounts&, const MergeCounts&) = default;
};

// What came of commands that failed or were late.
struct ErrorCounts {
  std::int64_t failed = 0;  // requests that ended with an error
  std::int64_t retries = 0;
  std::int64_t timeouts = 0;
  friend bool operator==(const ErrorCounts&, const ErrorCounts&) = default;
};

// What a queue counted, told once at the end of a run. Not a tracepoint.
struct QueueTotals {
  int device = 0;
  MergeCounts bios;      // merged into a request, or given one
  MergeCounts requests;  // of which two may become one: neighbours in the elevator
  DiskStats disk;
  std::optional<ErrorCounts> errors{};  // of a device with faults
};

// writeback_start, writeback_written, writeback_wait, writeback_queue, writeback_exec.
enum class WritebackStep { kQueue, kExec, kStart, kWritten, kWait, kWakeBackground };
struct WritebackTrace {
  SimTime time;
  TaskName task;
  int device = 0;
  std::int64_t nr_pages = 0;
  bool sync_all = false, for_kupdate = false, for_background = false, range_cyclic = false;
  WbReason reason = WbReason::kBackground;
  int sb_device = -1;  // the device of the only file system to write, if there is one
  TaskName caller{};   // who queues it, or finds that there is too much: not the flusher itself
};

struct PagesWritten {  // writeback_pages_written: after all work that was there
  SimTime time;
  TaskName task;
  int device = 0;
  std::int64_t pages = 0;
};

// i_state of the kernel, as far as it is modelled.
struct InodeFlags {
  bool dirty_sync = false, dirty_datasync = false, dirty_pages = false, dirty_time = false;
  bool freeing = false, sync = false, sync_queued = false;
};

// writeback_single_inode_start, writeback_single_inode: around __writeback_single_inode(), whoever
// calls it.
enum class InodeStep { kStart, kEnd };
struct InodeWriteback {
  SimTime time;
  TaskName task;
  int device = 0;             // whose flusher is in charge
  bool block_device = false;  // not a file: `number` is the index of the device
  std::int64_t number = 0;    // of the inode
  InodeFlags state;
  std::uint64_t dirtied_when = 0, jiffies = 0;  // jiffies: of now
  PageIndex writeback_index;
  std::int64_t nr_to_write = 0, wrote = 0;
};

// What the flusher wrote of one inode; the time is that of the end.
struct SingleInode {
  SimTime time;
  TaskName task;
  int device = 0;
  Pages nr_to_write, wrote;
};

struct QueueIo {  // writeback_queue_io
  SimTime time;
  int device = 0;
  std::uint64_t older = 0;  // jiffies
  int moved = 0;
  WbReason reason = WbReason::kBackground;
  TaskName task{};
  std::uint64_t jiffies = 0;  // of now
};

// One system call or asynchronous I/O of a job, reported when it is over. Not a kernel tracepoint:
// what fio measures.
enum class SyscallKind { kRead, kWrite, kFsync, kFdatasync, kSync };
struct SyscallTrace {
  SimTime start;  // when fio issued it; of an asynchronous one, when its submission returned
  SimTime end;    // when it returned, or its completion was collected
  int job = 0;    // index into the workload's jobs (clones counted)
  SyscallKind kind = SyscallKind::kWrite;
  FileOffset offset;
  Bytes length;
  int error = 0;
  // Asynchronous ones only: from its preparation to `start` (fio's slat).
  std::optional<SimDuration> submission{};
};

// Everything a sampler may want, taken at fixed intervals of virtual time (timeseries.csv).
struct StateSample {
  SimTime time;
  Pages nr_dirty, nr_writeback, nr_dirtied, nr_written;          // global counters
  Pages dirty_thresh, background_thresh, dirty_limit, setpoint;  // as last computed
  Pages nr_free, nr_active_file, nr_inactive_file;
  struct Bdi {
    int device = 0;
    Pages reclaimable, writeback, wb_thresh, written;
    Pages write_bandwidth, avg_write_bandwidth, dirty_ratelimit, balanced_dirty_ratelimit;  // per s
    std::int64_t pos_ratio = 1024;  // fixed point, 1024 = 1.0
    int queue_depth = 0;            // requests issued to the device
    SimDuration busy{};             // time with at least one request in the device, since t = 0
    Pages wb_bg_thresh, wb_setpoint, dirtied;
    // Its share of the lately completed writeback.
    std::int64_t completions_numerator = 0, completions_denominator = 1;
    std::int64_t b_dirty = 0, b_io = 0, b_more_io = 0, b_dirty_time = 0;  // inodes
    bool dirty_exceeded = false;
  };
  std::vector<Bdi> bdis;
};

class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  virtual void on_bio(BioStep, const BioTrace&) {}
  virtual void on_request(RequestStep, const RequestTrace&) {}
  virtual void on_plug(const PlugTrace&) {}
  virtual void on_unplug(const UnplugTrace&) {}
  virtual void on_wbt_window(const WbtWindow&) {}
  virtual void on_wbt_step(const WbtStep&) {}
  virtual void on_global_dirty_state(const GlobalDirtyState&) {}
  virtual void on_bdi_dirty_ratelimit(const BdiDirtyRatelimit&) {}
  virtual void on_balance_dirty_pages(const BalanceDirtyPages&) {}
  virtual void on_writeback(WritebackStep, const WritebackTrace&) {}
  virtual void on_pages_written(const PagesWritten&) {}
  virtual void on_inode_writeback(InodeStep, const InodeWriteback&) {}
  virtual void on_single_inode(const SingleInode&) {}
  virtual void on_queue_io(const QueueIo&) {}
  virtual void on_syscall(const SyscallTrace&) {}
  virtual void on_sample(const StateSample&) {}
  virtual void on_queue_totals(const QueueTotals&) {}
  virtual void on_job_start(int /*job*/, SimTime) {}
  virtual void on_job_end(int /*job*/, SimTime) {}
};

// The list of observers of one simulation; emission costs one branch when it is empty.
class Tracer {
 public:
  void attach(Observer& observer) { observers_.push_back(&observer); }
  [[nodiscard]] bool active() const { return !observers_.empty(); }

  // Calls `method` of every observer, in order of attachment.
  template <class Method, class... Args>
  void emit(Method method, const Args&... args) const {
    for (Observer* observer : observers_) {
      (observer->*method)(args...);
    }
  }

 private:
  std::vector<Observer*> observers_;
};

}  // namespace wbsim::engine
