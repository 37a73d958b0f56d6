#include "sim/sweep/store.hpp"

#include "sim/sweep/sweep.hpp"
#include "sim/sweep/sweep_test_util.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::SweepTest {
 protected:
  void SetUp() override {
    SweepTest::SetUp();
    plan_ = plan({"vm.dirty_ratio=25,30"}).value();
  }

  std::unique_ptr<Store> open() {
    Diagnostics diagnostics;
    std::unique_ptr<Store> store = Store::open(folder_ / "out", plan_, diagnostics);
    findings_ = shortened(testing::text_of(diagnostics));
    return store;
  }
  SweepOutcome sweep() {
    const std::unique_ptr<Store> store = open();
    EXPECT_TRUE(store) << findings_;
    return run_sweep(plan_, *store, {});
  }
  // A file of the first point, below the sweep's folder.
  [[nodiscard]] std::string of_point(const std::string& name) const {
    return "out/points/" + plan_.points[0].digest + "/" + name;
  }
  // Runs the sweep over a damage: it is named, point 1 runs again, and everything is as before.
  void expect_named_and_repaired(const std::string& damage) {
    const SweepOutcome outcome = sweep();
    ASSERT_EQ(outcome.notes.size(), 1U);
    std::string note = shortened(outcome.notes[0]);
    const std::string digest = plan_.points[0].digest;
    EXPECT_EQ(note.replace(note.find(digest), digest.size(), "POINT"),
              "DIR/out/points/POINT" + damage + "; point 1 (vm.dirty_ratio=25) runs again");
    EXPECT_EQ(outcome.resumed, 1U);
    EXPECT_EQ(content(of_point("summary.json")), summary_);
    EXPECT_EQ(sweep().resumed, 2U);
  }

  Plan plan_;
  std::string summary_;
};

class DamagedPoint : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_EQ(sweep().resumed, 0U);
    summary_ = content(of_point("summary.json"));
    ASSERT_NE(summary_, "(no file)");
  }
};

TEST_F(StoreTest, KeepsWhatARunWrites) {
  const SweepOutcome outcome = sweep();
  ASSERT_EQ(outcome.ends.size(), 2U);
  EXPECT_EQ(outcome.ends[0], PointEnd{});
  for (const char* name : {"summary.json", "timeseries.csv", "latency.csv", "point.json"}) {
    EXPECT_TRUE(fs::is_regular_file(folder_ / of_point(name))) << name;
  }
  EXPECT_EQ(sweep().resumed, 2U);
}

TEST_F(DamagedPoint, IsRunAgainWhenAFileHasChanged) {
  write(of_point("summary.json"), "{}");
  expect_named_and_repaired("/summary.json is damaged");
}

TEST_F(DamagedPoint, IsRunAgainWhenAFileIsMissing) {
  fs::remove(folder_ / of_point("timeseries.csv"));
  expect_named_and_repaired("/timeseries.csv is missing or cannot be read");
}

TEST_F(DamagedPoint, IsRunAgainWhenAFileIsForeign) {
  write(of_point("notes.txt"), "mine");
  expect_named_and_repaired("/notes.txt does not belong there");
}

TEST_F(DamagedPoint, IsRunAgainWhenItsEndIsTorn) {
  write(of_point("point.json"), content(of_point("point.json")).substr(0, 100));
  expect_named_and_repaired("/point.json is damaged");
}

TEST_F(DamagedPoint, IsRunAgainWhenItsEndIsForged) {
  std::string text = content(of_point("point.json"));
  text.replace(text.find("\"ok\""), 4, "\"failed\"");
  write(of_point("point.json"), text);
  expect_named_and_repaired("/point.json is damaged");
}

TEST_F(DamagedPoint, IsRunAgainWhenItsEndIsMissing) {
  fs::remove(folder_ / of_point("point.json"));
  expect_named_and_repaired("/point.json is missing");
}

TEST_F(DamagedPoint, IsRunAgainWhenItIsAnotherOnes) {
  fs::remove_all(folder_ / of_point(""));
  fs::copy(point_folder(folder_ / "out", plan_.points[1].digest), folder_ / of_point(""));
  expect_named_and_repaired("/point.json is that of another point");
}

TEST_F(DamagedPoint, IsRunAgainWhenItIsAFile) {
  fs::remove_all(folder_ / of_point(""));
  write("out/points/" + plan_.points[0].digest, "text");
  expect_named_and_repaired(" is not a folder");
}

