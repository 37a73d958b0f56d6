// trace.txt of whole runs, read with a grammar written from the kernels' formats alone.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "sim/report/metrics.hpp"
#include "sim/report/trace_log.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/run_outputs.hpp"
#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

namespace fs = std::filesystem;
using testing::scenario;
using testing::Scenario;

const std::string kNumber = "(0|[1-9][0-9]*)";
const std::string kSigned = "(0|-?[1-9][0-9]*)";
const std::string kComm = R"(\[[^\]]{1,15}\])";
const std::string kDevice = kNumber + "," + kNumber;
const std::string kRwbs = " (FF|F?[RWD]F?A?S?) ";
const std::string kSectors = kNumber + R"( \+ )" + kNumber;
const std::string kBdi = "bdi " + kNumber + ":" + kNumber + ": ";

// "a=1 b=2" of these names, each with its pattern behind a colon unless it is a plain number.
std::string named(const std::string& names) {
  std::string pattern;
  std::istringstream words{names};
  for (std::string word; words >> word;) {
    const std::size_t colon = word.find(':');
    pattern += (pattern.empty() ? "" : " ") + word.substr(0, colon) + "=" +
               (colon == std::string::npos ? kNumber : word.substr(colon + 1));
  }
  return pattern;
}

// The fields of each event, by name.
std::map<std::string, std::regex> grammar(const std::string& kernel) {
  const std::string reason =
      "(background|vmscan|sync|periodic|laptop_timer|fs_free_space|forker_thread|foreign_flush)";
  const std::string bio = kDevice + kRwbs + kSectors + " " + kComm;
  const std::string work = kBdi + "sb_dev " + kNumber + ":" + kNumber + " " +
                           named("nr_pages:" + kSigned +
                                 " sync_mode:[01] kupdate:[01] range_cyclic:[01] background:[01] "
                                 "reason:" +
                                 reason + " cgroup_ino:1");
  const std::string priority = kernel == "6.12" ? " (none|rt|be|idle),0,[0-7]" : "";
  const std::string request =
      kDevice + kRwbs + kNumber + R"( \(\) )" + kSectors + priority + " " + kComm;
  const std::string end =
      kDevice + kRwbs + R"(\(\) )" + kSectors + priority + R"( \[(0|-[1-9][0-9]*)\])";
  const std::string flags = "(I_[A-Z_]+|0x20000)([|](I_[A-Z_]+|0x20000))*";
  const std::string inode =
      kBdi + named("ino state:(" + flags + ")? dirtied_when age index to_write:" + kSigned +
                   " wrote cgroup_ino:1");
  std::map<std::string, std::string> texts{
      {"global_dirty_state", named("dirty writeback bg_thresh thresh limit dirtied written")},
      {"bdi_dirty_ratelimit",
       kBdi + named("write_bw awrite_bw dirty_rate dirty_ratelimit task_ratelimit "
                    "balanced_dirty_ratelimit cgroup_ino:1")},
      {"balance_dirty_pages",
       kBdi + named("limit setpoint dirty bdi_setpoint bdi_dirty dirty_ratelimit task_ratelimit "
                    "dirtied dirtied_pause paused pause:" +
                    kSigned + " period think:" + kSigned + " cgroup_ino:1")},
      {"writeback_wake_background", kBdi + "cgroup_ino=1"},
      {"writeback_pages_written", kNumber},
      {"writeback_queue_io",
       kBdi + named("older age:" + kSigned + " enqueue reason:" + reason + " cgroup_ino:1")},
      {"writeback_single_inode_start", inode},
      {"writeback_single_inode", inode},
      {"block_split", kDevice + kRwbs + kNumber + " / " + kNumber + " " + kComm},
      {"block_bio_remap", kDevice + kRwbs + kSectors + R"( <- \()" + kDevice + R"(\) )" + kNumber},
      {"block_bio_complete", kDevice + kRwbs + kSectors + R"( \[(0|-[1-9][0-9]*)\])"},
      {"block_plug", kComm},
      {"block_unplug", kComm + " " + kNumber}};
  for (const char* name : {"queue", "exec", "start", "written", "wait"}) {
    texts.emplace(std::string{"writeback_"} + name, work);
  }
  for (const char* name : {"bio_queue", "bio_backmerge", "bio_frontmerge", "getrq"}) {
    texts.emplace(std::string{"block_"} + name, bio);
  }
  for (const char* name : {"insert", "issue", "merge"}) {
    texts.emplace(std::string{"block_rq_"} + name, request);
  }
  for (const char* name : {"complete", "requeue", "error"}) {
    texts.emplace(std::string{"block_rq_"} + name, end);
  }
  std::map<std::string, std::regex> rules;
  for (const auto& [name, text] : texts) {
    rules.emplace(name, std::regex{text});
  }
  return rules;
}

