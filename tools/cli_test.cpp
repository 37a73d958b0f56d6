// The program as a shell sees it: exit codes, what goes to stdout and what to stderr.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "sim/block/elevators/elevator_table.hpp"

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

std::string text_of(const fs::path& path) {
  std::ifstream stream{path};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path{::testing::TempDir()} /
              (std::string{"wbsim_cli_"} +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // `arguments` as typed into a shell.
  Outcome wbsim(const std::string& arguments) {
    const std::string command =
        std::string{WBSIM_PROGRAM} + " " + arguments + " >" + path("out") + " 2>" + path("err");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of(path("out")),
            text_of(path("err"))};
  }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream{folder_ / name} << text;
    return path(name);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

constexpr const char* kConfig =
    R"({"devices":{"sda":{"queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
    R"("workload":{"fio":"[w]\nfilename=/dev/sda\nrw=write\nsize=1m\n"}})";

TEST_F(Cli, WithoutAVerbIsAUsageError) {
  const Outcome outcome = wbsim("");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "wbsim: which verb?\nTry \"wbsim --help\".\n");
}

TEST_F(Cli, NamesTheVerbThatWasProbablyMeant) {
  const Outcome outcome = wbsim("chek");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "wbsim: unknown verb \"chek\". Did you mean \"check\"?\nTry \"wbsim --help\".\n");
}

TEST_F(Cli, HelpGoesToStdout) {
  for (const char* verb : {"", "run ", "check ", "list ", "validate "}) {
    const Outcome outcome = wbsim(std::string{verb} + "--help");
    EXPECT_EQ(outcome.exit_code, 0) << verb;
    EXPECT_EQ(outcome.err, "") << verb;
    EXPECT_NE(outcome.out.find("Usage: wbsim "), std::string::npos) << verb;
  }
}

TEST_F(Cli, PrintsItsVersion) {
  EXPECT_EQ(wbsim("version").out, "wbsim " WBSIM_VERSION "\n");
  EXPECT_EQ(wbsim("--version").out, "wbsim " WBSIM_VERSION "\n");
}

TEST_F(Cli, DoesNotGuessOptions) {
  const Outcome outcome = wbsim("check --print a.json");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "wbsim check: unknown option \"--print\"\nTry \"wbsim check --help\".\n");
  EXPECT_EQ(wbsim("check --prnt-config a.json").err,
            "wbsim check: unknown option \"--prnt-config\". Did you mean \"--print-config\"?\n"
            "Try \"wbsim check --help\".\n");
}

TEST_F(Cli, CheckNeedsAFile) {
  const Outcome outcome = wbsim("check");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "wbsim check: which file?\nTry \"wbsim check --help\".\n");
}

TEST_F(Cli, CheckAcceptsConfigurationsAndJobFiles) {
  const std::string config = write("a.json", kConfig);
  const std::string jobs = write("a.fio", "[a]\nfilename=/dev/sda\nrw=write\nnumjobs=2\nsize=1m\n");
  const Outcome outcome = wbsim("check " + config + " " + jobs);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, config + ": ok: 1 device, 1 job\n" + jobs + ": ok: 2 jobs\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Cli, CheckTellsErrorsFromRefusals) {
  const std::string config = write("a.json", kConfig);
  const Outcome refused = wbsim("check " + config + " --set kernel=5.15");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(refused.err,
            "not simulated: --set kernel=5.15: \"5.15\"; simulated are 2.6.18, 3.6, 5.10, 6.1, "
            "6.6, 6.12\n");
  const Outcome wrong = wbsim("check " + config + " --set kernel=5.15 --set seed=x");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_EQ(wrong.err,
            "not simulated: --set kernel=5.15: \"5.15\"; simulated are 2.6.18, 3.6, 5.10, 6.1, "
            "6.6, 6.12\n"
            "--set seed=x: \"x\" is not a whole number from 0\n");
}

