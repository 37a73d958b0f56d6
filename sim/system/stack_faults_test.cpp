// Devices with faults below others: what passes errors up does, and what would lose a member is
// refused.
#include <gtest/gtest.h>

#include <string>

#include "sim/system/config_test_util.hpp"
#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::free_cpu;
using testing::JobRecord;
using testing::run_logged;
using testing::scenario;

std::string disks_with(const std::string& faults, const std::string& more = "") {
  const std::string queue =
      R"("size":"1GiB","queue":{"scheduler":"none","wbt_lat_usec":0,"write_cache":"write back"})";
  return R"({"sda":{)" + queue + R"(,"driver":"scsi","faults":[)" + faults + "]" + more +
         R"(},"sdb":{)" + queue + R"(},"sdc":{)" + queue + "}}";
}

constexpr const char* kBadWrite = R"({"on":"write","error":"no-space","times":1})";
constexpr const char* kBadRead = R"({"on":"read","error":"medium","times":1})";

JobRecord run_on_top(const std::string& stack, const std::string& job, const std::string& faults) {
  return run_logged(scenario("[j]\nfilename=/dev/top\nbs=4k\nsize=16k\n" + job,
                             free_cpu() + ",\"stack\":{" + stack + "}", disks_with(faults)));
}

struct PassingStack {
  const char* name;
  const char* stack;
};

void PrintTo(const PassingStack& each, std::ostream* stream) { *stream << each.name; }

class FaultsBelow : public ::testing::TestWithParam<PassingStack> {};

INSTANTIATE_TEST_SUITE_P(
    Kinds, FaultsBelow,
    ::testing::Values(
        PassingStack{"Partition", R"("top":{"kind":"partition","members":["sda"]})"},
        PassingStack{"Linear", R"("top":{"kind":"linear","members":["sda","sdb"]})"},
        PassingStack{"Striped",
                     R"("top":{"kind":"striped","members":["sda","sdb"],"chunk":"4KiB"})"},
        PassingStack{"Raid0", R"("top":{"kind":"raid0","members":["sda","sdb"],"chunk":"4KiB"})"},
        PassingStack{"Tower", R"("p":{"kind":"partition","members":["sda"]},)"
                              R"("md0":{"kind":"raid0","members":["p","sdb"],"chunk":"4KiB"},)"
                              R"("top":{"kind":"linear","members":["md0","sdc"]})"}),
    [](const auto& each) { return std::string{each.param.name}; });

TEST_P(FaultsBelow, PassErrorsUp) {
  const JobRecord written = run_on_top(GetParam().stack, "rw=write\ndirect=1\n", kBadWrite);
  ASSERT_FALSE(written.writes().empty());
  EXPECT_EQ(written.writes().back().error, -28);
  const JobRecord read = run_on_top(GetParam().stack, "rw=read\ndirect=1\n", kBadRead);
  ASSERT_FALSE(read.of_kind(engine::SyscallKind::kRead).empty());
  EXPECT_EQ(read.of_kind(engine::SyscallKind::kRead).back().error, -61);
  const JobRecord synced = run_on_top(GetParam().stack, "rw=write\nend_fsync=1\n",
                                      R"({"on":"write","error":"no-space"})");
  ASSERT_EQ(synced.of_kind(engine::SyscallKind::kFsync).size(), 1U);
  EXPECT_EQ(synced.of_kind(engine::SyscallKind::kFsync)[0].error, -5);
}

std::string findings_with(const std::string& stack, const std::string& faults,
                          const std::string& more = "") {
  return testing::read("{\"devices\":" + disks_with(faults, more) + ",\"stack\":{" + stack + "}}")
      .findings;
}

std::string refusal(int fault, const std::string& array) {
  return "not simulated: a.json: /devices/sda/faults/" + std::to_string(fault) +
         ": failing commands of a member of " + array +
         ", which the kernel would put out of the array; simulated are commands that are only "
         "late, and faults below partition, linear, striped and raid0\n";
}

TEST(FaultsOfMembers, AreRefusedBelowRedundancy) {
  const std::string raid1 = R"("md0":{"kind":"raid1","members":["sda","sdb"]})";
  const std::string late = R"({"late":"1s"})";
  EXPECT_EQ(findings_with(raid1, late + "," + kBadWrite), refusal(1, "md0 (raid1)"));
  EXPECT_EQ(findings_with(R"("md0":{"kind":"raid5","members":["sda","sdb","sdc"]})", kBadRead),
            refusal(0, "md0 (raid5)"));
  EXPECT_EQ(findings_with(R"("p":{"kind":"partition","members":["sda"]},)"
                          R"("lv":{"kind":"linear","members":["p"]},)"
                          R"("md0":{"kind":"raid1","members":["lv","sdb"]},)"
                          R"("top":{"kind":"linear","members":["md0"]})",
                          kBadRead),
            refusal(0, "md0 (raid1)"));
  EXPECT_EQ(findings_with(R"("md0":{"kind":"raid1","members":["sdb","sdc"]})", kBadRead), "");
  EXPECT_EQ(findings_with(raid1, late), "");
}

// A command that a driver does not wait for is one that fails.
TEST(FaultsOfMembers, ThatAreOnlyLateAreTakenUpToTheTimeout) {
  const std::string raid1 = R"("md0":{"kind":"raid1","members":["sda","sdb"]})";
  EXPECT_EQ(findings_with(raid1, R"({"late":"29999ms"})"), "");
  EXPECT_EQ(findings_with(raid1, R"({"late":"30s"})"), refusal(0, "md0 (raid1)"));
}

}  // namespace
}  // namespace wbsim::system