struct Traced {
  std::string text;
  report::RunMetrics metrics;
};

Traced run_traced(const Scenario& s) {
  const report::RunInfo info = describe_run(s.config, s.workload, "test");
  report::StringSink sink;
  report::TraceLog log{info, sink};
  report::Metrics metrics{info};
  RunOptions options;
  options.observers = {&log, &metrics};
  const RunOutcome outcome = run_system(s.config, s.workload, options);
  Traced traced{sink.text(), metrics.finish(outcome.end)};
  const std::string header = log.finish();
  traced.text = header + sink.text().substr(header.size());
  return traced;
}

// Reads a whole file and counts its events; whatever does not fit fails the test.
std::map<std::string, std::int64_t> read_trace(const std::string& text, const std::string& kernel,
                                               int cpus) {
  const std::regex line_rule{
      " *([^ ].{0,14})-([0-9]+) +\\[([0-9]{3})\\] " +
      std::string{kernel == "5.10" ? "(d\\.h\\.|\\.{4})" : "(d\\.h\\.\\.|\\.{5})"} +
      " +([0-9]+)\\.([0-9]{6}): ([a-z_]+): (.*)"};
  const std::map<std::string, std::regex> rules = grammar(kernel);
  std::map<std::string, std::int64_t> counts;
  std::int64_t last_us = 0;
  std::int64_t events = 0;
  std::istringstream lines{text};
  std::string entries;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) {
      EXPECT_EQ(events, 0) << "a comment behind events: " << line;
      entries = line.find("entries-in-buffer") == std::string::npos ? entries : line;
      continue;
    }
    ++events;
    std::smatch parts;
    if (!std::regex_match(line, parts, line_rule)) {
      ADD_FAILURE() << "not a line of a trace: " << line;
      return counts;
    }
    EXPECT_EQ(line.find('-' + parts.str(2) + ' '), 16U) << line;
    EXPECT_LT(std::stoi(parts.str(3)), cpus) << line;
    const std::int64_t us = std::stoll(parts.str(5)) * 1'000'000 + std::stoll(parts.str(6));
    EXPECT_GE(us, last_us) << line;
    last_us = us;
    const std::string event = parts.str(7);
    const auto rule = rules.find(event);
    if (rule == rules.end() || !std::regex_match(parts.str(8), rule->second)) {
      ADD_FAILURE() << "not an event: " << line;
      return counts;
    }
    ++counts[event];
  }
  const std::string count = std::to_string(events);
  EXPECT_TRUE(entries.starts_with("# entries-in-buffer/entries-written: " + count + "/" + count +
                                  "   #P:" + std::to_string(cpus) + " "))
      << entries;
  return counts;
}

