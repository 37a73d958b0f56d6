#include "sim/report/trace_text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/report/request_log.hpp"

namespace wbsim::report {

using engine::BioStep;
using engine::RequestStep;
using engine::TaskName;
using engine::WritebackStep;

namespace {

constexpr std::size_t kCommMax = 15;  // TASK_COMM_LEN without its zero

bool is_interrupt(const TaskName& task) { return task.comm == "?" && task.pid == 0; }
bool finds_cpu_idle(const TaskName& task) { return is_interrupt(task) && task.interrupted.empty(); }

// current->comm, which an event keeps among its fields.
std::string comm_of(const TaskName& task) {
  if (finds_cpu_idle(task)) {
    return fmt::format("swapper/{}", task.cpu);
  }
  return std::string{(is_interrupt(task) ? task.interrupted : task.comm).substr(0, kCommMax)};
}

template <class... Args>
void append(fmt::memory_buffer& line, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(line), format, std::forward<Args>(args)...);
}

// KBps() of trace/events/writeback.h.
std::int64_t kibps(Pages pages) { return to_bytes(pages).count() / 1024; }

// %llu of a sector_t.
std::uint64_t sector_of(Lba sector) { return static_cast<std::uint64_t>(sector.value()); }

// IOPRIO_CLASS_STRINGS; the hint has no model and is always none.
void append_priority(fmt::memory_buffer& line, const engine::RequestTrace& trace) {
  constexpr std::array<std::string_view, 4> kClasses{"none", "rt", "be", "idle"};
  append(line, " {},0,{}", kClasses[static_cast<std::size_t>(trace.priority_class)],
         trace.priority_level);
}

// show_inode_state(): what has no name comes last, as a number.
std::string state_text(const engine::InodeFlags& state, TraceFormat format) {
  const std::array<std::pair<bool, std::string_view>, 6> named{
      {{state.dirty_sync, "I_DIRTY_SYNC"},
       {state.dirty_datasync, "I_DIRTY_DATASYNC"},
       {state.dirty_pages, "I_DIRTY_PAGES"},
       {state.freeing, "I_FREEING"},
       {state.sync, "I_SYNC"},
       {state.dirty_time, "I_DIRTY_TIME"}}};
  std::string text;
  const auto add = [&text](std::string_view name) {
    text += text.empty() ? "" : "|";
    text += name;
  };
  for (const auto& [set, name] : named) {
    if (set) {
      add(name);
    }
  }
  if (state.sync_queued) {
    add(format == TraceFormat::kV6_12 ? "I_SYNC_QUEUED" : "0x20000");
  }
  return text;
}

constexpr std::string_view kHelp5_10 =
    "#                                _-----=> irqs-off\n"
    "#                               / _----=> need-resched\n"
    "#                              | / _---=> hardirq/softirq\n"
    "#                              || / _--=> preempt-depth\n"
    "#                              ||| /     delay\n"
    "#           TASK-PID     CPU#  ||||   TIMESTAMP  FUNCTION\n"
    "#              | |         |   ||||      |         |\n";
constexpr std::string_view kHelp6_1 =
    "#                                _-----=> irqs-off/BH-disabled\n"
    "#                               / _----=> need-resched\n"
    "#                              | / _---=> hardirq/softirq\n"
    "#                              || / _--=> preempt-depth\n"
    "#                              ||| / _-=> migrate-disable\n"
    "#                              |||| /     delay\n"
    "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
    "#              | |         |   |||||     |         |\n";

}  // namespace

TraceFormat trace_format(std::string_view kernel) {
  if (kernel == "5.10") {
    return TraceFormat::kV5_10;
  }
  return kernel == "6.12" ? TraceFormat::kV6_12 : TraceFormat::kV6_1;
}

std::string trace_header(TraceFormat format, int cpus, std::int64_t entries) {
  constexpr std::size_t kWidth = 96;  // two numbers of twenty digits find room
  const std::string counts = entries < 0
                                 ? "#"
                                 : fmt::format("# entries-in-buffer/entries-written: {}/{}   #P:{}",
                                               entries, entries, cpus);
  SIM_CHECK(counts.size() <= kWidth);
  return fmt::format("# tracer: nop\n#\n{:<{}}\n#\n{}", counts, kWidth,
                     format == TraceFormat::kV5_10 ? kHelp5_10 : kHelp6_1);
}

TraceText::TraceText(const RunInfo& info)
    : format_{trace_format(info.kernel)}, hz_{info.hz}, devices_{info.devices} {
  SIM_CHECK(hz_ > 0);
}

const DeviceInfo& TraceText::device(int index) const {
  SIM_CHECK(index >= 0 && static_cast<std::size_t>(index) < devices_.size());
  return devices_[static_cast<std::size_t>(index)];
}

