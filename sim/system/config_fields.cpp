#include "sim/system/config_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sim/system/config_files.hpp"
#include "sim/system/config_mounts.hpp"

namespace wbsim::system {
namespace {

using block::BioPriorityRule;
using block::ElevatorGeneration;
using block::ElevatorPull;
using block::FuaIssue;
using block::PlugIssueOrder;
using block::PlugMergeRule;
using block::PlugSizeLimit;
using block::TagWakeRule;
using BlockLayer = KernelSwitches::BlockLayer;
using Flusher = KernelSwitches::Flusher;
using BackgroundStart = KernelSwitches::BackgroundStart;
using BufferedRead = KernelSwitches::BufferedRead;
using BandwidthUpdate = KernelSwitches::BandwidthUpdate;

constexpr std::array<std::pair<PlugMergeRule, std::string_view>, 3> kPlugMergeNames{
    {{PlugMergeRule::kAllRequests, "all-requests"},
     {PlugMergeRule::kNewestOnly, "newest-only"},
     {PlugMergeRule::kNewestOrOldest, "newest-or-oldest"}}};
constexpr std::array<std::pair<PlugIssueOrder, std::string_view>, 3> kPlugIssueOrderNames{
    {{PlugIssueOrder::kFifo, "fifo"},
     {PlugIssueOrder::kLifo, "lifo"},
     {PlugIssueOrder::kDirectFifo, "direct-fifo"}}};
constexpr std::array<std::pair<PlugSizeLimit, std::string_view>, 3> kPlugSizeLimitNames{
    {{PlugSizeLimit::kAlways, "always"},
     {PlugSizeLimit::kWhereMerging, "where-merging"},
     {PlugSizeLimit::kOldestWhereMerging, "oldest-where-merging"}}};
constexpr std::array<std::pair<TagWakeRule, std::string_view>, 3> kTagWakeNames{
    {{TagWakeRule::kPerWaitQueue, "per-wait-queue"},
     {TagWakeRule::kCompletionCount, "completion-count"},
     {TagWakeRule::kWholeBatches, "whole-batches"}}};
constexpr std::array<std::pair<BioPriorityRule, std::string_view>, 2> kBioPriorityNames{
    {{BioPriorityRule::kAsSet, "as-set"}, {BioPriorityRule::kOfSubmitter, "of-submitter"}}};
constexpr std::array<std::pair<block::SplitCharge, std::string_view>, 2> kSplitChargeNames{
    {{block::SplitCharge::kAfterwards, "afterwards"},
     {block::SplitCharge::kEachPart, "each-part"}}};
constexpr std::array<std::pair<ElevatorPull, std::string_view>, 2> kElevatorPullNames{
    {{ElevatorPull::kUpToRequests, "all-wanted"}, {ElevatorPull::kWhileTags, "while-tags"}}};
constexpr std::array<std::pair<FuaIssue, std::string_view>, 3> kFuaIssueNames{
    {{FuaIssue::kKblockd, "kblockd"},
     {FuaIssue::kSubmitter, "submitter"},
     {FuaIssue::kAsOthers, "as-others"}}};
constexpr std::array<std::pair<block::MultiQueueRules, std::string_view>, 2> kMultiQueueNames{
    {{block::MultiQueueRules::kV5_10, "5.10"}, {block::MultiQueueRules::kV6_1, "6.1"}}};
constexpr std::array<std::pair<ElevatorGeneration, std::string_view>, 6> kElevatorsNames{
    {{ElevatorGeneration::kV2_6_18, "2.6.18"},
     {ElevatorGeneration::kV3_6, "3.6"},
     {ElevatorGeneration::kV5_10, "5.10"},
     {ElevatorGeneration::kV6_1, "6.1"},
     {ElevatorGeneration::kV6_6, "6.6"},
     {ElevatorGeneration::kV6_12, "6.12"}}};
constexpr std::array<std::pair<BlockLayer, std::string_view>, 2> kBlockLayerNames{
    {{BlockLayer::kSingleQueue, "single-queue"}, {BlockLayer::kMultiQueue, "blk-mq"}}};
constexpr std::array<std::pair<block::QueuePlugging, std::string_view>, 2> kQueuePluggingNames{
    {{block::QueuePlugging::kPerQueue, "per-queue"}, {block::QueuePlugging::kPerTask, "per-task"}}};
constexpr std::array<std::pair<block::RequestClasses, std::string_view>, 2> kRequestClassesNames{
    {{block::RequestClasses::kByDirection, "by-direction"},
     {block::RequestClasses::kBySync, "by-sync"}}};
constexpr std::array<std::pair<block::CacheFlush, std::string_view>, 2> kCacheFlushNames{
    {{block::CacheFlush::kBarriers, "barriers"}, {block::CacheFlush::kSequences, "sequences"}}};
constexpr std::array<std::pair<block::SortedDirections, std::string_view>, 2>
    kSortedDirectionsNames{
        {{block::SortedDirections::kMixed, "mixed"}, {block::SortedDirections::kApart, "apart"}}};
constexpr std::array<std::pair<block::StackOrder, std::string_view>, 2> kStackOrderNames{
    {{block::StackOrder::kDepthFirst, "depth-first"},
     {block::StackOrder::kBreadthFirst, "breadth-first"}}};
constexpr std::array<std::pair<block::MirrorWrites, std::string_view>, 2> kMirrorWritesNames{
    {{block::MirrorWrites::kByPlug, "by-plug"}, {block::MirrorWrites::kDirect, "direct"}}};
constexpr std::array<std::pair<block::StripeVisit, std::string_view>, 2> kStripeVisitNames{
    {{block::StripeVisit::kByBlock, "by-block"}, {block::StripeVisit::kByStripe, "by-stripe"}}};
constexpr std::array<std::pair<block::MdFlush, std::string_view>, 2> kMdFlushNames{
    {{block::MdFlush::kInTurn, "in-turn"}, {block::MdFlush::kShared, "shared"}}};
constexpr std::array<std::pair<block::DiskStatsRules, std::string_view>, 4> kDiskStatsNames{
    {{block::DiskStatsRules::kV2_6_18, "2.6.18"},
     {block::DiskStatsRules::kV3_6, "3.6"},
     {block::DiskStatsRules::kV5_10, "5.10"},
     {block::DiskStatsRules::kV6_1, "6.1"}}};
constexpr std::array<std::pair<Flusher, std::string_view>, 3> kFlusherNames{
    {{Flusher::kPdflush, "pdflush"},
     {Flusher::kBdiThreads, "bdi-threads"},
     {Flusher::kWorkQueue, "work-queue"}}};
constexpr std::array<std::pair<engine::CpuScheduler, std::string_view>, 3> kCpuSchedulerNames{
    {{engine::CpuScheduler::kCfs, "cfs"},
     {engine::CpuScheduler::kEevdf, "eevdf"},
     {engine::CpuScheduler::kEevdfDelayed, "eevdf-delayed"}}};
constexpr std::array<std::pair<engine::TimerWheel, std::string_view>, 2> kTimerWheelNames{
    {{engine::TimerWheel::kCascading, "cascading"},
     {engine::TimerWheel::kNonCascading, "non-cascading"}}};
constexpr std::array<std::pair<BackgroundStart, std::string_view>, 2> kBackgroundStartNames{
    {{BackgroundStart::kOnExit, "on-exit"}, {BackgroundStart::kEveryTurn, "every-turn"}}};
constexpr std::array<std::pair<BandwidthUpdate, std::string_view>, 2> kBandwidthUpdateNames{
    {{BandwidthUpdate::kThrottleAndFlusher, "throttle-and-flusher"},
     {BandwidthUpdate::kDoWritepages, "do-writepages"}}};

constexpr std::array<std::pair<writeback::DirtyCheck, std::string_view>, 2> kDirtyCheckNames{
    {{writeback::DirtyCheck::kAfterPage, "after-page"},
     {writeback::DirtyCheck::kBeforePage, "before-page"}}};
using pagecache::WritepagesRules;
using writeback::ControlLaws;
using writeback::LimitRules;
using writeback::ReclaimWakeup;
using writeback::ThrottleAction;
constexpr std::array<std::pair<ThrottleAction, std::string_view>, 3> kThrottleActionNames{
    {{ThrottleAction::kWriteBack, "write-back"},
     {ThrottleAction::kWriteBackPerDevice, "write-back-per-device"},
     {ThrottleAction::kPause, "pause"}}};
constexpr std::array<std::pair<LimitRules, std::string_view>, 3> kLimitRulesNames{
    {{LimitRules::kV2_6_18, "2.6.18"}, {LimitRules::kV3_6, "3.6"}, {LimitRules::kV5_10, "5.10"}}};
constexpr std::array<std::pair<ControlLaws, std::string_view>, 2> kControlLawsNames{
    {{ControlLaws::kV3_6, "3.6"}, {ControlLaws::kV5_10, "5.10"}}};
constexpr std::array<std::pair<WritepagesRules, std::string_view>, 3> kWritepagesNames{
    {{WritepagesRules::kV2_6_18, "2.6.18"},
     {WritepagesRules::kV3_6, "3.6"},
     {WritepagesRules::kV5_10, "5.10"}}};
constexpr std::array<std::pair<ReclaimWakeup, std::string_view>, 2> kReclaimWakeupNames{
    {{ReclaimWakeup::kDirectScans, "direct-scans"},
     {ReclaimWakeup::kDirtyBatches, "dirty-batches"}}};
constexpr std::array<std::pair<WatermarkRules, std::string_view>, 3> kWatermarksNames{
    {{WatermarkRules::kV2_6_18, "2.6.18"},
     {WatermarkRules::kV3_6, "3.6"},
     {WatermarkRules::kV5_10, "5.10"}}};

constexpr std::array<std::pair<BufferedRead, std::string_view>, 2> kBufferedReadNames{
    {{BufferedRead::kPageByPage, "page-by-page"}, {BufferedRead::kBatched, "batched"}}};

constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();
constexpr std::int64_t kMemoryMinPages = pages_floor(mebibytes(64)).count();
// MAX_PHYSMEM_BITS of x86-64 with four-level page tables is 46: 64 TiB.
constexpr std::int64_t kMemoryMaxPages = pages_floor(gibibytes(64 * 1024)).count();
constexpr std::int64_t kPagesPerRateMax = pages_floor(gibibytes(1024)).count();

// A field of whole pages whose member is in bytes.
CountAccess access_pages_of(Bytes& target) {
  return {[&target] { return std::optional<std::int64_t>{pages_floor(target).count()}; },
          [&target](std::int64_t pages) { target = to_bytes(Pages{pages}); }};
}

std::vector<Field> memory_fields(MemoryConfig& memory) {
  const CountRange all{0, kMemoryMaxPages};
  return {
      quantity_field("total", access_pages_of(memory.total), Quantity::kPages,
                     {kMemoryMinPages, kMemoryMaxPages}, "memory the kernel manages"),
      quantity_field("anon", access_pages_of(memory.anon), Quantity::kPages, all,
                     "anonymous memory in use, which is not dirtyable"),
      quantity_field("free", access_count(memory.free), Quantity::kPages, all,
                     "nr_free_pages at t = 0; absent: what nothing else uses"),
      quantity_field("active_file", access_count(memory.active_file), Quantity::kPages, all,
                     "nr_active_file at t = 0"),
      quantity_field("inactive_file", access_count(memory.inactive_file), Quantity::kPages, all,
                     "nr_inactive_file at t = 0"),
      quantity_field("totalreserve", access_count(memory.totalreserve), Quantity::kPages, all,
                     "totalreserve_pages; absent: derived from total"),
  };
}

// Its default follows from hz, so until then there is nothing to print.
CountAccess access_jiffies(std::uint64_t& jiffies) {
  return {[&jiffies] {
            return jiffies == BootConfig{}.jiffies
                       ? std::nullopt
                       : std::optional{static_cast<std::int64_t>(jiffies)};
          },
          access_count(jiffies).set};
}

std::vector<Field> boot_fields(BootConfig& boot) {
  return {
      integer_field("jiffies", access_jiffies(boot.jiffies), {},
                    "jiffies at t = 0; absent: INITIAL_JIFFIES, 300 s before 32 bits wrap"),
      quantity_field("next_tick", access_count(boot.next_tick), Quantity::kDuration,
                     {0, milliseconds(10).count()}, "time from t = 0 to the next timer tick"),
      integer_field("dirty_limit", access_count(boot.dirty_limit), {0, kMemoryMaxPages},
                    "pages; global_wb_domain.dirty_limit at t = 0"),
      quantity_field("write_bandwidth", access_count(boot.write_bandwidth), Quantity::kPageRate,
                     {1, kPagesPerRateMax}, "bdi write bandwidth estimate at t = 0 (INIT_BW)"),
      quantity_field("device_age", access_count(boot.device_age), Quantity::kDuration,
                     {0, seconds(86400).count()}, "time from the set-up of the devices to t = 0"),
      integer_field("fork_failures", access_count(boot.fork_failures), {0, 1000},
                    "how often the thread of a device cannot be made, with flusher bdi-threads"),
  };
}

std::vector<Field> output_fields(OutputConfig& output) {
  Field trace = boolean_field("trace", output.trace,
                              "write trace.txt: what /sys/kernel/tracing/trace would show");
  trace.print = [&output] { return output.trace ? Json(true) : Json(nullptr); };
  return {quantity_field("interval", access_count(output.interval), Quantity::kDuration,
                         {milliseconds(1).count(), seconds(3600).count()},
                         "time between two rows of the time series"),
          boolean_field("requests", output.requests,
                        "write requests.csv: a row for each request of a device"),
          std::move(trace)};
}

std::vector<Field> optimisation_fields(OptimisationConfig& optimisation) {
  return {boolean_field("batching", optimisation.batching,
                        "commit several pages in one event; never changes results"),
          boolean_field("bio_runs", optimisation.bio_runs,
                        "carry equal bios as one object; never changes results")};
}

// HZ is a build option of the kernel: Kconfig.hz offers these.
Field hz_field(int& hz) {
  static constexpr std::array<int, 4> kChoices{100, 250, 300, 1000};
  Field field;
  field.key = "hz";
  field.summary = "timer ticks a second (CONFIG_HZ)";
  field.allowed = fmt::format("{}", fmt::join(kChoices, "|"));
  field.schema = {{"enum", kChoices}};
  field.read = [&hz](ReadContext& context, const Json& value, const std::string& pointer) {
    for (const int choice : kChoices) {
      if (value.is_number() && value == Json(choice)) {
        hz = choice;
        return;
      }
    }
    context.error(pointer,
                  fmt::format("{} is not one of {}", shown(value), fmt::join(kChoices, ", ")));
  };
  field.print = [&hz] { return Json(hz); };
  return field;
}

Field guest_tracing_field(std::vector<std::string>& categories) {
  Field field;
  field.key = "guest_tracing";
  field.summary = "tracepoints switched on in the simulated machine; each event costs CPU there";
  field.allowed = fmt::format("array of {}", fmt::join(all_names(trace_category_catalog()), "|"));
  field.schema = {{"type", "array"},
                  {"uniqueItems", true},
                  {"items", {{"enum", all_names(trace_category_catalog())}}}};
  field.read = [&categories](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_array()) {
      context.error(pointer, fmt::format("{} is not an array", shown(value)));
      return;
    }
    categories.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string name;
      const std::string element = child_pointer(pointer, std::to_string(i));
      name_field("", name, trace_category_catalog(), "").read(context, value[i], element);
      if (std::find(categories.begin(), categories.end(), name) != categories.end()) {
        context.error(element, fmt::format("{} is given twice", in_quotes(name)));
      } else if (!name.empty()) {
        categories.push_back(name);
      }
    }
  };
  field.print = [&categories] { return Json(categories); };
  return field;
}

