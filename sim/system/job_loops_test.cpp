// What a job does with the cache when it opens its file and each time it comes round, as fio 3.33
// was seen to do it, and what that does to time. The CPU costs nothing, a page 40.96 us.
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

constexpr SimDuration kPage = nanoseconds(4 * 10'240);

// Single pages: no readahead.
JobRecord read_16_pages(const std::string& lines) {
  return testing::run_logged(testing::scenario(
      "[r]\nfilename=/dev/sda\nrw=read\nsize=64k\nfadvise_hint=random\n" + lines, free_cpu()));
}

// Calls that took as long as the device does.
std::int64_t waited(const JobRecord& log) {
  return std::count_if(log.calls.begin(), log.calls.end(),
                       [](const auto& call) { return call.end - call.start >= kPage; });
}

TEST(JobLoops, EachOpensTheFileAnewAndReadsTheDeviceAgain) {
  const JobRecord log = read_16_pages("loops=3\n");
  EXPECT_EQ(log.calls.size(), 48U);
  EXPECT_EQ(waited(log), 48);
  EXPECT_EQ(waited(read_16_pages("loops=3\ninvalidate=0\n")), 16);
}

TEST(JobLoops, ATimeBasedJobInvalidatesWheneverItComesRound) {
  for (const char* rw : {"", "rw=randread\n"}) {
    const std::string lines = std::string{rw} + "time_based=1\nruntime=1\nrate_iops=40\n";
    const JobRecord log = read_16_pages(lines);
    EXPECT_EQ(log.calls.size(), 41U);
    EXPECT_EQ(waited(log), 41) << rw;
    EXPECT_EQ(waited(read_16_pages(lines + "invalidate=0\n")), 16) << rw;
  }
}

TEST(JobLoops, WithoutARandomMapThereIsOneLoop) {
  const JobRecord log = read_16_pages("rw=randread\nnorandommap\nloops=5\n");
  EXPECT_EQ(log.calls.size(), 80U);
  EXPECT_LE(waited(log), 16);
}

// Each direction comes round by itself, and both read what the other's turn has dropped.
TEST(JobLoops, ATimeBasedJobGoesPastIoSizeAndNumberIos) {
  for (const char* limit : {"io_size=16k\n", "number_ios=3\n"}) {
    const std::string lines = "time_based=1\nruntime=1\nrate_iops=40\n";
    EXPECT_EQ(read_16_pages(lines + limit).calls.size(), 41U) << limit;
  }
}

// A buffered reader's pages stay cached while a direct job goes round and round.
TEST(JobLoops, ADirectJobInvalidatesOnlyWhenItOpens) {
  const JobRecord log = testing::run_logged(testing::scenario(
      "[global]\nfilename=/dev/sda\nbs=4k\nsize=64k\ntime_based=1\nruntime=1\nrate_iops=40\n"
      "fadvise_hint=random\n[r]\nrw=read\ninvalidate=0\n[w]\nrw=write\ndirect=1\noffset=1m\n",
      free_cpu()));
  const auto reads = log.of_kind(SyscallKind::kRead);
  EXPECT_EQ(reads.size(), 41U);
  EXPECT_EQ(std::count_if(reads.begin(), reads.end(),
                          [](const auto& call) { return call.end - call.start >= kPage; }),
            16);
}

TEST(JobLoops, AnIoSizeBelowSizeTimesLoopsIsOneLoop) {
  const JobRecord log = read_16_pages("io_size=16k\nloops=3\n");
  ASSERT_EQ(log.calls.size(), 12U);
  EXPECT_EQ(log.calls.back().offset, FileOffset{11 * 4096});
}

TEST(JobLoops, AnIoSizeAboveSizeOpensTheFileForEachPass) {
  const JobRecord log = read_16_pages("io_size=160k\n");
  EXPECT_EQ(log.calls.size(), 40U);
  EXPECT_EQ(waited(log), 40);
}

TEST(JobLoops, HolesEndAJobAtTheEndOfItsRegion) {
  const JobRecord log = read_16_pages("rw=read:4k\n");
  ASSERT_EQ(log.calls.size(), 8U);
  EXPECT_EQ(log.calls.back().offset, FileOffset{14 * 4096});
}

// The second job's open writes back 100 MB: one second.
testing::Scenario slow_open(const std::string& lines) {
  return testing::scenario(
      "[global]\nfilename=/dev/sda\nrw=write\nbs=4k\n[a]\nsize=100m\n[b]\nstonewall\nsize=64k\n"
      "time_based=1\nrate_iops=10\n" +
          lines,
      free_cpu() + R"(,"vm":{"dirty_background_ratio":50,"dirty_ratio":60})");
}

TEST(JobRuntime, CountsFromBeforeTheInvalidation) {
  const JobRecord log = testing::run_logged(slow_open("runtime=3\n"));
  ASSERT_EQ(log.starts.size(), 2U);
  EXPECT_EQ(log.starts[1].second, log.ends[0].second);
  EXPECT_EQ(log.ends[1].second - log.starts[1].second, seconds(3));
  const auto first = std::find_if(log.calls.begin(), log.calls.end(),
                                  [](const auto& call) { return call.job == 1; });
  EXPECT_GT(first->start - log.starts[1].second, seconds(1));
}

// fio 3.33 with an invalidation of 1.5 s and runtime=1: one I/O, run=1501msec.
TEST(JobRuntime, OneIoFollowsAnInvalidationThatTookLonger) {
  const JobRecord log = testing::run_logged(slow_open("runtime=1\n"));
  EXPECT_EQ(std::count_if(log.calls.begin(), log.calls.end(),
                          [](const auto& call) { return call.job == 1; }),
            1);
  EXPECT_GT(log.ends[1].second - log.starts[1].second, seconds(1));
}

// Two direct jobs that keep one server busy, of the given priorities: I/Os of each.
std::pair<std::size_t, std::size_t> shares(const std::string& kernel, const std::string& first,
                                           const std::string& second) {
  const JobRecord log = testing::run_logged(testing::scenario(
      "[global]\nfilename=/dev/sda\nrw=randread\ndirect=1\nsize=512m\nioengine=libaio\niodepth=4\n"
      "runtime=2\n[a]\n" +
          first + "[b]\n" + second,
      free_cpu() + R"(,"kernel":")" + kernel + "\"",
      R"({"sda":{"size":"1GiB","channels":1,"depth":1,"read":"1ms","per_kib":"0ns",)"
      R"("queue":{"scheduler":"mq-deadline","nr_requests":64,"wbt_lat_usec":0}}})"));
  const auto of_job = [&log](int job) {
    return static_cast<std::size_t>(
        std::count_if(log.calls.begin(), log.calls.end(),
                      [job](const engine::SyscallTrace& call) { return call.job == job; }));
  };
  return {of_job(0), of_job(1)};
}

TEST(JobPriority, MqDeadlineOf6_1ServesTheHigherClassAlone) {
  for (const char* higher : {"prioclass=1\n", "prioclass=2\n", "prio=7\n", ""}) {
    const auto [a, b] = shares("6.1", higher, "prioclass=3\n");
    EXPECT_GT(a, 1950U) << higher;
    EXPECT_LT(b, 20U) << higher;
  }
}

TEST(JobPriority, LevelsOfOneClassAreAlikeToMqDeadline) {
  const auto [a, b] = shares("6.1", "prio=0\n", "prio=7\n");
  EXPECT_NEAR(static_cast<double>(a), static_cast<double>(b), 100);
}

TEST(JobPriority, MqDeadlineOf5_10KnowsNone) {
  const auto [a, b] = shares("5.10", "prioclass=1\n", "prioclass=3\n");
  EXPECT_NEAR(static_cast<double>(a), static_cast<double>(b), 100);
}

}  // namespace
}  // namespace wbsim::system
