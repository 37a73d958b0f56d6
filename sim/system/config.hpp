// The fully resolved configuration of one run: what `wbsim check --print-config` prints and what
// the builder wires a System from. Plain data; the JSON reader fills it (config_reader.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/block/driver.hpp"
#include "sim/block/elevators/elevator.hpp"
#include "sim/block/request_queue.hpp"
#include "sim/block/single_queue.hpp"
#include "sim/block/stacking/raid1.hpp"
#include "sim/block/stacking/raid5.hpp"
#include "sim/block/stacking/stacked_device.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/engine/fair_queue.hpp"
#include "sim/engine/jiffies.hpp"
#include "sim/fs/block_device.hpp"
#include "sim/fs/extent_fs.hpp"
#include "sim/pagecache/write_cache_pages.hpp"
#include "sim/system/stack_config.hpp"
#include "sim/writeback/dirty_limits.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/position_ratio.hpp"

namespace wbsim::system {

// How far the watermarks of free memory are apart (memory_layout.hpp).
enum class WatermarkRules { kV2_6_18, kV3_6, kV5_10 };

enum class KernelVersion { k2_6_18, k3_6, k5_10, k6_1, k6_6, k6_12 };

// Switches by which kernel generations differ. A profile sets all of
// them; `profile` in the config overrides any single one.
struct KernelSwitches {
  enum class BackgroundStart { kOnExit, kEveryTurn };                 // 3.16
  enum class BandwidthUpdate { kThrottleAndFlusher, kDoWritepages };  // 3.9
  enum class BufferedRead { kPageByPage, kBatched };                  // 2.15
  enum class BlockLayer { kSingleQueue, kMultiQueue };                // 9.7, 10
  // Who writes back (5).
  enum class Flusher { kPdflush, kBdiThreads, kWorkQueue };
  BlockLayer block_layer = BlockLayer::kMultiQueue;
  // Of a single queue.
  block::QueuePlugging queue_plugging = block::QueuePlugging::kPerTask;         // 8.7
  block::RequestClasses request_classes = block::RequestClasses::kBySync;       // 9.6
  block::CacheFlush cache_flush = block::CacheFlush::kSequences;                // 10.6
  block::SortedDirections sorted_directions = block::SortedDirections::kApart;  // 9.7
  // Of blk-mq; elevators and direct I/O of both.
  block::PlugMergeRule plug_merge = block::PlugMergeRule::kAllRequests;   // 8.4
  block::PlugIssueOrder plug_issue_order = block::PlugIssueOrder::kFifo;  // 8.6
  block::PlugSizeLimit plug_size_limit = block::PlugSizeLimit::kAlways;   // 8.2
  bool plugs_each_bio = false;
  block::ElevatorPull elevator_pull = block::ElevatorPull::kUpToRequests;  // 10.5
  block::FuaIssue fua_issue = block::FuaIssue::kKblockd;                   // 10.6
  block::MultiQueueRules multi_queue = block::MultiQueueRules::kV5_10;     // 10.4, 10.5
  block::TagWakeRule tag_wake = block::TagWakeRule::kPerWaitQueue;         // 10.2
  block::BioPriorityRule bio_priority = block::BioPriorityRule::kAsSet;
  block::SplitCharge throttle_splits = block::SplitCharge::kAfterwards;     // io.max
  block::ElevatorGeneration elevators = block::ElevatorGeneration::kV5_10;  // 11
  fs::DirectIoRules direct_io;                                              // 1.13
  // Of devices on top of others.
  block::StackOrder stack_order = block::StackOrder::kDepthFirst;    // 7.3
  block::MirrorWrites mirror_writes = block::MirrorWrites::kByPlug;  // of raid1
  block::StripeVisit stripe_visit = block::StripeVisit::kByBlock;    // of raid5 and raid6
  block::MdFlush md_flush = block::MdFlush::kShared;
  block::DiskStatsRules disk_stats = block::DiskStatsRules::kV5_10;  // of all devices
  Flusher flusher = Flusher::kWorkQueue;
  engine::CpuScheduler cpu_scheduler = engine::CpuScheduler::kCfs;
  engine::TimerWheel timer_wheel = engine::TimerWheel::kNonCascading;
  BackgroundStart background_start = BackgroundStart::kOnExit;
  BandwidthUpdate bandwidth_update = BandwidthUpdate::kThrottleAndFlusher;
  BufferedRead buffered_read = BufferedRead::kPageByPage;
  writeback::DirtyCheck dirty_check = writeback::DirtyCheck::kAfterPage;
  bool requeues_young = true;
  writeback::ThrottleAction throttle_action = writeback::ThrottleAction::kPause;      // 4
  writeback::LimitRules dirty_limits = writeback::LimitRules::kV5_10;                 // 3.1, 4
  writeback::ControlLaws control_laws = writeback::ControlLaws::kV5_10;               // 3.6, 4.2
  pagecache::WritepagesRules writepages = pagecache::WritepagesRules::kV5_10;         // 5.9
  writeback::ReclaimWakeup reclaim_wakeup = writeback::ReclaimWakeup::kDirtyBatches;  // 2.12
  WatermarkRules watermarks = WatermarkRules::kV5_10;                                 // 2.12
  bool flusher_plug = true;                                                           // 5.5
  bool sync_writes = true;                                                            // 5.10
  bool write_begin_waits = false;                                                     // 2.6
  bool write_marks_accessed = false;                                                  // 2.5
  bool errors_per_file = true;                                                        // 5.12
  bool over_background_exact = false;  // 3.17: exact per-wb sum below 2 * stat_error
  int plug_max_requests = 32;          // BLK_MAX_REQUEST_COUNT
  // Ablations (false switches the mechanism off).
  bool throttling = true;
  bool background_writeback = true;
  bool plug_merging = true;
  friend bool operator==(const KernelSwitches&, const KernelSwitches&) = default;
};

// CPU time of kernel work, one number per component (sim/engine/cpu_costs.hpp documents each).
// Values are nanoseconds. Keys are the component names.
using CpuCostMap = std::map<std::string, SimDuration>;

struct VmConfig {
  int dirty_ratio = 20;  // percent; dirty_bytes wins when non-zero
  int dirty_background_ratio = 10;
  Bytes dirty_bytes{0};
  Bytes dirty_background_bytes{0};
  int dirty_writeback_centisecs = 500;
  int dirty_expire_centisecs = 3000;
  friend bool operator==(const VmConfig&, const VmConfig&) = default;
};

struct MemoryConfig {
  Bytes total = gibibytes(1);
  Bytes anon{0};
  // State at t = 0. Defaults follow from `total` (see README "memory"): everything not anonymous
  // and not reserved is free.
  std::optional<Pages> free;
  Pages active_file{0};
  Pages inactive_file{0};
  std::optional<Pages> totalreserve;  // totalreserve_pages
  friend bool operator==(const MemoryConfig&, const MemoryConfig&) = default;
};

struct SimdiskConfig {
  int channels = 1;
  int depth = 32;      // tags
  SimDuration read{};  // fixed part of a service time
  SimDuration write{};
  SimDuration flush{};
  SimDuration per_kib{};  // times ceil(bytes / 1024)
  SimDuration seek{};     // when a request does not start where the last one ended
  friend bool operator==(const SimdiskConfig&, const SimdiskConfig&) = default;
};

struct HddZoneConfig {
  std::int64_t cylinders = 0;
  Sectors sectors_per_track{0};
  // Absent: what covers the switch (factory).
  std::optional<Sectors> track_skew;
  std::optional<Sectors> cylinder_skew;
  friend bool operator==(const HddZoneConfig&, const HddZoneConfig&) = default;
};

struct SeekConfig {
  SimDuration single{};   // to the next cylinder
  SimDuration average{};  // over all pairs of cylinders
  SimDuration full{};     // from the first to the last
  friend bool operator==(const SeekConfig&, const SeekConfig&) = default;
};

// What no document gives is absent (0): a disk is described by its data sheet, see
// configs/devices. models/hdd.hpp documents each.
struct HddConfig {
  int depth = 32;
  std::int64_t rpm = 0;
  int heads = 0;
  std::vector<HddZoneConfig> zones;
  SeekConfig read_seek;
  SeekConfig write_seek;
  SimDuration head_switch{};
  SimDuration overhead{};
  Bytes link{0};  // a second
  Bytes cache{0};
  int cache_extents = 0;
  int read_segments = 0;
  Bytes read_segment{0};
  SimDuration age_limit = seconds(1);
  friend bool operator==(const HddConfig&, const HddConfig&) = default;
};

// As for the disk; models/ssd.hpp documents each.
struct SsdConfig {
  enum class Interface { kSata, kNvme };
  Interface interface = Interface::kSata;
  std::optional<int> depth;  // absent: what the interface has
  SimDuration read_command{};
  SimDuration write_command{};
  Bytes read_link{0};  // a second
  Bytes write_link{0};
  SimDuration read_latency{};
  SimDuration write_latency{};
  SimDuration flush_latency{};
  int channels = 0;
  int dies = 0;
  Bytes channel_rate{0};  // a second
  Bytes page{0};
  SimDuration page_read{};
  SimDuration page_program{};
  Bytes buffer{0};
  bool power_loss_protection = false;
  friend bool operator==(const SsdConfig&, const SsdConfig&) = default;
};

// Parameters of the module null_blk, by its names.
struct NullBlkConfig {
  int hw_queue_depth = 64;
  int irqmode = 1;  // 0 at once, 1 softirq, 2 timer
  std::int64_t completion_nsec = 10'000;
  friend bool operator==(const NullBlkConfig&, const NullBlkConfig&) = default;
};

struct QueueConfig {
  std::string scheduler = "mq-deadline";
  std::map<std::string, std::int64_t, std::less<>> iosched;  // tunables of the elevator, by name
  std::optional<int> nr_requests;
  std::optional<int> hw_queues;  // absent: what the driver makes
  std::int64_t max_sectors_kb = 1280;
  int max_segments = 65535;
  Bytes max_segment_size{4294967295};
  int nomerges = 0;
  std::int64_t wbt_lat_usec = -1;  // target of writeback throttling; 0: off; -1: the default
  std::int64_t read_ahead_kb = 128;
  std::optional<std::int64_t> io_timeout;  // ms; absent: the driver's
  bool rotational = false;
  bool write_cache = false;  // volatile cache: flushes reach the device
  bool fua = false;
  // Topology, for devices on top; absent: 512, the physical block, 0 (unknown), 0 (none).
  std::optional<int> physical_block_size;
  std::optional<int> minimum_io_size;
  std::optional<int> optimal_io_size;
  std::optional<int> chunk_sectors;
  std::optional<std::int64_t> virt_boundary_mask;  // bytes; absent: the driver's
  block::DataSteps data_steps;
  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

// Commands that fail or are late (models/fault.hpp). All conditions must hold.
struct FaultConfig {
  std::optional<block::DeviceOp> on;  // absent: all
  std::optional<Lba> first;           // both or neither: commands with one of these sectors
  std::optional<Sectors> sectors;
  SimDuration from{};
  std::optional<SimDuration> until;
  std::int64_t skip = 0;
  std::int64_t one_in = 1;
  std::optional<std::int64_t> times;
  std::optional<block::DeviceError> error;
  bool do_not_retry = false;
  SimDuration retry_after{};
  SimDuration late{};
  friend bool operator==(const FaultConfig&, const FaultConfig&) = default;
};

struct DeviceConfig {
  std::string name;  // "sda": the file name of a job is "/dev/sda"
  std::string model = "simdisk";
  Bytes size = gibibytes(16);
  // Only the one of the model counts.
  SimdiskConfig simdisk;
  HddConfig hdd;
  SsdConfig ssd;
  NullBlkConfig null_blk;
  QueueConfig queue;
  std::optional<block::Driver> driver;  // absent: that of the model (config_faults.hpp)
  std::vector<FaultConfig> faults;
  std::string host;              // with whose other devices it shares the driver's tags
  std::optional<int> host_tags;  // how many; absent: the greatest depth of them
  int bdi_min_ratio = 0;         // percent
  int bdi_max_ratio = 100;
  friend bool operator==(const DeviceConfig&, const DeviceConfig&) = default;
};

// io.max of one control group for one device.
struct IoMaxConfig {
  std::string device;
  std::array<block::IoLimits, block::kThrottledDirections> limits{};
  friend bool operator==(const IoMaxConfig&, const IoMaxConfig&) = default;
};

// io.bfq.weight of one control group for one device.
struct BfqWeightConfig {
  explicit BfqWeightConfig(std::string of) : device{std::move(of)} {}
  std::string device;
  int weight = block::kBfqWeightDefault;
  friend bool operator==(const BfqWeightConfig&, const BfqWeightConfig&) = default;
};

inline constexpr int kIoWeightDefault = 100;  // CGROUP_WEIGHT_DFL

struct CgroupConfig {
  std::string name;  // its path below the root: "slow", "batch/nightly"
  std::vector<IoMaxConfig> io_max{};
  int io_weight = kIoWeightDefault;
  int bfq_weight = block::kBfqWeightDefault;
  std::vector<BfqWeightConfig> bfq_weights{};  // of devices for which it is another
  friend bool operator==(const CgroupConfig&, const CgroupConfig&) = default;
};

struct ActionConfig {
  // Exactly one of `at` and `after_workload` is meaningful.
  std::optional<SimDuration> at;
  bool after_workload = false;
  // Either `set` (dotted vm.* names to integers) or `syscall` ("sync").
  std::vector<std::pair<std::string, std::int64_t>> set;
  std::string syscall;
  friend bool operator==(const ActionConfig&, const ActionConfig&) = default;
};

// The machine's clock and estimates at t = 0; the defaults are those of a machine just booted.
struct BootConfig {
  std::uint64_t jiffies = 0xFFFFFFFFFFFFFFFFULL;  // all ones: INITIAL_JIFFIES (-300 s)
  SimDuration next_tick{};                        // time from t = 0 to the next tick
  std::optional<Pages> dirty_limit;               // global_wb_domain.dirty_limit
  std::optional<Pages> write_bandwidth;           // pages/s, INIT_BW when absent
  // How long before t = 0 the devices were set up: their flushers count the periodic look for old
  // data from there (wb->last_old_flush).
  SimDuration device_age = seconds(3600);
  int fork_failures = 0;  // threads of devices that cannot be made at first (v3.6)
  friend bool operator==(const BootConfig&, const BootConfig&) = default;
};

struct OutputConfig {
  SimDuration interval = milliseconds(100);
  bool requests = false;  // requests.csv
  bool trace = false;     // trace.txt
  friend bool operator==(const OutputConfig&, const OutputConfig&) = default;
};

struct OptimisationConfig {  // never change results (determinism tests)
  bool batching = true;
  bool bio_runs = true;
  friend bool operator==(const OptimisationConfig&, const OptimisationConfig&) = default;
};

// A file system: "data" is mounted at /data.
struct MountConfig {
  std::string name;
  std::string device;
  std::string fs;
  fs::ExtentFsOptions options;
  friend bool operator==(const MountConfig&, const MountConfig&) = default;
};

struct Config {
  std::string about;  // what the experiment is for, in its author's words
  KernelVersion kernel = KernelVersion::k5_10;
  KernelSwitches switches;
  int cpus = 1;
  int hz = 250;
  std::string cpu_costs_name;  // a file of configs/machines, without ".json"
  CpuCostMap cpu_costs;
  // Tracepoint categories switched on in the simulated machine ("wb", "rq", "blk"): each event
  // costs its CPU time (component trace_event). Nothing to do with wbsim's own observers.
  std::vector<std::string> guest_tracing;
  MemoryConfig memory;
  VmConfig vm;
  std::vector<DeviceConfig> devices;
  std::vector<StackConfig> stack;
  std::vector<MountConfig> mounts;
  std::vector<CgroupConfig> cgroups;  // once complete: parents before their children
  std::vector<ActionConfig> actions;
  std::string workload_file;      // path as given, "" when inline
  std::string workload_text;      // the job file's text
  std::string workload_filename;  // that all jobs have instead of their own, "" for none
  SimDuration workload_start{};   // when jobs start, after t = 0
  SimDuration tail{};             // simulated time after the last job and action
  BootConfig boot;
  OutputConfig output;
  OptimisationConfig optimisation;
  std::uint64_t seed = 1;
  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace wbsim::system
