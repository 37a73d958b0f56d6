// What jobs see of a device with faults.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::free_cpu;
using testing::JobRecord;
using testing::run_logged;
using testing::scenario;

std::string with_faults(const std::string& faults, const std::string& driver = "scsi",
                        const std::string& queue = "") {
  return testing::disk(R"("driver":")" + driver + R"(","faults":[)" + faults + "]", queue);
}

std::vector<int> errors(const std::vector<engine::SyscallTrace>& calls) {
  std::vector<int> found;
  for (const engine::SyscallTrace& call : calls) {
    found.push_back(call.error);
  }
  return found;
}

TEST(FaultyDeviceJob, ADirectReadOfABadSectorIsENODATA) {
  const JobRecord record =
      run_logged(scenario("[j]\nfilename=/dev/sda\nrw=read\nbs=4k\nsize=32k\ndirect=1\n",
                          free_cpu(), with_faults(R"({"error":"medium","first":20,"sectors":1})")));
  const auto reads = record.of_kind(engine::SyscallKind::kRead);
  EXPECT_EQ(errors(reads), (std::vector<int>{0, 0, -61}));
}

TEST(FaultyDeviceJob, ABufferedReadOfABadSectorIsEIO) {
  const JobRecord record =
      run_logged(scenario("[j]\nfilename=/dev/sda\nrw=read\nbs=4k\nsize=32k\n", free_cpu(),
                          with_faults(R"({"error":"medium","first":20,"sectors":1})")));
  const auto reads = record.of_kind(engine::SyscallKind::kRead);
  ASSERT_FALSE(reads.empty());
  EXPECT_EQ(reads.back().error, -5);
}

TEST(FaultyDeviceJob, ABufferedWriteThatFailsIsToldByFsyncAsEIO) {
  const JobRecord record = run_logged(
      scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=16k\nfsync=4\n", free_cpu(),
               with_faults(R"({"on":"write","error":"no-space","times":1})")));
  EXPECT_EQ(errors(record.writes()), (std::vector<int>{0, 0, 0, 0}));
  EXPECT_EQ(errors(record.of_kind(engine::SyscallKind::kFsync)).front(), -5);
}

// Two jobs have the device open; what one of them wrote fails.
std::vector<int> told(const std::string& profile) {
  const JobRecord record = run_logged(scenario(
      "[global]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=16k\nend_fsync=1\ninvalidate=0\n"
      "[a]\n[b]\nstartdelay=500ms\noffset=16k\n[c]\noffset=32k\nrate=16k\n",
      free_cpu() + profile, with_faults(R"({"on":"write","error":"no-space","times":1})")));
  return errors(record.of_kind(engine::SyscallKind::kFsync));
}

TEST(FaultyDeviceJob, AWriteThatFailsIsToldToEachOpenFile) {
  EXPECT_EQ(told(""), (std::vector<int>{-5, 0, -5})) << "b came when it was known";
}

TEST(FaultyDeviceJob, BeforeV413AWriteThatFailsIsToldToTheFirstThatAsks) {
  EXPECT_EQ(told(R"(,"profile":{"errors_per_file":false})"), (std::vector<int>{-5, 0, 0}));
}

// "fsyncgate": sync(2) waits, and nobody is told.
TEST(FaultyDeviceJob, BeforeV413SyncTakesTheErrorAway) {
  const auto told_after_sync = [](const std::string& profile) {
    const JobRecord record = run_logged(
        scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=16k\nrate=16k\nend_fsync=1\n",
                 free_cpu() + profile + R"(,"actions":[{"at":"600ms","syscall":"sync"}])",
                 with_faults(R"({"on":"write","error":"no-space","times":1})")));
    return errors(record.of_kind(engine::SyscallKind::kFsync)).back();
  };
  EXPECT_EQ(told_after_sync(R"(,"profile":{"errors_per_file":false})"), 0);
  EXPECT_EQ(told_after_sync(""), -5);
}

