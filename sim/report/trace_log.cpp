#include "sim/report/trace_log.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::report {

using engine::BioStep;
using engine::RequestStep;

TraceLog::TraceLog(const RunInfo& info, TextSink& sink)
    : format_{trace_format(info.kernel)}, cpus_{info.cpus}, text_{info}, sink_{sink} {
  sink_.append(trace_header(format_, cpus_, -1));
}

std::string TraceLog::finish() {
  write_ranges();
  return trace_header(format_, cpus_, entries_);
}

template <class... Event>
void TraceLog::write(SimTime time, const engine::TaskName& task, std::string_view name,
                     const Event&... event) {
  SIM_CHECK(time >= last_time_);
  last_time_ = time;
  line_.clear();
  text_.begin_line(line_, time, task, name);
  text_.fields(line_, event...);
  line_.push_back('\n');
  sink_.append({line_.data(), line_.size()});
  ++entries_;
}

bool TraceLog::runs_parallel(BioStep step, const engine::BioTrace& trace) const {
  if (ranges_.empty()) {
    return true;
  }
  const engine::BioTrace& first = ranges_.front().trace;
  const bool known = std::any_of(ranges_.begin(), ranges_.end(),
                                 [step](const Range& range) { return range.step == step; });
  return !known && trace.time == first.time && trace.count == first.count &&
         trace.step == first.step && trace.length == first.length;
}

void TraceLog::write_ranges() {
  if (ranges_.empty()) {
    return;
  }
  for (std::int64_t left = ranges_.front().trace.count; left > 0; --left) {
    for (Range& range : ranges_) {
      engine::BioTrace& trace = range.trace;
      trace.task.comm = range.comm;
      write(trace.time, trace.task, event_name(range.step), range.step, trace);
      trace.time += trace.step;
      trace.sector = trace.sector + trace.length;
      trace.from_sector = trace.from_sector + trace.length;
    }
  }
  ranges_.clear();
}

void TraceLog::on_bio(BioStep step, const engine::BioTrace& trace) {
  if (trace.count == 1) {
    write_ranges();
    write(trace.time, trace.task, event_name(step), step, trace);
    return;
  }
  if (!runs_parallel(step, trace)) {
    write_ranges();
  }
  ranges_.push_back({step, trace, std::string{trace.task.comm}});
}

void TraceLog::on_request(RequestStep step, const engine::RequestTrace& trace) {
  write_ranges();
  write(trace.time, trace.task, event_name(step), step, trace);
  // Models: blk_update_request(), v5.18.
  if (step == RequestStep::kComplete && trace.error != 0 && format_ != TraceFormat::kV5_10) {
    write(trace.time, trace.task, "block_rq_error", step, trace);
  }
}

void TraceLog::on_plug(const engine::PlugTrace& trace) {
  write_ranges();
  write(trace.time, trace.task, "block_plug", trace);
}

void TraceLog::on_unplug(const engine::UnplugTrace& trace) {
  write_ranges();
  write(trace.time, trace.task, "block_unplug", trace);
}

void TraceLog::on_global_dirty_state(const engine::GlobalDirtyState& trace) {
  write_ranges();
  write(trace.time, trace.task, "global_dirty_state", trace);
}

void TraceLog::on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& trace) {
  write_ranges();
  write(trace.time, trace.task, "bdi_dirty_ratelimit", trace);
}

void TraceLog::on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) {
  write_ranges();
  write(trace.time, trace.task, "balance_dirty_pages", trace);
}

void TraceLog::on_writeback(engine::WritebackStep step, const engine::WritebackTrace& trace) {
  write_ranges();
  const engine::TaskName& who = trace.caller.comm.empty() ? trace.task : trace.caller;
  write(trace.time, who, event_name(step), step, trace);
}

void TraceLog::on_pages_written(const engine::PagesWritten& trace) {
  write_ranges();
  write(trace.time, trace.task, "writeback_pages_written", trace);
}

void TraceLog::on_queue_io(const engine::QueueIo& trace) {
  write_ranges();
  write(trace.time, trace.task, "writeback_queue_io", trace);
}

void TraceLog::on_inode_writeback(engine::InodeStep step, const engine::InodeWriteback& trace) {
  write_ranges();
  const bool start = step == engine::InodeStep::kStart;
  write(trace.time, trace.task, start ? "writeback_single_inode_start" : "writeback_single_inode",
        trace);
}

}  // namespace wbsim::report
