// Jobs with direct and asynchronous I/O, seen from outside: on a machine whose CPU costs nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using engine::SyscallKind;
using testing::free_cpu;
using testing::JobRecord;

// Four servers, 1 ms for each I/O whatever its size.
constexpr const char* kFourServers =
    R"({"sda":{"size":"1GiB","channels":4,"read":"1ms","write":"1ms","per_kib":"0ns",)"
    R"("queue":{"scheduler":"none","wbt_lat_usec":0}}})";

// One server: I/Os end one after the other.
constexpr const char* kOneServer =
    R"({"sda":{"size":"1GiB","channels":1,"read":"1ms","write":"1ms","per_kib":"0ns",)"
    R"("queue":{"scheduler":"none","wbt_lat_usec":0}}})";

JobRecord run_direct_job(const std::string& lines, const char* disk = kFourServers) {
  return testing::run_logged(testing::scenario(
      "[m]\nfilename=/dev/sda\nrw=randwrite\ndirect=1\nsize=512m\n" + lines, free_cpu(), disk));
}

SimDuration runtime_of(const JobRecord& log) {
  return log.ends.at(0).second - log.starts.at(0).second;
}

// I/Os whose submission had returned and that were not collected yet, at most.
std::size_t most_under_way(const std::vector<engine::SyscallTrace>& calls) {
  std::size_t most = 0;
  for (const engine::SyscallTrace& call : calls) {
    most = std::max(most, static_cast<std::size_t>(
                              std::count_if(calls.begin(), calls.end(), [&call](const auto& other) {
                                return other.start <= call.start && other.end > call.start;
                              })));
  }
  return most;
}

TEST(DirectJob, OneAtATimeTakesTheDevicesTime) {
  const JobRecord log = run_direct_job("number_ios=40\n");
  EXPECT_EQ(log.writes().size(), 40U);
  EXPECT_EQ(runtime_of(log), milliseconds(40));
  EXPECT_FALSE(log.writes().front().submission);
}

TEST(DirectJob, ReadsAreReportedAsReads) {
  const JobRecord log = run_direct_job("rw=randread\nnumber_ios=8\n");
  EXPECT_EQ(log.of_kind(SyscallKind::kRead).size(), 8U);
  EXPECT_TRUE(log.writes().empty());
}

TEST(AsyncJob, KeepsIodepthIosUnderWay) {
  for (const std::string engine : {"libaio", "io_uring"}) {
    const JobRecord log = run_direct_job("ioengine=" + engine + "\niodepth=4\nnumber_ios=40\n");
    EXPECT_EQ(log.writes().size(), 40U) << engine;
    EXPECT_EQ(runtime_of(log), milliseconds(10)) << engine;  // four servers
    EXPECT_EQ(most_under_way(log.writes()), 4U) << engine;
    EXPECT_TRUE(log.writes().front().submission.has_value()) << engine;
  }
}

TEST(AsyncJob, GainsNothingBeyondWhatTheDeviceServesAtOnce) {
  EXPECT_EQ(runtime_of(run_direct_job("ioengine=libaio\niodepth=16\nnumber_ios=40\n")),
            milliseconds(10));
}

// Four are collected together and submitted together: one batch a millisecond.
TEST(AsyncJob, SubmitsAndCollectsInBatches) {
  const JobRecord log = run_direct_job(
      "ioengine=libaio\niodepth=4\niodepth_batch_submit=4\niodepth_batch_complete_min=4\n"
      "number_ios=16\n");
  const auto writes = log.writes();
  ASSERT_EQ(writes.size(), 16U);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    EXPECT_EQ(writes[i].start, writes[i / 4 * 4].start);
    EXPECT_EQ(writes[i].end, writes[i / 4 * 4].start + milliseconds(1));
  }
}

// A full queue of 8 is emptied to 2 before more is submitted.
TEST(AsyncJob, EmptiesAFullQueueDownToIodepthLow) {
  const auto writes =
      run_direct_job("ioengine=libaio\niodepth=8\niodepth_low=2\nnumber_ios=32\n", kOneServer)
          .writes();
  ASSERT_EQ(writes.size(), 32U);
  const SimTime ninth_begins = writes[8].start;
  EXPECT_EQ(std::count_if(writes.begin(), writes.end(),
                          [&](const auto& call) { return call.end <= ninth_begins; }),
            6);
}

TEST(AsyncJob, WaitsForEverythingBeforeItThinks) {
  const auto writes =
      run_direct_job(
          "ioengine=libaio\niodepth=4\nthinktime=5ms\nthinktime_blocks=4\nnumber_ios=8\n")
          .writes();
  ASSERT_EQ(writes.size(), 8U);
  EXPECT_EQ(writes[4].start - writes[3].end, milliseconds(5));
}

