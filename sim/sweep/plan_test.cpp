#include "sim/sweep/plan.hpp"

#include <set>

#include "sim/sweep/sweep_test_util.hpp"

namespace wbsim::sweep {
namespace {

class PlanTest : public testing::SweepTest {};

TEST_F(PlanTest, HasEveryCombinationWithTheLastKnobChangingFastest) {
  const auto made = plan({"vm.dirty_ratio=25,30", "kernel=5.10,6.1"});
  ASSERT_TRUE(made);
  std::vector<std::string> points;
  std::set<std::string> digests;
  for (const Point& point : made->points) {
    points.push_back(describe(*made, point));
    digests.insert(point.digest);
    EXPECT_EQ(point.digest.size(), 32U);
  }
  EXPECT_EQ(points, (std::vector<std::string>{
                        "vm.dirty_ratio=25 kernel=5.10", "vm.dirty_ratio=25 kernel=6.1",
                        "vm.dirty_ratio=30 kernel=5.10", "vm.dirty_ratio=30 kernel=6.1"}));
  EXPECT_EQ(digests.size(), 4U);
}

TEST_F(PlanTest, KeepsCommasInsideOfJsonValues) {
  Diagnostics diagnostics;
  const std::vector<std::string> options{R"(guest_tracing=["wb","rq"],[],["blk"])",
                                         R"(about="a,\"b]",c)"};
  const auto variations = parse_variations(options, {}, diagnostics);
  EXPECT_EQ(testing::text_of(diagnostics), "");
  ASSERT_EQ(variations.size(), 2U);
  EXPECT_EQ(variations[0].values, (std::vector<std::string>{R"(["wb","rq"])", "[]", R"(["blk"])"}));
  EXPECT_EQ(variations[1].values, (std::vector<std::string>{R"("a,\"b]")", "c"}));
}

TEST_F(PlanTest, AddressesAPointByWhatIsRunAndByWhom) {
  const auto digest = [this](const std::vector<std::string>& sets, const std::string& version) {
    return plan({"vm.dirty_ratio=25"}, sets, version).value().points.at(0).digest;
  };
  const std::string one = digest({}, "1");
  EXPECT_EQ(digest({}, "1"), one);
  EXPECT_EQ(digest({"optimisation.batching=false"}, "1"), one) << "which changes no result";
  EXPECT_NE(digest({}, "2"), one);
  EXPECT_NE(digest({"seed=2"}, "1"), one);
  std::string other{testing::kSmallConfig};
  other.replace(other.find("bs=64k"), 6, "bs=32k");
  write("a.json", other);
  EXPECT_NE(digest({}, "1"), one) << "another workload";
}

TEST_F(PlanTest, RefusesThePointsThatAreNotSimulated) {
  const auto made = plan({"vm.dirty_ratio=25,30", "queue.nomerges=0,2"});
  ASSERT_TRUE(made) << findings_;
  const auto refused = plan({"queue.scheduler=none,bfq"});
  ASSERT_TRUE(refused) << findings_;
  EXPECT_EQ(refused->points[0].refusal, "");
  EXPECT_NE(refused->points[1].refusal.find("--vary queue.scheduler=bfq: \"bfq\"; simulated are"),
            std::string::npos)
      << refused->points[1].refusal;
  EXPECT_EQ(refused->points[1].digest.size(), 32U);
}

TEST_F(PlanTest, ReadsItselfBack) {
  const auto made = plan({"vm.dirty_ratio=25,30", "queue.scheduler=none,bfq"}, {"seed=3"});
  ASSERT_TRUE(made);
  std::string problem;
  const auto read = parse_plan(plan_json(*made), problem);
  ASSERT_TRUE(read) << problem;
  EXPECT_EQ(plan_json(*read), plan_json(*made));
  EXPECT_EQ(difference(*read, *made), "");
}

TEST_F(PlanTest, SaysInWhatAnotherPlanDiffers) {
  const auto differs = [this](const std::vector<std::string>& vary,
                              const std::vector<std::string>& sets, const std::string& version) {
    const Plan there = plan({"vm.dirty_ratio=25,30"}).value();
    return difference(there, plan(vary, sets, version).value());
  };
  EXPECT_EQ(differs({"vm.dirty_ratio=25,40"}, {}, "1"),
            "--vary is vm.dirty_ratio=25,30 there and vm.dirty_ratio=25,40 here");
  EXPECT_EQ(differs({"vm.dirty_ratio=30,25"}, {}, "1"),
            "--vary is vm.dirty_ratio=25,30 there and vm.dirty_ratio=30,25 here");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30"}, {"seed=2"}, "1"),
            "--set is nothing there and seed=2 here");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30"}, {}, "2"),
            "the version of wbsim is 1 there and 2 here");
  const Plan there = plan({"vm.dirty_ratio=25,30"}).value();
  std::string other{testing::kSmallConfig};
  other.replace(other.find("10us"), 4, "20us");
  write("a.json", other);
  EXPECT_EQ(difference(there, plan({"vm.dirty_ratio=25,30"}).value()),
            "point 1 (vm.dirty_ratio=25) has changed: the configuration or a file it names is "
            "another than when the sweep began");
}

// --- what is refused, word for word ---------------------------------------------------------

TEST_F(PlanTest, ReportsMalformedVariations) {
  EXPECT_EQ(problems({"vm.dirty_ratio"}),
            "--vary vm.dirty_ratio: is not KEY=VALUE,VALUE,..., such as vm.dirty_ratio=5,10,20\n");
  EXPECT_EQ(problems({"=5,10"}),
            "--vary =5,10: is not KEY=VALUE,VALUE,..., such as vm.dirty_ratio=5,10,20\n");
  EXPECT_EQ(problems({"vm.dirty_ratio="}),
            "--vary vm.dirty_ratio=: lists no value, write KEY=VALUE,VALUE,...\n");
  EXPECT_EQ(problems({"vm.dirty_ratio=5,,10"}),
            "--vary vm.dirty_ratio=5,,10: value 2 of 3 is empty; is there a comma too many?\n");
  EXPECT_EQ(problems({"vm.dirty_ratio=5,10,"}),
            "--vary vm.dirty_ratio=5,10,: value 3 of 3 is empty; is there a comma too many?\n");
  EXPECT_EQ(problems({"vm.dirty_ratio=5,10,5"}), "--vary vm.dirty_ratio=5,10,5: lists 5 twice\n");
  EXPECT_EQ(problems({"guest_tracing=[\"wb\",[]"}),
            "--vary guest_tracing=[\"wb\",[]: has a bracket, brace or quote without its "
            "counterpart\n");
}

TEST_F(PlanTest, ReportsAKnobGivenTwice) {
  EXPECT_EQ(problems({"vm.dirty_ratio=5,10", "vm.dirty_ratio=20"}),
            "--vary vm.dirty_ratio=20: vm.dirty_ratio is varied twice; write all its values in "
            "one list\n");
  EXPECT_EQ(problems({"vm.dirty_ratio=5,10"}, {"vm.dirty_ratio=20"}),
            "--vary vm.dirty_ratio=5,10: vm.dirty_ratio has a --set too; a knob is either set or "
            "varied\n");
}

TEST_F(PlanTest, ReportsTooManyPoints) {
  std::string many = "seed=1";
  for (int i = 2; i <= 101; ++i) {
    many += "," + std::to_string(i);
  }
  std::string ratios = "vm.dirty_ratio=1";
  for (int i = 2; i <= 100; ++i) {
    ratios += "," + std::to_string(i);
  }
  EXPECT_EQ(problems({many, ratios}),
            "--vary: the combinations are more than 10000 points, which is the most of one "
            "sweep; vary fewer values\n");
}

TEST_F(PlanTest, ReportsUnknownKeysAndValuesWithWhatWasProbablyMeant) {
  EXPECT_EQ(problems({"vm.dirty_ratoi=5"}),
            "--vary vm.dirty_ratoi=5: unknown key \"dirty_ratoi\"; one of dirty_ratio, "
            "dirty_background_ratio, dirty_bytes, dirty_background_bytes, "
            "dirty_writeback_centisecs, dirty_expire_centisecs. Did you mean \"dirty_ratio\"?\n");
  EXPECT_EQ(problems({"queue.scheduler=none,mq-dedline"}),
            "--vary queue.scheduler=mq-dedline: unknown \"mq-dedline\"; one of none, mq-deadline, "
            "kyber, bfq. Did you mean \"mq-deadline\"?\n");
}

TEST_F(PlanTest, ReportsEachWrongValueOnce) {
  EXPECT_EQ(problems({"vm.dirty_ratio=25,500", "seed=1,2,3"}),
            "--vary vm.dirty_ratio=500: 500 is not a whole number from 0 to 100\n");
  EXPECT_EQ(problems({"vm..dirty_ratio=5"}),
            "--vary vm..dirty_ratio=5: has an empty name in its key\n");
  EXPECT_EQ(problems({"devices.sdb.depth=8"}, {"devices.sdb.queue.scheduler=nun"}).substr(0, 52),
            "--set devices.sdb.queue.scheduler=nun: unknown \"nun\"");
}

TEST_F(PlanTest, ReportsPointsThatAreTheSameRun) {
  EXPECT_EQ(problems({"memory.total=1GiB,1024MiB"}),
            "--vary: points 1 (memory.total=1GiB) and 2 (memory.total=1024MiB) are the same "
            "run\n");
  // The ratio replaces the bytes, as writing the sysctl would.
  EXPECT_EQ(problems({"vm.dirty_bytes=30000000,40000000", "vm.dirty_ratio=25"}),
            "--vary: points 1 (vm.dirty_bytes=30000000 vm.dirty_ratio=25) and 2 "
            "(vm.dirty_bytes=40000000 vm.dirty_ratio=25) are the same run\n");
}

TEST_F(PlanTest, ReportsAnExperimentWithoutJobs) {
  write("a.json", R"({"devices":{"sda":{"queue":{"scheduler":"none","wbt_lat_usec":0}}}})");
  EXPECT_EQ(problems({"vm.dirty_ratio=25"}),
            "DIR/a.json: /workload: there is no job to run; name a job file here or with "
            "--workload\n");
}

TEST_F(PlanTest, ReportsAConfigurationThatIsNotThere) {
  std::filesystem::remove(folder_ / "a.json");
  EXPECT_EQ(problems({"vm.dirty_ratio=25"}), "DIR/a.json: does not exist\n");
}

}  // namespace
}  // namespace wbsim::sweep
