#include "sim/system/run.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "sim/report/metrics.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/scenario_test_util.hpp"
#include "sim/system/system.hpp"
#include "sim/writeback/bandwidth.hpp"

namespace wbsim::system {
namespace {

using testing::disk;
using testing::Scenario;
using testing::scenario;

constexpr const char* kStream =
    "[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=64m\ntime_based=1\nruntime=3\n";

// What check_workload() says of these jobs on the disk sda of 1 GiB.
struct Check {
  std::string text;
  int exit_code = 0;
};

Check check(const std::string& fio, const std::vector<workload::Io>& replay = {}) {
  Scenario s = scenario("");
  Diagnostics diagnostics;
  s.workload =
      workload::parse_fio_jobs(std::vector<workload::FioInput>{{"job.fio", fio}}, {}, diagnostics);
  for (workload::JobSpec& job : s.workload.jobs) {
    job.replay = replay;
  }
  Diagnostics findings;
  check_workload(s.config, s.workload, findings);
  Check result;
  for (const Diagnostic& finding : findings.all()) {
    result.text += to_string(finding) + "\n";
  }
  result.exit_code = findings.exit_code();
  return result;
}

TEST(DescribeRun, DevicesHaveTheNumbersThatLinuxGivesThem) {
  std::string devices;
  std::string names;
  for (int i = 0; i < 18; ++i) {
    const std::string name = "disk" + std::to_string(i);
    devices += (i == 0 ? "{\"" : ",\"") + name + R"(":{"size":"1GiB"})";
  }
  std::string stack = R"("stack":{)";
  for (int i = 1; i <= 16; ++i) {
    stack += "\"part" + std::to_string(i) +
             R"(":{"kind":"partition","members":["disk1"],"start":")" + std::to_string(i) +
             R"(MiB","size":"1MiB"},)";
  }
  stack += R"("dm":{"kind":"linear","members":["disk2","disk3"]},)"
           R"("md":{"kind":"raid0","members":["disk4","disk5"]},)"
           R"("md-part":{"kind":"partition","members":["md"],"start":"1MiB","size":"1MiB"},)"
           R"("dm2":{"kind":"striped","members":["disk6","disk7"]}})";
  const Scenario s = scenario("", stack, devices + "}");
  std::string text;
  for (const report::DeviceInfo& device : describe_run(s.config, s.workload, "test").devices) {
    text += device.name + " " + std::to_string(device.major) + ":" + std::to_string(device.minor) +
            "\n";
  }
  for (const char* line : {"disk0 8:0\n", "disk1 8:16\n", "disk15 8:240\n", "disk16 65:0\n",
                           "disk17 65:16\n", "part1 8:17\n", "part15 8:31\n", "part16 259:0\n",
                           "dm 253:0\n", "md 9:0\n", "md-part 259:1\n", "dm2 253:1\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  }
}

TEST(CheckWorkload, AcceptsWhatFits) {
  const Check found = check(kStream);
  EXPECT_EQ(found.text, "");
  EXPECT_EQ(found.exit_code, 0);
}

TEST(CheckWorkload, NamesTheDevicesThereAre) {
  const Check found = check("[w]\nfilename=/dev/sdx\nrw=write\n");
  EXPECT_EQ(found.text,
            "job.fio:1: job \"w\": no device for filename=/dev/sdx; the configuration has "
            "/dev/sda. --set workload.filename=/dev/sda runs all jobs there\n");
  EXPECT_EQ(found.exit_code, 2);
}

TEST(CheckWorkload, SaysWhenThereIsNothingToWrite) {
  EXPECT_EQ(check("[w]\nfilename=/dev/sda\nrw=write\noffset=2g\n").text,
            "job.fio:1: job \"w\": offset 2147483648 is not below the end of the device, "
            "1073741824 bytes\n");
  EXPECT_EQ(check("[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=32k\n").text,
            "job.fio:1: job \"w\": only 32768 bytes can be written, less than one block of "
            "65536\n");
}

TEST(CheckWorkload, AcceptsPartialPages) {
  for (const char* lines : {"bs=2k\n", "bs=6k\n", "offset=1k\n"}) {
    const Check found = check(std::string{"[w]\nfilename=/dev/sda\nrw=write\n"} + lines);
    EXPECT_EQ(found.text, "");
  }
}

TEST(CheckWorkload, DirectIoNeedsWholeLogicalBlocks) {
  const std::string job = "[w]\nfilename=/dev/sda\ndirect=1\nrw=randrw\n";
  EXPECT_EQ(check(job + "bs=512\n").text, "");
  EXPECT_EQ(check(job + "bs=2k,512\noffset=1k\n").text, "");
  for (const char* lines :
       {"bs=1000\n", "bs=4k,1000\n", "offset=100\n", "bssplit=4k/50:100/50\n"}) {
    const Check found = check(job + lines);
    EXPECT_EQ(found.text,
              "job.fio:1: job \"w\": direct I/O needs bs and offset to be multiples of 512 bytes, "
              "the device's logical block\n");
    EXPECT_EQ(found.exit_code, 2);
  }
}

TEST(CheckWorkload, ChecksIosToReplay) {
  const std::string job = "[w]\nfilename=/dev/sda\nrw=randwrite\nbs=8k\n";
  const std::string finding =
      "job.fio:1: job \"w\": an I/O to replay lies outside the device or goes in a direction that "
      "the "
      "job does not\n";
  const auto write = [](std::int64_t at, std::int64_t length = 8192) {
    return std::vector<workload::Io>{{workload::Direction::kWrite, FileOffset{at}, Bytes{length}}};
  };
  const std::int64_t last = gibibytes(1).count() - 8192;
  EXPECT_EQ(check(job, write(last)).text, "");
  EXPECT_EQ(check(job, write(last + 4096)).text, finding);
  EXPECT_EQ(check(job, write(512)).text, "");
  EXPECT_EQ(check(job, write(-4096)).text, finding);
  EXPECT_EQ(check(job, write(0, 0)).text, finding);
  EXPECT_EQ(check(job, {{workload::Direction::kRead, FileOffset{0}, Bytes{8192}}}).text, finding);
}

TEST(CheckWorkload, ReportsEveryJob) {
  EXPECT_EQ(check("[a]\nfilename=/dev/x\nrw=write\n[b]\nfilename=/dev/y\nrw=write\n").text,
            "job.fio:1: job \"a\": no device for filename=/dev/x; the configuration has /dev/sda. "
            "--set workload.filename=/dev/sda runs all jobs there\n"
            "job.fio:4: job \"b\": no device for filename=/dev/y; the configuration has /dev/sda. "
            "--set workload.filename=/dev/sda runs all jobs there\n");
  // Clones are one job to their author.
  EXPECT_EQ(check("[a]\nfilename=/dev/x\nrw=write\nnumjobs=8\n").text,
            "job.fio:1: job \"a\": no device for filename=/dev/x; the configuration has /dev/sda. "
            "--set workload.filename=/dev/sda runs all jobs there\n");
}

TEST(ExpectedEnd, IsKnownWhereTimeEndsTheJobs) {
  const Scenario timed = scenario(kStream, R"("workload":{"start":"1s","tail":"2s"})");
  EXPECT_EQ(expected_end(timed.config, timed.workload), at(seconds(6)));
  const Scenario sized = scenario("[w]\nfilename=/dev/sda\nrw=write\nsize=1m\nruntime=3\n");
  EXPECT_EQ(expected_end(sized.config, sized.workload), SimTime{});
}

TEST(InPhase, MovesTicksByAShareOfAJiffyAndTakesAnotherSeed) {
  Config config;
  config.boot.next_tick = milliseconds(4);
  config.seed = 7;
  EXPECT_EQ(in_phase(config, 0, 4), config);
  EXPECT_EQ(in_phase(config, 1, 4).boot.next_tick, milliseconds(1));
  EXPECT_EQ(in_phase(config, 1, 4).seed, 8U);
  config.boot.next_tick = milliseconds(2);
  EXPECT_EQ(in_phase(config, 3, 4).boot.next_tick, milliseconds(1));
}

TEST(RunSystem, EndsAfterTheTail) {
  const Scenario s = scenario(kStream, R"("workload":{"start":"1s","tail":"500ms"})");
  testing::JobLog observer;
  RunOptions options;
  options.observers = {&observer};
  const RunOutcome outcome = run_system(s.config, s.workload, options);
  const testing::JobRecord& log = observer.record;
  ASSERT_EQ(log.ends.size(), 1U);
  EXPECT_GE(log.starts[0].second, at(seconds(1)));
  EXPECT_GE(log.ends[0].second, at(seconds(4)));
  EXPECT_GE(outcome.end, log.ends[0].second + milliseconds(500));
  EXPECT_LT(outcome.end, log.ends[0].second + milliseconds(501));
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_GT(outcome.events, 0U);
  EXPECT_TRUE(outcome.jobs_in_error.empty());
}

// Notes the estimate of the device's bandwidth whenever it has been updated.
class Bandwidths final : public engine::Observer {
 public:
  void on_bdi_dirty_ratelimit(const engine::BdiDirtyRatelimit& event) override {
    seen.push_back(event.write_bw);
  }
  std::vector<Pages> seen;
};

// What a device that was set up long ago has not written since says nothing of its bandwidth.
TEST(RunSystem, TheTimeBeforeTheFirstWriteDoesNotCountForTheBandwidth) {
  for (const char* jiffies : {"0", "1000000"}) {  // set up before jiffies 0, and behind it
    const Scenario s = scenario(
        "[w]\nfilename=/dev/"
        "sda\nrw=write\nbs=64k\nsize=512m\ntime_based=1\nruntime=3\nstartdelay=900ms\n",
        std::string{
            R"("kernel":"5.10","vm":{"dirty_bytes":67108864,"dirty_background_bytes":33554432},)"} +
            R"("boot":{"device_age":"10s","jiffies":)" + jiffies + "}");
    Bandwidths observer;
    RunOptions options;
    options.observers = {&observer};
    run_system(s.config, s.workload, options);
    ASSERT_GT(observer.seen.size(), 1U);
    EXPECT_GT(observer.seen.at(1), writeback::kInitialBandwidth * 99 / 100) << jiffies;
  }
}

// Raises the flag when it has seen some time pass, as a signal handler would.
class InterruptAt final : public engine::Observer {
 public:
  explicit InterruptAt(SimTime time) : time_{time} {}
  void on_syscall(const engine::SyscallTrace& call) override {
    flag.store(flag.load() || call.end >= time_);
  }
  std::atomic<bool> flag = false;

 private:
  SimTime time_;
};

TEST(RunSystem, AnInterruptKeepsWhatIsFinished) {
  const Scenario s = scenario(kStream);
  const report::RunInfo info = describe_run(s.config, s.workload, "test");
  report::Metrics metrics{info};
  InterruptAt interrupt{at(seconds(1))};
  RunOptions options;
  options.observers = {&metrics, &interrupt};
  options.interrupted = &interrupt.flag;
  const RunOutcome outcome = run_system(s.config, s.workload, options);
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_GE(outcome.end, at(seconds(1)));
  EXPECT_LT(outcome.end, at(milliseconds(1500))) << "soon";
  const report::RunMetrics run = metrics.finish(outcome.end);
  EXPECT_GT(run.jobs[0].write.ios(), 0);
  EXPECT_FALSE(run.jobs[0].end);
  EXPECT_GT(run.jobs[0].runtime, milliseconds(900));
}

TEST(RunSystem, WithoutJobsOnlyActionsAndTailPass) {
  const Scenario s = scenario("", R"("workload":{"tail":"1s"})");
  const RunOutcome outcome = run_system(s.config, s.workload, {});
  EXPECT_GE(outcome.end, at(seconds(1)));
  EXPECT_LT(outcome.end, at(milliseconds(1001)));
}

TEST(MechanismsInUse, FollowSwitchesAndJobs) {
  const auto has = [](const Scenario& s, const std::string& name) {
    const std::vector<std::string> names = mechanisms_in_use(s.config, s.workload);
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  EXPECT_TRUE(has(scenario(kStream), "pause"));
  EXPECT_FALSE(has(scenario(kStream, R"("profile":{"throttling":false})"), "pause"));
  EXPECT_FALSE(has(scenario(kStream), "flush/FUA"));
  EXPECT_TRUE(has(scenario(std::string{kStream} + "fsync=3\n"), "flush/FUA"));
  EXPECT_TRUE(has(scenario(kStream), "kupdate"));
  EXPECT_TRUE(has(scenario(kStream), "merge"));
  EXPECT_FALSE(has(scenario(kStream, R"("profile":{"plug_merging":false})"), "merge"));
  EXPECT_TRUE(has(scenario(kStream, R"("cpus":2)"), "several CPUs"));
  EXPECT_FALSE(has(scenario(kStream), "several CPUs"));
  EXPECT_TRUE(has(scenario(kStream), "blk-mq none"));
  constexpr const char* kBfqDisk =
      R"({"sda":{"size":"1GiB","per_kib":"10240ns","queue":{"scheduler":"bfq"}}})";
  const std::string in_group = std::string{kStream} + "cgroup=a\n";
  EXPECT_TRUE(has(scenario(in_group, R"("cgroups":{"a":{}})", kBfqDisk), "io.bfq.weight"));
  EXPECT_FALSE(has(scenario(in_group, R"("cgroups":{"a":{}})"), "io.bfq.weight"));
  EXPECT_FALSE(has(scenario(kStream, R"("cgroups":{"a":{}})", kBfqDisk), "io.bfq.weight"));
  constexpr const char* kKyberDisk = R"({"sda":{"size":"1GiB","per_kib":"10240ns",)"
                                     R"("queue":{"scheduler":"kyber","wbt_lat_usec":0}}})";
  const Scenario elevator = scenario(kStream, "", kKyberDisk);
  EXPECT_TRUE(has(elevator, "kyber"));
  EXPECT_FALSE(has(elevator, "mq-deadline"));
  EXPECT_TRUE(has(scenario(kStream, R"("hz":1000)"), "another HZ"));
  EXPECT_FALSE(has(scenario(kStream, R"("vm":{"dirty_writeback_centisecs":0})"), "kupdate"));
  const Scenario direct = scenario(std::string{kStream} + "direct=1\n");
  for (const char* name : {"dirty limits", "block device page cache", "LRU/kswapd (basic)",
                           "pos_ratio", "flusher", "kupdate"}) {
    EXPECT_TRUE(has(scenario(kStream), name)) << name;
    EXPECT_FALSE(has(direct, name)) << name;
  }
  EXPECT_TRUE(has(direct, "plug"));
  const std::string faulty = testing::disk(R"("faults":[{"late":"1ms"}])");
  const std::string scsi = testing::disk(R"("driver":"scsi")");
  EXPECT_FALSE(has(scenario(kStream, "", scsi), "device errors"));
  EXPECT_TRUE(has(scenario(kStream, "", faulty), "device errors"));
  EXPECT_FALSE(has(scenario(kStream, "", faulty), "scsi budget"));
  EXPECT_TRUE(has(scenario(kStream, "", scsi), "scsi budget"));
  const Scenario single = scenario("[j]\nrw=write\nfilename=/dev/sda\nsize=64k\ndirect=1\n",
                                   R"("kernel":"3.6")", R"({"sda":{"driver":"scsi"}})");
  EXPECT_FALSE(has(single, "scsi budget")) << "one of blk-mq";
  Scenario throttled = scenario(kStream);
  EXPECT_FALSE(has(throttled, "wbt"));
  throttled.config.devices.at(0).queue.wbt_lat_usec = 2000;
  EXPECT_TRUE(has(throttled, "wbt"));
}

}  // namespace
}  // namespace wbsim::system
