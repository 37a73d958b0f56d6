// `wbsim graph` as a shell sees it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class CliGraph : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path{::testing::TempDir()} /
              (std::string{"wbsim_cli_graph_"} +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Outcome wbsim(const std::string& arguments) {
    const std::string command =
        std::string{WBSIM_PROGRAM} + " " + arguments + " >" + path("out") + " 2>" + path("err");
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_of("out"), text_of("err")};
  }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream{folder_ / name} << text;
    return path(name);
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] std::string text_of(const std::string& name) const {
    std::ifstream stream{folder_ / name};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }

  fs::path folder_;
};

constexpr const char* kMirror =
    R"({"devices":{"sda":{"size":"1GiB","queue":{"scheduler":"none","wbt_lat_usec":0}},)"
    R"("sdb":{"size":"1GiB","per_kib":"1us","queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
    R"("stack":{"md0":{"kind":"raid1","members":["sda","sdb"]}},)"
    R"("workload":{"fio":"[w]\nfilename=/dev/md0\nrw=write\nsize=1m\ndirect=1\n"}})";

TEST_F(CliGraph, PrintsDevicesForGraphviz) {
  const Outcome outcome = wbsim("graph " + write("a.json", kMirror));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "digraph G {\n"
            "node [shape=box];\n"
            "0[label=\"sda\\nsimdisk\\n1GiB\"];\n"
            "1[label=\"sdb\\nsimdisk\\n1GiB\"];\n"
            "2[label=\"md0\\nraid1\\n1GiB\"];\n"
            "2->0 [label=0];\n"
            "2->1 [label=1];\n"
            "}\n");
}

TEST_F(CliGraph, ShowsWhatARunMeasured) {
  const std::string config = write("a.json", kMirror);
  ASSERT_EQ(wbsim("run " + config + " --out " + path("o")).exit_code, 0);
  const Outcome outcome = wbsim("graph " + config + " --summary " + path("o") + "/summary.json");
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* device :
       {"sda\\nsimdisk\\n1GiB\\n", "sdb\\nsimdisk\\n1GiB\\n", "md0\\nraid1\\n1GiB\\n"}) {
    EXPECT_NE(outcome.out.find(device), std::string::npos) << outcome.out;
  }
  EXPECT_NE(outcome.out.find("% busy\\nread 0 KiB/s\\nwrite "), std::string::npos);
  EXPECT_NE(outcome.out.find("style=filled fillcolor="), std::string::npos);
}

TEST_F(CliGraph, TellsFilesThatAreNoSummary) {
  const std::string config = write("a.json", kMirror);
  const std::string other = write("b.json", "{}");
  EXPECT_EQ(wbsim("graph " + config + " --summary " + other).err,
            other + ": is not the summary.json of a run: it has no figures of devices\n");
  const Outcome missing = wbsim("graph " + config + " --summary " + path("c.json"));
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_EQ(missing.err, path("c.json") +
                             ": does not exist; `wbsim run CONFIG --out DIR` writes "
                             "DIR/summary.json\n");
  const std::string null = write("n.json", R"({"devices":null})");
  EXPECT_EQ(wbsim("graph " + config + " --summary " + null).exit_code, 2);
  const Outcome folder = wbsim("graph " + config + " --summary /tmp");
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_EQ(folder.err,
            "/tmp: is not a regular file; `wbsim run CONFIG --out DIR` writes DIR/summary.json\n");
}

std::string figures_of(const std::string& name, const std::string& busy = "1",
                       const std::string& read = "1") {
  return R"({"name":")" + name + R"(","iostat":{"busy_percent":)" + busy + R"(,"rkB/s":)" + read +
         R"(,"wkB/s":1}})";
}

TEST_F(CliGraph, TellsFiguresThatNoRunHas) {
  const std::string config = write("a.json", kMirror);
  const auto error_of = [&](const std::string& devices) {
    const std::string summary = write("s.json", R"({"devices":[)" + devices + "]}");
    const Outcome outcome = wbsim("graph " + config + " --summary " + summary);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.out, "");
    return outcome.err.substr(outcome.err.find(": ") + 2);
  };
  EXPECT_EQ(error_of(figures_of("sda") + "," + figures_of("sda")), "device sda: is there twice\n");
  EXPECT_EQ(error_of(figures_of("sda", "-3")),
            "device sda: \"busy_percent\" is -3, which no run tells\n");
  EXPECT_EQ(error_of(figures_of("sda", "101")),
            "device sda: \"busy_percent\" is 101, which no run tells\n");
  EXPECT_EQ(error_of(figures_of("sda", "1", "-0.5")),
            "device sda: \"rkB/s\" is -0.5, which no run tells\n");
  EXPECT_EQ(error_of(figures_of("sda", "\"1\"")),
            "is not the summary.json of a run: it has no figures of devices\n");
  EXPECT_EQ(error_of(figures_of("sda") + "," + figures_of("md0")),
            "the summary lacks device sdb of " + config + "\n");
}

TEST_F(CliGraph, TellsASummaryOfOtherDevices) {
  const std::string config = write("a.json", kMirror);
  const std::string summary = write("s.json", R"({"devices":[)" + figures_of("sdx") + "]}");
  const Outcome outcome = wbsim("graph " + config + " --summary " + summary);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "wbsim graph: the summary has a device sdx that is not in " + config + "\n");
  EXPECT_EQ(outcome.out, "");
}

TEST_F(CliGraph, NeedsOneConfiguration) {
  const Outcome outcome = wbsim("graph");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err, "wbsim graph: which configuration?\nTry \"wbsim graph --help\".\n");
}

TEST_F(CliGraph, RefusesWhatIsNotSimulated) {
  const std::string config =
      write("a.json", R"({"devices":{"sda":{"queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
                      R"("stack":{"md0":{"kind":"raid10","members":["sda"]}}})");
  EXPECT_EQ(wbsim("graph " + config).exit_code, 3);
}

}  // namespace
}  // namespace wbsim::cli
