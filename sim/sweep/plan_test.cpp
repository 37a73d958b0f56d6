#include "sim/sweep/plan.hpp"

#include <cstdlib>
#include <set>

#include "sim/report/digest.hpp"
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
  const auto digest = [this](const std::vector<std::string>& sets, const Program& program) {
    return plan({"vm.dirty_ratio=25"}, sets, program).value().points.at(0).digest;
  };
  const Program program{"1", "b"};
  const std::string one = digest({}, program);
  EXPECT_EQ(digest({}, program), one);
  EXPECT_EQ(digest({"optimisation.batching=false"}, program), one) << "which changes no result";
  EXPECT_EQ(digest({"about=words"}, program), one) << "which changes no result";
  EXPECT_NE(digest({}, {"2", "b"}), one);
  EXPECT_NE(digest({}, {"1", "c"}), one) << "another program of the same version";
  EXPECT_NE(digest({"seed=2"}, program), one);
  std::string other{testing::kSmallConfig};
  other.replace(other.find("bs=64k"), 6, "bs=32k");
  write("a.json", other);
  EXPECT_NE(digest({}, program), one) << "another workload";
}

// The job file stays as it is: what it includes and the environment decide.
TEST_F(PlanTest, AddressesAPointByWhatJobFilesTakeFromElsewhere) {
  const auto digest = [this] { return plan({"vm.dirty_ratio=25"}).value().points.at(0).digest; };
  write("job.fio", "[w]\nfilename=/dev/sda\nrw=write\nsize=${WBSIM_TEST_SIZE}\ninclude more.fio\n");
  write("more.fio", "bs=64k\n");
  write("a.json", R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0}}},)"
                  R"("workload":{"file":"job.fio"}})");
  ::setenv("WBSIM_TEST_SIZE", "1m", 1);
  const std::string one = digest();
  write("more.fio", "bs=32k\n");
  EXPECT_NE(digest(), one) << "another text in the included file";
  write("more.fio", "bs=64k\n");
  EXPECT_EQ(digest(), one);
  ::setenv("WBSIM_TEST_SIZE", "2m", 1);
  EXPECT_NE(digest(), one) << "another value of the environment";
  ::unsetenv("WBSIM_TEST_SIZE");
}

TEST_F(PlanTest, TellsBuildsApart) {
  std::string problem;
  const auto program = this_program("1", problem);
  ASSERT_TRUE(program) << problem;
  EXPECT_EQ(program->version, "1");
  EXPECT_EQ(program->build,
            report::to_string(report::digest_of(file_content("/proc/self/exe").value_or(""))));
}

TEST_F(PlanTest, RefusesThePointsThatAreNotSimulated) {
  const auto made = plan({"vm.dirty_ratio=25,30", "queue.nomerges=0,2"});
  ASSERT_TRUE(made) << findings_;
  const auto refused = plan({"kernel=5.10,5.15"});
  ASSERT_TRUE(refused) << findings_;
  EXPECT_EQ(refused->points[0].refusal, "");
  EXPECT_NE(refused->points[1].refusal.find("--vary kernel=5.15: \"5.15\"; simulated are"),
            std::string::npos)
      << refused->points[1].refusal;
  EXPECT_EQ(refused->points[1].digest.size(), 32U);
}

TEST_F(PlanTest, ReadsItselfBack) {
  const auto made = plan({"vm.dirty_ratio=25,30", "kernel=5.10,5.15"}, {"seed=3"});
  ASSERT_TRUE(made);
  std::string problem;
  const auto read = parse_plan(plan_json(*made), problem);
  ASSERT_TRUE(read) << problem;
  EXPECT_EQ(plan_json(*read), plan_json(*made));
  EXPECT_EQ(difference(*read, *made), "");
}

TEST_F(PlanTest, SaysInWhatAnotherPlanDiffers) {
  const auto differs = [this](const std::vector<std::string>& vary,
                              const std::vector<std::string>& sets, const Program& program) {
    const Plan there = plan({"vm.dirty_ratio=25,30"}).value();
    return difference(there, plan(vary, sets, program).value());
  };
  const Program program{"1", "b"};
  EXPECT_EQ(differs({"vm.dirty_ratio=25,40"}, {}, program),
            "--vary is vm.dirty_ratio=25,30 there and vm.dirty_ratio=25,40 here");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30"}, {"seed=2"}, program),
            "--set is nothing there and seed=2 here");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30"}, {}, {"2", "b"}),
            "the version of wbsim is 1 there and 2 here");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30"}, {}, {"1", "c"}),
            "the build of wbsim is b there and c here");
  const Plan there = plan({"vm.dirty_ratio=25,30"}).value();
  std::string other{testing::kSmallConfig};
  other.replace(other.find("10us"), 4, "20us");
  write("a.json", other);
  EXPECT_EQ(difference(there, plan({"vm.dirty_ratio=25,30"}).value()),
            "point 1 (vm.dirty_ratio=25) has changed: the configuration or a file it names is "
            "another than when the sweep began");
}

