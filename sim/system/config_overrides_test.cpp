#include "sim/system/config_overrides.hpp"

#include <gtest/gtest.h>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::document;
using testing::read;

const std::string kTwoDevices =
    R"({"devices":{"sda":{"queue":{"scheduler":"none","wbt_lat_usec":0}},)"
    R"("sdb":{"queue":{"scheduler":"none","wbt_lat_usec":0}}}})";

Config changed(const std::vector<std::string>& sets, const std::string& text = document()) {
  const testing::Reading reading = read(text, sets);
  EXPECT_EQ(reading.findings, "");
  return reading.config.value_or(Config{});
}

std::string findings(const std::vector<std::string>& sets, const std::string& text = document()) {
  const testing::Reading reading = read(text, sets);
  EXPECT_FALSE(reading.config);
  return reading.findings;
}

TEST(Overrides, SetLeavesThatTheDocumentLacks) {
  EXPECT_EQ(changed({"vm.dirty_ratio=15"}).vm.dirty_ratio, 15);
  EXPECT_EQ(changed({"memory.total=2GiB"}).memory.total, gibibytes(2));
  EXPECT_EQ(changed({"optimisation.batching=false"}).optimisation.batching, false);
}

TEST(Overrides, OfOnePlaceMayNotBeSeveral) {
  EXPECT_EQ(findings({"seed=2", "seed=3"}),
            "--set seed=3: sets what --set seed=2 has set already\n");
  EXPECT_EQ(findings({"queue.nr_requests=8", "devices.sda.queue.nr_requests=9"}),
            "--set devices.sda.queue.nr_requests=9: sets what --set queue.nr_requests=8 has set "
            "already\n");
}

TEST(Overrides, OfOneDeviceDoNotMakeAnother) {
  EXPECT_EQ(findings({"devices.sdc.size=1GiB"}, kTwoDevices),
            "--set devices.sdc.size=1GiB: there is no device \"sdc\", only sda, sdb; to add one, "
            "set devices.sdc to an object\n");
  const Config config = changed(
      {R"(devices.sdc={"queue":{"wbt_lat_usec":0}})", "devices.sdc.size=1GiB"}, kTwoDevices);
  EXPECT_EQ(config.devices.at(2).size, gibibytes(1));
}

TEST(Overrides, OfAWorkloadReplaceTheOtherWayToGiveOne) {
  const std::string inline_jobs = document(R"("workload":{"fio":"[a]","start":"1s"})");
  EXPECT_EQ(findings({"workload.file=no.fio"}, inline_jobs).substr(0, 62),
            "--set workload.file=no.fio: there is no file \"no.fio\"; looked ");
  const std::string named = document(R"("workload":{"file":"no.fio","start":"1s"})");
  const Config config = changed({R"(workload.fio="[b]")"}, named);
  EXPECT_EQ(config.workload_text, "[b]");
  EXPECT_EQ(config.workload_file, "");
  EXPECT_EQ(config.workload_start, seconds(1));
}

TEST(Overrides, ReadAKernelVersionAsText) {
  EXPECT_EQ(changed({"kernel=6.1"}).kernel, KernelVersion::k6_1);
  EXPECT_EQ(changed({"kernel=5.10"}).kernel, KernelVersion::k5_10);
}

TEST(Overrides, ReachTheOnlyDeviceByShortNames) {
  const Config config = changed({"queue.nr_requests=8", "device.depth=16", "bdi.max_ratio=40"});
  EXPECT_EQ(config.devices.at(0).queue.nr_requests, 8);
  EXPECT_EQ(config.devices.at(0).simdisk.depth, 16);
  EXPECT_EQ(config.devices.at(0).bdi_max_ratio, 40);
}

TEST(Overrides, ReachADeviceByItsFullName) {
  const Config config = changed({"devices.sdb.depth=16"}, kTwoDevices);
  EXPECT_EQ(config.devices.at(0).simdisk.depth, 32);
  EXPECT_EQ(config.devices.at(1).simdisk.depth, 16);
}

TEST(Overrides, AskWhichDeviceWhenThereAreSeveral) {
  EXPECT_EQ(findings({"queue.nr_requests=8"}, kTwoDevices),
            "--set queue.nr_requests=8: which device? One of sda, sdb; write "
            "devices.sda.queue.nr_requests\n");
  EXPECT_EQ(findings({"device.depth=8"}, kTwoDevices),
            "--set device.depth=8: which device? One of sda, sdb; write devices.sda.depth\n");
}

