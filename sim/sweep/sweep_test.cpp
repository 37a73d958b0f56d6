#include "sim/sweep/sweep.hpp"

#include <map>
#include <thread>

#include "sim/sweep/effects.hpp"
#include "sim/sweep/merged.hpp"
#include "sim/sweep/sweep_test_util.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;

class SweepRun : public testing::SweepTest {
 protected:
  SweepOutcome sweep(const std::string& out, const Plan& plan, const SweepOptions& options) {
    Diagnostics diagnostics;
    const std::unique_ptr<Store> store = Store::open(folder_ / out, plan, diagnostics);
    EXPECT_TRUE(store) << shortened(testing::text_of(diagnostics));
    SweepOutcome outcome = run_sweep(plan, *store, options);
    EXPECT_FALSE(write_merged(folder_ / out, plan, read_rows(folder_ / out, plan, outcome.ends)));
    return outcome;
  }
  // Every file below a folder with its content.
  std::map<std::string, std::string> files_of(const std::string& out) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator{folder_ / out}) {
      if (entry.is_regular_file()) {
        files[fs::relative(entry.path(), folder_ / out).native()] =
            file_content(entry.path()).value_or("(unreadable)");
      }
    }
    return files;
  }
};

TEST_F(SweepRun, GivesTheSameBytesOnAnyNumberOfProcesses) {
  const Plan points =
      plan({"vm.dirty_ratio=25,30", "queue.scheduler=none,bfq", "kernel=5.10,5.15"}).value();
  sweep("one", points, {1, nullptr, {}});
  sweep("four", points, {4, nullptr, {}});
  const auto one = files_of("one");
  EXPECT_EQ(one.size(), 1U + 2U + 8U + 4U * 3U);  // plan, CSVs, ends, and what each run wrote
  EXPECT_EQ(files_of("four"), one);
}

TEST_F(SweepRun, GoesOnAfterARefusedPoint) {
  const Plan points = plan({"kernel=5.15,5.10"}).value();
  const SweepOutcome outcome = sweep("out", points, {});
  EXPECT_EQ(outcome.ends[0].value().status, PointStatus::kRefused);
  EXPECT_EQ(outcome.ends[1].value().status, PointStatus::kOk);
  const std::string wide = content("out/sweep-wide.csv");
  EXPECT_NE(wide.find(",refused,\"--vary kernel=5.15: \"\"5.15\"\";"), std::string::npos)
      << wide.substr(0, 2000);
}

// Random reads of a disk: what tells two disks apart is how many a second, and how late.
TEST_F(SweepRun, ComparesReadersByTheirReads) {
  write("a.json",
        R"({"devices":{"sda":{"read":"100us","seek":"5ms","queue":{"wbt_lat_usec":0}}},)"
        R"("workload":{"fio":"[r]\nfilename=/dev/sda\nrw=randread\ndirect=1\nbs=4k\nsize=1m\n"}})");
  const Plan points = plan({"device.seek=1ms,5ms"}).value();
  const SweepOutcome outcome = sweep("out", points, {});
  const std::vector<Row> rows = read_rows(folder_ / "out", points, outcome.ends);
  const std::string table = rows_text(points, rows);
  EXPECT_EQ(table.substr(0, table.find('\n')),
            "point  device.seek  read MB/s  read IOPS  read p99 ms");
  const std::vector<Effect> effects = main_effects(points, rows, 7);
  EXPECT_NEAR(effects[0].levels[0].mean, 1 / 0.0011, 20);
  EXPECT_NEAR(effects[0].levels[1].mean, 1 / 0.0051, 5);
}

TEST_F(SweepRun, FinishesNothingAfterAnInterrupt) {
  const Plan points = plan({"vm.dirty_ratio=25,30"}).value();
  const std::atomic<bool> interrupted{true};
  const SweepOutcome outcome = sweep("out", points, {2, &interrupted, {}});
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_FALSE(outcome.ends[0] || outcome.ends[1]);
  EXPECT_EQ(content("out/sweep-long.csv"), "point,digest,status,vm.dirty_ratio,metric,value\n");
  EXPECT_FALSE(sweep("out", points, {}).interrupted);
  EXPECT_NE(content("out/sweep-long.csv").find("\n2,"), std::string::npos);
}

// The flag comes while the first point runs: that run ends early and must leave nothing.
TEST_F(SweepRun, DropsTheRunThatAnInterruptCutShort) {
  std::string endless{testing::kSmallConfig};
  endless.replace(endless.find("size=1m"), 7, "size=1m\\ntime_based=1\\nruntime=100000");
  write("a.json", endless);
  const Plan points = plan({"vm.dirty_ratio=25"}).value();
  std::atomic<bool> interrupted{false};
  SweepOutcome outcome;
  {
    const std::jthread sweeper{[&] { outcome = sweep("out", points, {1, &interrupted, {}}); }};
    while (!fs::exists(path("out/points/.new-" + points.points[0].digest))) {
      std::this_thread::yield();
    }
    interrupted = true;
  }
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_FALSE(outcome.ends[0]);
  EXPECT_TRUE(fs::is_empty(folder_ / "out/points"));
}

TEST_F(SweepRun, NoticesThatItsInputHasChanged) {
  const Plan points = plan({"vm.dirty_ratio=25,30"}).value();
  std::string other{testing::kSmallConfig};
  other.replace(other.find("bs=64k"), 6, "bs=32k");
  write("a.json", other);
  const SweepOutcome outcome = sweep("out", points, {2, nullptr, {}});
  EXPECT_EQ(outcome.errors,
            (std::vector<std::string>{"point 1 (vm.dirty_ratio=25): the configuration or a file "
                                      "it names has changed since the sweep began",
                                      "point 2 (vm.dirty_ratio=30): the configuration or a file "
                                      "it names has changed since the sweep began"}));
  EXPECT_FALSE(outcome.ends[0] || outcome.ends[1]);
}

TEST_F(SweepRun, TellsHowFarItIs) {
  const Plan points = plan({"kernel=5.10,5.15", "vm.dirty_ratio=25,30"}).value();
  std::vector<std::size_t> done;
  Progress last;
  sweep("out", points, {2, nullptr, [&](const Progress& progress) {
                          done.push_back(progress.done);
                          last = progress;
                        }});
  EXPECT_EQ(done, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(last.points, 4U);
  EXPECT_EQ(last.refused, 2U);
  EXPECT_EQ(last.failed, 0U);
}

}  // namespace
}  // namespace wbsim::sweep
