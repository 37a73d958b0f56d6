// What a job does, seen from outside: on a machine whose CPU costs nothing, so that times are those
// of sleeps and of the device.
#include "sim/workload/job_process.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"

namespace wbsim::system {
namespace {

using engine::SyscallKind;
using testing::free_cpu;
using testing::JobRecord;

constexpr const char* kCachedDisk =
    R"({"sda":{"size":"1GiB","per_kib":"10240ns","flush":"2ms",)"
    R"("queue":{"scheduler":"none","wbt_lat_usec":0,"write_cache":"write back"}}})";

// Runs [w] on /dev/sda with these further lines.
JobRecord run_job(const std::string& lines, const std::string& members = free_cpu(),
                  const std::string& devices = testing::disk()) {
  return testing::run_logged(
      testing::scenario("[w]\nfilename=/dev/sda\nrw=write\n" + lines, members, devices));
}

std::vector<std::int64_t> pages_of(const std::vector<engine::SyscallTrace>& calls) {
  std::vector<std::int64_t> pages;
  for (const engine::SyscallTrace& call : calls) {
    pages.push_back(call.offset.value() / 4096);
  }
  return pages;
}

// "write write fsync ..." in order of completion.
std::string kinds(const JobRecord& log) {
  std::string text;
  for (const engine::SyscallTrace& call : log.calls) {
    text += call.kind == SyscallKind::kWrite ? "w" : call.kind == SyscallKind::kFsync ? "f" : "d";
  }
  return text;
}

TEST(JobProcess, WritesItsSizeOnceInBlocks) {
  const JobRecord log = run_job("bs=8k\nsize=40k\n");
  EXPECT_EQ(pages_of(log.writes()), (std::vector<std::int64_t>{0, 2, 4, 6, 8}));
  EXPECT_TRUE(std::all_of(log.calls.begin(), log.calls.end(),
                          [](const auto& call) { return call.length == kibibytes(8); }));
  EXPECT_EQ(log.ends.size(), 1U);
}

TEST(JobProcess, RepeatsItsSizeForLoops) {
  EXPECT_EQ(pages_of(run_job("size=12k\nloops=3\n").writes()),
            (std::vector<std::int64_t>{0, 1, 2, 0, 1, 2, 0, 1, 2}));
}

TEST(JobProcess, IoSizeBelowSizeWritesPartOfTheRegion) {
  EXPECT_EQ(pages_of(run_job("size=40k\nio_size=8k\n").writes()),
            (std::vector<std::int64_t>{0, 1}));
}

TEST(JobProcess, IoSizeAboveSizeWrapsAround) {
  EXPECT_EQ(pages_of(run_job("size=12k\nio_size=20k\n").writes()),
            (std::vector<std::int64_t>{0, 1, 2, 0, 1}));
}

TEST(JobProcess, NumberIosCountsOverAllLoops) {
  EXPECT_EQ(pages_of(run_job("size=12k\nnumber_ios=2\nloops=2\n").writes()),
            (std::vector<std::int64_t>{0, 1, 2, 0}));
}

TEST(JobProcess, RandomOffsetsCoverTheRegionOnce) {
  const JobRecord log = run_job("rw=randwrite\noffset=64k\nsize=256k\n");
  const std::vector<std::int64_t> pages = pages_of(log.writes());
  const std::set<std::int64_t> different(pages.begin(), pages.end());
  EXPECT_EQ(pages.size(), 64U);
  EXPECT_EQ(different.size(), 64U);
  EXPECT_EQ(*different.begin(), 16);
  EXPECT_EQ(*different.rbegin(), 79);
  EXPECT_FALSE(std::is_sorted(pages.begin(), pages.end()));
}

TEST(JobProcess, RuntimeEndsAJobWithTheFirstWriteThatEndsAfterIt) {
  // O_SYNC: each write takes the 40.96 ms of 4 MiB (10240 ns for each KiB) and a flush of 2 ms.
  const JobRecord log = run_job("bs=4m\nsize=1g\nsync=1\nruntime=1\n", free_cpu(), kCachedDisk);
  const std::vector<engine::SyscallTrace> writes = log.writes();
  ASSERT_GT(writes.size(), 2U);
  const SimTime limit = log.starts[0].second + seconds(1);
  EXPECT_LT(writes[writes.size() - 2].end, limit);
  EXPECT_GE(writes.back().end, limit);
  EXPECT_EQ(log.ends[0].second, writes.back().end);
}

TEST(JobProcess, RuntimeDoesNotLengthenAJob) {
  const JobRecord log = run_job("size=12k\nruntime=5\n");
  EXPECT_EQ(log.writes().size(), 3U);
  EXPECT_LT(log.ends[0].second, at(seconds(1)));
}

TEST(JobProcess, TimeBasedGoesOnUntilRuntime) {
  const JobRecord log = run_job("size=12k\nrate_iops=10\ntime_based=1\nruntime=1\n");
  EXPECT_EQ(pages_of(log.writes()), (std::vector<std::int64_t>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1}));
}

TEST(JobProcess, StartDelayComesOnTopOfTheWorkloadsStart) {
  const JobRecord log =
      run_job("size=4k\nstartdelay=2\n", free_cpu() + R"(,"workload":{"start":"100ms"})");
  EXPECT_EQ(log.starts[0].second, at(milliseconds(2100)));
}

TEST(JobProcess, RateGivesEachWriteATimeOnAGrid) {
  // 4 KiB at 1 MiB/s: one each 3906.25 us, in whole microseconds.
  const JobRecord log = run_job("size=40k\nrate=1m\n");
  const std::vector<engine::SyscallTrace> writes = log.writes();
  ASSERT_EQ(writes.size(), 10U);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const auto due = microseconds(static_cast<std::int64_t>(i) * 15'625 / 4);
    EXPECT_EQ(writes[i].start - log.starts[0].second, due) << i;
  }
}

TEST(JobProcess, RateIopsIsARateOfBlocks) {
  const JobRecord log = run_job("bs=64k\nsize=320k\nrate_iops=250\n");
  const std::vector<engine::SyscallTrace> writes = log.writes();
  ASSERT_EQ(writes.size(), 5U);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    EXPECT_EQ(writes[i].start - log.starts[0].second,
              milliseconds(static_cast<std::int64_t>(i) * 4));
  }
}