TEST(Overrides, OfAQueueNeedADevice) {
  EXPECT_EQ(findings({"queue.nr_requests=8"}, "{}"),
            "--set queue.nr_requests=8: there is no device to set this of\n"
            "a.json: /devices: is missing; a run needs at least one device\n");
}

TEST(Overrides, ReachElementsOfArrays) {
  const std::string text = document(R"("actions":[{"at":"1s","syscall":"sync"}])");
  EXPECT_EQ(changed({"actions.0.at=2s"}, text).actions.at(0).at, seconds(2));
  EXPECT_EQ(findings({"actions.1.at=2s"}, text),
            "--set actions.1.at=2s: /actions has 1 elements, so there is no \"1\"\n");
}

TEST(Overrides, TakeJsonValues) {
  EXPECT_EQ(changed({R"(vm={"dirty_ratio":30})"}).vm.dirty_ratio, 30);
  EXPECT_EQ(changed({R"(guest_tracing=["wb"])"}).guest_tracing.size(), 1U);
}

std::optional<Bytes> write_limit(const Config& config, const std::string& group) {
  for (const CgroupConfig& each : config.cgroups) {
    if (each.name == group) {
      return each.io_max.at(0).limits[block::kWrites].bps;
    }
  }
  return std::nullopt;
}

TEST(Overrides, ReachAControlGroupWhoseNameHasDots) {
  const std::string groups =
      document(R"("cgroups":{"user":{},"user.slice":{"io.max":{"sda":{"wbps":"1MB"}}}})");
  EXPECT_EQ(write_limit(changed({"cgroups.user.slice.io.max.sda.wbps=2MB"}, groups), "user.slice"),
            Bytes{2'000'000});
  EXPECT_EQ(write_limit(changed({"cgroups.user.io.max.sda.wbps=3MB"}, groups), "user"),
            Bytes{3'000'000});
  EXPECT_EQ(write_limit(changed({R"(cgroups.user.slice={"io.max":{"sda":{"wbps":5}}})"}, groups),
                        "user.slice"),
            Bytes{5});
}

TEST(Overrides, ReachAControlGroupThatIsNamedLikeAFile) {
  const std::string groups = document(R"("cgroups":{"a.io.max":{}})");
  EXPECT_EQ(write_limit(changed({"cgroups.a.io.max.io.max.sda.wbps=2MB"}, groups), "a.io.max"),
            Bytes{2'000'000});
}

TEST(Overrides, MakeAControlGroupWhoseNameEndsWhereAFileBegins) {
  EXPECT_EQ(write_limit(changed({"cgroups.user.slice.io.max.sda.wbps=2MB"}), "user.slice"),
            Bytes{2'000'000});
  EXPECT_EQ(changed({"cgroups.user.slice={}"}).cgroups.at(0).name, "user.slice");
  const Config config = changed({"cgroups.a.slice={}", "cgroups.a.slice.io.max.sda.wbps=2MB"});
  EXPECT_EQ(config.cgroups.size(), 1U);
  EXPECT_EQ(write_limit(config, "a.slice"), Bytes{2'000'000});
}

TEST(Overrides, ReachFilesOfAControlGroupWithSeveralDots) {
  EXPECT_EQ(changed({"cgroups.a.io.bfq.weight=100"}).cgroups.at(0).name, "a");
  EXPECT_EQ(findings({"cgroups.a.io.cost.qos=1"}).substr(0, 68),
            "not simulated: --set cgroups.a.io.cost.qos=1: not simulated; of cont");
}

TEST(Overrides, OfAFileThatNoControlGroupHasAreErrors) {
  const std::string problem =
      ": unknown key \"io.mx\"; one of io.max, io.weight, io.bfq.weight, io.latency, io.low, "
      "io.cost.qos, io.cost.model, io.prio.class, memory.min, memory.low, memory.high, "
      "memory.max, memory.swap.max, cpu.max, cpu.weight, cgroup.subtree_control. Did you mean "
      "\"io.max\"?\n";
  const std::string set = "cgroups.slow.io.mx.sda.wbps=5";
  EXPECT_EQ(findings({set}), "--set " + set + problem);
  EXPECT_EQ(findings({set}, document(R"("cgroups":{"slow":{}})")), "--set " + set + problem);
  EXPECT_EQ(findings({"cgroups.slow..io.max.sda.wbps=5"}),
            "--set cgroups.slow..io.max.sda.wbps=5: has an empty name in its key\n");
}

