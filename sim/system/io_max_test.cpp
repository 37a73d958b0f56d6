// Jobs in control groups with io.max, from job file to device.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::disk;
using testing::JobRecord;
using testing::Scenario;
using testing::scenario;

constexpr SimDuration kTime = seconds(10);

// A disk of 1 ms a request or less, far above all limits.
std::string fast_disk() { return disk(R"("read":"20us","write":"20us","depth":64)"); }

std::string limited(const std::string& limits, const std::string& kernel) {
  return R"("kernel":")" + kernel + R"(","cgroups":{"slow":{"io.max":{"sda":{)" + limits +
         R"(}}},"slow/inner":{}})";
}

std::string timed_job(const std::string& lines) {
  return "[j]\nfilename=/dev/sda\ndirect=1\ntime_based=1\nruntime=10\n" + lines;
}

struct Sum {
  std::int64_t ios = 0;
  Bytes bytes;
};

// What completed within the ten seconds, of one job or of all.
Sum in_time(const JobRecord& record, engine::SyscallKind kind) {
  Sum sum;
  for (const engine::SyscallTrace& call : record.of_kind(kind)) {
    if (call.end - record.starts.front().second <= kTime) {
      ++sum.ios;
      sum.bytes += call.length;
    }
  }
  return sum;
}