// Each is collected when it ends: fio's clat is the request's time, not that of the longest wait.
TEST(AsyncJob, TakesCompletionsAsTheyComeBeforeItThinks) {
  const auto writes = run_direct_job(
                          "ioengine=libaio\niodepth=8\nthinktime=50ms\nthinktime_blocks=4\n"
                          "number_ios=8\n",
                          kOneServer)
                          .writes();
  ASSERT_EQ(writes.size(), 8U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(writes[i].end - writes[i].start, milliseconds(static_cast<std::int64_t>(i) + 1));
  }
}

// When each request ended.
class Completions final : public engine::Observer {
 public:
  void on_request(engine::RequestStep step, const engine::RequestTrace& request) override {
    if (step == engine::RequestStep::kComplete) {
      times.push_back(request.time);
    }
  }
  std::vector<SimTime> times;
};

TEST(AsyncJob, LatenciesOfARateAreThoseOfItsRequests) {
  const testing::Scenario s = testing::scenario(
      "[m]\nfilename=/dev/sda\nrw=randread\ndirect=1\nsize=512m\nioengine=libaio\niodepth=32\n"
      "rate_iops=700\nrate_process=poisson\nnumber_ios=500\n",
      free_cpu(), kOneServer);
  testing::JobLog log;
  Completions requests;
  RunOptions options;
  options.observers = {&log, &requests};
  run_system(s.config, s.workload, options);
  const auto reads = log.record.of_kind(SyscallKind::kRead);
  ASSERT_EQ(reads.size(), 500U);
  ASSERT_EQ(requests.times.size(), 500U);
  std::size_t waited = 0;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    // At its end a job waits for all and gives them one time, as fio does.
    EXPECT_EQ(reads[i].end,
              reads[i].end < reads.back().end ? requests.times[i] : requests.times.back());
    waited += reads[i].end - reads[i].start > milliseconds(1) ? 1 : 0;
  }
  EXPECT_GT(waited, 100U) << "several were under way";
}

TEST(AsyncJob, EndsWhenAllItsIosHave) {
  const JobRecord log = run_direct_job("ioengine=libaio\niodepth=4\ntime_based=1\nruntime=1\n");
  const auto writes = log.writes();
  EXPECT_EQ(log.ends[0].second, writes.back().end);
  EXPECT_GE(writes.size(), 4000U);
  EXPECT_LE(writes.size(), 4004U);
}

TEST(MixedJob, ReadsAndWritesByPercent) {
  const JobRecord log =
      run_direct_job("rw=randrw\nrwmixread=75\nioengine=libaio\niodepth=4\nnumber_ios=2000\n");
  EXPECT_NEAR(static_cast<double>(log.of_kind(SyscallKind::kRead).size()), 1500, 80);
}

// The slower direction does not hold back the other one.
TEST(MixedJob, EachDirectionKeepsItsRate) {
  const JobRecord log = run_direct_job("rw=randrw\nrate_iops=200,50\ntime_based=1\nruntime=2\n");
  EXPECT_NEAR(static_cast<double>(log.of_kind(SyscallKind::kRead).size()), 400, 3);
  EXPECT_NEAR(static_cast<double>(log.writes().size()), 100, 3);
}

TEST(PacedJob, PoissonKeepsItsRateOnAverageUnevenly) {
  const auto writes =
      run_direct_job("rate_iops=200\nrate_process=poisson\ntime_based=1\nruntime=10\n").writes();
  EXPECT_NEAR(static_cast<double>(writes.size()), 2000, 140);
  SimDuration longest{};
  for (std::size_t i = 1; i < writes.size(); ++i) {
    longest = std::max(longest, writes[i].start - writes[i - 1].start);
  }
  EXPECT_GT(longest, milliseconds(20));  // four times the mean
}

TEST(RampTime, IsNotCountedAndComesOnTopOfRuntime) {
  const JobRecord log = run_direct_job("ramp_time=1\ntime_based=1\nruntime=2\n");
  EXPECT_EQ(runtime_of(log), seconds(2));
  EXPECT_EQ(log.writes().size(), 2000U);
  EXPECT_GE(log.writes().front().start, log.starts[0].second);
  const JobRecord without = run_direct_job("time_based=1\nruntime=2\n");
  EXPECT_EQ(log.starts[0].second - without.starts[0].second, seconds(1));
}

}  // namespace
}  // namespace wbsim::system