TEST(FaultyDeviceJob, AFlushThatFailsIsToldByFsyncAsWhatItIs) {
  const JobRecord record =
      run_logged(scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=4k\nfsync=1\n", free_cpu(),
                          with_faults(R"({"on":"flush","error":"hardware"})", "scsi",
                                      R"("write_cache":"write back")")));
  EXPECT_EQ(errors(record.of_kind(engine::SyscallKind::kFsync)).front(), -121);
}

TEST(FaultyDeviceJob, ADirectWriteWithoutSpaceIsENOSPC) {
  const JobRecord record =
      run_logged(scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=8k\ndirect=1\n",
                          free_cpu(), with_faults(R"({"error":"no-space"})")));
  EXPECT_EQ(errors(record.writes()), (std::vector<int>{-28}));
}

TEST(FaultyDeviceJob, VirtioBlkMakesEIOOfAll) {
  const JobRecord record =
      run_logged(scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=8k\ndirect=1\n",
                          free_cpu(), with_faults(R"({"error":"no-space"})", "virtio-blk")));
  EXPECT_EQ(errors(record.writes()), (std::vector<int>{-5}));
}

TEST(FaultyDeviceJob, BeforeBlkMqAllIsEIO) {
  for (const std::string kernel : {"2.6.18", "3.6"}) {
    const std::string devices =
        R"({"sda":{"size":"1GiB","faults":[{"error":"no-space"}],"queue":{"scheduler":"noop"}}})";
    const JobRecord record =
        run_logged(scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=8k\ndirect=1\n",
                            free_cpu() + R"(,"kernel":")" + kernel + "\"", devices));
    EXPECT_EQ(errors(record.writes()), (std::vector<int>{-5})) << kernel;
  }
}

TEST(FaultyDeviceJob, WhatIsRetriedTakesLonger) {
  const JobRecord record = run_logged(
      scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=8k\ndirect=1\n", free_cpu(),
               with_faults(R"({"error":"busy","times":1,"retry_after":"500ms"})", "nvme")));
  EXPECT_EQ(errors(record.writes()), (std::vector<int>{0, 0}));
  EXPECT_GT(record.writes()[0].end - record.writes()[0].start, milliseconds(500));
  EXPECT_LT(record.writes()[1].end - record.writes()[1].start, milliseconds(1));
}

TEST(FaultyDeviceJob, ALostCommandIsGivenUpAfterIoTimeout) {
  const JobRecord record = run_logged(
      scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=4k\ndirect=1\n", free_cpu(),
               with_faults(R"({"late":"1h","times":1})", "scsi", R"("io_timeout":3000)")));
  ASSERT_EQ(record.writes().size(), 1U);
  const SimDuration took = record.writes()[0].end - record.writes()[0].start;
  EXPECT_GE(took, seconds(3));
  EXPECT_LT(took, milliseconds(4500));
  EXPECT_EQ(record.writes()[0].error, 0);
}

TEST(FaultyDeviceJob, ChanceFollowsTheSeed) {
  const auto run = [](const std::string& seed) {
    return testing::fingerprint(
        scenario("[j]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=4m\nfsync=16\n",
                 R"("seed":)" + seed, with_faults(R"({"late":"5ms","one_in":5})")));
  };
  EXPECT_EQ(run("1"), run("1"));
  EXPECT_NE(run("1"), run("2"));
}

TEST(FaultyDeviceJob, AFaultThatBefallsNothingChangesNothing) {
  const std::string fio = "[j]\nfilename=/dev/sda\nrw=randwrite\nbs=4k\nsize=4m\nfsync=16\n";
  const auto with = [&fio](const std::string& fault, const std::string& driver) {
    return testing::fingerprint(scenario(fio, "", with_faults(fault, driver)));
  };
  const std::string none = R"({"late":"5ms","skip":1000000})";
  for (const std::string driver : {"virtio-blk", "scsi", "nvme"}) {
    EXPECT_EQ(with("", driver), with(none, driver)) << "where timers run";
  }
}

}  // namespace
}  // namespace wbsim::system
