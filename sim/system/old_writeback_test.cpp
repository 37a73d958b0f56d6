// Buffered jobs of old kernels, and of old writeback on new block layers and the other way round.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sim/system/config_test_util.hpp"
#include "sim/system/run.hpp"
#include "sim/system/scenario_test_util.hpp"
#include "sim/system/system.hpp"

namespace wbsim::system {
namespace {

// Dirty memory over time, and what passes to and fro.
class DirtyLog final : public engine::Observer {
 public:
  void on_sample(const engine::StateSample& sample) override {
    const Pages dirty = sample.nr_dirty + sample.nr_writeback;
    peak = std::max(peak, dirty);
    thresh = sample.dirty_thresh;
    background = sample.background_thresh;
  }
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& turn) override {
    ++turns;
    longest_pause = std::max(longest_pause, turn.pause);
  }
  void on_single_inode(const engine::SingleInode& inode) override {
    const std::string_view who = inode.task.comm;
    if (who.starts_with("pdflush") || who.starts_with("flush-") || who.starts_with("kworker")) {
      by_flushers += inode.wrote;
    } else if (who == "bdi-default") {
      by_forker += inode.wrote;
    } else if (who != "sh") {  // that is the one of sync(2)
      by_writers += inode.wrote;
    }
  }

  Pages peak{0};
  Pages thresh{0};
  Pages background{0};
  int turns = 0;
  std::int64_t longest_pause = 0;
  Pages by_flushers{0};
  Pages by_forker{0};
  Pages by_writers{0};
};

std::string old_disks(const std::string& scheduler) {
  const auto disk_named = [&scheduler](const std::string& name) {
    return "\"" + name + R"(":{"size":"1GiB","per_kib":"10240ns","queue":{"scheduler":")" +
           scheduler + "\"}}";
  };
  return "{" + disk_named("sda") + "," + disk_named("sdb") + "}";
}

std::string scheduler_of(const std::string& kernel) {
  return kernel == "2.6.18" || kernel == "3.6" ? "deadline" : "mq-deadline";
}

constexpr const char* kTwoWriters =
    "[global]\nrw=write\nbs=64k\nsize=512m\ntime_based=1\nruntime=3\n"
    "[a]\nfilename=/dev/sda\n[b]\nfilename=/dev/sdb\nrw=randwrite\nbs=4k\nsize=64m\n";

// Runs to the end of jobs and sync(2) and some time more; everything is written then.
void run_to_the_end(const testing::Scenario& made, DirtyLog& log) {
  System system{made.config, made.workload, {&log}};
  system.simulator().set_watchdog(1'000'000);
  WorkloadControl& control = system.control();
  control.start();
  for (SimTime limit{}; !control.finished() || limit < control.finished_at() + seconds(5);) {
    limit += milliseconds(50);
    ASSERT_LT(limit, SimTime{seconds(120)});
    system.simulator().run(std::max(limit, system.simulator().now()));
    system.check_invariants();
  }
  EXPECT_TRUE(system.drained());
}

std::string members_of(const std::string& kernel, const std::string& profile = "") {
  return R"("kernel":")" + kernel +
         R"(","memory":{"total":"256MiB"},"actions":[{"after":"workload","syscall":"sync"}])" +
         (profile.empty() ? "" : R"(,"profile":{)" + profile + "}");
}

using Choice = std::tuple<const char*, const char*, const char*>;
class AnyWriteback : public ::testing::TestWithParam<Choice> {};
INSTANTIATE_TEST_SUITE_P(
    All, AnyWriteback,
    ::testing::Combine(::testing::Values("2.6.18", "3.6", "5.10", "6.1"),
                       ::testing::Values("pdflush", "bdi-threads", "work-queue"),
                       ::testing::Values("write-back", "write-back-per-device", "pause")));

TEST_P(AnyWriteback, HoldsWritersBackAndWritesEverything) {
  const auto [kernel, flusher, action] = GetParam();
  const std::string profile =
      std::string{R"("flusher":")"} + flusher + R"(","throttle_action":")" + action + "\"";
  DirtyLog log;
  run_to_the_end(
      testing::scenario(kTwoWriters, members_of(kernel, profile), old_disks(scheduler_of(kernel))),
      log);
  EXPECT_GT(log.turns, 0);
  // A device may keep for a while what its share was before the other's grew.
  const int percent_over = std::string{action} == "write-back-per-device" ? 25 : 10;
  EXPECT_LE(log.peak, log.thresh * (100 + percent_over) / 100);
  EXPECT_GT(log.by_flushers, Pages{0});
  EXPECT_EQ(log.by_writers > Pages{0}, std::string{action} != "pause");
}

testing::Scenario stream_of(const std::string& kernel, const std::string& profile = "") {
  return testing::scenario(
      "[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=900m\ntime_based=1\nruntime=6\n",
      members_of(kernel, profile), old_disks(scheduler_of(kernel)));
}

TEST(OldWriteback, V2618DirtiesMemoryUpToTheLimit) {
  DirtyLog log;
  run_to_the_end(stream_of("2.6.18"), log);
  EXPECT_GT(log.peak, log.thresh * 98 / 100);
  EXPECT_GT(log.thresh.count(), 65'536 * 36 / 100) << "40 % of all memory";
  EXPECT_GT(log.by_writers, log.by_flushers);
}

TEST(OldWriteback, V36HoldsItBetweenTheThresholds) {
  DirtyLog log;
  run_to_the_end(stream_of("3.6"), log);
  EXPECT_GT(log.peak, (log.thresh + log.background) / 2);
  EXPECT_LT(log.peak, log.thresh);
  EXPECT_LT(log.thresh.count(), 65'536 * 20 / 100);
  EXPECT_EQ(log.by_writers, Pages{0});
}

TEST(OldWriteback, TheForkerWritesWhereItCannotMakeAThread) {
  testing::Scenario made = stream_of("3.6");
  made.config.boot.fork_failures = 3;
  DirtyLog log;
  run_to_the_end(made, log);
  EXPECT_GE(log.by_forker, Pages{3 * 1024});
  EXPECT_GT(log.by_flushers, log.by_forker);
}

TEST(OldWriteback, FsyncAndSyncReturnWhenTheDataIsOnTheDevice) {
  for (const char* kernel : {"2.6.18", "3.6"}) {
    const testing::JobRecord record = testing::run_logged(
        testing::scenario("[w]\nfilename=/dev/sda\nrw=write\nbs=1m\nsize=16m\nfsync=4\n",
                          testing::free_cpu() + "," + members_of(kernel), old_disks("noop")));
    const auto fsyncs = record.of_kind(engine::SyscallKind::kFsync);
    ASSERT_EQ(fsyncs.size(), 4U) << kernel;
    for (const engine::SyscallTrace& call : fsyncs) {
      // 4 MiB at 100 MB/s, in requests of 512 KiB that wait for the queue's plug at most.
      EXPECT_GE(call.end - call.start, milliseconds(40)) << kernel;
      EXPECT_LE(call.end - call.start, milliseconds(60)) << kernel;
    }
  }
}

TEST(OldWriteback, RunsAreTheSameBytesTwice) {
  for (const char* kernel : {"2.6.18", "3.6"}) {
    EXPECT_EQ(testing::fingerprint(stream_of(kernel)), testing::fingerprint(stream_of(kernel)));
  }
}

}  // namespace
}  // namespace wbsim::system