TEST_F(Cli, NamesPreliminaryModelsInEveryOutput) {
  const std::string config =
      write("a.json", R"({"devices":{"sda":{"use":"devices/ssd-sata.json",)"
                      R"("queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
                      R"("workload":{"fio":"[w]\nfilename=/dev/sda\nrw=write\nsize=1m\n"}})");
  const std::string note = "note: " + config +
                           ": /devices/sda/model: \"ssd\" is a preliminary model: nothing has "
                           "been compared with it yet\n";
  const Outcome check = wbsim("check " + config);
  EXPECT_EQ(check.out, config + ": ok: 1 device (preliminary model: ssd), 1 job\n");
  EXPECT_EQ(check.err, note);
  const Outcome run = wbsim("run " + config + " --out " + path("dir"));
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.err, note);
  EXPECT_NE(run.out.find("preliminary model: ssd\n"), std::string::npos) << run.out;
  const std::string summary = text_of(folder_ / "dir/summary.json");
  EXPECT_NE(summary.find(R"("ssd": "preliminary model")"), std::string::npos) << summary;
  EXPECT_NE(summary.find("none: LRU/kswapd (basic), CPU scheduling, preliminary model: ssd\""),
            std::string::npos)
      << summary;
  const std::string devices = wbsim("list devices").out;
  for (const char* line : {"\nhdd       preliminary model  ", "\nssd       preliminary model  ",
                           "\nnull_blk  preliminary model  "}) {
    EXPECT_NE(devices.find(line), std::string::npos) << devices;
  }
}

TEST_F(Cli, CheckOfSeveralFilesReturnsTheWorstCode) {
  const std::string good = write("good.json", kConfig);
  const std::string refused = write("refused.json", R"({"kernel":"5.15","devices":{"sda":{}}})");
  EXPECT_EQ(wbsim("check " + good + " " + refused).exit_code, 3);
  EXPECT_EQ(wbsim("check " + path("absent.json") + " " + refused).exit_code, 2);
  EXPECT_EQ(wbsim("check " + path("absent.json")).err, path("absent.json") + ": does not exist\n");
}

TEST_F(Cli, CheckReportsMistakesInTheWorkloadOfAConfiguration) {
  const std::string config =
      write("a.json", R"({"devices":{"sda":{}},"workload":{"file":"w.fio"}})");
  write("w.fio", "[w]\nrw=wirte\n");
  const Outcome outcome = wbsim("check " + config);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find(path("w.fio") + ":2"), std::string::npos) << outcome.err;
}

TEST_F(Cli, PrintedConfigurationCanBeFedBack) {
  const std::string config = write("a.json", kConfig);
  const Outcome first = wbsim("check --print-config --set vm.dirty_ratio=15 " + config);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const Outcome second = wbsim("check --print-config " + write("b.json", first.out));
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(second.out, first.out);
  EXPECT_NE(first.out.find("\"dirty_ratio\": 15"), std::string::npos);
}

TEST_F(Cli, PrintConfigIsNoOptionForJobFiles) {
  const std::string jobs = write("a.fio", "[a]\nrw=write\n");
  const Outcome outcome = wbsim("check --print-config " + jobs);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "wbsim check: --print-config and --set are for configurations (.json), "
            "not for \"" +
                jobs + "\"\nTry \"wbsim check --help\".\n");
}

TEST_F(Cli, ListKnowsItsKinds) {
  for (const char* kind : {"kernels", "devices", "elevators", "options", "costs", "filesystems",
                           "actions", "schema"}) {
    const Outcome outcome = wbsim(std::string{"list "} + kind);
    EXPECT_EQ(outcome.exit_code, 0) << kind;
    EXPECT_NE(outcome.out, "") << kind;
    EXPECT_EQ(outcome.err, "") << kind;
  }
  const Outcome outcome = wbsim("list kernel");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "wbsim list: unknown kind \"kernel\"; one of kernels, devices, elevators, options, "
            "costs, filesystems, actions, schema. Did you mean \"kernels\"?\n"
            "Try \"wbsim list --help\".\n");
}

