// The text of trace events as /sys/kernel/tracing/trace shows them: the header of the nop tracer,
// what begins a line, and the fields of each event in the kernel's own printk formats.
//
// Models: include/trace/events/{writeback,block}.h, print_trace_header() and trace_print_context()
// of kernel/trace, v5.10, v6.1 and v6.12. What they print differently:
//
//               flags of a line          block_rq_*                 i_state
//   5.10        four                                                as 6.1
//   6.1, 6.6    five: migrate-disable                               I_SYNC_QUEUED has no name
//   6.12        five                     with the I/O priority      all flags have names
//
// cgroup_ino is 1, that of the root: nothing else writes back.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/tracepoints.hpp"
#include "sim/report/run_info.hpp"

namespace wbsim::report {

enum class TraceFormat { kV5_10, kV6_1, kV6_12 };
// Of a kernel profile.
TraceFormat trace_format(std::string_view kernel);

// All lines in front of the first event. Its length does not depend on the number of `entries`,
// which is not known when a file begins; -1 leaves that line empty.
std::string trace_header(TraceFormat format, int cpus, std::int64_t entries);

class TraceText {
 public:
  explicit TraceText(const RunInfo& info);

  // "             fio-101     [000] .....     1.234567: event: ". Of an interrupt: whom it
  // interrupted, "<idle>" where that was nobody.
  void begin_line(fmt::memory_buffer& line, SimTime time, const engine::TaskName& task,
                  std::string_view event) const;

  // What follows. The names of the events are those of the functions' arguments.
  void fields(fmt::memory_buffer& line, const engine::GlobalDirtyState& trace) const;
  void fields(fmt::memory_buffer& line, const engine::BdiDirtyRatelimit& trace) const;
  void fields(fmt::memory_buffer& line, const engine::BalanceDirtyPages& trace) const;
  void fields(fmt::memory_buffer& line, engine::WritebackStep step,
              const engine::WritebackTrace& trace) const;
  void fields(fmt::memory_buffer& line, const engine::PagesWritten& trace) const;
  void fields(fmt::memory_buffer& line, const engine::QueueIo& trace) const;
  void fields(fmt::memory_buffer& line, const engine::InodeWriteback& trace) const;
  // One bio: `trace.count` is not looked at.
  void fields(fmt::memory_buffer& line, engine::BioStep step, const engine::BioTrace& trace) const;
  void fields(fmt::memory_buffer& line, engine::RequestStep step,
              const engine::RequestTrace& trace) const;
  void fields(fmt::memory_buffer& line, const engine::PlugTrace& trace) const;
  void fields(fmt::memory_buffer& line, const engine::UnplugTrace& trace) const;

 private:
  [[nodiscard]] const DeviceInfo& device(int index) const;
  [[nodiscard]] std::int64_t milliseconds(std::int64_t jiffies) const;
  [[nodiscard]] std::uint64_t inode_number(const engine::InodeWriteback& trace) const;
  void bdi(fmt::memory_buffer& line, int index) const;

  TraceFormat format_;
  int hz_;
  std::vector<DeviceInfo> devices_;
};

[[nodiscard]] std::string_view event_name(engine::WritebackStep step);
[[nodiscard]] std::string_view event_name(engine::BioStep step);
[[nodiscard]] std::string_view event_name(engine::RequestStep step);

}  // namespace wbsim::report