// What tools/capture saw of a machine that is not simulated, by the place where it would stand.
Field unsimulated_field() {
  Field field;
  field.key = "_unsimulated";
  field.summary = "what a captured machine has beyond this; told as notes, without effect";
  field.allowed = "object of text";
  field.schema = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  field.read = [](ReadContext& context, const Json& value, const std::string& pointer) {
    if (!value.is_object()) {
      context.error(pointer, fmt::format("{} is not an object", shown(value)));
      return;
    }
    for (const auto& [place, text] : value.items()) {
      if (text.is_string()) {
        context.note(pointer, place + ": " + text.get_ref<const std::string&>());
      } else {
        context.error(child_pointer(pointer, place),
                      fmt::format("{} is not a string", shown(text)));
      }
    }
  };
  field.print = [] { return Json(nullptr); };
  return field;
}

// Reading a kernel loads its profile, so this precedes `profile`.
Field kernel_field(Config& config) {
  NameAccess access{[&config] { return std::string{kernel_name(config.kernel)}; },
                    [&config](std::string_view name) {
                      if (find_entry(kernel_catalog(), name)->simulated) {
                        config.kernel = kernel_version(name);
                      }
                    }};
  Field field =
      name_field("kernel", access, kernel_catalog(), "kernel version whose profile holds");
  field.read = [&config, read = field.read](ReadContext& context, const Json& value,
                                            const std::string& pointer) {
    read(context, value, pointer);
    // vm_dirty_ratio, mm/page-writeback.c: 40 up to v2.6.21.
    config.vm.dirty_ratio = config.kernel == KernelVersion::k2_6_18 ? 40 : VmConfig{}.dirty_ratio;
    load_kernel_profile(context, kernel_name(config.kernel), config.switches);
  };
  return field;
}