// A bio is queued once, where it is submitted, though its partition counts it too; and only devices
// that are not made of others issue requests.
void expect_counts(std::map<std::string, std::int64_t> counts, const report::RunMetrics& metrics,
                   const Config& config) {
  std::int64_t bios = 0, back = 0, front = 0, merges = 0, inserted = 0, issued = 0, updates = 0;
  for (std::size_t i = 0; i < metrics.devices.size(); ++i) {
    const report::DeviceMetrics& device = metrics.devices[i];
    const bool stacked = i >= config.devices.size();
    const bool partition = stacked && config.stack[i - config.devices.size()].kind == "partition";
    for (const report::RequestMetrics* each : {&device.read, &device.write, &device.flush}) {
      bios += partition ? 0 : each->bios;
      back += each->back_merges;
      front += each->front_merges;
      merges += each->request_merges;
      issued += stacked ? 0 : each->issued;
    }
    inserted += device.inserted;
    updates += device.bandwidth_updates;
  }
  EXPECT_EQ(counts["block_bio_queue"], bios);
  EXPECT_EQ(counts["block_bio_backmerge"], back);
  EXPECT_EQ(counts["block_bio_frontmerge"], front);
  EXPECT_EQ(counts["block_rq_merge"], merges);
  EXPECT_EQ(counts["block_rq_insert"], inserted);
  EXPECT_EQ(counts["block_rq_issue"], issued);
  EXPECT_EQ(counts["bdi_dirty_ratelimit"], updates);
  EXPECT_EQ(counts["block_unplug"], metrics.plug.unplugs);
  EXPECT_EQ(counts["balance_dirty_pages"], metrics.throttle.calls);
  EXPECT_EQ(counts["writeback_wake_background"], metrics.writeback.background_wakeups);
  std::int64_t queued = 0, executed = 0, passes = 0;
  for (const report::WritebackReasonMetrics& reason : metrics.writeback.by_reason) {
    queued += reason.queued;
    executed += reason.executed;
    passes += reason.passes;
  }
  EXPECT_EQ(counts["writeback_queue"], queued);
  EXPECT_EQ(counts["writeback_exec"], executed);
  EXPECT_EQ(counts["writeback_start"], passes);
  EXPECT_EQ(counts["writeback_written"], passes);
  // System calls write inodes too.
  EXPECT_GE(counts["writeback_single_inode"], metrics.writeback.inodes_written);
  EXPECT_EQ(counts["writeback_single_inode"], counts["writeback_single_inode_start"]);
}

struct Case {
  const char* name;
  const char* kernel;
  int cpus;
  std::string fio;
  std::string members{};
  std::string devices = testing::disk(R"("flush":"2ms")", R"("write_cache":"write back")");
  std::vector<std::string> events{};  // that must occur
};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

