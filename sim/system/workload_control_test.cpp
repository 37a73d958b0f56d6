#include "sim/system/workload_control.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"
#include "sim/system/system.hpp"

namespace wbsim::system {
namespace {

using testing::free_cpu;
using testing::Scenario;
using testing::scenario;

constexpr const char* kOneWrite = "[w]\nfilename=/dev/sda\nrw=write\nbs=1m\nsize=1m\n";
// 1 MiB at 10240 ns for each KiB.
constexpr SimDuration kOneMebibyte = nanoseconds(1024 * 10'240);

std::string actions(const std::string& list) { return "\"actions\":[" + list + "]"; }

// Runs until everything is finished. Keeps the machine, to be asked.
class Finished {
 public:
  explicit Finished(Scenario what) : scenario_{std::move(what)}, system_{make()} {
    system_->control().start();
    for (SimTime limit{}; !system_->control().finished() && limit < at(seconds(100));) {
      limit += milliseconds(10);
      system_->simulator().run(limit);
    }
    EXPECT_TRUE(system_->control().finished());
  }
  System& system() { return *system_; }
  [[nodiscard]] SimTime time() const { return system_->control().finished_at(); }

 private:
  std::unique_ptr<System> make() {
    return std::make_unique<System>(scenario_.config, scenario_.workload,
                                    std::vector<engine::Observer*>{&log});
  }
  Scenario scenario_;
  std::unique_ptr<System> system_;

 public:
  // Thresholds as the samples saw them.
  class Log final : public engine::Observer {
   public:
    void on_sample(const engine::StateSample& sample) override { samples.push_back(sample); }
    void on_job_end(int, SimTime time) override { job_end = time; }
    std::vector<engine::StateSample> samples;
    SimTime job_end{};
  } log;
};

TEST(WorkloadControl, FinishesWithTheLastJob) {
  Finished run{scenario(kOneWrite, free_cpu())};
  EXPECT_EQ(run.time(), SimTime{});
  EXPECT_FALSE(run.system().drained()) << "buffered data is nobody's business";
}

TEST(WorkloadControl, ASyncAfterTheWorkloadDrainsTheMachine) {
  Finished run{
      scenario(kOneWrite, free_cpu() + "," + actions(R"({"after":"workload","syscall":"sync"})"))};
  EXPECT_TRUE(run.system().drained());
  EXPECT_EQ(run.time(), SimTime{} + kOneMebibyte);
}

TEST(WorkloadControl, ASyncAtATimeIsWaitedForThoughJobsEndedLongBefore) {
  Finished run{scenario(kOneWrite, free_cpu() + "," + actions(R"({"at":"2s","syscall":"sync"})"))};
  EXPECT_TRUE(run.system().drained());
  EXPECT_EQ(run.time(), at(seconds(2)) + kOneMebibyte);
}

TEST(WorkloadControl, ActionsAfterTheWorkloadWaitForEveryGroup) {
  Finished run{scenario(std::string{kOneWrite} + "[late]\nstonewall\nstartdelay=3\n"
                                                 "filename=/dev/sda\nrw=write\nsize=4k\n",
                        free_cpu() + "," + actions(R"({"after":"workload","syscall":"sync"})"))};
  EXPECT_GE(run.time(), at(seconds(3)));
  EXPECT_TRUE(run.system().drained());
}

TEST(WorkloadControl, SysctlsChangeAtTheirTime) {
  Finished run{scenario("[w]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=1m\nrate=256k\n",
                        free_cpu() + "," +
                            actions(R"({"at":"1050ms","set":{"vm.dirty_bytes":4194304}},)"
                                    R"({"at":"2050ms","set":{"vm.dirty_bytes":8388608}})"))};
  ASSERT_GT(run.log.samples.size(), 35U);
  for (const engine::StateSample& sample : run.log.samples) {
    if (sample.time >= at(milliseconds(2050))) {
      EXPECT_EQ(sample.dirty_thresh, Pages{2048});
    } else if (sample.time >= at(milliseconds(1050))) {
      EXPECT_EQ(sample.dirty_thresh, Pages{1024});
    } else {
      EXPECT_GT(sample.dirty_thresh, Pages{10'000});
    }
  }
}

TEST(WorkloadControl, ActionsLaterThanTheJobsAreStillCarriedOut) {
  Finished run{
      scenario(kOneWrite, free_cpu() + "," + actions(R"({"at":"5s","set":{"vm.dirty_ratio":7}})"))};
  EXPECT_EQ(run.time(), at(seconds(5)));
}

TEST(WorkloadControl, SettingsAfterTheWorkloadComeBeforeTheSyncThatFollowsThem) {
  Finished run{scenario(kOneWrite, free_cpu() + "," +
                                       actions(R"({"after":"workload","set":{"vm.dirty_ratio":7}},)"
                                               R"({"after":"workload","syscall":"sync"})"))};
  EXPECT_TRUE(run.system().drained());
}

// The flusher would look for old data after a minute; a new interval writes everything at once.
TEST(WorkloadControl, ANewIntervalWakesTheFlushers) {
  const std::string vm = R"(,"vm":{"dirty_writeback_centisecs":6000},)";
  Finished without{scenario(kOneWrite, free_cpu() + vm + R"("workload":{"tail":"9s"},)" +
                                           actions(R"({"at":"8s","set":{"vm.dirty_ratio":7}})"))};
  EXPECT_FALSE(without.system().drained());
  Finished with{
      scenario(kOneWrite, free_cpu() + vm +
                              actions(R"({"at":"4s","set":{"vm.dirty_writeback_centisecs":100}},)"
                                      R"({"at":"8s","set":{"vm.dirty_ratio":7}})"))};
  EXPECT_TRUE(with.system().drained());
}

TEST(WorkloadControl, WithoutJobsActionsFollowAtOnce) {
  Finished run{
      scenario("", free_cpu() + "," + actions(R"({"after":"workload","syscall":"sync"})"))};
  EXPECT_EQ(run.time(), SimTime{});
}

TEST(WorkloadControl, DropCachesDropsWhatIsCleanOfThePageCacheOnly) {
  for (const int value : {1, 2, 3}) {
    Finished run{scenario("[w]\nfilename=/dev/sda\nrw=write\nbs=1m\nsize=2m\nend_fsync=1\n",
                          free_cpu() + "," +
                              actions(R"({"after":"workload","set":{"vm.drop_caches":)" +
                                      std::to_string(value) + "}}"))};
    const pagecache::VmStat& stat = run.system().vm_stat();
    EXPECT_EQ(stat.nr_inactive_file, value == 2 ? Pages{512} : Pages{0}) << value;
  }
}

}  // namespace
}  // namespace wbsim::system