class IoMax : public ::testing::TestWithParam<const char*> {
 protected:
  static JobRecord run(const std::string& lines, const std::string& limits) {
    return testing::run_logged(
        scenario(timed_job(lines), limited(limits, GetParam()), fast_disk()));
  }
  static void expect_bytes(const std::string& lines, const std::string& limits,
                           engine::SyscallKind kind, std::int64_t bytes) {
    const auto done = static_cast<double>(in_time(run(lines, limits), kind).bytes.count());
    EXPECT_NEAR(done, static_cast<double>(10 * bytes), 0.1 * static_cast<double>(bytes)) << lines;
  }
  static void expect_ios(const std::string& lines, const std::string& limits,
                         engine::SyscallKind kind, std::int64_t ios) {
    const auto done = static_cast<double>(in_time(run(lines, limits), kind).ios);
    EXPECT_NEAR(done, static_cast<double>(10 * ios), 0.1 * static_cast<double>(ios)) << lines;
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, IoMax, ::testing::Values("5.10", "6.1"), [](const auto& kernel) {
  return std::string{kernel.param} == "6.1" ? "v6_1" : "v5_10";
});

constexpr auto kReadCall = engine::SyscallKind::kRead;
constexpr auto kWriteCall = engine::SyscallKind::kWrite;

TEST_P(IoMax, BandwidthIsTheLimitWithinAPercent) {
  for (const char* group : {"cgroup=slow\n", "cgroup=slow/inner\n"}) {
    const std::string lines = group;
    expect_bytes(lines + "rw=randwrite\n", R"("wbps":"4MB")", kWriteCall, 4'000'000);
    expect_bytes(lines + "rw=read\nbs=64k\n", R"("rbps":"10MB")", kReadCall, 10'000'000);
    expect_bytes(lines + "rw=randwrite\nbs=16k\nioengine=libaio\niodepth=16\n", R"("wbps":"4MB")",
                 kWriteCall, 4'000'000);
  }
}

TEST_P(IoMax, IosAreTheLimitWithinAPercent) {
  for (const char* group : {"cgroup=slow\n", "cgroup=slow/inner\n"}) {
    const std::string lines = group;
    expect_ios(lines + "rw=randwrite\n", R"("wiops":200)", kWriteCall, 200);
    expect_ios(lines + "rw=randread\nbs=64k\n", R"("riops":500)", kReadCall, 500);
    expect_ios(lines + "rw=randread\nioengine=io_uring\niodepth=32\n", R"("riops":1000)", kReadCall,
               1000);
  }
}

TEST_P(IoMax, BothDirectionsHaveTheirOwn) {
  const JobRecord record =
      run("cgroup=slow\nrw=randrw\nioengine=libaio\niodepth=64\n", R"("riops":100,"wiops":100)");
  EXPECT_NEAR(static_cast<double>(in_time(record, kReadCall).ios), 1000, 60);
  EXPECT_NEAR(static_cast<double>(in_time(record, kWriteCall).ios), 1000, 60);
}

TEST_P(IoMax, JobsOfOneGroupShareIt) {
  expect_bytes("cgroup=slow\nrw=randwrite\nnumjobs=4\n", R"("wbps":"4MB")", kWriteCall, 4'000'000);
}

TEST_P(IoMax, BufferedReadsAreLimitedToo) {
  const JobRecord record = testing::run_logged(
      scenario("[j]\nfilename=/dev/sda\nrw=read\nbs=64k\ntime_based=1\nruntime=10\ncgroup=slow\n",
               limited(R"("rbps":"4MB")", GetParam()), fast_disk()));
  EXPECT_NEAR(static_cast<double>(in_time(record, kReadCall).bytes.count()), 40e6, 0.8e6)
      << "with readahead on its way";
}

TEST_P(IoMax, WhoIsInNoGroupIsNot) {
  EXPECT_GT(in_time(run("rw=randwrite\n", R"("wiops":10)"), kWriteCall).ios, 10'000);
}

TEST_P(IoMax, AGroupWithoutLimitsChangesNothing) {
  const std::string direct =
      timed_job("rw=randwrite\nnumber_ios=2000\nioengine=libaio\niodepth=8\n");
  const std::string buffered = "[j]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=64m\n";
  for (const std::string& job : {direct, buffered}) {
    const auto with = [&job](const std::string& group, const std::string& members) {
      return testing::fingerprint(scenario(
          job + group, std::string{R"("kernel":")"} + GetParam() + "\"" + members, fast_disk()));
    };
    EXPECT_EQ(with("", ""), with("cgroup=a\n", R"(,"cgroups":{"a":{}})"));
  }
}

// What check_workload() says of a job.
std::string findings_of(const std::string& fio, const std::string& members,
                        const std::string& devices = disk()) {
  Scenario s = scenario("", members, devices);
  Diagnostics found;
  s.workload =
      workload::parse_fio_jobs(std::vector<workload::FioInput>{{"job.fio", fio}}, {}, found);
  check_workload(s.config, s.workload, found);
  std::string text;
  for (const Diagnostic& finding : found.all()) {
    text += to_string(finding) + "\n";
  }
  return text;
}

const std::string kOneJob = "[j]\nfilename=/dev/sda\nrw=randwrite\nbs=4k\nsize=1m\n";
const std::string kLimitedGroup =
    R"("cgroups":{"slow":{"io.max":{"sda":{"wbps":"1MB"}}},"slow/in":{}})";

TEST(IoMaxJob, NamesAGroupThatThereIs) {
  EXPECT_EQ(findings_of(kOneJob + "direct=1\ncgroup=slow/in\n", kLimitedGroup), "");
  EXPECT_EQ(findings_of(kOneJob + "direct=1\ncgroup=slwo\n", kLimitedGroup),
            "job.fio:1: job \"j\": unknown control group \"slwo\"; one of slow, slow/in. Did you "
            "mean \"slow\"?\n");
  EXPECT_EQ(findings_of(kOneJob + "direct=1\ncgroup=slow\n", ""),
            "job.fio:1: job \"j\": no control group for cgroup=slow; the configuration has none. "
            "Add \"cgroups\": {\"slow\": {}} to it\n");
}

TEST(IoMaxJob, IsToldWhatIsNotLimited) {
  EXPECT_EQ(findings_of(kOneJob + "numjobs=2\ncgroup=slow/in\n", kLimitedGroup),
            "note: job.fio:1: job \"j\": control group slow/in limits what the job itself writes "
            "to sda; background writeback of its data has no limit, cgroup writeback is not "
            "simulated yet\n");
}

TEST(IoMaxJob, IsToldWhatOfItsWritesHasNoShareWithBfq) {
  const std::string bfq = R"({"sda":{"size":"1GiB","queue":{"scheduler":"bfq","wbt_lat_usec":0}}})";
  const std::string group = R"("cgroups":{"slow":{"io.bfq.weight":50}})";
  EXPECT_EQ(findings_of(kOneJob + "direct=1\ncgroup=slow\n", group, bfq), "");
  EXPECT_EQ(findings_of(kOneJob + "cgroup=slow\n", group, bfq),
            "note: job.fio:1: job \"j\": background writeback of its data to sda has the share of "
            "the root and not of control group slow, cgroup writeback is not simulated yet\n");
}

TEST(IoMaxJob, IsRefusedOnAPartition) {
  EXPECT_EQ(
      findings_of("[j]\nfilename=/dev/sda1\nrw=randwrite\nbs=4k\nsize=1m\ndirect=1\ncgroup=slow\n",
                  kLimitedGroup + R"(,"stack":{"sda1":{"kind":"partition","members":["sda"],)" +
                      R"("start":"1MiB","size":"8MiB"}})"),
      "not simulated: job.fio:1: job \"j\": cgroup=slow on sda1; control groups are simulated on "
      "devices alone, not on partitions and devices on top of others\n");
}

TEST(IoMaxJob, HasNoWeight) {
  EXPECT_EQ(findings_of(kOneJob + "direct=1\ncgroup=slow\ncgroup_weight=500\n", kLimitedGroup),
            "not simulated: job.fio:8: cgroup_weight=500 (job \"j\"): weights are set in the "
            "configuration: cgroups.NAME.io.bfq.weight; remove it\n");
}

}  // namespace
}  // namespace wbsim::system
