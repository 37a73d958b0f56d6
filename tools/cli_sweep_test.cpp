// Sweeps and reports as a shell sees them, and sweeps that are killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig =
    R"({"devices":{"sda":{"per_kib":"10us","queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
    R"("workload":{"fio":"[w]\nfilename=/dev/sda\nrw=write\nsize=1m\nbs=64k\nend_fsync=1\n"}})";

std::string text_of(const fs::path& path) {
  std::ifstream stream{path};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class SweepCli : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path{::testing::TempDir()} /
              (std::string{"wbsim_cli_sweep_"} +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::ofstream{folder_ / "a.json"} << kConfig;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // `arguments` as typed into a shell in the test's folder.
  Outcome wbsim(const std::string& arguments) {
    const std::string command =
        "cd " + folder_.native() + " && " + WBSIM_PROGRAM + " " + arguments + " >stdout 2>stderr";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(folder_ / "stdout"),
            text_of(folder_ / "stderr")};
  }
  // Checks what a wrong command line says; it must write nothing else and no directory.
  void expect_usage_error(const std::string& arguments, const std::string& verb,
                          const std::string& message) {
    const Outcome outcome = wbsim(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_EQ(outcome.err,
              "wbsim " + verb + ": " + message + "\nTry \"wbsim " + verb + " --help\".\n");
    EXPECT_FALSE(fs::exists(folder_ / "out")) << arguments;
  }

  fs::path folder_;
};

TEST_F(SweepCli, RunsPrintsAndMergesEveryPoint) {
  const std::string sweep =
      "sweep run a.json --vary vm.dirty_ratio=25,30 --vary kernel=5.10,6.1 -j 2 -o out";
  const Outcome first = wbsim(sweep);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.err, "4 points: 4 ok, 0 failed, 0 refused, 0 not done\n");
  EXPECT_EQ(first.out.substr(0, 41), "point  vm.dirty_ratio  kernel  write MB/s");
  EXPECT_EQ(std::count(first.out.begin(), first.out.end(), '\n'), 5);
  const std::string wide = text_of(folder_ / "out/sweep-wide.csv");
  EXPECT_EQ(wide.substr(0, 56), "point,digest,status,message,vm.dirty_ratio,kernel,write_");
  const Outcome second = wbsim(sweep);
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.err, "4 points: 4 ok, 0 failed, 0 refused, 0 not done; 4 were done before\n");
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(text_of(folder_ / "out/sweep-wide.csv"), wide);
}

TEST_F(SweepCli, WritesForEachPointWhatARunWrites) {
  ASSERT_EQ(wbsim("sweep run a.json --vary vm.dirty_ratio=25 -o out").exit_code, 0);
  ASSERT_EQ(wbsim("run a.json --set vm.dirty_ratio=25 --out alone").exit_code, 0);
  const fs::path point = fs::directory_iterator { folder_ / "out/points" } -> path();
  for (const char* name : {"summary.json", "timeseries.csv", "latency.csv"}) {
    EXPECT_EQ(text_of(point / name), text_of(folder_ / "alone" / name)) << name;
    EXPECT_NE(text_of(point / name), "") << name;
  }
}

