// timeseries.csv: one row per sample of the simulated machine's state.
//
// Columns: t_ms; then as in /proc/vmstat nr_dirty, nr_writeback, nr_dirtied, nr_written; as in the
// global_dirty_state and balance_dirty_pages tracepoints dirty_thresh, background_thresh,
// dirty_limit, setpoint; nr_free_pages, nr_active_file, nr_inactive_file - all in pages; pauses and
// pause_ms, number and sum of the balance_dirty_pages pauses that began since the row before. Then
// per device, with ".NAME" appended: wb_reclaimable, wb_writeback, wb_thresh, wb_written (pages),
// write_bandwidth_kibps, avg_write_bandwidth_kibps, dirty_ratelimit_kibps,
// balanced_dirty_ratelimit_kibps, pos_ratio (1 = at the setpoint), queue_depth (requests in the
// device), util_percent (share of the time since the row before with a request in the device),
// wb_bg_thresh, wb_setpoint, wb_dirtied (pages; wb_dirtied and wb_written count up from t = 0),
// completions_num and completions_den (the device's share of the lately completed writeback, of
// which wb_thresh follows), b_dirty, b_io, b_more_io, b_dirty_time (inodes on the flusher's lists)
// and dirty_exceeded (0 or 1). A partition has the bdi of its disk: the wb_ columns are the same.
#pragma once

#include <vector>

#include "sim/engine/tracepoints.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/run_info.hpp"

namespace wbsim::report {

class TimeSeries : public engine::Observer {
 public:
  enum class Keep { kNo, kSamples };

  // Writes the header. `sink` may be null: then samples are only kept. It must outlive this.
  TimeSeries(const RunInfo& info, TextSink* sink, Keep keep);

  void on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) override;
  void on_sample(const engine::StateSample& sample) override;

  // Empty unless asked to keep them.
  [[nodiscard]] const std::vector<engine::StateSample>& samples() const { return samples_; }

 private:
  void write_row(const engine::StateSample& sample);

  std::size_t device_count_;
  int hz_;
  TextSink* sink_;
  Keep keep_;
  std::vector<engine::StateSample> samples_;
  std::int64_t pauses_ = 0;         // since the row before
  std::int64_t pause_jiffies_ = 0;  // their sum
  SimTime last_time_{};             // of the row before
  std::vector<SimDuration> last_busy_;
};

}  // namespace wbsim::report
