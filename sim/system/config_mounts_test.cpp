#include "sim/system/config_mounts.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::read;

std::string with_mounts(const std::string& mounts, const std::string& more = "") {
  return R"({"devices":{"sda":{},"sdb":{}})" + more + R"(,"mounts":{)" + mounts + "}}";
}

std::string findings_of(const std::string& mounts, const std::string& more = "") {
  const auto reading = read(with_mounts(mounts, more));
  EXPECT_EQ(reading.exit_code, reading.findings.empty() ? 0 : 2);
  return reading.findings;
}

TEST(ConfigMounts, AreReadWithTheirOptionsAndPrintedInFull) {
  const auto reading =
      read(with_mounts(R"("data":{"device":"sdb","fs":"extent","options":{"lazytime":true}})"));
  ASSERT_TRUE(reading.config);
  ASSERT_EQ(reading.config->mounts.size(), 1U);
  const MountConfig& mount = reading.config->mounts.front();
  EXPECT_EQ(mount.device, "sdb");
  EXPECT_TRUE(mount.options.lazytime);
  EXPECT_TRUE(mount.options.relatime);
  EXPECT_EQ(mount_point(mount), "/data");
  EXPECT_EQ(mount_of(*reading.config, "/data/a/b"), &mount);
  EXPECT_EQ(mount_of(*reading.config, "/database/a"), nullptr);
  EXPECT_EQ(mount_of(*reading.config, "/data/"), nullptr) << "the directory itself";
  EXPECT_EQ(mount_on(*reading.config, "sdb"), &mount);
  EXPECT_EQ(mount_on(*reading.config, "sda"), nullptr);
}

TEST(ConfigMounts, OfLinux2618AreRefusedByName) {
  const std::string mounts = R"("data":{"device":"sdb","fs":"extent"})";
  const std::string message =
      "not simulated: a.json: /mounts/data: file systems of Linux 2.6.18 "
      "(profile.flusher=pdflush or profile.queue_plugging=per-queue); jobs may use the device, "
      "/dev/NAME\n";
  for (const char* kernel : {R"(,"kernel":"2.6.18")", R"(,"profile":{"flusher":"pdflush"})"}) {
    const auto reading = read(with_mounts(mounts, kernel));
    EXPECT_EQ(reading.exit_code, 3) << kernel;
    EXPECT_EQ(reading.findings, message);
  }
  EXPECT_EQ(findings_of(mounts, R"(,"kernel":"3.6")"), "");
}

TEST(ConfigMounts, HaveNoLazytimeBeforeLinux40) {
  const std::string lazy = R"("data":{"device":"sdb","fs":"extent","options":{"lazytime":true}})";
  EXPECT_EQ(findings_of(lazy, R"(,"kernel":"3.6")"),
            "a.json: /mounts/data/options/lazytime: this kernel does not know it (Linux "
            "4.0); leave it out\n");
}

TEST(ConfigMounts, NeedADeviceAndAKind) {
  EXPECT_EQ(findings_of(R"("data":{})"),
            "a.json: /mounts/data/device: is missing; the name of the device that the file system "
            "is on\n"
            "a.json: /mounts/data/fs: is missing; the kind of file system, such as extent\n");
  EXPECT_EQ(findings_of(R"("data":1)"), "a.json: /mounts/data: 1 is not an object\n");
}

TEST(ConfigMounts, LieOnADeviceOfTheirOwn) {
  EXPECT_EQ(findings_of(R"("data":{"device":"sdc","fs":"extent"})"),
            "a.json: /mounts/data/device: unknown device \"sdc\"; one of sda, sdb. Did you mean "
            "\"sda\"?\n");
  EXPECT_EQ(findings_of(R"("a":{"device":"sda","fs":"extent"},"b":{"device":"sda","fs":"extent"})"),
            "a.json: /mounts/b/device: sda has a file system already\n");
  EXPECT_EQ(findings_of(R"("a":{"device":"sda","fs":"extent"})",
                        R"(,"stack":{"md0":{"kind":"raid1","members":["sda","sdb"]}})"),
            "a.json: /mounts/a/device: sda is part of md0, which alone may use it\n");
}

TEST(ConfigMounts, ADeviceWithErrorsOfItsOwnIsNotLookedAt) {
  EXPECT_EQ(findings_of(R"("a":{"device":"md0","fs":"extent"})",
                        R"(,"stack":{"md0":{"kind":"raid1","members":["sda","sdx"]}})"),
            "a.json: /stack/md0/members/1: unknown device \"sdx\"; one of sda, sdb, md0. Did you "
            "mean \"sda\"?\n");
}

TEST(ConfigMounts, ADeviceMustHaveRoomBesideInodes) {
  EXPECT_EQ(findings_of(R"("a":{"device":"sda1","fs":"extent"})",
                        R"(,"stack":{"sda1":{"kind":"partition","members":["sda"],)"
                        R"("size":"4KiB"}})"),
            "a.json: /mounts/a/device: sda1 is too small, 4096 bytes: no room for files beside "
            "inodes\n");
}

TEST(ConfigMounts, NamesThatMeanSomethingElseAreTaken) {
  EXPECT_EQ(findings_of(R"("dev":{"device":"sda","fs":"extent"})"),
            "a.json: /mounts/dev: /dev is where devices are; use another name\n");
  EXPECT_EQ(findings_of(R"("a":{"device":"sda","fs":"raw"})"),
            "a.json: /mounts/a/fs: raw is the device itself, which jobs open as /dev/NAME; nothing "
            "is mounted\n");
}

}  // namespace
}  // namespace wbsim::system