std::int64_t TraceText::milliseconds(std::int64_t jiffies) const { return jiffies * 1000 / hz_; }

void TraceText::bdi(fmt::memory_buffer& line, int index) const {
  append(line, "bdi {}:{}: ", device(index).major, device(index).minor);
}

// Of where the CPU stands only interrupts are known: the model has no preemption, and nobody
// switches interrupts or migration off.
void TraceText::begin_line(fmt::memory_buffer& line, SimTime time, const TaskName& task,
                           std::string_view event) const {
  const bool interrupt = is_interrupt(task);
  const std::string_view comm = finds_cpu_idle(task) ? "<idle>"
                                : interrupt          ? task.interrupted
                                                     : task.comm;
  const std::int64_t us = (time.time_since_epoch().count() + 500) / 1000;  // ns2usecs()
  append(line, "{:>16}-{:<7} [{:03}] {}{} {:5}.{:06}: {}: ", comm.substr(0, kCommMax),
         interrupt ? task.interrupted_pid : task.pid, task.cpu, interrupt ? "d.h." : "....",
         format_ == TraceFormat::kV5_10 ? "" : ".", us / 1'000'000, us % 1'000'000, event);
}

void TraceText::fields(fmt::memory_buffer& line, const engine::GlobalDirtyState& trace) const {
  append(line, "dirty={} writeback={} bg_thresh={} thresh={} limit={} dirtied={} written={}",
         trace.nr_dirty.count(), trace.nr_writeback.count(), trace.background_thresh.count(),
         trace.dirty_thresh.count(), trace.dirty_limit.count(), trace.nr_dirtied.count(),
         trace.nr_written.count());
}

void TraceText::fields(fmt::memory_buffer& line, const engine::BdiDirtyRatelimit& trace) const {
  bdi(line, trace.device);
  append(line,
         "write_bw={} awrite_bw={} dirty_rate={} dirty_ratelimit={} task_ratelimit={} "
         "balanced_dirty_ratelimit={} cgroup_ino=1",
         kibps(trace.write_bw), kibps(trace.avg_write_bw), kibps(trace.dirty_rate),
         kibps(trace.dirty_ratelimit), kibps(trace.task_ratelimit),
         kibps(trace.balanced_dirty_ratelimit));
}

void TraceText::fields(fmt::memory_buffer& line, const engine::BalanceDirtyPages& trace) const {
  const Pages freerun = (trace.thresh + trace.bg_thresh) / 2;
  const Pages setpoint = (trace.dirty_limit + freerun) / 2;
  const std::int64_t bdi_setpoint =
      setpoint.count() * trace.bdi_thresh.count() / (trace.thresh.count() + 1);
  bdi(line, trace.device);
  append(line,
         "limit={} setpoint={} dirty={} bdi_setpoint={} bdi_dirty={} dirty_ratelimit={} "
         "task_ratelimit={} dirtied={} dirtied_pause={} paused={} pause={} period={} think={} "
         "cgroup_ino=1",
         trace.dirty_limit.count(), setpoint.count(), trace.dirty.count(), bdi_setpoint,
         trace.bdi_dirty.count(), kibps(trace.dirty_ratelimit), kibps(trace.task_ratelimit),
         trace.dirtied.count(), trace.dirtied_pause.count(), milliseconds(trace.paused),
         milliseconds(trace.pause), milliseconds(trace.period), milliseconds(trace.think));
}

void TraceText::fields(fmt::memory_buffer& line, WritebackStep step,
                       const engine::WritebackTrace& trace) const {
  bdi(line, trace.device);
  if (step == WritebackStep::kWakeBackground) {
    append(line, "cgroup_ino=1");
    return;
  }
  const bool one = trace.sb_device >= 0;
  append(line,
         "sb_dev {}:{} nr_pages={} sync_mode={} kupdate={} range_cyclic={} background={} "
         "reason={} cgroup_ino=1",
         one ? device(trace.sb_device).major : 0, one ? device(trace.sb_device).minor : 0,
         trace.nr_pages, trace.sync_all ? 1 : 0, trace.for_kupdate ? 1 : 0,
         trace.range_cyclic ? 1 : 0, trace.for_background ? 1 : 0, engine::to_string(trace.reason));
}

void TraceText::fields(fmt::memory_buffer& line, const engine::PagesWritten& trace) const {
  append(line, "{}", trace.pages);
}

void TraceText::fields(fmt::memory_buffer& line, const engine::QueueIo& trace) const {
  bdi(line, trace.device);
  append(line, "older={} age={} enqueue={} reason={} cgroup_ino=1", trace.older,
         milliseconds(static_cast<std::int64_t>(trace.jiffies - trace.older)), trace.moved,
         engine::to_string(trace.reason));
}