// By which old kernels throttle and write back.
std::vector<Field> writeback_fields(KernelSwitches& s) {
  return {
      choice_field("throttle_action", s.throttle_action, kThrottleActionNames,
                   "what a task that dirties too much does: writes, or pauses"),
      choice_field("dirty_limits", s.dirty_limits, kLimitRulesNames,
                   "what vm.dirty_ratio and its siblings are parts of, and how they are rounded"),
      choice_field("control_laws", s.control_laws, kControlLawsNames,
                   "formulas of the pausing throttle"),
      choice_field("writepages", s.writepages, kWritepagesNames,
                   "how the pages of a file are gone through"),
      choice_field("reclaim_wakeup", s.reclaim_wakeup, kReclaimWakeupNames,
                   "when reclaim asks for dirty pages to be written"),
      choice_field("watermarks", s.watermarks, kWatermarksNames, "how many pages are kept free"),
      boolean_field("flusher_plug", s.flusher_plug,
                    "the flusher plugs all it writes, not each file alone"),
      boolean_field("sync_writes", s.sync_writes,
                    "pages that are written for fsync or sync are REQ_SYNC"),
      boolean_field("write_begin_waits", s.write_begin_waits,
                    "a write to a page under writeback waits for that"),
      boolean_field("write_marks_accessed", s.write_marks_accessed,
                    "writing a page twice moves it to the active list"),
      boolean_field("errors_per_file", s.errors_per_file,
                    "a failed write is told once to each open file, not to the first that asks"),
  };
}

