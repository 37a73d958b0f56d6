#include "tools/plot_data.hpp"

#include <gtest/gtest.h>

namespace wbsim::cli {
namespace {

using Names = std::vector<std::string>;

TEST(PlotData, DevicesAreTheSuffixesOfTheQueueDepthColumns) {
  EXPECT_EQ(devices_of("t_ms,wb_thresh.sda,queue_depth.sda,queue_depth.nvme0n1\n1,2,3,4\n"),
            (Names{"sda", "nvme0n1"}));
  EXPECT_EQ(devices_of(""), Names{});
}

TEST(PlotData, DirtiedDevicesAreThoseThatThePageCacheWroteTo) {
  const std::string header = "t_ms,wb_dirtied.sda,wb_dirtied.sdb,b_io.sdb\n";
  EXPECT_EQ(dirtied_devices(header + "0,0,0,0\n1,0,7,0\n"), Names{"sdb"});
  EXPECT_EQ(dirtied_devices(header), Names{});
  EXPECT_EQ(dirtied_devices("t_ms,nr_dirty\n0,1\n"), Names{});
}

TEST(PlotData, AtMostEightOfThemAreDrawn) {
  std::string header = "t_ms";
  std::string row = "0";
  for (int i = 0; i < 9; ++i) {
    header += ",wb_dirtied.d" + std::to_string(i);
    row += ",1";
  }
  EXPECT_EQ(dirtied_devices(header + "\n" + row + "\n").size(), 8U);
}

TEST(PlotData, ATimeSeriesHasItsHeaderAndANumberInEachColumn) {
  const std::string header = "t_ms,nr_dirty,queue_depth.sda\n";
  std::string complaint;
  EXPECT_TRUE(is_time_series(header + "0.000,1,2\n", complaint));
  EXPECT_FALSE(is_time_series("a,b\n1,2\n", complaint));
  EXPECT_EQ(complaint, "timeseries.csv:1: not the header of a time series");
  EXPECT_FALSE(is_time_series(header + "0.000,1,2\n0.100,1\n", complaint));
  EXPECT_EQ(complaint, "timeseries.csv:3: not 3 numbers");
  EXPECT_FALSE(is_time_series(header + "0.000,x,2\n", complaint));
  EXPECT_EQ(complaint, "timeseries.csv:2: not 3 numbers");
}

TEST(PlotData, ALatencyCurveFallsFromAllCallsToTheSlowest) {
  std::string complaint;
  const auto data = latency_curves(
      "report,job,call,latency_ns,count\n0,w,write,1000,6\n0,w,write,2500,3\n0,w,write,4000,1\n",
      complaint);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->text, "\"w write\"\n1 1\n2.5 0.4\n4 0.1\n4 0.05\n\n\n");
  EXPECT_EQ(data->blocks, 1);
}

TEST(PlotData, EachReportAndKindOfCallHasACurve) {
  std::string complaint;
  const auto data = latency_curves(
      "report,job,call,latency_ns,count\n0,w,write,1000,1\n0,w,fsync,1000,1\n1,w,write,1000,1\n",
      complaint);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->blocks, 3);
}

TEST(PlotData, AJobsNameMayHoldCommasAndQuotes) {
  std::string complaint;
  const auto data = latency_curves(
      "report,job,call,latency_ns,count\n0,\"a,\"\"b\"\"\",write,1000,1\n", complaint);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->text.substr(0, data->text.find('\n')), "\"a,''b'' write\"");
}

TEST(PlotData, ForeignLatenciesAreRefusedWithTheirLine) {
  for (const char* row : {"0,w,write,1000", "0,w,write,x,1", "0,w,write,1000,0",
                          "0,w,write,1,1000000000001", "junk"}) {
    std::string complaint;
    EXPECT_FALSE(latency_curves(std::string{"header\n0,w,write,1000,1\n"} + row + "\n", complaint))
        << row;
    EXPECT_EQ(complaint, "latency.csv:3: not report,job,call,latency_ns,count");
  }
}

TEST(PlotData, RequestsAreReadsAndWritesWithoutFlushes) {
  std::string complaint;
  const auto data = request_points(
      "header\n"
      "sda,WS,2097152,8,1,0,1000000,3000000,0\n"
      "sda,R,0,8,1,0,0,1000000000,0\n"
      "sda,FF,0,0,1,0,0,5,0\n",
      complaint);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->text,
            "\"reads\"\n1 0 1000\nNaN NaN NaN\n\n\n\"writes\"\n0.003 1 2\nNaN NaN NaN\n");
  EXPECT_EQ(data->blocks, 2);
}

TEST(PlotData, RequestsOfOneKindAloneAreInTheLegend) {
  std::string complaint;
  const auto data = request_points("header\nsda,W,0,8,1,0,0,1000000000,0\n", complaint);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->text, "\"\"\nNaN NaN NaN\n\n\n\"writes\"\n1 0 1000\nNaN NaN NaN\n");
}

TEST(PlotData, ForeignRequestsAreRefusedWithTheirLine) {
  std::string complaint;
  EXPECT_FALSE(request_points("header\nsda,W,0,8,1,0,0\n", complaint));
  EXPECT_EQ(complaint, "requests.csv:2: not a row of 9 fields");
}

TEST(PlotData, NoRequestsAreNothingToDraw) {
  std::string complaint;
  const auto data = request_points("header\n", complaint);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->blocks, 0);
}

}  // namespace
}  // namespace wbsim::cli
