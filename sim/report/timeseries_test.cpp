#include "sim/report/timeseries.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wbsim::report {
namespace {

engine::StateSample sample(SimDuration time, SimDuration busy) {
  engine::StateSample sample;
  sample.time = at(time);
  sample.nr_dirty = Pages{20000};
  sample.nr_writeback = Pages{8000};
  sample.nr_dirtied = Pages{90000};
  sample.nr_written = Pages{62000};
  sample.dirty_thresh = Pages{40701};
  sample.background_thresh = Pages{20325};
  sample.dirty_limit = Pages{40701};
  sample.setpoint = Pages{35607};
  sample.nr_free = Pages{150000};
  sample.nr_active_file = Pages{1};
  sample.nr_inactive_file = Pages{70000};
  sample.bdis.push_back({.device = 0,
                         .reclaimable = Pages{19999},
                         .writeback = Pages{8001},
                         .wb_thresh = Pages{40700},
                         .written = Pages{62001},
                         .write_bandwidth = Pages{25600},
                         .avg_write_bandwidth = Pages{25601},
                         .dirty_ratelimit = Pages{24000},
                         .balanced_dirty_ratelimit = Pages{24001},
                         .pos_ratio = 1040,
                         .queue_depth = 32,
                         .busy = busy,
                         .wb_bg_thresh = Pages{20324},
                         .wb_setpoint = Pages{35605},
                         .dirtied = Pages{90001},
                         .completions_numerator = 3,
                         .completions_denominator = 4,
                         .b_dirty = 5,
                         .b_io = 6,
                         .b_more_io = 7,
                         .b_dirty_time = 8,
                         .dirty_exceeded = true});
  return sample;
}

RunInfo with_devices(const std::vector<DeviceInfo>& devices) {
  RunInfo info;
  info.hz = 250;
  info.devices = devices;
  return info;
}

TEST(TimeSeries, HeaderNamesEveryColumnOfEveryDevice) {
  StringSink csv;
  TimeSeries series{with_devices({{"sda"}, {"sdb"}}), &csv, TimeSeries::Keep::kNo};
  const std::string per_device_sda =
      ",wb_reclaimable.sda,wb_writeback.sda,wb_thresh.sda,wb_written.sda,write_bandwidth_kibps.sda,"
      "avg_write_bandwidth_kibps.sda,dirty_ratelimit_kibps.sda,balanced_dirty_ratelimit_kibps.sda,"
      "pos_ratio.sda,queue_depth.sda,util_percent.sda,wb_bg_thresh.sda,wb_setpoint.sda,"
      "wb_dirtied.sda,completions_num.sda,completions_den.sda,b_dirty.sda,b_io.sda,b_more_io.sda,"
      "b_dirty_time.sda,dirty_exceeded.sda";
  std::string per_device_sdb = per_device_sda;
  for (std::size_t p = 0; (p = per_device_sdb.find(".sda", p)) != std::string::npos;) {
    per_device_sdb.replace(p, 4, ".sdb");
  }
  EXPECT_EQ(csv.text(),
            "t_ms,nr_dirty,nr_writeback,nr_dirtied,nr_written,dirty_thresh,background_thresh,"
            "dirty_limit,setpoint,nr_free_pages,nr_active_file,nr_inactive_file,pauses,pause_ms" +
                per_device_sda + per_device_sdb + "\n");
}

TEST(TimeSeries, RowsHaveFixedFormats) {
  StringSink csv;
  TimeSeries series{with_devices({{"sda"}}), &csv, TimeSeries::Keep::kNo};
  const std::size_t header = csv.text().size();
  series.on_sample(sample(milliseconds(100), milliseconds(40)));
  series.on_sample(sample(milliseconds(400) + microseconds(7), milliseconds(140)));
  EXPECT_EQ(csv.text().substr(header),
            "100.000,20000,8000,90000,62000,40701,20325,40701,35607,150000,1,70000,0,0.000,"
            "19999,8001,40700,62001,102400,102404,96000,96004,1.0156,32,40.00,"
            "20324,35605,90001,3,4,5,6,7,8,1\n"
            // 100 ms of the 300.007 ms since the row before: rounded down.
            "400.007,20000,8000,90000,62000,40701,20325,40701,35607,150000,1,70000,0,0.000,"
            "19999,8001,40700,62001,102400,102404,96000,96004,1.0156,32,33.33,"
            "20324,35605,90001,3,4,5,6,7,8,1\n");
}

TEST(TimeSeries, RowSumsThePausesSinceTheRowBefore) {
  StringSink csv;
  TimeSeries series{with_devices({}), &csv, TimeSeries::Keep::kNo};
  const std::size_t header = csv.text().size();
  for (const int jiffies : {3, 0, 2, -1}) {
    series.on_balance_dirty_pages({.pause = jiffies});
  }
  series.on_sample({.time = at(milliseconds(100))});
  series.on_sample({.time = at(milliseconds(200))});
  EXPECT_EQ(csv.text().substr(header),
            "100.000,0,0,0,0,0,0,0,0,0,0,0,2,20.000\n"  // 5 jiffies of 4 ms
            "200.000,0,0,0,0,0,0,0,0,0,0,0,0,0.000\n");
}

TEST(TimeSeries, FirstRowAtTimeZeroHasNoIntervalAndNoLoad) {
  StringSink csv;
  TimeSeries series{with_devices({{"sda"}}), &csv, TimeSeries::Keep::kNo};
  series.on_sample(sample({}, {}));
  EXPECT_TRUE(csv.text().ends_with(",32,0.00,20324,35605,90001,3,4,5,6,7,8,1\n"));
  EXPECT_NE(csv.text().find("\n0.000,"), std::string::npos);
}

TEST(TimeSeries, KeepsSamplesOnlyWhenAsked) {
  TimeSeries kept{with_devices({{"sda"}}), nullptr, TimeSeries::Keep::kSamples};
  kept.on_sample(sample(milliseconds(100), {}));
  ASSERT_EQ(kept.samples().size(), 1u);
  EXPECT_EQ(kept.samples()[0].bdis[0].pos_ratio, 1040);
  StringSink csv;
  TimeSeries written{with_devices({{"sda"}}), &csv, TimeSeries::Keep::kNo};
  written.on_sample(sample(milliseconds(100), {}));
  EXPECT_TRUE(written.samples().empty());
}

}  // namespace
}  // namespace wbsim::report