std::vector<Field> block_switch_fields(KernelSwitches& s) {
  return {
      choice_field("block_layer", s.block_layer, kBlockLayerNames,
                   "one queue with one request_fn, or blk-mq"),
      choice_field("queue_plugging", s.queue_plugging, kQueuePluggingNames,
                   "what holds requests of a single queue back to merge them"),
      choice_field("request_classes", s.request_classes, kRequestClassesNames,
                   "how requests of a single queue are counted against nr_requests"),
      choice_field("cache_flush", s.cache_flush, kCacheFlushNames,
                   "how the cache behind a single queue is flushed"),
      choice_field("sorted_directions", s.sorted_directions, kSortedDirectionsNames,
                   "reads and writes in the dispatch list of a single queue"),
      boolean_field("direct_plugs_all", s.direct_io.plugs_all,
                    "every direct I/O is plugged, whatever its size"),
      boolean_field("dsync_forces", s.direct_io.forces_synchronous,
                    "O_DSYNC makes FUA of a direct write"),
      integer_field("async_plug_above", access_count(s.direct_io.async_plug_above), {0, 1024},
                    "I/Os of one call that get no plug (AIO_PLUG_THRESHOLD)"),
      boolean_field("fsync_flushes", s.direct_io.fsync_flushes,
                    "fsync of a block device ends with a flush"),
      choice_field("flusher", s.flusher, kFlusherNames,
                   "who writes back: a pool of threads, a thread or a work item for each device"),
      choice_field("cpu_scheduler", s.cpu_scheduler, kCpuSchedulerNames,
                   "who gets a CPU next; eevdf-delayed lets sleepers burn off what they owe"),
      choice_field("timer_wheel", s.timer_wheel, kTimerWheelNames,
                   "exact to the jiffy, or coarser with distance"),
      choice_field("plug_merge", s.plug_merge, kPlugMergeNames,
                   "requests of the plug a bio is tried with"),
      choice_field("plug_issue_order", s.plug_issue_order, kPlugIssueOrderNames,
                   "order in which a plug is issued without an elevator"),
      choice_field("plug_size_limit", s.plug_size_limit, kPlugSizeLimitNames,
                   "when a plug is flushed for a request of 128 KiB or more"),
      boolean_field("plugs_each_bio", s.plugs_each_bio,
                    "a task without a plug has one for each bio"),
      choice_field("tag_wake", s.tag_wake, kTagWakeNames,
                   "what counts the freed tags that wake who waits for one"),
      choice_field("bio_priority", s.bio_priority, kBioPriorityNames,
                   "I/O priority of a bio for which none was set"),
      choice_field("throttle_splits", s.throttle_splits, kSplitChargeNames,
                   "how parts of a split bio count against riops and wiops of io.max"),
      boolean_field("direct_plugs_asynchronous", s.direct_io.plugs_asynchronous,
                    "an asynchronous direct I/O of one bio is plugged too"),
      boolean_field("direct_reads_sync", s.direct_io.marks_waited_reads_sync,
                    "a direct read that is waited for is REQ_SYNC"),
  };
}