// A write that came late because of an fsync is followed by others back to back, until the job is
// on its grid again.
TEST(JobProcess, LateWritesFollowBackToBack) {
  const JobRecord log = run_job("size=160k\nrate_iops=1000\nfsync=20\n", free_cpu(), kCachedDisk);
  const std::vector<engine::SyscallTrace> writes = log.writes();
  const std::vector<engine::SyscallTrace> fsyncs = log.of_kind(SyscallKind::kFsync);
  ASSERT_EQ(writes.size(), 40U);
  ASSERT_EQ(fsyncs.size(), 2U);
  const SimDuration late = fsyncs[0].end - fsyncs[0].start;
  ASSERT_GT(late, milliseconds(2));
  const SimTime begin = log.starts[0].second;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const SimTime due = begin + milliseconds(static_cast<std::int64_t>(i));
    EXPECT_EQ(writes[i].start, i < 20 ? due : std::max(due, fsyncs[0].end)) << i;
  }
}

// As on the truth rig, whose clock is exact: one more write at the end of the cut sleep.
TEST(JobProcess, RuntimeCutsTheSleepOfARate) {
  const JobRecord log = run_job("size=1m\nrate=1600\nruntime=3\n");
  const std::vector<engine::SyscallTrace> writes = log.writes();
  ASSERT_EQ(writes.size(), 3U);
  EXPECT_EQ(writes[1].start - log.starts[0].second, milliseconds(2560));
  EXPECT_EQ(writes[2].start - log.starts[0].second, seconds(3));
  EXPECT_EQ(log.ends[0].second - log.starts[0].second, seconds(3));
}

// fio 3.33 --thinktime=10s --runtime=3: one write, 10 s.
TEST(JobProcess, ThinktimeIsSleptToItsEnd) {
  const JobRecord log = run_job("size=1m\nthinktime=10s\nruntime=3\n");
  EXPECT_EQ(log.writes().size(), 1U);
  EXPECT_EQ(log.ends[0].second - log.starts[0].second, seconds(10));
}