Scenario of(const Case& c) {
  return scenario(c.fio,
                  std::string{R"("kernel":")"} + c.kernel + R"(","cpus":)" +
                      std::to_string(c.cpus) + R"(,"memory":{"total":"128MiB"})" + c.members,
                  c.devices);
}

const std::string kThrottled =
    "[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=1g\ntime_based=1\nruntime=500ms\n";
const std::string kMixed =
    "[log]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=8m\nfsync=32\n"
    "[bulk]\nfilename=/dev/sda\nrw=randrw\nbs=16k\noffset=128m\nsize=16m\n";
const std::string kFiles =
    "[f]\ndirectory=/data\nrw=write\nbs=16k\nsize=4m\nnrfiles=4\nend_fsync=1\n";

std::string two_disks() {
  return R"({"sda":{"size":"1GiB","per_kib":"10240ns","queue":{"scheduler":"mq-deadline"}},)"
         R"("sdb":{"size":"1GiB","per_kib":"10240ns","queue":{"scheduler":"none"}}})";
}

const std::vector<std::string> kOfThrottling{"global_dirty_state",
                                             "balance_dirty_pages",
                                             "bdi_dirty_ratelimit",
                                             "writeback_start",
                                             "writeback_pages_written",
                                             "writeback_single_inode",
                                             "writeback_queue_io",
                                             "block_plug",
                                             "block_getrq",
                                             "block_bio_backmerge",
                                             "writeback_wake_background"};

class TraceRun : public ::testing::TestWithParam<Case> {};

TEST_P(TraceRun, EachLineIsOneTheKernelCouldHavePrinted) {
  const Case& c = GetParam();
  const Traced traced = run_traced(of(c));
  std::map<std::string, std::int64_t> counts = read_trace(traced.text, c.kernel, c.cpus);
  expect_counts(counts, traced.metrics, of(c).config);
  for (const std::string& event : c.events) {
    EXPECT_GT(counts[event], 0) << event;
  }
}

TEST_P(TraceRun, HowRangesTravelChangesNoByte) {
  Scenario s = of(GetParam());
  const std::string ranges = run_traced(s).text;
  s.config.optimisation.bio_runs = false;
  EXPECT_TRUE(ranges == run_traced(s).text);
  s.config.optimisation.batching = false;
  EXPECT_TRUE(ranges == run_traced(s).text);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TraceRun,
    ::testing::Values(
        Case{"Throttled510", "5.10", 1, kThrottled, "", testing::disk(), kOfThrottling},
        Case{"Throttled61", "6.1", 1, kThrottled, "", testing::disk(), kOfThrottling},
        Case{"Throttled66", "6.6", 1, kThrottled, "", testing::disk(), kOfThrottling},
        Case{"Throttled612", "6.12", 2, kThrottled, "", testing::disk(), kOfThrottling},
        Case{"Mixed61", "6.1", 2, kMixed}, Case{"Mixed612", "6.12", 2, kMixed},
        Case{"Splits",
             "6.1",
             1,
             "[w]\nfilename=/dev/sda\nrw=write\nbs=1m\nsize=8m\ndirect=1\n",
             "",
             testing::disk("", R"("max_sectors_kb":256)"),
             {"block_split", "block_rq_complete"}},
        Case{"Files",
             "6.1",
             1,
             kFiles,
             R"(,"mounts":{"data":{"device":"sda","fs":"extent"}},)"
             R"("actions":[{"after":"workload","syscall":"sync"}])",
             testing::disk(),
             {"writeback_queue", "writeback_exec", "writeback_single_inode"}},
        Case{"Stack",
             "6.1",
             2,
             "[w]\nfilename=/dev/md0p1\nrw=write\nbs=64k\nsize=16m\nend_fsync=1\n",
             R"(,"stack":{"md0":{"kind":"raid0","members":["sda","sdb"],"chunk":"64KiB"},)"
             R"("md0p1":{"kind":"partition","members":["md0"],"start":"1MiB","size":"64MiB"}})",
             two_disks(),
             {"block_bio_remap", "block_bio_complete"}},
        Case{"Partition",
             "5.10",
             1,
             "[w]\nfilename=/dev/sda1\nrw=write\nbs=64k\nsize=16m\nend_fsync=1\n",
             R"(,"stack":{"sda1":{"kind":"partition","members":["sda"],"start":"1MiB",)"
             R"("size":"64MiB"}})",
             testing::disk(),
             {"block_bio_remap"}},
        Case{"Errors",
             "6.1",
             1,
             "[w]\nfilename=/dev/"
             "sda\nrw=write\nbs=16k\nsize=1m\ndirect=1\n",
             "",
             testing::disk(R"("driver":"scsi","faults":[{"error":"medium","first":20,"sectors":1},)"
                           R"({"error":"busy","times":1}])"),
             {"block_rq_error", "block_rq_requeue"}}),
    [](const auto& test) { return std::string{test.param.name}; });

// The lines of an event.
std::vector<std::string> lines_of(const std::string& text, const std::string& event) {
  std::vector<std::string> found;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(": " + event + ": ") != std::string::npos) {
      found.push_back(line);
    }
  }
  return found;
}

bool has(const std::string& line, const std::string& part) {
  return line.find(part) != std::string::npos;
}

Traced sync_of_files() {
  return run_traced(of({.name = "",
                        .kernel = "6.1",
                        .cpus = 1,
                        .fio = "[f]\ndirectory=/data\nrw=write\nbs=16k\nsize=4m\nnrfiles=2\n",
                        .members = R"(,"mounts":{"data":{"device":"sda","fs":"extent"}},)"
                                   R"("actions":[{"after":"workload","syscall":"sync"}])"}));
}

