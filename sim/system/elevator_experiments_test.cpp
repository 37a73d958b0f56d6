// What others measured of elevators, or a real kernel showed: each with its bound, its direction,
// and the change that makes the effect disappear.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "sim/system/experiment_test_util.hpp"
#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

struct Result {
  std::vector<double> bandwidth;  // bytes a second of each job
  std::vector<SimDuration> took;  // of each job
  engine::MergeCounts merges;     // of bios, of the first device
  // Of the first `jobs`, or all.
  [[nodiscard]] double total(std::ptrdiff_t jobs = 0) const {
    return std::accumulate(bandwidth.begin(), jobs > 0 ? bandwidth.begin() + jobs : bandwidth.end(),
                           0.0);
  }
};

class ResultLog final : public engine::Observer {
 public:
  void on_syscall(const engine::SyscallTrace& call) override {
    bytes_.resize(std::max(bytes_.size(), static_cast<std::size_t>(call.job) + 1));
    bytes_[static_cast<std::size_t>(call.job)] += call.length;
  }
  void on_job_start(int job, SimTime time) override {
    starts_.resize(std::max(starts_.size(), static_cast<std::size_t>(job) + 1));
    starts_[static_cast<std::size_t>(job)] = time;
  }
  void on_job_end(int job, SimTime time) override {
    result.took.resize(std::max(result.took.size(), static_cast<std::size_t>(job) + 1));
    result.took[static_cast<std::size_t>(job)] = time - starts_[static_cast<std::size_t>(job)];
  }
  void on_queue_totals(const engine::QueueTotals& totals) override { result.merges = totals.bios; }

  Result finish() {
    for (std::size_t job = 0; job < result.took.size(); ++job) {
      result.bandwidth.push_back(static_cast<double>(bytes_[job].count()) * 1e9 /
                                 static_cast<double>(result.took[job].count()));
    }
    return result;
  }
  Result result;

 private:
  std::vector<Bytes> bytes_;
  std::vector<SimTime> starts_;
};

Result simulate(const testing::Scenario& scenario) {
  ResultLog log;
  RunOptions options;
  options.observers = {&log};
  run_system(scenario.config, scenario.workload, options);
  return log.finish();
}

// An experiment of configs/, with these settings, and with `from` of its jobs replaced by `to`.
Result experiment(const std::string& name, const std::vector<std::string>& sets = {},
                  const std::string& from = "", const std::string& to = "") {
  return simulate(testing::experiment(name, sets, from, to));
}

double merged_share(const Result& result) {
  return static_cast<double>(result.merges.merged) / static_cast<double>(result.merges.attempts);
}

// Linux commit a6088845c2bf (4.18), "make kyber more friendly with merging": 606 to 1083 MB/s and 0
// to 223 000 merges of 524 288 at sequential, 612 to 616 MB/s at random I/O, with 256 MiB a job.
TEST(KyberMerging, NearlyDoublesWhatSequentialReadersGet) {
  const std::string all = "size=256m";
  const std::string some = "size=32m";
  const std::string nomerges = "devices.nvme0n1.queue.nomerges=2";
  const Result merging = experiment("kyber-merging", {}, all, some);
  const Result without = experiment("kyber-merging", {nomerges}, all, some);
  EXPECT_NEAR(merged_share(merging), 223.0 / 524.0, 0.1);
  EXPECT_EQ(without.merges.merged, 0);
  EXPECT_NEAR(merging.total() / without.total(), 1083.0 / 606.0, 0.25 * 1083.0 / 606.0);
}

TEST(KyberMerging, DoesNothingForRandomReaders) {
  const std::string all = "size=256m\nnumjobs=8\ngroup_reporting=1\n[readers]\nrw=read";
  const std::string some = "size=32m\nnumjobs=8\ngroup_reporting=1\n[readers]\nrw=randread";
  const Result merging = experiment("kyber-merging", {}, all, some);
  const Result without =
      experiment("kyber-merging", {"devices.nvme0n1.queue.nomerges=2"}, all, some);
  EXPECT_LT(merged_share(merging), 3.0 / 524.0);
  EXPECT_NEAR(merging.total() / without.total(), 616.0 / 612.0, 0.01);
}