TEST(JobProcess, ThinktimeComesAfterEveryBlock) {
  const JobRecord log = run_job("size=16k\nthinktime=5000\n");
  const std::vector<engine::SyscallTrace> writes = log.writes();
  ASSERT_EQ(writes.size(), 4U);
  for (std::size_t i = 1; i < writes.size(); ++i) {
    EXPECT_EQ(writes[i].start - writes[i - 1].end, milliseconds(5));
  }
}

TEST(JobProcess, ThinktimeBlocksCountWritesBetweenThoughts) {
  const JobRecord log = run_job("size=28k\nthinktime=5000\nthinktime_blocks=3\n");
  std::vector<std::int64_t> gaps;
  const std::vector<engine::SyscallTrace> writes = log.writes();
  for (std::size_t i = 1; i < writes.size(); ++i) {
    gaps.push_back((writes[i].start - writes[i - 1].end) / milliseconds(1));
  }
  EXPECT_EQ(gaps, (std::vector<std::int64_t>{0, 0, 5, 0, 0, 5}));
}

TEST(JobProcess, FsyncComesAfterEveryNthWrite) {
  EXPECT_EQ(kinds(run_job("size=28k\nfsync=3\n")), "wwwfwwwfw");
  EXPECT_EQ(kinds(run_job("size=20k\nfdatasync=2\n")), "wwdwwdw");
}

TEST(JobProcess, FsyncsAreCountedOnOverLoops) {
  EXPECT_EQ(kinds(run_job("size=8k\nloops=3\nfsync=3\n")), "wwwfwwwf");
}

TEST(JobProcess, EndFsyncComesAfterEachLoop) {
  EXPECT_EQ(kinds(run_job("size=8k\nloops=2\nend_fsync=1\n")), "wwfwwf");
}