TEST(TraceRun, WorkIsQueuedByWhoCallsAndDoneByTheFlusher) {
  const Traced traced = sync_of_files();
  for (const std::string& line : lines_of(traced.text, "writeback_queue")) {
    EXPECT_FALSE(has(line, "kworker/")) << line;
  }
  const std::vector<std::string> done = lines_of(traced.text, "writeback_exec");
  ASSERT_FALSE(done.empty());
  EXPECT_TRUE(has(done.front(), "    kworker/u2:0-9       [000] .....")) << done.front();
  EXPECT_TRUE(has(done.front(), " bdi 8:0: sb_dev 8:0 nr_pages=")) << done.front();
}

TEST(TraceRun, BackgroundWritebackIsWokenByWhoDirties) {
  const Traced traced = run_traced(
      of({.name = "", .kernel = "6.1", .cpus = 1, .fio = kThrottled, .devices = testing::disk()}));
  for (const std::string& line : lines_of(traced.text, "writeback_wake_background")) {
    EXPECT_TRUE(line.starts_with("             fio-")) << line;
  }
}

TEST(TraceRun, FilesAreNumberedInTheOrderOfTheirCreation) {
  const Traced traced = sync_of_files();
  std::string numbers;
  for (const std::string& line : lines_of(traced.text, "writeback_single_inode_start")) {
    EXPECT_TRUE(has(line, "I_SYNC|0x20000 dirtied_when=")) << line;
    EXPECT_TRUE(has(line, " wrote=0 ")) << line;
    const std::size_t begin = line.find("ino=") + 4;
    const std::string number = line.substr(begin, line.find(' ', begin) - begin);
    numbers += has(numbers, number) ? "" : number + " ";
  }
  EXPECT_EQ(numbers, "12 13 8388608 ") << "the last is the device, with their inodes";
}

TEST(TraceRun, TheEndOfAnInodesWritebackSaysWhatWasWritten) {
  const Traced traced = sync_of_files();
  std::int64_t wrote = 0;
  for (const std::string& line : lines_of(traced.text, "writeback_single_inode")) {
    if (has(line, " ino=8388608 ")) {
      continue;  // of the device: the inodes
    }
    wrote += std::stoll(line.substr(line.find(" wrote=") + 7));
  }
  EXPECT_EQ(Pages{wrote}, pages_floor(mebibytes(4)));
}

TEST(TraceRun, ASplitNamesThePartAndTheRest) {
  const Traced traced = run_traced(of({.name = "",
                                       .kernel = "6.1",
                                       .cpus = 1,
                                       .fio = "[w]\nfilename=/dev/sda\nrw=write\nbs=768k\n"
                                              "size=768k\ndirect=1\n",
                                       .devices = testing::disk("", R"("max_sectors_kb":256)")}));
  std::string splits;
  for (const std::string& line : lines_of(traced.text, "block_split")) {
    splits += line.substr(line.find("block_split")) + "\n";
  }
  EXPECT_EQ(splits,
            "block_split: 8,0 WS 0 / 512 [fio]\n"
            "block_split: 8,0 WS 512 / 1024 [fio]\n");
}

TEST(TraceRun, RequestsEndInInterruptsOfTheCpuThatIssuedThem) {
  const Traced traced = run_traced(of({.name = "",
                                       .kernel = "6.1",
                                       .cpus = 2,
                                       .fio = "[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=4m\n"
                                              "direct=1\nnumjobs=2\n",
                                       .devices = testing::disk()}));
  bool second = false;
  for (const std::string& line : lines_of(traced.text, "block_rq_complete")) {
    EXPECT_TRUE(has(line, "] d.h.. ")) << line;
    EXPECT_TRUE(line.starts_with("          <idle>-0 ") || line.starts_with("             fio-"))
        << line;
    second = second || has(line, "[001]");
  }
  EXPECT_TRUE(second);
}

