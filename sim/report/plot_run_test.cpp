// tools/plot-run draws what TimeSeries writes: they meet only in the names of the columns.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "sim/report/timeseries.hpp"

namespace wbsim::report {
namespace {

namespace fs = std::filesystem;

constexpr int kGnuplotMissing = 3;

class PlotRunTest : public testing::Test {
 protected:
  void SetUp() override {
    // Tests run at the same time.
    directory_ = fs::path{testing::TempDir()} /
                 (std::string{"wbsim_plot_run_"} +
                  testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  // Exit status; the tests run in the root of the project. What it prints goes to "messages".
  int plot_run() const {
    const std::string command = "tools/plot-run '" + directory_.string() + "' 2>'" +
                                (directory_ / "messages").string() + "'";
    return WEXITSTATUS(std::system(command.c_str()));
  }

  std::string content(const std::string& name) const {
    std::ifstream in{directory_ / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  void write_samples(int count) const {
    RunInfo info;
    info.devices = {{"sda"}, {"nvme0n1"}};
    OutputFile csv{directory_ / "timeseries.csv"};
    TimeSeries series{info, &csv, TimeSeries::Keep::kNo};
    for (int i = 0; i < count; ++i) {
      engine::StateSample sample{.time = at(milliseconds(100 * i)), .nr_dirty = Pages{256 * i}};
      sample.dirty_thresh = Pages{i > 2 ? 4096 : 0};
      sample.bdis = {{.device = 0, .queue_depth = i % 4}, {.device = 1}};
      series.on_sample(sample);
    }
    ASSERT_EQ(csv.commit(), std::nullopt);
  }

  fs::path directory_;
};

TEST_F(PlotRunTest, DrawsEveryDeviceOfATimeSeriesWithoutAWarning) {
  write_samples(20);
  const int status = plot_run();
  if (status == kGnuplotMissing) {
    GTEST_SKIP() << content("messages");
  }
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content("messages"), "");
  EXPECT_EQ(content("dirty.png").substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_FALSE(fs::exists(directory_ / "dirty.png.tmp"));
}

TEST_F(PlotRunTest, SaysHowToMakeAMissingTimeSeries) {
  EXPECT_EQ(plot_run(), 2);
  EXPECT_EQ(content("messages"), "plot-run: cannot read " + directory_.string() +
                                     "/timeseries.csv: make it with `wbsim run CONFIG --out " +
                                     directory_.string() + "`\n");
}

TEST_F(PlotRunTest, RefusesASeriesWithNothingToDraw) {
  write_samples(1);
  const int status = plot_run();
  if (status == kGnuplotMissing) {
    GTEST_SKIP() << content("messages");
  }
  EXPECT_EQ(status, 2);
  EXPECT_EQ(content("messages"),
            "plot-run: " + directory_.string() +
                "/timeseries.csv has fewer than two samples: nothing to draw\n");
}

}  // namespace
}  // namespace wbsim::report