TEST_F(SweepCli, PlansWithoutRunning) {
  const Outcome plan = wbsim("sweep plan a.json --vary kernel=5.10,5.15");
  EXPECT_EQ(plan.exit_code, 0);
  EXPECT_EQ(plan.err, "2 points: 0 ok, 0 failed, 0 refused, 2 not done\n");
  EXPECT_EQ(plan.out.substr(0, 3), "1  ");
  EXPECT_EQ(plan.out.substr(35, 21), "  kernel=5.10  to do\n");
  EXPECT_EQ(plan.out.substr(56 + 35, 25), "  kernel=5.15  to refuse:");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(SweepCli, ExitsWithThreeWhenPointsAreRefusedOrMissing) {
  EXPECT_EQ(wbsim("sweep run a.json --vary kernel=5.10,5.15 -o out").exit_code, 3);
  const Outcome status = wbsim("sweep status out");
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_EQ(status.err, "2 points: 1 ok, 0 failed, 1 refused, 0 not done\n");
  ASSERT_EQ(wbsim("sweep run a.json --vary seed=1,2 -o whole").exit_code, 0);
  EXPECT_EQ(wbsim("sweep status whole").exit_code, 0);
  fs::remove_all(fs::directory_iterator { folder_ / "whole/points" } -> path());
  EXPECT_EQ(wbsim("sweep status whole").exit_code, 3);
}

TEST_F(SweepCli, SaysHowToUseIt) {
  expect_usage_error("sweep", "sweep", "which one: run, plan or status?");
  expect_usage_error("sweep statsu", "sweep",
                     "unknown verb \"statsu\"; one of run, plan, status. Did you mean \"status\"?");
  expect_usage_error("sweep run --vary seed=1 -o out", "sweep run",
                     "exactly one configuration is needed");
  expect_usage_error("sweep run a.json -o out", "sweep run",
                     "nothing to vary; add --vary KEY=V1,V2,...");
  expect_usage_error("sweep run a.json --vary seed=1", "sweep run",
                     "-o DIR is needed: where results are kept");
  for (const char* jobs : {"0", "257", "two", "-1", "2x", "99999999999"}) {
    expect_usage_error(std::string{"sweep run a.json --vary seed=1 -o out --jobs="} + jobs,
                       "sweep run",
                       std::string{"-j "} + jobs + " is not a whole number from 1 to 256");
  }
  expect_usage_error("sweep run a.json --vari seed=1 -o out", "sweep run",
                     "unknown option \"--vari\". Did you mean \"--vary\"?");
  expect_usage_error("sweep status", "sweep status", "exactly one directory is needed");
  expect_usage_error("report", "report", "exactly one directory is needed");
}

TEST_F(SweepCli, NamesWhatIsWrongWithTheInputAndRunsNothing) {
  const Outcome outcome =
      wbsim("sweep run a.json --vary vm.dirty_ratio=25,101 --vary sede=1 -o out");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err.substr(0, 33), "--vary sede=1: unknown key \"sede\"");
  EXPECT_NE(
      outcome.err.find("\n--vary vm.dirty_ratio=101: 101 is not a whole number from 0 to 100\n"),
      std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  EXPECT_EQ(wbsim("sweep status .").err, ".: holds no sweep: there is no sweep.json to read\n");
  EXPECT_EQ(wbsim("sweep run a.json --vary seed=1 -o a.json/out").err,
            "-o: cannot create directory a.json/out: Not a directory\n");
}

TEST_F(SweepCli, ReportsASweepAndARun) {
  std::ofstream{folder_ / "chart.js"} << "/* Chart.js v4.4 */";
  ASSERT_EQ(wbsim("sweep run a.json --vary seed=1,2 -o out").exit_code, 0);
  EXPECT_EQ(wbsim("report out --chart-js chart.js").exit_code, 0);
  EXPECT_NE(text_of(folder_ / "out/report.html").find("/* Chart.js v4.4 */"), std::string::npos);
  ASSERT_EQ(wbsim("run a.json --out alone").exit_code, 0);
  EXPECT_EQ(wbsim("report alone -o page.html --chart-js chart.js").exit_code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "page.html"));
  const Outcome without = wbsim("report alone -o other.html --chart-js none.js");
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_EQ(without.err,
            "none.js: cannot be read; install the Debian package libjs-chart.js, or name a "
            "Chart.js 3 or 4 (chart.min.js, UMD) with --chart-js\n");
  EXPECT_FALSE(fs::exists(folder_ / "other.html"));
  EXPECT_EQ(wbsim("report alone -o no/page.html --chart-js chart.js").exit_code, 1);
}

// --- sweeps that end before they are done -----------------------------------------------------

class CutShort : public SweepCli {
 protected:
  static constexpr int kPoints = 8;