std::vector<Field> memory_and_stack_switch_fields(KernelSwitches& s) {
  return {
      choice_field("stack_order", s.stack_order, kStackOrderNames,
                   "order of bios that devices on top of others submit"),
      choice_field("mirror_writes", s.mirror_writes, kMirrorWritesNames, "how raid1 writes"),
      choice_field("stripe_visit", s.stripe_visit, kStripeVisitNames,
                   "how a write of raid5 and raid6 goes through its stripes"),
      choice_field("md_flush", s.md_flush, kMdFlushNames,
                   "flushes of an array that are asked for while one is under way"),
      choice_field("disk_stats", s.disk_stats, kDiskStatsNames, "whose /proc/diskstats"),
      choice_field("elevators", s.elevators, kElevatorsNames, "kernel whose elevators these are"),
      choice_field("elevator_pull", s.elevator_pull, kElevatorPullNames,
                   "requests taken out of an elevator at once"),
      choice_field("fua_issue", s.fua_issue, kFuaIssueNames,
                   "where a FUA write goes that no flush precedes"),
      choice_field("multi_queue", s.multi_queue, kMultiQueueNames, "several hardware queues"),
      choice_field("background_start", s.background_start, kBackgroundStartNames,
                   "when balance_dirty_pages starts background writeback"),
      choice_field("bandwidth_update", s.bandwidth_update, kBandwidthUpdateNames,
                   "who updates the write bandwidth estimate"),
      choice_field("buffered_read", s.buffered_read, kBufferedReadNames,
                   "pages looked up together by a buffered read, and its readahead (2.15)"),
      choice_field("dirty_check", s.dirty_check, kDirtyCheckNames,
                   "when a writer asks whether it has to wait: after each page or before"),
      boolean_field("requeues_young", s.requeues_young,
                    "periodic writeback goes on with a file that is not old enough"),
      boolean_field("over_background_exact", s.over_background_exact,
                    "small background limits are checked against exact sums"),
      integer_field("plug_max_requests", access_count(s.plug_max_requests), {1, 1024},
                    "requests a plug holds (BLK_MAX_REQUEST_COUNT)"),
      boolean_field("throttling", s.throttling, "false: balance_dirty_pages never sleeps"),
      boolean_field("background_writeback", s.background_writeback,
                    "false: no writeback above the background threshold"),
      boolean_field("plug_merging", s.plug_merging, "false: no merging in the plug"),
  };
}

}  // namespace