TEST_F(StoreTest, RemovesWhatAKilledSweepLeft) {
  sweep();
  write("out/points/.new-0123/summary.json", "half");
  write("out/points/.old-0123/summary.json", "damaged");
  write("out/sweep-long.csv.123.tmp", "half");
  EXPECT_EQ(sweep().resumed, 2U);
  for (const char* name :
       {"out/points/.new-0123", "out/points/.old-0123", "out/sweep-long.csv.123.tmp"}) {
    EXPECT_FALSE(fs::exists(folder_ / name)) << name;
  }
}

TEST_F(StoreTest, KeepsNothingOfAnAbandonedPoint) {
  const std::unique_ptr<Store> store = open();
  fs::path folder;
  ASSERT_FALSE(store->begin(plan_.points[0].digest, folder));
  write("out/points/.new-" + plan_.points[0].digest + "/summary.json", "half");
  store->abandon(plan_.points[0].digest);
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_FALSE(look_up(folder_ / "out", plan_.points[0].digest).end);
}

TEST_F(StoreTest, RemembersWhyAPointFailed) {
  const PointEnd failed{PointStatus::kFailed, "job w: system call failed (errno 28)"};
  {
    const std::unique_ptr<Store> store = open();
    fs::path folder;
    ASSERT_FALSE(store->begin(plan_.points[0].digest, folder));
    ASSERT_FALSE(store->commit(plan_.points[0].digest, failed));
  }
  EXPECT_EQ(sweep().ends[0], failed);
}

TEST_F(StoreTest, StartsOverWhenKilledBeforeThePlanWasWritten) {
  write("out/sweep.json.123.tmp", "{\"for");
  EXPECT_EQ(sweep().resumed, 0U);
  EXPECT_FALSE(fs::exists(folder_ / "out/sweep.json.123.tmp"));
}

TEST_F(StoreTest, TakesMorePoints) {
  sweep();
  const std::string before = content("out/sweep.json");
  plan_ = plan({"vm.dirty_ratio=20,25,30"}).value();
  EXPECT_EQ(sweep().resumed, 2U);
  EXPECT_NE(content("out/sweep.json"), before);
  EXPECT_EQ(content("out/sweep.json"), plan_json(plan_));
  EXPECT_EQ(sweep().resumed, 3U);
}

TEST_F(StoreTest, KeepsThePointsWhenThePlanIsLost) {
  sweep();
  const std::string before = content("out/sweep.json");
  fs::remove(folder_ / "out/sweep.json");
  write("out/report.html", "");
  EXPECT_EQ(sweep().resumed, 2U);
  EXPECT_EQ(content("out/sweep.json"), before);
}

// --- what is refused, word for word ---------------------------------------------------------

TEST_F(StoreTest, RefusesTheDirectoryOfAnotherSweep) {
  sweep();
  plan_ = plan({"vm.dirty_ratio=25,40"}).value();
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_,
            "DIR/out: holds another sweep: --vary is vm.dirty_ratio=25,30 there and "
            "vm.dirty_ratio=25,40 here; name another directory (a sweep may be given more "
            "points, but not fewer)\n");
}

TEST_F(StoreTest, RefusesADirectoryOfOtherThings) {
  write("out/thesis.tex", "");
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_, "DIR/out: is not empty and holds no sweep; name a new or empty directory\n");
}

TEST_F(StoreTest, RefusesADamagedPlan) {
  write("out/sweep.json", "{\"format\": ");
  EXPECT_FALSE(open());
  const std::string hint =
      "; remove it and repeat the sweep's command: results that are there are kept\n";
  EXPECT_EQ(findings_, "DIR/out/sweep.json: is damaged: it is not JSON" + hint);
  write("out/sweep.json", "[1]");
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_,
            "DIR/out/sweep.json: is not the plan of a sweep that this wbsim can read" + hint);
  write("out/sweep.json", R"({"format":"wbsim sweep 2","wbsim":1})");
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_,
            "DIR/out/sweep.json: is damaged: members are missing or of another type" + hint);
  std::string text = plan_json(plan_);
  text.replace(text.find(plan_.points[0].digest), 8, "../../..");
  write("out/sweep.json", text);
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_,
            "DIR/out/sweep.json: is damaged: its points do not fit its variations" + hint);
}

TEST_F(StoreTest, RefusesAPathThatCannotBeADirectory) {
  write("out", "a file");
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_, "-o: cannot create directory DIR/out: Not a directory\n");
}

TEST_F(StoreTest, RefusesADirectoryThatAnotherSweepWorksIn) {
  const std::unique_ptr<Store> first = open();
  EXPECT_FALSE(open());
  EXPECT_EQ(findings_, "DIR/out: is in use by another sweep\n");
}

}  // namespace
}  // namespace wbsim::sweep