// What the recorded runs of results/kernel-truth have of these events (5.10, 6.1 and 6.12 alike).
TEST(TraceRun, BalanceDirtyPagesHasTheFieldsOfRecordedRuns) {
  const Traced traced = run_traced(
      of({.name = "", .kernel = "6.1", .cpus = 1, .fio = kThrottled, .devices = testing::disk()}));
  const std::size_t line = traced.text.find("balance_dirty_pages: ");
  ASSERT_NE(line, std::string::npos);
  const std::size_t begin = traced.text.find("limit=", line);
  std::istringstream words{traced.text.substr(begin, traced.text.find('\n', line) - begin)};
  std::string names;
  for (std::string word; words >> word;) {
    names += word.substr(0, word.find('=')) + " ";
  }
  EXPECT_EQ(names,
            "limit setpoint dirty bdi_setpoint bdi_dirty dirty_ratelimit task_ratelimit dirtied "
            "dirtied_pause paused pause period think cgroup_ino ");
}

class TraceOutput : public ::testing::Test {
 protected:
  TraceOutput() { fs::create_directories(folder_); }
  ~TraceOutput() override { fs::remove_all(folder_); }

  // Runs into a folder of its own.
  void run(const std::string& name, bool trace, bool requests) {
    fs::create_directories(folder_ / name);
    Scenario s = scenario(kMixed, R"("memory":{"total":"128MiB"})");
    s.config.output.trace = trace;
    s.config.output.requests = requests;
    const Experiment experiment{s.config, s.workload, {}};
    RunOutputs outputs{experiment, "test", folder_ / name};
    RunOptions options;
    options.observers = outputs.observers();
    outputs.finish(run_system(experiment.config, experiment.workload, options).end);
    EXPECT_EQ(outputs.write(), std::nullopt);
  }
  [[nodiscard]] std::string text(const std::string& file) const {
    std::ifstream stream{folder_ / file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
  }

  fs::path folder_ = fs::temp_directory_path() / ("trace_run_test." + std::to_string(::getpid()));
};

TEST_F(TraceOutput, IsWrittenWhereItIsAskedForAndChangesNoOtherFile) {
  run("plain", false, false);
  run("traced", true, false);
  EXPECT_FALSE(fs::exists(folder_ / "plain/trace.txt"));
  for (const char* file : {"summary.json", "timeseries.csv", "latency.csv"}) {
    EXPECT_FALSE(text(std::string{"plain/"} + file).empty()) << file;
    EXPECT_TRUE(text(std::string{"plain/"} + file) == text(std::string{"traced/"} + file)) << file;
  }
  read_trace(text("traced/trace.txt"), "5.10", 1);
}

TEST_F(TraceOutput, IsTheSameBesideOtherOutputs) {
  run("alone", true, false);
  run("beside", true, true);
  EXPECT_TRUE(text("alone/trace.txt") == text("beside/trace.txt"));
  EXPECT_TRUE(fs::exists(folder_ / "beside/requests.csv"));
}

TEST(TraceOutputs, AFullDiskIsReported) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "no /dev/full";
  }
  const fs::path folder =
      fs::temp_directory_path() / ("trace_full_test." + std::to_string(::getpid()));
  fs::create_directories(folder);
  fs::create_symlink("/dev/full", folder / "trace.txt");
  Scenario s = scenario(kMixed, R"("memory":{"total":"128MiB"})");
  s.config.output.trace = true;
  const Experiment experiment{s.config, s.workload, {}};
  RunOutputs outputs{experiment, "test", folder};
  RunOptions options;
  options.observers = outputs.observers();
  outputs.finish(run_system(experiment.config, experiment.workload, options).end);
  EXPECT_EQ(outputs.write(),
            "cannot write " + (folder / "trace.txt").string() + ": No space left on device");
  fs::remove_all(folder);
}

}  // namespace
}  // namespace wbsim::system