std::vector<Field> switch_fields(KernelSwitches& s) {
  std::vector<Field> fields = block_switch_fields(s);
  for (auto more : {&memory_and_stack_switch_fields, &writeback_fields}) {
    for (Field& field : more(s)) {
      fields.push_back(std::move(field));
    }
  }
  return fields;
}

std::vector<Field> vm_fields(VmConfig& vm) {
  return {
      integer_field("dirty_ratio", access_count(vm.dirty_ratio), {0, 100},
                    "percent of dirtyable memory at which writers are throttled"),
      integer_field("dirty_background_ratio", access_count(vm.dirty_background_ratio), {0, 100},
                    "percent of dirtyable memory at which background writeback starts"),
      integer_field("dirty_bytes", access_count(vm.dirty_bytes), {},
                    "bytes; replaces dirty_ratio unless 0; at least 8192 (two pages)"),
      integer_field("dirty_background_bytes", access_count(vm.dirty_background_bytes), {},
                    "bytes; replaces dirty_background_ratio unless 0"),
      integer_field("dirty_writeback_centisecs", access_count(vm.dirty_writeback_centisecs),
                    {0, kIntMax}, "1/100 s between periodic wake-ups of a flusher; 0: none"),
      integer_field("dirty_expire_centisecs", access_count(vm.dirty_expire_centisecs), {0, kIntMax},
                    "1/100 s after which dirty data is old enough to be written"),
  };
}

