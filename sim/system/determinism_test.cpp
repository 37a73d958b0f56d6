// Equal configuration and seed give equal events, at the same nanoseconds, whatever the simulator
// does to be fast and whoever looks on.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>

#include "sim/report/metrics.hpp"
#include "sim/report/timeseries.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/scenario_test_util.hpp"
#include "sim/system/system.hpp"

namespace wbsim::system {
namespace {

using testing::disk;
using testing::fingerprint;
using testing::Scenario;
using testing::scenario;

struct Case {
  const char* name;
  const char* fio;
  const char* members;
  std::string devices = disk();
};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.name; }

constexpr const char* kStream =
    "[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=1g\ntime_based=1\nruntime=4\n";
constexpr const char* kRandom =
    "[w]\nfilename=/dev/sda\nrw=randwrite\nbs=4k\nsize=256m\ntime_based=1\nruntime=3\n";
constexpr const char* kFsync =
    "[log]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=64m\nfsync=32\nruntime=2\n"
    "[bulk]\nfilename=/dev/sda\nrw=write\nbs=64k\noffset=128m\nsize=256m\nruntime=2\n";
constexpr const char* kOsync =
    "[w]\nfilename=/dev/sda\nrw=write\nbs=8k\nsize=64m\nsync=1\nnumber_ios=500\n";
constexpr const char* kWriters =
    "[w]\nfilename=/dev/sda\nrw=write\nbs=16k\nsize=128m\noffset_increment=128m\nnumjobs=6\n"
    "time_based=1\nruntime=2\n";
constexpr const char* kRate =
    "[w]\nfilename=/dev/sda\nrw=randwrite\nbs=16k\nrate=40m\ntime_based=1\nruntime=3\n";
constexpr const char* kTwoDisks =
    "[a]\nfilename=/dev/sda\nrw=write\nbs=64k\ntime_based=1\nruntime=2\n"
    "[b]\nfilename=/dev/sdb\nrw=write\nbs=64k\ntime_based=1\nruntime=2\n";
constexpr const char* kSmall = R"("memory":{"total":"128MiB"})";
constexpr const char* kSmall61 = R"("kernel":"6.1","memory":{"total":"128MiB"})";

std::string cached_disk() { return disk(R"("flush":"2ms")", R"("write_cache":"write back")"); }
std::string two_disks() {
  return R"({"sda":{"size":"1GiB","per_kib":"10240ns","queue":{"scheduler":"none"}},)"
         R"("sdb":{"size":"1GiB","per_kib":"40960ns","seek":"1ms",)"
         R"("queue":{"scheduler":"none","nr_requests":4}}})";
}

const auto kCases = ::testing::Values(
    Case{"Stream510", kStream, kSmall}, Case{"Stream61", kStream, kSmall61},
    Case{"Random510", kRandom, kSmall, disk(R"("seek":"200us")")},
    Case{"Random61", kRandom, kSmall61, disk(R"("seek":"200us")")},
    Case{"Fsync510", kFsync, kSmall, cached_disk()},
    Case{"Fsync61", kFsync, kSmall61, cached_disk()},
    Case{"Osync61", kOsync, kSmall61, cached_disk()}, Case{"Writers1", kWriters, kSmall},
    Case{"Writers4", kWriters, R"("cpus":4,"memory":{"total":"128MiB"})"},
    Case{"Writers4of61", kWriters, R"("kernel":"6.1","cpus":4,"memory":{"total":"128MiB"})"},
    Case{"Rate", kRate, kSmall61, disk(R"("seek":"50us")")},
    Case{"TwoDisks", kTwoDisks, kSmall, two_disks()},
    Case{"SysctlsInMidRun", kStream,
         R"("memory":{"total":"128MiB"},"actions":[{"at":"1s","set":{"vm.dirty_bytes":4194304}},)"
         R"({"at":"2s","set":{"vm.dirty_ratio":40}},{"after":"workload","syscall":"sync"}])"});

Scenario of(const Case& c) { return scenario(c.fio, c.members, c.devices); }

class Determinism : public ::testing::TestWithParam<Case> {};

TEST_P(Determinism, TwoRunsAreEqual) {
  const Scenario s = of(GetParam());
  EXPECT_EQ(fingerprint(s), fingerprint(s));
}

TEST_P(Determinism, BatchingChangesNothing) {
  Scenario s = of(GetParam());
  const std::string with = fingerprint(s);
  s.config.optimisation.batching = false;
  EXPECT_EQ(with, fingerprint(s));
}

TEST_P(Determinism, BioRunsChangeNothing) {
  Scenario s = of(GetParam());
  const std::string with = fingerprint(s);
  s.config.optimisation.bio_runs = false;
  EXPECT_EQ(with, fingerprint(s));
  s.config.optimisation.batching = false;
  EXPECT_EQ(with, fingerprint(s));
}

// Everything that a run leaves behind, as one text.
std::string final_state(System& system) {
  const pagecache::VmStat& stat = system.vm_stat();
  std::string text;
  for (const std::int64_t n :
       {system.control().finished_at().time_since_epoch().count(), stat.nr_file_dirty.sum(),
        stat.nr_file_dirty.read(), stat.nr_writeback.sum(), stat.nr_dirtied.sum(),
        stat.nr_written.sum(), stat.nr_written.read(), stat.nr_free.count(),
        stat.nr_inactive_file.count(), stat.nr_active_file.count()}) {
    text += std::to_string(n) + " ";
  }
  for (std::size_t i = 0; i < system.devices(); ++i) {
    const block::RequestQueueStats& queue = system.queue_stats(i);
    for (const std::int64_t n :
         {queue.bios, queue.back_merges, queue.front_merges, queue.requests, queue.flushes}) {
      text += std::to_string(n) + " ";
    }
  }
  return text;
}

constexpr SimTime kLongEnough = at(seconds(8));

std::string final_state_of(const Scenario& s, const std::vector<engine::Observer*>& observers) {
  System system{s.config, s.workload, observers};
  system.control().start();
  system.simulator().run(kLongEnough);
  return final_state(system);
}

TEST_P(Determinism, ObserversChangeNothing) {
  Scenario s = of(GetParam());
  const std::string unseen = final_state_of(s, {});
  const report::RunInfo info = describe_run(s.config, s.workload, "test");
  report::Metrics metrics{info};
  report::TimeSeries series{info, nullptr, report::TimeSeries::Keep::kSamples};
  report::EventDigest digest;
  EXPECT_EQ(unseen, final_state_of(s, {&metrics, &series, &digest}));
  // Samples split what runs ahead of events: any interval gives the same.
  s.config.output.interval = milliseconds(1);
  report::EventDigest again;
  EXPECT_EQ(unseen, final_state_of(s, {&again}));
  EXPECT_EQ(report::to_string(digest.finish()), report::to_string(again.finish()));
}

// Two machines in one process, advanced in turns and made in both orders, do not see each other.
// Under ThreadSanitizer (preset tsan) also proof that they share no memory.
TEST_P(Determinism, SystemsInTwoThreadsAreIndependent) {
  const Scenario s = of(GetParam());
  std::array<decltype(fingerprint(s)), 2> results{};
  {
    const std::jthread one{[&] { results[0] = fingerprint(s); }};
    const std::jthread other{[&] { results[1] = fingerprint(s); }};
  }
  EXPECT_EQ(results[0], fingerprint(s));
  EXPECT_EQ(results[1], results[0]);
}

TEST_P(Determinism, SystemsInOneProcessAreIndependent) {
  const Scenario s = of(GetParam());
  const Scenario other = scenario(kStream, R"("kernel":"6.1","memory":{"total":"96MiB"})");
  const std::string alone = final_state_of(s, {});
  const std::string other_alone = final_state_of(other, {});
  for (const bool first : {true, false}) {
    std::unique_ptr<System> mine;
    std::unique_ptr<System> theirs;
    for (const bool make_mine : {first, !first}) {
      (make_mine ? mine : theirs) = std::make_unique<System>(
          make_mine ? s.config : other.config, make_mine ? s.workload : other.workload,
          std::vector<engine::Observer*>{});
    }
    mine->control().start();
    theirs->control().start();
    for (SimTime now{}; now < kLongEnough; now += milliseconds(7)) {
      mine->simulator().run(std::min(now + milliseconds(7), kLongEnough));
      theirs->simulator().run(std::min(now + milliseconds(7), kLongEnough));
    }
    EXPECT_EQ(alone, final_state(*mine));
    EXPECT_EQ(other_alone, final_state(*theirs));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Determinism, kCases,
                         [](const auto& test) { return std::string{test.param.name}; });

TEST(Seed, ChangesRandomOffsetsOnlyWhereTheJobLetsIt) {
  // randrepeat=1 is fio's default: the same offsets in every run, whatever the seed.
  Scenario repeat = scenario(kRandom, kSmall);
  const std::string first = fingerprint(repeat);
  repeat.config.seed = 2;
  EXPECT_EQ(first, fingerprint(repeat));

  Scenario fresh = scenario(std::string{kRandom} + "randrepeat=0\n", kSmall);
  const std::string one = fingerprint(fresh);
  fresh.config.seed = 2;
  EXPECT_NE(one, fingerprint(fresh));

  Scenario stream = scenario(std::string{kStream} + "randrepeat=0\n", kSmall);
  const std::string sequential = fingerprint(stream);
  stream.config.seed = 2;
  EXPECT_EQ(sequential, fingerprint(stream));
}

}  // namespace
}  // namespace wbsim::system
