#include "sim/analysis/recorder.hpp"

#include <gtest/gtest.h>

namespace wbsim::analysis {
namespace {

engine::SyscallTrace call(int job, engine::SyscallKind kind, SimTime start, SimDuration length) {
  return {start, start + length, job, kind, FileOffset{}, kibibytes(4), 0};
}

TEST(Recorder, AddsUpEachJob) {
  using engine::SyscallKind;
  Recorder recorder{{{"a", 0}, {"b", 1}}, milliseconds(4)};
  recorder.on_job_start(0, at(seconds(1)));
  recorder.on_job_start(1, at(seconds(2)));
  recorder.on_syscall(call(1, SyscallKind::kWrite, at(milliseconds(2100)), microseconds(10)));
  recorder.on_syscall(call(0, SyscallKind::kWrite, at(milliseconds(2200)), microseconds(20)));
  recorder.on_syscall(call(1, SyscallKind::kFsync, at(milliseconds(2300)), milliseconds(2)));
  recorder.on_job_end(0, at(seconds(3)));
  recorder.on_job_end(1, at(seconds(6)));
  const RunRecord record = recorder.take();
  EXPECT_EQ(record.first_io, at(milliseconds(2100)));
  ASSERT_EQ(record.jobs.size(), 2U);
  EXPECT_EQ(record.jobs[0].name, "a");
  EXPECT_EQ(record.jobs[0].runtime, seconds(2));
  EXPECT_EQ(record.jobs[0].write.count, 1);
  EXPECT_EQ(record.jobs[0].sync.count, 0);
  EXPECT_FALSE(record.jobs[0].sync.p50);
  EXPECT_EQ(record.jobs[1].written, kibibytes(4));
  EXPECT_EQ(record.jobs[1].runtime, seconds(4));
  EXPECT_EQ(record.jobs[1].sync.count, 1);
}

TEST(Recorder, ReportsLatenciesInTheBucketsOfFio) {
  Recorder recorder{{{"w", 0}}, milliseconds(4)};
  recorder.on_syscall(call(0, engine::SyscallKind::kWrite, SimTime{}, nanoseconds(5'700)));
  const RunRecord record = recorder.take();
  // 4096..8191 ns is divided into buckets of 64 ns; 5700 lies in [5696, 5760), middle 5728.
  EXPECT_EQ(record.jobs[0].write.p50, nanoseconds(5'728));
}

TEST(Recorder, JoinsJobsReportedTogether) {
  Recorder recorder{{{"w", 0}, {"w", 0}}, milliseconds(4)};
  for (const int job : {0, 1}) {
    recorder.on_job_start(job, at(seconds(job)));
    recorder.on_syscall(call(job, engine::SyscallKind::kWrite, at(seconds(job)), seconds(1)));
    recorder.on_job_end(job, at(seconds(job + 3)));
  }
  const RunRecord record = recorder.take();
  ASSERT_EQ(record.jobs.size(), 1U);
  EXPECT_EQ(record.jobs[0].written, kibibytes(8));
  EXPECT_EQ(record.jobs[0].runtime, seconds(4));
}

TEST(Recorder, KeepsIssuesMergesPausesStepsAndThePeriodicStart) {
  Recorder recorder{{{"w", 0}}, milliseconds(4)};
  engine::RequestTrace request;
  request.time = at(seconds(1));
  request.sector = Lba{64};
  request.length = Sectors{8};
  request.rwbs = {.write = true, .sync = true};
  recorder.on_request(engine::RequestStep::kInsert, request);
  recorder.on_request(engine::RequestStep::kIssue, request);
  recorder.on_request(engine::RequestStep::kComplete, request);
  request.rwbs = {.flush = true, .preflush = true};
  recorder.on_request(engine::RequestStep::kIssue, request);

  engine::BioTrace bio;
  bio.count = 5;
  bio.rwbs.write = true;
  for (const auto step :
       {engine::BioStep::kQueue, engine::BioStep::kBackMerge, engine::BioStep::kFrontMerge}) {
    recorder.on_bio(step, bio);
  }
  for (const std::int64_t jiffies : {-1, 0, 3}) {
    engine::BalanceDirtyPages event;
    event.time = at(seconds(2));
    event.pause = jiffies;
    recorder.on_balance_dirty_pages(event);
  }
  engine::WritebackTrace work;
  work.time = at(seconds(3));
  recorder.on_writeback(engine::WritebackStep::kStart, work);
  work.for_kupdate = true;
  recorder.on_writeback(engine::WritebackStep::kQueue, work);
  work.time = at(seconds(4));
  recorder.on_writeback(engine::WritebackStep::kStart, work);
  recorder.on_wbt_step(engine::WbtStep{});
  recorder.on_wbt_step(engine::WbtStep{});

  const RunRecord record = recorder.take();
  ASSERT_EQ(record.issues.size(), 2U);
  EXPECT_EQ(record.issues[0].op, 'W');
  EXPECT_EQ(record.issues[0].sector, Lba{64});
  EXPECT_EQ(record.issues[1].op, 'F');
  EXPECT_EQ(record.issues[1].sector, Lba{0});
  EXPECT_EQ(record.issues[1].length, Sectors{0});
  EXPECT_EQ(record.merges, 10);
  EXPECT_EQ(record.wbt_steps, 2);
  ASSERT_EQ(record.pauses.size(), 1U);
  EXPECT_EQ(record.pauses[0].length, milliseconds(12));
  EXPECT_EQ(record.periodic_start, at(seconds(4)));
}

}  // namespace
}  // namespace wbsim::analysis
