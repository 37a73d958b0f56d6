// Jobs in control groups that bfq gives shares of a device, from job file to device.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::Scenario;
using testing::scenario;

// 1 ms a request, without queueing, seeks or waiting but for what is owed.
constexpr const char* kFairDisk =
    R"({"sda":{"size":"16GiB","read":"1ms","write":"1ms","depth":1,"queue":{"nr_requests":64,)"
    R"("scheduler":"bfq","iosched":{"low_latency":0,"strict_guarantees":1}}}})";

std::string group_reader(const std::string& name, const std::string& group,
                         const std::string& more = "") {
  return "[" + name + "]\nfilename=/dev/sda\ndirect=1\nrw=randread\nbs=4k\ntime_based=1\n" +
         "runtime=20\ncgroup=" + group + "\n" + more;
}

class BfqGroups : public ::testing::TestWithParam<const char*> {
 protected:
  // The part of all bytes that each job has read.
  static std::map<std::string, double> shares(const std::string& jobs, const std::string& groups) {
    const std::string kernel = GetParam();
    const Scenario world =
        scenario(jobs, R"("kernel":")" + kernel + R"(","cgroups":{)" + groups + "}", kFairDisk);
    const testing::JobRecord record = testing::run_logged(world);
    std::map<std::string, double> read;
    double all = 0;
    for (const engine::SyscallTrace& call : record.of_kind(engine::SyscallKind::kRead)) {
      const auto bytes = static_cast<double>(call.length.count());
      read[world.workload.jobs.at(static_cast<std::size_t>(call.job)).name] += bytes;
      all += bytes;
    }
    for (auto& [name, share] : read) {
      share /= all;
    }
    return read;
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, BfqGroups, ::testing::Values("5.10", "6.1"),
                         [](const auto& kernel) {
                           return std::string{kernel.param} == "6.1" ? "v6_1" : "v5_10";
                         });

TEST_P(BfqGroups, OfWeightsOneAndFourShareBandwidthByThem) {
  const std::string jobs =
      group_reader("light", "a") + group_reader("light2", "a") + group_reader("heavy", "b");
  std::map<std::string, double> share =
      shares(jobs, R"("a":{"io.bfq.weight":100},"b":{"io.bfq.weight":400})");
  EXPECT_NEAR(share["light"] + share["light2"], 0.2, 0.01);
  EXPECT_NEAR(share["heavy"], 0.8, 0.04);
  share = shares(jobs, R"("a":{"io.bfq.weight":100},"b":{"io.bfq.weight":100})");
  EXPECT_NEAR(share["heavy"], 0.5, 0.025) << "by weights that are equal";
}

TEST_P(BfqGroups, InGroupsShareWhatThoseHave) {
  std::map<std::string, double> share =
      shares(group_reader("x", "a/x") + group_reader("y", "a/y") + group_reader("b", "b"),
             R"("a":{"io.bfq.weight":300},"a/x":{},"a/y":{"io.bfq.weight":{"sda":200}},"b":{})");
  EXPECT_NEAR(share["x"], 0.25, 0.0125);
  EXPECT_NEAR(share["y"], 0.5, 0.025);
  EXPECT_NEAR(share["b"], 0.25, 0.0125);
}

// kthrotld submits what io.max has held back, for one group after another.
TEST_P(BfqGroups, ShareWhatIoMaxLeavesThem) {
  std::map<std::string, double> share = shares(
      group_reader("slow", "a", "ioengine=libaio\niodepth=8\n") +
          group_reader("slower", "b", "ioengine=libaio\niodepth=8\n") + group_reader("free", "c"),
      R"("a":{"io.max":{"sda":{"riops":100}},"io.bfq.weight":900},)"
      R"("b":{"io.max":{"sda":{"riops":50}},"io.bfq.weight":800},"c":{})");
  EXPECT_NEAR(share["slow"] / share["slower"], 2, 0.1);
  EXPECT_GT(share["free"], 0.4);
}

}  // namespace
}  // namespace wbsim::system