TEST_F(PlanTest, ContinuesAnotherPlanWhenItLosesNoPoint) {
  const Plan there = plan({"vm.dirty_ratio=25,30", "kernel=5.10,5.15"}).value();
  const auto differs = [&](const std::vector<std::string>& vary) {
    return difference(there, plan(vary).value());
  };
  EXPECT_EQ(differs({"vm.dirty_ratio=30,25,40", "kernel=5.10,5.15"}), "");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30", "kernel=5.10,6.1"}), "");
  EXPECT_EQ(differs({"vm.dirty_ratio=25,30", "kernel=5.10", "queue.scheduler=none,mq-deadline"}),
            "")
      << "a knob more, one of whose values is the default";
  EXPECT_NE(differs({"vm.dirty_ratio=25,30", "kernel=5.10", "queue.scheduler=mq-deadline"}), "");
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
            "kyber, bfq, noop, deadline, cfq, anticipatory. Did you mean \"mq-deadline\"?\n");
}

TEST_F(PlanTest, ReportsEachWrongValueOnce) {
  EXPECT_EQ(problems({"vm.dirty_ratio=25,500", "seed=1,2,3"}),
            "--vary vm.dirty_ratio=500: 500 is not a whole number from 0 to 100\n");
  EXPECT_EQ(problems({"vm..dirty_ratio=5"}),
            "--vary vm..dirty_ratio=5: has an empty name in its key\n");
  EXPECT_EQ(problems({"devices.sda.depth=8"}, {"devices.sda.queue.scheduler=nun"}).substr(0, 52),
            "--set devices.sda.queue.scheduler=nun: unknown \"nun\"");
}

TEST_F(PlanTest, NamesTheValuesAtWhichAPointIsWrong) {
  write(
      "a.json",
      R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0}}},)"
      R"("workload":{"fio":"[w]\nfilename=/dev/sda\nrw=write\noffset=8m\nsize=1m\nnumjobs=8\n"}})");
  EXPECT_EQ(
      problems({"device.size=2MiB,4MiB,1GiB", "seed=1,2"}),
      "DIR/a.json: /workload/fio:1 (device.size=2MiB): job \"w\": offset 8388608 is not below "
      "the end of the device, 2097152 bytes\n"
      "DIR/a.json: /workload/fio:1 (device.size=4MiB): job \"w\": offset 8388608 is not below "
      "the end of the device, 4194304 bytes\n");
  // At every point: no value is to blame.
  write("a.json", R"({"devices":{"sda":{"queue":{"wbt_lat_usec":0}}},)"
                  R"("workload":{"fio":"[w]\nfilename=/dev/sdb\nrw=write\nsize=1m\n"}})");
  EXPECT_EQ(problems({"device.size=1GiB,2GiB"}),
            "DIR/a.json: /workload/fio:1: job \"w\": no device for filename=/dev/sdb; the "
            "configuration has /dev/sda. --set workload.filename=/dev/sda runs all jobs there\n");
}

TEST_F(PlanTest, ReportsADeviceThatIsNotThere) {
  EXPECT_EQ(problems({"devices.sdb.queue.scheduler=none,mq-deadline"}),
            "--vary devices.sdb.queue.scheduler=none: there is no device \"sdb\", only sda; to add "
            "one, set devices.sdb to an object\n"
            "--vary devices.sdb.queue.scheduler=mq-deadline: there is no device \"sdb\", only sda; "
            "to add one, set devices.sdb to an object\n");
}

TEST_F(PlanTest, VariesJobFiles) {
  write("a.fio", "[a]\nfilename=/dev/sda\nrw=write\nsize=1m\n");
  write("b.fio", "[b]\nfilename=/dev/sda\nrw=write\nsize=2m\n");
  const auto made = plan({"workload.file=a.fio,b.fio"});
  ASSERT_TRUE(made) << findings_;
  Diagnostics diagnostics;
  for (const std::size_t i : {0U, 1U}) {
    const auto experiment = load_runnable(source_of(*made, made->points[i]), diagnostics);
    ASSERT_TRUE(experiment) << testing::text_of(diagnostics);
    EXPECT_EQ(experiment->workload.jobs.at(0).name, i == 0 ? "a" : "b");
  }
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