// Every tunable of every elevator has a row of its own with range, default and meaning.
TEST_F(Cli, ListsElevatorsWithTheirTunables) {
  const std::string listed = wbsim("list elevators").out;
  std::istringstream lines{listed};
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(line);
  }
  // `meaning` tells apart tunables that changed between kernels.
  const auto row_of = [&rows](const std::string& name, std::string_view meaning) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const std::string& row) {
      return row.rfind(name + " ", 0) == 0 && row.ends_with(fmt::format("  {}", meaning));
    });
    return found == rows.end() ? "no row for " + name : *found;
  };
  EXPECT_NE(
      row_of("kyber", "token buckets per domain, steered by latency targets").find("  simulated  "),
      std::string::npos);
  EXPECT_NE(row_of("cfq.quantum", "requests of a queue in the device").find("  3.6  "),
            std::string::npos);
  EXPECT_NE(row_of("noop", "single queue: order of arrival, merges").find("  simulated  "),
            std::string::npos);
  for (const block::ElevatorType& type : block::elevator_types()) {
    for (const block::Tunable& tunable : type.tunables) {
      const std::string row =
          row_of(fmt::format("{}.{}", type.name, tunable.name), tunable.summary);
      EXPECT_NE(row.find(fmt::format("  {} to {} ", tunable.min, tunable.max)), std::string::npos)
          << row;
      if (tunable.value) {
        EXPECT_NE(row.find(fmt::format("  {}  ", *tunable.value)), std::string::npos) << row;
      }
    }
  }
}

TEST_F(Cli, ListedSchemaIsTheCommittedOne) {
  EXPECT_EQ(wbsim("list schema").out, text_of("configs/schema.json"));
}

TEST_F(Cli, RunPrintsASummary) {
  const Outcome outcome = wbsim("run " + write("a.json", kConfig));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");  // no progress where nobody looks
  EXPECT_NE(outcome.out.find("w: (groupid=0, jobs=1)"), std::string::npos) << outcome.out;
}

TEST_F(Cli, RunWritesTheSameFilesEachTime) {
  const std::string config = write("a.json", kConfig);
  const Outcome first = wbsim("run " + config + " --out " + path("new/first"));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const Outcome second = wbsim("run " + config + " --out " + path("second"));
  ASSERT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(first.out, second.out);
  for (const char* name : {"summary.json", "timeseries.csv", "latency.csv"}) {
    const std::string text = text_of(folder_ / "new/first" / name);
    EXPECT_NE(text, "") << name;
    EXPECT_EQ(text, text_of(folder_ / "second" / name)) << name;
  }
  EXPECT_EQ(std::distance(fs::directory_iterator{folder_ / "second"}, {}), 3);
}

TEST_F(Cli, RunReplacesOldResults) {
  fs::create_directories(folder_ / "out_dir");
  write("out_dir/summary.json", "old");
  ASSERT_EQ(wbsim("run " + write("a.json", kConfig) + " --out " + path("out_dir")).exit_code, 0);
  EXPECT_EQ(text_of(folder_ / "out_dir/summary.json").rfind("{\n", 0), 0U);
}

TEST_F(Cli, RunComplainsAboutTheOutputFolderBeforeItRuns) {
  const std::string file = write("file", "");
  const Outcome outcome = wbsim("run " + write("a.json", kConfig) + " --out " + file + "/out");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "cannot create directory " + file + "/out: Not a directory\n");
}

TEST_F(Cli, RunTakesJobFilesFromTheCommandLine) {
  const std::string config = write("a.json", kConfig);
  const std::string jobs =
      write("j.fio",
            "[x]\nfilename=/dev/sda\nrw=write\nsize=1m\n[y]\nfilename=/dev/sda\n"
            "rw=write\nsize=1m\noffset=4m\n");
  const Outcome outcome = wbsim("run " + config + " --workload " + jobs);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("w: (groupid"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("y: (groupid"), std::string::npos) << outcome.out;
}

TEST_F(Cli, RunNeedsAJobOnAKnownDevice) {
  const std::string none = write("none.json", R"({"devices":{"sda":{}}})");
  const Outcome idle =
      wbsim("run " + none + " --set queue.scheduler=none --set " + "queue.wbt_lat_usec=0");
  EXPECT_EQ(idle.exit_code, 2);
  EXPECT_EQ(idle.err, none +
                          ": /workload: there is no job to run; name a job file here or with "
                          "--workload\n");
  const std::string config = write("a.json", kConfig);
  const std::string jobs = write("j.fio", "[x]\nfilename=/dev/sdb\nrw=write\nsize=1m\n");
  const Outcome elsewhere = wbsim("run " + config + " --workload " + jobs);
  EXPECT_EQ(elsewhere.exit_code, 2);
  EXPECT_EQ(elsewhere.err, jobs +
                               ":1: job \"x\": no device for filename=/dev/sdb; the configuration "
                               "has /dev/sda. --set workload.filename=/dev/sda runs all jobs "
                               "there\n");
}