TEST(JobProcess, FsyncReturnsAfterDataAndFlush) {
  const JobRecord log = run_job("bs=1m\nsize=1m\nend_fsync=1\n", free_cpu(), kCachedDisk);
  const std::vector<engine::SyscallTrace> fsyncs = log.of_kind(SyscallKind::kFsync);
  ASSERT_EQ(fsyncs.size(), 1U);
  // 1024 KiB at 10240 ns and a flush of 2 ms; nothing was written before.
  EXPECT_EQ(fsyncs[0].end - fsyncs[0].start, nanoseconds(1024 * 10'240) + milliseconds(2));
}

TEST(JobProcess, SyncWritesReturnAfterTheirData) {
  for (const char* how : {"sync=1\n", "sync=dsync\n", "sync=sync\n"}) {
    const JobRecord log =
        run_job("bs=64k\nsize=128k\n" + std::string{how}, free_cpu(), kCachedDisk);
    ASSERT_EQ(log.writes().size(), 2U);
    for (const engine::SyscallTrace& write : log.writes()) {
      EXPECT_EQ(write.end - write.start, nanoseconds(64 * 10'240) + milliseconds(2));
    }
    EXPECT_EQ(kinds(log), "ww");
  }
}

TEST(JobProcess, BufferedWritesInTheFreeRunTakeCpuTimeAlone) {
  const JobRecord log = run_job("bs=64k\nsize=640k\n");
  for (const engine::SyscallTrace& write : log.writes()) {
    EXPECT_EQ(write.start, write.end);
  }
}

// The costs of one write, component by component.
TEST(JobProcess, CpuTimeIsThatOfItsComponents) {
  const JobRecord log = run_job("bs=16k\nsize=32k\nloops=2\ninvalidate=0\n",
                                R"("cpu_costs":{"context_switch":0,"tick":0})");
  const std::vector<engine::SyscallTrace> writes = log.writes();
  ASSERT_EQ(writes.size(), 4U);
  const engine::CpuCosts costs;
  EXPECT_EQ(writes[0].end - writes[0].start, costs.write_call + 4 * costs.write_page_new);
  EXPECT_EQ(writes[2].end - writes[2].start, costs.write_call + 4 * costs.write_page_dirty);
  EXPECT_EQ(writes[1].start - writes[0].end, costs.fio_io);
}

TEST(JobProcess, StonewallStartsAGroupWhenTheOneBeforeHasEnded) {
  const JobRecord log = testing::run_logged(
      testing::scenario("[global]\nfilename=/dev/sda\nrw=write\nbs=4k\nsize=4k\ninvalidate=0\n"
                        "[a]\nstartdelay=1\n[b]\nstartdelay=2\n[c]\nstonewall\n[d]\n",
                        free_cpu()));
  ASSERT_EQ(log.starts.size(), 4U);
  EXPECT_EQ(log.starts[0], (std::pair{0, at(seconds(1))}));
  EXPECT_EQ(log.starts[1], (std::pair{1, at(seconds(2))}));
  EXPECT_EQ(log.starts[2], (std::pair{2, log.ends[1].second}));
  EXPECT_EQ(log.starts[3], (std::pair{3, log.ends[1].second}));
}

// Counts the calls of balance_dirty_pages() by jobs.
class BalanceCount final : public engine::Observer {
 public:
  void on_global_dirty_state(const engine::GlobalDirtyState& event) override {
    calls += event.task.comm == "fio" ? 1 : 0;
  }
  int calls = 0;
};

// A new task looks at dirty memory after 32 pages. The second job makes up for the 20 of the first.
TEST(JobProcess, LeavesPagesItNeverPausedForToTheNextJobOnItsCpu) {
  for (const int pages : {11, 12}) {
    const std::string size = std::to_string(4 * pages) + "k";
    const testing::Scenario s = testing::scenario(
        "[global]\nfilename=/dev/sda\nrw=write\nbs=4k\ninvalidate=0\n"
        "[a]\nsize=80k\n[b]\nstonewall\noffset=1m\nsize=" +
            size + "\n",
        free_cpu() + R"(,"cpus":1)");
    BalanceCount observer;
    RunOptions options;
    options.observers = {&observer};
    run_system(s.config, s.workload, options);
    EXPECT_EQ(observer.calls, pages == 12 ? 1 : 0);
  }
}

TEST(JobProcess, JobsOfAGroupShareTheCpu) {
  const JobRecord log =
      testing::run_logged(testing::scenario("[w]\nfilename=/dev/sda\nrw=write\nbs=64k\nsize=32m\n"
                                            "offset_increment=64m\nnumjobs=2\ninvalidate=0\n"));
  ASSERT_EQ(log.ends.size(), 2U);
  const SimDuration both = log.ends[1].second - log.starts[0].second;
  EXPECT_LT(log.ends[1].second - log.ends[0].second, both / 3);
}

// The file is gone for this job: the second write finds nothing to write to.
TEST(JobProcess, AnErrorEndsTheJob) {
  testing::Scenario s =
      testing::scenario("[w]\nfilename=/dev/sda\nrw=randwrite\nsize=40k\nend_fsync=1\n");
  // Beyond the device: check_workload() would have refused it, pwrite() returns ENOSPC.
  s.workload.jobs[0].replay = {
      {workload::Direction::kWrite, FileOffset{0}, kibibytes(4)},
      {workload::Direction::kWrite, FileOffset{gibibytes(1).count()}, kibibytes(4)},
      {workload::Direction::kWrite, FileOffset{4096}, kibibytes(4)}};
  testing::JobLog observer;
  RunOptions options;
  options.observers = {&observer};
  const RunOutcome outcome = run_system(s.config, s.workload, options);
  const JobRecord& log = observer.record;
  ASSERT_EQ(log.calls.size(), 2U);
  EXPECT_EQ(log.calls[0].error, 0);
  EXPECT_EQ(log.calls[1].error, -28);
  EXPECT_EQ(log.calls[1].length, Bytes{0});
  EXPECT_EQ(log.ends.size(), 1U);
  EXPECT_EQ(outcome.jobs_in_error,
            (std::vector<std::string>{"job w: system call failed (errno 28)"}));
}

}  // namespace
}  // namespace wbsim::system