// A block device's inode has the number of the device since v5.11 (bdev_add()), none before.
std::uint64_t TraceText::inode_number(const engine::InodeWriteback& trace) const {
  if (!trace.block_device) {
    return static_cast<std::uint64_t>(trace.number);
  }
  constexpr int kMinorBits = 20;
  const DeviceInfo& info = device(static_cast<int>(trace.number));
  return format_ == TraceFormat::kV5_10
             ? 0
             : static_cast<std::uint64_t>(info.major << kMinorBits | info.minor);
}

// The kernel reckons the age when the trace is read; here the trace is read at once.
void TraceText::fields(fmt::memory_buffer& line, const engine::InodeWriteback& trace) const {
  bdi(line, trace.device);
  append(line, "ino={} state={} dirtied_when={} age={} index={} to_write={} wrote={} cgroup_ino=1",
         inode_number(trace), state_text(trace.state, format_), trace.dirtied_when,
         (trace.jiffies - trace.dirtied_when) / static_cast<std::uint64_t>(hz_),
         trace.writeback_index.value(), trace.nr_to_write, trace.wrote);
}

void TraceText::fields(fmt::memory_buffer& line, BioStep step,
                       const engine::BioTrace& trace) const {
  const DeviceInfo& info = device(trace.device);
  append(line, "{},{} {} ", info.major, info.minor, rwbs_text(trace.rwbs));
  if (step == BioStep::kSplit) {
    // The event takes the new sector as an unsigned int.
    append(line, "{} / {} [{}]", sector_of(trace.from_sector),
           static_cast<std::uint32_t>(sector_of(trace.sector)), comm_of(trace.task));
    return;
  }
  append(line, "{} + {}", sector_of(trace.sector), trace.length.count());
  if (step == BioStep::kRemap) {
    const DeviceInfo& from = device(trace.from_device);
    append(line, " <- ({},{}) {}", from.major, from.minor, sector_of(trace.from_sector));
  } else if (step == BioStep::kComplete) {
    append(line, " [{}]", trace.error);
  } else {
    append(line, " [{}]", comm_of(trace.task));
  }
}

void TraceText::fields(fmt::memory_buffer& line, RequestStep step,
                       const engine::RequestTrace& trace) const {
  const bool ends = step == RequestStep::kComplete || step == RequestStep::kPartComplete ||
                    step == RequestStep::kRequeue;
  const DeviceInfo& info = device(trace.device);
  append(line, "{},{} {} ", info.major, info.minor, rwbs_text(trace.rwbs));
  if (!ends) {
    append(line, "{} ", to_bytes(trace.length).count());
  }
  append(line, "() {} + {}", sector_of(trace.sector), trace.length.count());
  if (format_ == TraceFormat::kV6_12) {
    append_priority(line, trace);
  }
  if (ends) {
    append(line, " [{}]", step == RequestStep::kRequeue ? 0 : trace.error);
  } else {
    append(line, " [{}]", comm_of(trace.task));
  }
}

void TraceText::fields(fmt::memory_buffer& line, const engine::PlugTrace& trace) const {
  append(line, "[{}]", comm_of(trace.task));
}

void TraceText::fields(fmt::memory_buffer& line, const engine::UnplugTrace& trace) const {
  append(line, "[{}] {}", comm_of(trace.task), trace.requests);
}

std::string_view event_name(WritebackStep step) {
  switch (step) {
    case WritebackStep::kQueue:
      return "writeback_queue";
    case WritebackStep::kExec:
      return "writeback_exec";
    case WritebackStep::kStart:
      return "writeback_start";
    case WritebackStep::kWritten:
      return "writeback_written";
    case WritebackStep::kWait:
      return "writeback_wait";
    case WritebackStep::kWakeBackground:
      return "writeback_wake_background";
  }
  SIM_UNREACHABLE();
}

std::string_view event_name(BioStep step) {
  switch (step) {
    case BioStep::kQueue:
      return "block_bio_queue";
    case BioStep::kGetRequest:
      return "block_getrq";
    case BioStep::kBackMerge:
      return "block_bio_backmerge";
    case BioStep::kFrontMerge:
      return "block_bio_frontmerge";
    case BioStep::kSplit:
      return "block_split";
    case BioStep::kRemap:
      return "block_bio_remap";
    case BioStep::kComplete:
      return "block_bio_complete";
  }
  SIM_UNREACHABLE();
}

std::string_view event_name(RequestStep step) {
  switch (step) {
    case RequestStep::kInsert:
      return "block_rq_insert";
    case RequestStep::kIssue:
      return "block_rq_issue";
    case RequestStep::kComplete:
    case RequestStep::kPartComplete:
      return "block_rq_complete";
    case RequestStep::kMerge:
      return "block_rq_merge";
    case RequestStep::kRequeue:
      return "block_rq_requeue";
  }
  SIM_UNREACHABLE();
}

}  // namespace wbsim::report