TEST_F(Cli, RunRefusesWhatIsNotSimulated) {
  const Outcome outcome = wbsim("run " + write("a.json", kConfig) + " --set kernel=5.15");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Cli, RunThatIsInterruptedWritesWhatItHas) {
  const std::string jobs = write("j.fio",
                                 "[x]\nfilename=/dev/sda\nrw=write\nsize=1g\n"
                                 "time_based=1\nruntime=30d\n");
  const std::string config = write("a.json", kConfig);
  // Ends the program with SIGINT after half a second; its own exit code is passed on.
  const std::string command = "timeout --preserve-status -s INT 0.5 " WBSIM_PROGRAM " run " +
                              config + " --workload " + jobs + " --out " + path("dir") + " >" +
                              path("out") + " 2>" + path("err");
  const int status = std::system(command.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_EQ(text_of(path("err")).rfind("interrupted after ", 0), 0U) << text_of(path("err"));
  EXPECT_NE(text_of(folder_ / "dir/summary.json"), "");
}

TEST_F(Cli, ValidateNeedsReadableCases) {
  const Outcome without = wbsim("validate");
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_EQ(without.err, "wbsim validate: --cases is needed\nTry \"wbsim validate --help\".\n");
  const Outcome absent = wbsim("validate --cases " + path("absent"));
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_EQ(absent.err, path("absent") + ": no such folder\n");
}

TEST_F(Cli, RunInPhasesGivesEachFigureItsDeviation) {
  const std::string config = write("a.json", kConfig);
  const Outcome once = wbsim("run " + config + " --out " + path("once"));
  const Outcome thrice = wbsim("run " + config + " --phases 3 --out " + path("thrice"));
  EXPECT_EQ(thrice.exit_code, 0);
  EXPECT_EQ(thrice.out.substr(0, once.out.size()), once.out) << "the first phase is the run itself";
  EXPECT_NE(thrice.out.find("over 3 phases of clock and seed"), std::string::npos);
  EXPECT_NE(text_of(path("thrice/summary.json")).find("\"deviation\""), std::string::npos);
  EXPECT_EQ(text_of(path("once/summary.json")).find("\"deviation\""), std::string::npos);
}

TEST_F(Cli, RunRefusesAnOddNumberOfPhases) {
  const Outcome outcome = wbsim("run " + write("a.json", kConfig) + " --phases 0");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err.substr(0, outcome.err.find('\n')),
            "wbsim run: --phases is 0; 1 to 1000 are allowed");
}

TEST_F(Cli, RunWritesRequestsWhenAskedTo) {
  const std::string config = write("a.json", kConfig);
  EXPECT_EQ(wbsim("run " + config + " --out " + path("plain")).exit_code, 0);
  EXPECT_FALSE(fs::exists(path("plain/requests.csv")));
  EXPECT_EQ(wbsim("run " + config + " --set output.requests=true --set workload.tail=40s --out " +
                  path("all"))
                .exit_code,
            0);
  const std::string requests = text_of(path("all/requests.csv"));
  EXPECT_EQ(requests.find("device,rwbs,sector,sectors,bios,allocated_ns,issued_ns,completed_ns,"
                          "error\nsda,W"),
            0U);
}

TEST_F(Cli, RunWritesATraceWhenAskedTo) {
  const std::string config = write("a.json", kConfig);
  const std::string run = "run " + config + " --set workload.tail=40s --out ";
  EXPECT_EQ(wbsim(run + path("plain")).exit_code, 0);
  EXPECT_FALSE(fs::exists(path("plain/trace.txt")));
  EXPECT_EQ(wbsim(run + path("traced") + " --set output.trace=true").exit_code, 0);
  const std::string trace = text_of(path("traced/trace.txt"));
  EXPECT_EQ(trace.find("# tracer: nop\n#\n# entries-in-buffer/entries-written: "), 0U);
  EXPECT_NE(trace.find(": writeback_start: bdi 8:0: sb_dev 0:0 nr_pages="), std::string::npos);
  EXPECT_EQ(text_of(path("plain/summary.json")), text_of(path("traced/summary.json")));
}

