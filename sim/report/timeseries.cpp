#include "sim/report/timeseries.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "sim/base/check.hpp"

namespace wbsim::report {

namespace {

constexpr std::string_view kGlobalColumns =
    "t_ms,nr_dirty,nr_writeback,nr_dirtied,nr_written,dirty_thresh,background_thresh,dirty_limit,"
    "setpoint,nr_free_pages,nr_active_file,nr_inactive_file,pauses,pause_ms";

constexpr std::array<std::string_view, 21> kDeviceColumns = {"wb_reclaimable",
                                                             "wb_writeback",
                                                             "wb_thresh",
                                                             "wb_written",
                                                             "write_bandwidth_kibps",
                                                             "avg_write_bandwidth_kibps",
                                                             "dirty_ratelimit_kibps",
                                                             "balanced_dirty_ratelimit_kibps",
                                                             "pos_ratio",
                                                             "queue_depth",
                                                             "util_percent",
                                                             "wb_bg_thresh",
                                                             "wb_setpoint",
                                                             "wb_dirtied",
                                                             "completions_num",
                                                             "completions_den",
                                                             "b_dirty",
                                                             "b_io",
                                                             "b_more_io",
                                                             "b_dirty_time",
                                                             "dirty_exceeded"};

// Exact, unlike a division of doubles.
std::string milliseconds_text(SimDuration time) {
  const std::int64_t microseconds = time.count() / 1000;
  return fmt::format("{}{}.{:03}", microseconds < 0 ? "-" : "", std::abs(microseconds) / 1000,
                     std::abs(microseconds) % 1000);
}

std::int64_t kib(Pages pages) { return to_bytes(pages).count() / 1024; }

// Hundredths of a percent, rounded down, so that only 100.00 is always busy.
std::int64_t busy_per_10000(SimDuration busy, SimDuration time) {
  return time > SimDuration::zero() ? busy * 10'000 / time : 0;
}

}  // namespace

TimeSeries::TimeSeries(const RunInfo& info, TextSink* sink, Keep keep)
    : device_count_{info.devices.size()},
      hz_{info.hz},
      sink_{sink},
      keep_{keep},
      last_busy_(info.devices.size()) {
  SIM_CHECK(hz_ > 0);
  if (sink_ == nullptr) {
    return;
  }
  std::string header{kGlobalColumns};
  for (const DeviceInfo& device : info.devices) {
    for (const std::string_view column : kDeviceColumns) {
      fmt::format_to(std::back_inserter(header), ",{}.{}", column, device.name);
    }
  }
  sink_->append(header + "\n");
}

void TimeSeries::on_balance_dirty_pages(const engine::BalanceDirtyPages& trace) {
  if (trace.pause > 0) {
    ++pauses_;
    pause_jiffies_ += trace.pause;
  }
}

void TimeSeries::on_sample(const engine::StateSample& sample) {
  SIM_CHECK(sample.bdis.size() == device_count_);
  if (keep_ == Keep::kSamples) {
    samples_.push_back(sample);
  }
  if (sink_ != nullptr) {
    write_row(sample);
  }
}

void TimeSeries::write_row(const engine::StateSample& sample) {
  fmt::memory_buffer row;
  const auto out = std::back_inserter(row);
  fmt::format_to(out, "{}", milliseconds_text(sample.time.time_since_epoch()));
  for (const Pages pages :
       {sample.nr_dirty, sample.nr_writeback, sample.nr_dirtied, sample.nr_written,
        sample.dirty_thresh, sample.background_thresh, sample.dirty_limit, sample.setpoint,
        sample.nr_free, sample.nr_active_file, sample.nr_inactive_file}) {
    fmt::format_to(out, ",{}", pages.count());
  }
  fmt::format_to(out, ",{},{}", pauses_, milliseconds_text(seconds(pause_jiffies_) / hz_));
  pauses_ = 0;
  pause_jiffies_ = 0;
  for (std::size_t i = 0; i < sample.bdis.size(); ++i) {
    const engine::StateSample::Bdi& bdi = sample.bdis[i];
    SIM_CHECK(bdi.device == static_cast<int>(i));
    fmt::format_to(out, ",{},{},{},{}", bdi.reclaimable.count(), bdi.writeback.count(),
                   bdi.wb_thresh.count(), bdi.written.count());
    fmt::format_to(out, ",{},{},{},{}", kib(bdi.write_bandwidth), kib(bdi.avg_write_bandwidth),
                   kib(bdi.dirty_ratelimit), kib(bdi.balanced_dirty_ratelimit));
    constexpr double kPosRatioOne = 1 << 10;  // RATELIMIT_CALC_SHIFT
    const std::int64_t util = busy_per_10000(bdi.busy - last_busy_[i], sample.time - last_time_);
    fmt::format_to(out, ",{:.4f},{},{}.{:02}", static_cast<double>(bdi.pos_ratio) / kPosRatioOne,
                   bdi.queue_depth, util / 100, util % 100);
    fmt::format_to(out, ",{},{},{},{},{}", bdi.wb_bg_thresh.count(), bdi.wb_setpoint.count(),
                   bdi.dirtied.count(), bdi.completions_numerator, bdi.completions_denominator);
    fmt::format_to(out, ",{},{},{},{},{}", bdi.b_dirty, bdi.b_io, bdi.b_more_io, bdi.b_dirty_time,
                   bdi.dirty_exceeded ? 1 : 0);
    last_busy_[i] = bdi.busy;
  }
  row.push_back('\n');
  last_time_ = sample.time;
  sink_->append({row.data(), row.size()});
}

}  // namespace wbsim::report