TEST(Overrides, AreNamedInErrorsOfWhatTheyMadeOnTheWay) {
  const std::string problem = ": unknown device \"sdb\"; one of sda. Did you mean \"sda\"?\n";
  const std::string set = "cgroups.slow.io.max.sdb.wbps=1MB";
  EXPECT_EQ(findings({set}), "--set " + set + problem);
  EXPECT_EQ(findings({set}, document(R"("cgroups":{"slow":{"io.max":{"sdb":{}}}})")),
            "a.json: /cgroups/slow/io.max/sdb" + problem);
  EXPECT_EQ(findings({"cgroups.a/.io.max.sda.wbps=5"}),
            "--set cgroups.a/.io.max.sda.wbps=5: \"a/\" is not the path of a control group: names "
            "of letters, digits, _, -, ., : and @, each beginning with a letter, a digit or _, "
            "with / between them\n");
}

TEST(Overrides, AreNotNamedInErrorsBesideWhatTheyMade) {
  EXPECT_EQ(findings({"stack.md0.kind=raid0"}).substr(0, 30), "a.json: /stack/md0/members: is");
}

TEST(Overrides, ReplaceTheTwinAsWritingTheSysctlWould) {
  const std::string bytes = document(R"("vm":{"dirty_bytes":8192,"dirty_background_bytes":4096})");
  const Config config = changed({"vm.dirty_ratio=25", "vm.dirty_background_ratio=5"}, bytes);
  EXPECT_EQ(config.vm.dirty_bytes, Bytes{0});
  EXPECT_EQ(config.vm.dirty_background_bytes, Bytes{0});
  EXPECT_EQ(config.vm.dirty_ratio, 25);
}

TEST(Overrides, SwitchBytesOffWithoutTouchingTheRatio) {
  const std::string text = document(R"("vm":{"dirty_bytes":8192,"dirty_ratio":30})");
  EXPECT_EQ(changed({"vm.dirty_bytes=0"}, text).vm.dirty_ratio, 30);
}

TEST(Overrides, AreNamedInErrorsOfWhatTheySet) {
  EXPECT_EQ(findings({"vm.dirty_ratio=500"}),
            "--set vm.dirty_ratio=500: 500 is not a whole number from 0 to 100\n");
  EXPECT_EQ(findings({"vm.dirty_ratoi=5"}),
            "--set vm.dirty_ratoi=5: unknown key \"dirty_ratoi\"; one of dirty_ratio, "
            "dirty_background_ratio, dirty_bytes, dirty_background_bytes, "
            "dirty_writeback_centisecs, dirty_expire_centisecs. Did you mean \"dirty_ratio\"?\n");
  EXPECT_EQ(findings({R"(vm={"dirty_ratio":500})"}),
            "--set vm={\"dirty_ratio\":500}: 500 is not a whole number from 0 to 100\n");
}

TEST(Overrides, ThatAreMalformedAreErrors) {
  EXPECT_EQ(findings({"vm.dirty_ratio"}),
            "--set vm.dirty_ratio: is not KEY=VALUE, such as vm.dirty_ratio=5\n");
  EXPECT_EQ(findings({"=5"}), "--set =5: is not KEY=VALUE, such as vm.dirty_ratio=5\n");
  EXPECT_EQ(findings({"vm..dirty_ratio=5"}),
            "--set vm..dirty_ratio=5: has an empty name in its key\n");
  EXPECT_EQ(findings({"seed.x=5"}, document(R"("seed":1)")),
            "--set seed.x=5: /seed is not an object, so it has no \"x\"\n");
  EXPECT_EQ(findings({"about=\xff"}), "--set about=\xff: is not UTF-8\n");
  EXPECT_EQ(findings({"vm={\"dirty_ratio\":"}),
            "--set vm={\"dirty_ratio\"::1:15: not JSON: syntax error while parsing value - "
            "unexpected end of input; expected '[', '{', or a literal\n"
            "--set vm={\"dirty_ratio\":: null is not an object\n");
}

}  // namespace
}  // namespace wbsim::system