constexpr int kGnuplotMissing = 3;

TEST_F(Cli, PlotDrawsWhatARunWrote) {
  const std::string config = write("a.json", kConfig);
  wbsim("run " + config + " --set output.requests=true --set workload.tail=40s --out " +
        path("run"));
  const Outcome outcome = wbsim("plot " + path("run"));
  if (outcome.exit_code == kGnuplotMissing) {
    GTEST_SKIP() << outcome.err;
  }
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, path("run/dirty.png") + "\n" + path("run/bdi.png") + "\n" +
                             path("run/latency.png") + "\n" + path("run/requests.png") + "\n");
  for (const char* name : {"run/dirty.png", "run/bdi.png", "run/latency.png", "run/requests.png"}) {
    EXPECT_EQ(text_of(path(name)).substr(0, 8), "\x89PNG\r\n\x1a\n") << name;
  }
  for (const fs::directory_entry& entry : fs::directory_iterator{path("run")}) {
    EXPECT_NE(entry.path().extension(), ".tmp") << "left behind: " << entry.path();
  }
}

TEST_F(Cli, PlotSaysHowToMakeWhatIsMissing) {
  fs::create_directories(path("empty"));
  const Outcome outcome = wbsim("plot " + path("empty"));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "wbsim plot: " + path("empty") +
                             " holds nothing to draw: make it with `wbsim run CONFIG --out " +
                             path("empty") + "`\n");
}

TEST_F(Cli, PlotRefusesForeignFiles) {
  fs::create_directories(path("odd"));
  write("odd/latency.csv", "report,job,call,latency_ns,count\n0,w,write,fast,1\n");
  const Outcome outcome = wbsim("plot " + path("odd"));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "wbsim plot: " + path("odd") +
                             "/latency.csv:2: not report,job,call,latency_ns,count\n");
}

TEST_F(Cli, PlotRefusesFilesThatAreCutOff) {
  fs::create_directories(path("cut"));
  write("cut/timeseries.csv", "t_ms,nr_dirty,");
  EXPECT_EQ(wbsim("plot " + path("cut")).err,
            "wbsim plot: " + path("cut") +
                "/timeseries.csv is cut off: its last line has no end; repeat the run\n");
  fs::remove(path("cut/timeseries.csv"));
  write("cut/latency.csv", "");
  const Outcome outcome = wbsim("plot " + path("cut"));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "wbsim plot: " + path("cut") +
                             "/latency.csv is cut off: it is empty; repeat the run\n");
}

TEST_F(Cli, ListsOptionsForATerminal) {
  const std::string options = wbsim("list options").out;
  EXPECT_NE(options.find("\nvm.dirty_ratio\n    percent of dirtyable memory at which writers are "
                         "throttled\n    0..100; default 20\n"),
            std::string::npos)
      << options;
  for (std::size_t at = 0; at < options.size();) {
    const std::size_t end = options.find('\n', at);
    EXPECT_LE(end - at, 80U) << options.substr(at, end - at);
    at = end + 1;
  }
}

TEST_F(Cli, RunsAJobFileOnAnotherDevice) {
  const std::string config = write("a.json", kConfig);
  const std::string jobs = write("a.fio", "[a]\nfilename=/dev/vda\nrw=write\nsize=1m\n");
  const Outcome without = wbsim("run " + config + " --workload " + jobs);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_EQ(without.err,
            jobs +
                ":1: job \"a\": no device for filename=/dev/vda; the configuration has "
                "/dev/sda. --set workload.filename=/dev/sda runs all jobs there\n");
  EXPECT_EQ(wbsim("run " + config + " --workload " + jobs + " --set workload.filename=/dev/sda")
                .exit_code,
            0);
}

}  // namespace
}  // namespace wbsim::cli
