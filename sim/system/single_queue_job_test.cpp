// Jobs before the block layers of 2.6.18 and 3.6, on a machine whose CPU costs nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/system/config_test_util.hpp"
#include "sim/system/run.hpp"
#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using testing::JobRecord;

std::string old_disk(const std::string& scheduler, const std::string& more = "") {
  return R"({"sda":{"size":"1GiB","channels":1,"depth":1,"read":"1ms","write":"1ms",)"
         R"("flush":"1ms","per_kib":"0ns",)"
         R"("queue":{"scheduler":")" +
         scheduler + "\"" + more + "}}}";
}

std::string machine(const std::string& kernel) {
  return testing::free_cpu() + R"(,"kernel":")" + kernel + "\"";
}

class OldKernel : public ::testing::TestWithParam<const char*> {
 protected:
  static JobRecord run(const std::string& lines, const std::string& disk) {
    return testing::run_logged(
        testing::scenario("[m]\nfilename=/dev/sda\nrw=write\ndirect=1\n"
                          "size=512m\n" +
                              lines,
                          machine(GetParam()), disk));
  }
};
INSTANTIATE_TEST_SUITE_P(All, OldKernel, ::testing::Values("2.6.18", "3.6"),
                         [](const auto& subject) {
                           return std::string{subject.param} == "3.6" ? "v3_6" : "v2_6_18";
                         });

TEST_P(OldKernel, DirectIoOneAtATimeTakesTheDevicesTime) {
  for (const char* rw : {"rw=write\n", "rw=randread\n"}) {
    for (const char* elevator : {"noop", "deadline", "cfq"}) {
      const JobRecord log = run(std::string{rw} + "number_ios=40\n", old_disk(elevator));
      EXPECT_EQ(log.ends.at(0).second - log.starts.at(0).second, milliseconds(40))
          << "nothing is held back by a plug";
    }
  }
}

TEST_P(OldKernel, RequestsThatWaitMerge) {
  const JobRecord log =
      run("bs=4k\nioengine=libaio\niodepth=32\niodepth_batch_submit=32\n"
          "iodepth_batch_complete_min=32\nnumber_ios=32\n",
          old_disk("deadline"));
  EXPECT_EQ(log.writes().size(), 32U);
  EXPECT_LT(log.ends.at(0).second - log.starts.at(0).second, milliseconds(5));
}

TEST_P(OldKernel, RefusesBufferedReadsIn2_6_18) {
  const testing::Reading reading =
      testing::read("{" + machine(GetParam()) + R"(,"devices":)" + old_disk("noop") + "}");
  ASSERT_TRUE(reading.config) << reading.findings;
  workload::JobSpec job;
  job.name = "r";
  job.where = "job.fio:1";
  job.filename = "/dev/sda";
  job.reads = true;
  Diagnostics diagnostics;
  check_workload(*reading.config, {.jobs = {job}}, diagnostics);
  if (std::string{GetParam()} == "3.6") {
    EXPECT_TRUE(diagnostics.all().empty());
    return;
  }
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(to_string(diagnostics.all().front()),
            "not simulated: job.fio:1: job \"r\": buffered reads with Linux 2.6.18, whose "
            "readahead (before v2.6.23) is not; buffered writes and direct=1 are");
  EXPECT_EQ(diagnostics.exit_code(), 3);
}

TEST_P(OldKernel, HasNoIoUring) {
  const testing::Reading reading =
      testing::read("{" + machine(GetParam()) + R"(,"devices":)" + old_disk("noop") + "}");
  ASSERT_TRUE(reading.config) << reading.findings;
  workload::JobSpec job;
  job.name = "w";
  job.where = "job.fio:1";
  job.filename = "/dev/sda";
  job.direct = true;
  job.engine = workload::IoEngine::kIoUring;
  Diagnostics diagnostics;
  check_workload(*reading.config, {.jobs = {job}}, diagnostics);
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(
      to_string(diagnostics.all().front()),
      "job.fio:1: job \"w\": Linux " + std::string{GetParam()} + " has no io_uring; use libaio");
  EXPECT_EQ(diagnostics.exit_code(), 2);
}

TEST_P(OldKernel, HasDefaultsOfItsTime) {
  const testing::Reading reading =
      testing::read("{" + machine(GetParam()) + R"(,"devices":)" + old_disk("deadline") + "}");
  ASSERT_TRUE(reading.config) << reading.findings;
  const QueueConfig& queue = reading.config->devices.at(0).queue;
  EXPECT_EQ(queue.nr_requests, 128);
  EXPECT_EQ(queue.max_sectors_kb, 512);
  EXPECT_EQ(queue.iosched.at("fifo_batch"), 16);
  EXPECT_EQ(queue.iosched.count("async_depth"), 0U);
}

TEST_P(OldKernel, TellsThatItDrivesAllDevicesAsScsiDisks) {
  const testing::Reading reading =
      testing::read("{" + machine(GetParam()) +
                    R"(,"devices":{"nb":{"model":"null_blk","queue":{"scheduler":"noop"}}}})");
  EXPECT_EQ(
      reading.findings,
      "note: a.json: /devices/nb/model: \"null_blk\" is a preliminary model: nothing has been "
      "compared with it yet\nnote: a.json: /devices/nb/model: the drivers of this kernel had no "
      "request queue for "
      "such a device; it is driven as a SCSI disk\n");
}

TEST_P(OldKernel, FsyncFlushesTheDeviceExceptIn2_6_18) {
  const JobRecord log =
      run("number_ios=4\nfsync=1\n", old_disk("noop", R"(,"write_cache":"write back")"));
  const auto took = log.ends.at(0).second - log.starts.at(0).second;
  EXPECT_EQ(took > milliseconds(4), std::string{GetParam()} == "3.6");
}

}  // namespace
}  // namespace wbsim::system