std::vector<Field> root_fields(Config& c) {
  Field schema_name;
  schema_name.key = "$schema";
  schema_name.summary = "for editors: the path of schema.json";
  schema_name.allowed = "text";
  schema_name.schema = {{"type", "string"}};
  schema_name.read = [](ReadContext&, const Json&, const std::string&) {};
  schema_name.print = [] { return Json(nullptr); };
  return {
      schema_name,
      text_field("about", c.about, "what the experiment is for"),
      kernel_field(c),
      object_field("profile", switch_fields(c.switches), "single switches of the kernel profile"),
      integer_field("cpus", access_count(c.cpus), {1, 1024}, "processors"),
      hz_field(c.hz),
      cpu_costs_field(c),
      guest_tracing_field(c.guest_tracing),
      object_field("memory", memory_fields(c.memory), "the machine's memory"),
      object_field("vm", vm_fields(c.vm), "/proc/sys/vm"),
      devices_field(c.devices, c.switches),
      stack_field(c.stack),
      mounts_field(c.mounts),
      cgroups_field(c.cgroups),
      actions_field(c.actions),
      workload_field(c),
      object_field("boot", boot_fields(c.boot), "the machine's state at t = 0"),
      object_field("output", output_fields(c.output), "what a run writes"),
      object_field("optimisation", optimisation_fields(c.optimisation),
                   "short cuts of the simulator that never change results"),
      integer_field("seed", access_count(c.seed), {}, "of every random stream"),
      unsimulated_field(),
  };
}

}  // namespace wbsim::system
