// trace.txt: the trace events of a run, as /sys/kernel/tracing/trace of the simulated machine would
// show them had its buffer been large enough.
//
// Properties:
//  1. Time stamps never go back, and lines of the same instant are in the order of what happened.
//  2. Range events are taken apart: the i-th bio of all ranges that cover the same steps comes
//     before the next of any, so that bio_runs and batching change no byte.
//  3. block_rq_error (6.1) follows a completion with an error.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/tracepoints.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/run_info.hpp"
#include "sim/report/trace_text.hpp"

namespace wbsim::report {

class TraceLog : public engine::Observer {
 public:
  // Writes a header to `sink`, which must outlive this.
  TraceLog(const RunInfo& info, TextSink& sink);

  // Once, after the run. Returns the header with the number of events, to replace the first one.
  [[nodiscard]] std::string finish();

  void on_bio(engine::BioStep step, const engine::BioTrace& trace) override;
  void on_request(engine::RequestStep step, const engine::RequestTrace& trace) override;
  void on_plug(const engine::PlugTrace& trace) override;
  void on_unplug(const engine::UnplugTrace& trace) override;
  void on_global_dirty_state(const engine::GlobalDirtyState& trace) override;
  void on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& trace) override;
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) override;
  void on_writeback(engine::WritebackStep step, const engine::WritebackTrace& trace) override;
  void on_pages_written(const engine::PagesWritten& trace) override;
  void on_queue_io(const engine::QueueIo& trace) override;
  void on_inode_writeback(engine::InodeStep step, const engine::InodeWriteback& trace) override;

 private:
  // A range event that others may run parallel to.
  struct Range {
    engine::BioStep step;
    engine::BioTrace trace;
    std::string comm;  // what trace.task.comm views may be gone when it is written
  };

  // Whether the ranges are complete before `step` comes.
  [[nodiscard]] bool runs_parallel(engine::BioStep step, const engine::BioTrace& trace) const;
  void write_ranges();
  template <class... Event>
  void write(SimTime time, const engine::TaskName& task, std::string_view name,
             const Event&... event);

  TraceFormat format_;
  int cpus_;
  TraceText text_;
  TextSink& sink_;
  std::vector<Range> ranges_;
  fmt::memory_buffer line_;
  SimTime last_time_{};
  std::int64_t entries_ = 0;
};

}  // namespace wbsim::report