// Split-level I/O scheduling (Yang et al., SOSP 2015): priorities at the block layer cannot tell
// buffered writers apart.
TEST(BufferedPriorities, HaveNoEffect) {
  const Result buffered = experiment("buffered-priorities");
  EXPECT_NEAR(buffered.bandwidth[0] / buffered.bandwidth[1], 1, 0.05);
  const Result direct = experiment("buffered-priorities", {}, "[high]", "direct=1\n[high]");
  EXPECT_GT(direct.bandwidth[0] / direct.bandwidth[1], 7);
}

// The bfq author's start-up benchmark: 0.21 s under bfq, 1.9 s under deadline and noop, where the
// readers get 399 to 400 MB/s under all three.
TEST(BfqStartUp, TakesAFractionOfTheTimeAtTheSameThroughput) {
  const Result bfq = experiment("bfq-startup");
  const Result deadline = experiment("bfq-startup", {"devices.sda.queue.scheduler=mq-deadline"});
  const Result none = experiment("bfq-startup", {"devices.sda.queue.scheduler=none"});
  const SimDuration start = bfq.took.back();
  EXPECT_GT(deadline.took.back(), start * 9);
  EXPECT_GT(none.took.back(), start * 9);
  constexpr std::ptrdiff_t kReaders = 10;
  EXPECT_NEAR(bfq.total(kReaders) / deadline.total(kReaders), 1, 0.01);
  EXPECT_NEAR(bfq.total(kReaders) / none.total(kReaders), 1, 0.01);
}

TEST(BfqStartUp, IsNoFasterWithoutWeightRaising) {
  const Result raised = experiment("bfq-startup");
  const Result plain = experiment("bfq-startup", {"devices.sda.queue.iosched.low_latency=0"});
  EXPECT_GT(plain.took.back(), raised.took.back() * 9);
}

// Two readers with priorities 4 and 6, weights 40 and 20, on a saturated disk.
Result two_readers(const std::string& kernel, const std::string& iosched) {
  return simulate(testing::scenario(
      "[global]\nfilename=/dev/sda\ndirect=1\nioengine=psync\nbs=64k\nsize=8g\nrw=read\n"
      "time_based=1\nruntime=8\n[high]\nprio=4\n[low]\noffset=8g\nprio=6\n",
      R"("kernel":")" + kernel + R"(","cpus":1,"memory":{"total":"1GiB"})",
      R"({"sda":{"use":"devices/simdisk-100mbps.json","queue":{"scheduler":"bfq",)"
      R"("wbt_lat_usec":0,"iosched":{"low_latency":0)" +
          iosched + "}}}}"));
}

TEST(BfqShares, FollowTheWeightsWhereNothingIsInjected) {
  for (const char* kernel : {"5.10", "6.1"}) {
    const Result result = two_readers(kernel, R"(,"strict_guarantees":1)");
    EXPECT_NEAR(result.bandwidth[0] / result.total(), 2.0 / 3, 0.05 * 2 / 3);
    EXPECT_NEAR(result.bandwidth[1] / result.total(), 1.0 / 3, 0.05 / 3);
  }
}

// By default the one with the larger weight gets more than that. Debian's 6.1.0-56 on the same disk
// gave 75 782 and 19 589 KiB a second.
TEST(BfqShares, ByDefaultAreThoseOfTheRealKernel) {
  const Result result = two_readers("6.1", "");
  EXPECT_NEAR(result.bandwidth[0] / 1024, 75'782, 0.03 * 75'782);
  EXPECT_NEAR(result.bandwidth[1] / 1024, 19'589, 0.03 * 19'589);
}

}  // namespace
}  // namespace wbsim::system