  pid_t start(const std::string& out,
              const std::vector<std::string>& options = {"--vary", "seed=1,2,3,4", "--vary",
                                                         "kernel=5.10,6.1", "-j", "2"}) {
    std::vector<std::string> words{WBSIM_PROGRAM, "sweep", "run", "a.json", "-o", out};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> arguments;
    for (const std::string& word : words) {
      arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      const bool ready = ::chdir(folder_.c_str()) == 0 && std::freopen("stdout", "w", stdout) &&
                         std::freopen("stderr", "w", stderr);
      if (ready) {
        ::execv(WBSIM_PROGRAM, arguments.data());
      }
      ::_exit(127);
    }
    return child;
  }

  // Folders of points that are there in their final place.
  std::size_t done(const std::string& out) {
    std::size_t count = 0;
    std::error_code gone;  // a folder may be renamed while we look
    for (const auto& entry : fs::directory_iterator{folder_ / out / "points", gone}) {
      count += entry.path().filename().native().front() == '.' ? 0 : 1;
    }
    return count;
  }

  // Waits until `points` are done or the program has ended. False in the latter case.
  bool wait_for(pid_t child, const std::string& out, std::size_t points) {
    int status = 0;
    while (done(out) < points) {
      if (::waitpid(child, &status, WNOHANG) == child) {
        return false;
      }
      std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
    return true;
  }

  int finish(const std::string& out) {
    int status = 0;
    ::waitpid(start(out), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void expect_same_results(const std::string& out, const std::string& whole) {
    for (const char* name : {"sweep-long.csv", "sweep-wide.csv", "sweep.json"}) {
      EXPECT_EQ(text_of(folder_ / out / name), text_of(folder_ / whole / name)) << name;
    }
    for (const auto& entry : fs::recursive_directory_iterator{folder_ / out}) {
      EXPECT_TRUE(fs::exists(folder_ / whole / fs::relative(entry.path(), folder_ / out)))
          << entry.path() << " was left behind";
    }
  }
};

TEST_F(CutShort, BySigkillAtAnyMomentIsContinuedToTheSameBytes) {
  ASSERT_EQ(finish("whole"), 0);
  std::mt19937 random{20};
  int cut_short = 0;
  for (int kill = 0; kill < 20; ++kill) {
    const std::string out = "out" + std::to_string(kill);
    const pid_t child = start(out);
    if (wait_for(child, out, random() % kPoints)) {
      std::this_thread::sleep_for(std::chrono::microseconds{random() % 4000});
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    const std::size_t kept = done(out);
    cut_short += kept < kPoints ? 1 : 0;
    ASSERT_EQ(finish(out), 0) << "after kill " << kill;
    expect_same_results(out, "whole");
    fs::remove_all(folder_ / out);
  }
  EXPECT_GE(cut_short, 5) << "the kills came too late to prove anything";
}

TEST_F(CutShort, BySigintKeepsWhatIsDone) {
  ASSERT_EQ(finish("whole"), 0);
  // Long enough to be met while it runs.
  std::string slow{kConfig};
  slow.replace(slow.find("size=1m"), 7, "size=1m\\ntime_based=1\\nruntime=20");
  std::ofstream{folder_ / "a.json"} << slow;
  const pid_t child = start("out");
  ASSERT_TRUE(wait_for(child, "out", 1));
  ::kill(child, SIGINT);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const std::string err = text_of(folder_ / "stderr");
  EXPECT_NE(err.find("\ninterrupted; the same command continues\n"), std::string::npos) << err;
  const std::size_t kept = done("out");
  EXPECT_GE(kept, 1U);
  EXPECT_LT(kept, std::size_t{kPoints});
  const std::string wide = text_of(folder_ / "out/sweep-wide.csv");
  EXPECT_EQ(static_cast<std::size_t>(std::count(wide.begin(), wide.end(), '\n')), kept + 1);
}

// The process of a point that runs: a child of `sweep`. 0 when there is none.
pid_t child_of(pid_t sweep) {
  const std::string pid = std::to_string(sweep);
  std::ifstream stream{"/proc/" + pid + "/task/" + pid + "/children"};
  pid_t child = 0;
  stream >> child;
  return child;
}

// A crash of the program at one point, as a failed check would be, is that point's end alone.
TEST_F(CutShort, OfOnePointByACrashGoesOnWithTheOthers) {
  std::string slow{kConfig};
  slow.replace(slow.find("size=1m"), 7, "size=1m\\ntime_based=1\\nruntime=5");
  std::ofstream{folder_ / "a.json"} << slow;
  const pid_t sweep = start("out", {"--vary", "seed=1,2,3", "-j", "1"});
  pid_t point = 0;
  while (point == 0) {
    point = child_of(sweep);
  }
  // Not before it is on its way: its folder is there.
  while (std::distance(fs::directory_iterator{folder_ / "out/points"}, {}) == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds{200});
  }
  ::kill(point, SIGABRT);
  int status = 0;
  ::waitpid(sweep, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(text_of(folder_ / "stderr"), "3 points: 2 ok, 1 failed, 0 refused, 0 not done\n");
  const std::string table = text_of(folder_ / "stdout");
  EXPECT_NE(table.find("  failed: the simulator failed, killed by signal 6 (Aborted)\n"),
            std::string::npos)
      << table;
  const Outcome outcome = wbsim("sweep status out");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "3 points: 2 ok, 1 failed, 0 refused, 0 not done\n");
}

// What ends a point from outside says nothing about it: the next sweep runs it again.
TEST_F(CutShort, OfOnePointFromOutsideIsRunAgain) {
  std::string slow{kConfig};
  slow.replace(slow.find("size=1m"), 7, "size=1m\\ntime_based=1\\nruntime=5");
  std::ofstream{folder_ / "a.json"} << slow;
  const std::vector<std::string> options{"--vary", "seed=1,2", "-j", "1"};
  const pid_t sweep = start("out", options);
  pid_t point = 0;
  while (point == 0) {
    point = child_of(sweep);
  }
  ::kill(point, SIGKILL);
  int status = 0;
  ::waitpid(sweep, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(text_of(folder_ / "stderr"),
            "point 1 (seed=1): killed by signal 9 (Killed)\n"
            "2 points: 1 ok, 0 failed, 0 refused, 1 not done\n");
  ::waitpid(start("out", options), &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// As a shell completes them, and not only beside the configuration.
TEST_F(SweepCli, FindsJobFilesInTheCurrentFolder) {
  fs::create_directories(folder_ / "lab");
  fs::copy(folder_ / "a.json", folder_ / "lab/a.json");
  std::ofstream{folder_ / "x.fio"} << "[x]\nfilename=/dev/sda\nrw=write\nsize=1m\n";
  std::ofstream{folder_ / "y.fio"} << "[y]\nfilename=/dev/sda\nrw=read\nsize=1m\n";
  const Outcome outcome = wbsim("sweep run lab/a.json --vary workload.file=x.fio,y.fio -o out");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find('\n')),
            "point  workload.file  write MB/s  write IOPS  write p99 ms  read MB/s  read IOPS  "
            "read p99 ms  write stalls s  dirty MiB");
}

TEST_F(SweepCli, TakesMoreValuesAndKnobs) {
  ASSERT_EQ(wbsim("sweep run a.json --vary vm.dirty_ratio=25,30 -o out").exit_code, 0);
  const Outcome more = wbsim("sweep run a.json --vary vm.dirty_ratio=25,30,35 -o out");
  EXPECT_EQ(more.exit_code, 0);
  EXPECT_EQ(more.err, "3 points: 3 ok, 0 failed, 0 refused, 0 not done; 2 were done before\n");
  const Outcome knob =
      wbsim("sweep run a.json --vary vm.dirty_ratio=25,30,35 --vary kernel=5.10,6.1 -o out");
  EXPECT_EQ(knob.err, "6 points: 6 ok, 0 failed, 0 refused, 0 not done; 3 were done before\n");
  const Outcome fewer = wbsim("sweep run a.json --vary vm.dirty_ratio=25 -o out");
  EXPECT_EQ(fewer.exit_code, 2);
}

}  // namespace
}  // namespace wbsim::cli
