#include "sim/report/metrics.hpp"

#include <gtest/gtest.h>

#include "sim/report/iostat.hpp"

namespace wbsim::report {
namespace {

using engine::BioStep;
using engine::RequestStep;
using engine::SyscallKind;
using engine::WbReason;
using engine::WritebackStep;

RunInfo three_jobs() {
  RunInfo info;
  info.hz = 250;
  info.jobs = {{.name = "w", .pid = 101, .report_group = 0, .group_reporting = true},
               {.name = "w", .pid = 102, .report_group = 0, .group_reporting = true},
               {.name = "log", .pid = 103, .report_group = 0, .group_reporting = false}};
  info.devices = {{"sda"}, {"sdb"}};
  return info;
}

constexpr engine::RwbsFlags kWrite{.write = true};
constexpr engine::RwbsFlags kRead{};
constexpr engine::RwbsFlags kFlush{.flush = true};

void issue(Metrics& metrics, SimDuration time, std::int64_t sectors,
           engine::RwbsFlags rwbs = kWrite, int device = 0) {
  metrics.on_request(
      RequestStep::kIssue,
      {.time = at(time), .device = device, .length = Sectors{sectors}, .rwbs = rwbs});
}

struct Life {
  SimDuration started, issued, completed;
};

void complete(Metrics& metrics, Life life, std::int64_t sectors, engine::RwbsFlags rwbs = kWrite,
              int device = 0) {
  metrics.on_request(RequestStep::kComplete, {.time = at(life.completed),
                                              .device = device,
                                              .sector = Lba{rwbs.flush ? -1 : 0},
                                              .length = Sectors{sectors},
                                              .rwbs = rwbs,
                                              .started = at(life.started),
                                              .issued = at(life.issued)});
}

void call(Metrics& metrics, int job, SyscallKind kind, SimDuration start, SimDuration latency,
          int error = 0) {
  const bool transfers = kind == SyscallKind::kWrite || kind == SyscallKind::kRead;
  metrics.on_syscall({.start = at(start),
                      .end = at(start + latency),
                      .job = job,
                      .kind = kind,
                      .length = transfers ? kibibytes(64) : Bytes{},
                      .error = error});
}

TEST(Metrics, JobBandwidthIsBytesOverRuntime) {
  Metrics metrics{three_jobs()};
  metrics.on_job_start(0, at(seconds(1)));
  for (int i = 0; i < 100; ++i) {
    call(metrics, 0, SyscallKind::kWrite, seconds(1) + milliseconds(10 * i), microseconds(80));
  }
  metrics.on_job_end(0, at(seconds(3)));
  const RunMetrics run = metrics.finish(at(seconds(9)));
  const JobMetrics& job = run.jobs[0];
  EXPECT_EQ(job.runtime, seconds(2));
  EXPECT_EQ(job.write.bytes, kibibytes(6400));
  EXPECT_EQ(job.write.ios(), 100);
  EXPECT_DOUBLE_EQ(bandwidth(job.write.bytes, job.runtime), 3276800);  // 6400 KiB / 2 s
  EXPECT_DOUBLE_EQ(iops(job.write.ios(), job.runtime), 50);
  EXPECT_EQ(job.write.latency.min(), microseconds(80));
  EXPECT_EQ(run.start, at(seconds(1)));
  EXPECT_EQ(run.elapsed(), seconds(8));
}

TEST(Metrics, ARequeuedRequestIsInTheDeviceNoMore) {
  Metrics metrics{three_jobs()};
  issue(metrics, milliseconds(0), 8);
  metrics.on_request(RequestStep::kRequeue,
                     {.time = at(milliseconds(2)), .length = Sectors{8}, .rwbs = kWrite});
  issue(metrics, milliseconds(5), 8);
  complete(metrics, {milliseconds(0), milliseconds(5), milliseconds(6)}, 8);
  const RunMetrics run = metrics.finish(at(milliseconds(10)));
  EXPECT_EQ(run.devices[0].busy, milliseconds(3));
  EXPECT_EQ(run.devices[0].inflight_at_end, 0);
  EXPECT_EQ(run.devices[0].write.issued, 2);
  EXPECT_EQ(run.devices[0].write.completed, 1);
}

TEST(Metrics, SectorsThatCompletePartlyCountOnce) {
  Metrics metrics{three_jobs()};
  issue(metrics, milliseconds(0), 32);
  metrics.on_request(RequestStep::kPartComplete,
                     {.time = at(milliseconds(1)), .length = Sectors{18}, .rwbs = kWrite});
  complete(metrics, {milliseconds(0), milliseconds(0), milliseconds(1)}, 14);
  const RunMetrics run = metrics.finish(at(milliseconds(10)));
  EXPECT_EQ(run.devices[0].write.completed, 1);
  EXPECT_EQ(run.devices[0].write.sectors_completed, Sectors{32});
}

TEST(Metrics, JobStillRunningAtTheEndRunsUntilThen) {
  Metrics metrics{three_jobs()};
  metrics.on_job_start(2, at(milliseconds(500)));
  const RunMetrics run = metrics.finish(at(seconds(2)));
  EXPECT_EQ(run.jobs[2].runtime, milliseconds(1500));
  EXPECT_FALSE(run.jobs[2].end);
  EXPECT_FALSE(run.jobs[0].start);
  EXPECT_EQ(run.jobs[0].runtime, SimDuration::zero());
}

TEST(Metrics, SyncCallsAreKeptApartByKind) {
  Metrics metrics{three_jobs()};
  call(metrics, 2, SyscallKind::kFsync, seconds(1), milliseconds(2));
  call(metrics, 2, SyscallKind::kFsync, seconds(2), milliseconds(4));
  call(metrics, 2, SyscallKind::kFdatasync, seconds(3), milliseconds(1));
  call(metrics, 2, SyscallKind::kSync, seconds(4), milliseconds(9));
  call(metrics, 2, SyscallKind::kRead, seconds(5), microseconds(3));
  const RunMetrics run = metrics.finish(at(seconds(6)));
  const JobMetrics& job = run.jobs[2];
  EXPECT_EQ(job.fsync.ios(), 2);
  EXPECT_DOUBLE_EQ(job.fsync.latency.mean_ns(), 3e6);
  EXPECT_EQ(job.fdatasync.ios(), 1);
  EXPECT_EQ(job.sync.latency.max(), milliseconds(9));
  EXPECT_EQ(job.read.bytes, kibibytes(64));
  EXPECT_EQ(job.write.ios(), 0);
}

TEST(Metrics, FailedCallsCountAsErrorsOnly) {
  Metrics metrics{three_jobs()};
  call(metrics, 0, SyscallKind::kWrite, seconds(1), milliseconds(500), -5);
  const RunMetrics run = metrics.finish(at(seconds(2)));
  EXPECT_EQ(run.jobs[0].write.errors, 1);
  EXPECT_EQ(run.jobs[0].write.ios(), 0);
  EXPECT_EQ(run.jobs[0].write.bytes, Bytes{});
  EXPECT_EQ(run.jobs[0].stalls.count, 0);
}

TEST(Metrics, WriteBeyond100MsIsAStall) {
  Metrics metrics{three_jobs()};
  call(metrics, 0, SyscallKind::kWrite, seconds(1), kStallThreshold);
  call(metrics, 0, SyscallKind::kWrite, seconds(2), kStallThreshold + nanoseconds(1));
  call(metrics, 0, SyscallKind::kWrite, seconds(3), milliseconds(300));
  call(metrics, 0, SyscallKind::kFsync, seconds(4), milliseconds(800));  // no write
  const StallMetrics stalls = metrics.finish(at(seconds(5))).jobs[0].stalls;
  EXPECT_EQ(stalls.count, 2);
  EXPECT_EQ(stalls.total, milliseconds(400) + nanoseconds(1));
  EXPECT_EQ(stalls.longest, milliseconds(300));
}

TEST(Metrics, GroupReportingMergesTheGroupAtThePlaceOfItsFirst) {
  Metrics metrics{three_jobs()};
  metrics.on_job_start(0, at(seconds(1)));
  metrics.on_job_start(1, at(seconds(2)));
  metrics.on_job_start(2, at(seconds(1)));
  call(metrics, 0, SyscallKind::kWrite, seconds(3), milliseconds(1));
  call(metrics, 1, SyscallKind::kWrite, seconds(3), milliseconds(3));
  call(metrics, 1, SyscallKind::kWrite, seconds(4), milliseconds(150));
  call(metrics, 2, SyscallKind::kWrite, seconds(4), milliseconds(5));
  metrics.on_job_end(0, at(seconds(5)));
  metrics.on_job_end(1, at(seconds(7)));
  metrics.on_job_end(2, at(seconds(4)));
  const RunMetrics run = metrics.finish(at(seconds(7)));
  ASSERT_EQ(run.jobs.size(), 3u);
  ASSERT_EQ(run.reports.size(), 2u);
  const JobMetrics& group = run.reports[0];
  EXPECT_EQ(group.jobs, 2);
  EXPECT_EQ(group.write.ios(), 3);
  EXPECT_EQ(group.write.latency.max(), milliseconds(150));
  EXPECT_EQ(group.runtime, seconds(5));  // the longest of 4 s and 5 s
  EXPECT_EQ(group.start, at(seconds(1)));
  EXPECT_EQ(group.end, at(seconds(7)));
  EXPECT_EQ(group.stalls.count, 1);
  EXPECT_EQ(run.reports[1].name, "log");
  EXPECT_EQ(run.reports[1].jobs, 1);
}

TEST(Metrics, OnlyPositivePausesAreSleeps) {
  Metrics metrics{three_jobs()};
  const auto turn = [&metrics](int pid, SimDuration time, std::int64_t pause) {
    metrics.on_balance_dirty_pages({.time = at(time), .task = {"fio", pid}, .pause = pause});
  };
  turn(101, milliseconds(100), 0);
  turn(101, milliseconds(110), -3);
  turn(101, milliseconds(120), 3);  // 12 ms at HZ=250
  turn(102, milliseconds(130), 50);
  turn(101, milliseconds(140), 2);
  turn(999, milliseconds(150), 1);  // no job of ours
  const RunMetrics run = metrics.finish(at(seconds(1)));
  EXPECT_EQ(run.throttle.calls, 6);
  EXPECT_EQ(run.throttle.pauses, 4);
  EXPECT_EQ(run.throttle.total, milliseconds(224));
  EXPECT_EQ(run.throttle.longest, milliseconds(200));
  EXPECT_EQ(run.throttle.first, at(milliseconds(120)));
  EXPECT_EQ(run.jobs[0].throttle.calls, 4);
  EXPECT_EQ(run.jobs[0].throttle.total, milliseconds(20));
  EXPECT_EQ(run.jobs[1].throttle.first, at(milliseconds(130)));
  EXPECT_EQ(run.jobs[2].throttle.calls, 0);
  EXPECT_EQ(run.reports[0].throttle.total, milliseconds(220));
  EXPECT_EQ(run.reports[0].throttle.first, at(milliseconds(120)));
}

TEST(Metrics, PausesRoundOnlyOnceWhenHzDoesNotDivideASecond) {
  RunInfo odd = three_jobs();
  odd.hz = 300;
  Metrics metrics{odd};
  metrics.on_balance_dirty_pages({.task = {"fio", 101}, .pause = 3});
  EXPECT_EQ(metrics.finish(at(seconds(1))).throttle.total, milliseconds(10));
}

// Two writes overlap: in the device [10, 30) and [20, 60) of 100 ms.
TEST(Metrics, DeviceLoadIsIntegratedExactly) {
  Metrics metrics{three_jobs()};
  issue(metrics, milliseconds(10), 256);
  issue(metrics, milliseconds(20), 8);
  complete(metrics, {milliseconds(5), milliseconds(10), milliseconds(30)}, 256);
  complete(metrics, {milliseconds(20), milliseconds(20), milliseconds(60)}, 8);
  const RunMetrics run = metrics.finish(at(milliseconds(100)));
  const DeviceMetrics& sda = run.devices[0];
  EXPECT_EQ(sda.busy, milliseconds(50));
  EXPECT_EQ(sda.inflight_integral, milliseconds(60).count());
  EXPECT_EQ(sda.inflight_max, 2);
  EXPECT_EQ(sda.write.issued, 2);
  EXPECT_EQ(sda.write.completed, 2);
  EXPECT_EQ(sda.write.sectors_completed, Sectors{264});
  EXPECT_EQ(sda.write.await_total, milliseconds(25 + 40));
  EXPECT_EQ(sda.write.service_total, milliseconds(20 + 40));
  EXPECT_EQ(run.devices[1].busy, SimDuration::zero());
}

TEST(Metrics, RequestsInFlightAtTheEndCountUntilThen) {
  Metrics metrics{three_jobs()};
  issue(metrics, milliseconds(40), 8, kWrite, 1);
  const DeviceMetrics sdb = metrics.finish(at(milliseconds(100))).devices[1];
  EXPECT_EQ(sdb.busy, milliseconds(60));
  EXPECT_EQ(sdb.inflight_integral, milliseconds(60).count());
  EXPECT_EQ(sdb.inflight_at_end, 1);
  EXPECT_EQ(sdb.write.issued, 1);
  EXPECT_EQ(sdb.write.completed, 0);
}

// What a raw device's fsync does: a flush, then an empty write that ends the sequence.
TEST(Metrics, EmptyWriteThatEndsAFlushSequenceIsNoWrite) {
  Metrics metrics{three_jobs()};
  issue(metrics, milliseconds(1), 0, kFlush);
  complete(metrics, {milliseconds(1), milliseconds(1), milliseconds(3)}, 0, kFlush);
  complete(metrics, {milliseconds(0), milliseconds(0), milliseconds(3)}, 0);
  const DeviceMetrics sda = metrics.finish(at(milliseconds(4))).devices[0];
  EXPECT_EQ(sda.flush.issued, 1);
  EXPECT_EQ(sda.flush.completed, 1);
  EXPECT_EQ(sda.flush.await_total, milliseconds(2));
  EXPECT_EQ(sda.flush_sequences, 1);
  EXPECT_EQ(sda.write.completed, 0);
  EXPECT_EQ(sda.inflight_at_end, 0);
}

TEST(Metrics, BioRangesCountEveryBio) {
  Metrics metrics{three_jobs()};
  const engine::BioTrace bios{.length = Sectors{8}, .rwbs = kWrite, .count = 320};
  metrics.on_bio(BioStep::kQueue, bios);
  metrics.on_bio(BioStep::kBackMerge, {.length = Sectors{8}, .rwbs = kWrite, .count = 317});
  metrics.on_bio(BioStep::kFrontMerge, {.length = Sectors{8}, .rwbs = kWrite, .count = 2});
  metrics.on_bio(BioStep::kGetRequest, {.length = Sectors{8}, .rwbs = kWrite});
  metrics.on_bio(BioStep::kQueue, {.length = Sectors{8}, .rwbs = kRead});
  const DeviceMetrics sda = metrics.finish(at(seconds(1))).devices[0];
  EXPECT_EQ(sda.write.bios, 320);
  EXPECT_EQ(sda.write.back_merges, 317);
  EXPECT_EQ(sda.write.merges(), 319);
  EXPECT_EQ(sda.read.bios, 1);
}

TEST(Iostat, FollowsTheDefinitionsOfItsColumns) {
  DeviceMetrics device;
  device.write = {.completed = 4, .service_total = milliseconds(60)};
  device.totals.disk = {.write = {.ios = 4, .merges = 1276, .sectors = 4 * 2560, .ms = 100},
                        .io_ms = 504,
                        .weighted_ms = 120,
                        .flush = {.ios = 2, .ms = 20}};
  device.busy = milliseconds(500);
  device.inflight_integral = milliseconds(700).count();
  const Iostat stat = iostat(device, seconds(2));
  EXPECT_DOUBLE_EQ(stat.write.ios_per_s, 2);
  EXPECT_DOUBLE_EQ(stat.write.kib_per_s, 2560);          // 4 * 1280 KiB / 2 s
  EXPECT_DOUBLE_EQ(stat.write.merges_per_s, 638);        // 1276 / 2 s
  EXPECT_DOUBLE_EQ(stat.write.merges_percent, 99.6875);  // 1276 of 1280 bios
  EXPECT_DOUBLE_EQ(stat.write.await_ms, 25);
  EXPECT_DOUBLE_EQ(stat.write.areq_size_kib, 1280);
  EXPECT_DOUBLE_EQ(stat.write_service_ms, 15);
  EXPECT_DOUBLE_EQ(stat.flushes_per_s, 1);
  EXPECT_DOUBLE_EQ(stat.flush_await_ms, 10);
  EXPECT_DOUBLE_EQ(stat.aqu_size, 0.06);  // 120 ms / 2 s
  EXPECT_DOUBLE_EQ(stat.util_percent, 25.2);
  EXPECT_DOUBLE_EQ(stat.busy_percent, 25);
  EXPECT_DOUBLE_EQ(stat.inflight, 0.35);
  EXPECT_EQ(stat.read.await_ms, 0);
  EXPECT_EQ(stat.read.merges_percent, 0);
}

TEST(Iostat, IsZeroForARunWithoutTime) {
  const Iostat stat = iostat(DeviceMetrics{}, SimDuration::zero());
  EXPECT_EQ(stat.util_percent, 0);
  EXPECT_EQ(stat.write.ios_per_s, 0);
}

TEST(Metrics, BackgroundIsCrossedByDirtyAloneFreerunByTheSum) {
  Metrics metrics{three_jobs()};
  const auto state = [&metrics](SimDuration time, int dirty, int writeback) {
    metrics.on_global_dirty_state({.time = at(time),
                                   .nr_dirty = Pages{dirty},
                                   .nr_writeback = Pages{writeback},
                                   .background_thresh = Pages{100},
                                   .dirty_thresh = Pages{201}});
  };
  state(milliseconds(1), 100, 50);  // at the threshold, not above; freerun is 150
  state(milliseconds(2), 90, 61);   // sum above freerun
  state(milliseconds(3), 101, 0);
  state(milliseconds(4), 140, 5);
  state(milliseconds(5), 20, 130);
  const DirtyMetrics dirty = metrics.finish(at(seconds(1))).dirty;
  EXPECT_EQ(dirty.freerun_crossed, at(milliseconds(2)));
  EXPECT_EQ(dirty.background_crossed, at(milliseconds(3)));
  EXPECT_EQ(dirty.nr_dirty_max, Pages{140});
  EXPECT_EQ(dirty.nr_writeback_max, Pages{130});
  EXPECT_EQ(dirty.sum_max, Pages{151});
}

TEST(Metrics, SampleBeforeAnyLimitCrossesNothing) {
  Metrics metrics{three_jobs()};
  engine::StateSample sample{.time = at(milliseconds(100)), .nr_dirty = Pages{7}};
  metrics.on_sample(sample);
  const DirtyMetrics dirty = metrics.finish(at(seconds(1))).dirty;
  EXPECT_EQ(dirty.nr_dirty_max, Pages{7});
  EXPECT_FALSE(dirty.background_crossed);
  EXPECT_FALSE(dirty.freerun_crossed);
}

TEST(Metrics, PassWritesTheDifferenceOfNrPagesOnItsDevice) {
  Metrics metrics{three_jobs()};
  const auto event = [&metrics](WritebackStep step, int device, std::int64_t pages,
                                WbReason reason) {
    metrics.on_writeback(step, {.device = device, .nr_pages = pages, .reason = reason});
  };
  constexpr std::int64_t kAll = 9223372036854775807;
  event(WritebackStep::kWakeBackground, 0, 0, WbReason::kBackground);
  event(WritebackStep::kStart, 0, kAll, WbReason::kBackground);
  event(WritebackStep::kStart, 1, 5000, WbReason::kSync);  // another device's, in between
  event(WritebackStep::kWritten, 0, kAll - 2048, WbReason::kBackground);
  event(WritebackStep::kStart, 0, kAll - 2048, WbReason::kBackground);
  event(WritebackStep::kWritten, 0, kAll - 3048, WbReason::kBackground);
  event(WritebackStep::kWritten, 1, 4990, WbReason::kSync);
  event(WritebackStep::kQueue, 1, 5000, WbReason::kSync);
  event(WritebackStep::kExec, 1, 5000, WbReason::kSync);
  metrics.on_single_inode({});
  metrics.on_queue_io({.moved = 3});
  const WritebackMetrics writeback = metrics.finish(at(seconds(1))).writeback;
  const auto& background = writeback.by_reason[static_cast<std::size_t>(WbReason::kBackground)];
  EXPECT_EQ(background.passes, 2);
  EXPECT_EQ(background.written, Pages{3048});
  EXPECT_EQ(background.queued, 0);
  const auto& sync = writeback.by_reason[static_cast<std::size_t>(WbReason::kSync)];
  EXPECT_EQ(sync.passes, 1);
  EXPECT_EQ(sync.written, Pages{10});
  EXPECT_EQ(sync.queued, 1);
  EXPECT_EQ(sync.executed, 1);
  EXPECT_EQ(writeback.background_wakeups, 1);
  EXPECT_EQ(writeback.inodes_written, 1);
  EXPECT_EQ(writeback.inodes_queued, 3);
}

TEST(Metrics, RatelimitKeepsRangeAndLastValue) {
  Metrics metrics{three_jobs()};
  for (const int rate : {25600, 12800, 14000}) {
    metrics.on_bdi_dirty_ratelimit(
        {.avg_write_bw = Pages{rate + 1}, .dirty_ratelimit = Pages{rate}});
  }
  const DeviceMetrics sda = metrics.finish(at(seconds(1))).devices[0];
  EXPECT_EQ(sda.bandwidth_updates, 3);
  EXPECT_EQ(sda.dirty_ratelimit_min, Pages{12800});
  EXPECT_EQ(sda.dirty_ratelimit_max, Pages{25600});
  EXPECT_EQ(sda.dirty_ratelimit_last, Pages{14000});
  EXPECT_EQ(sda.avg_write_bandwidth_last, Pages{14001});
}

TEST(Metrics, UnplugsTellWhetherTheTaskSlept) {
  Metrics metrics{three_jobs()};
  metrics.on_unplug({.requests = 3, .from_schedule = false});
  metrics.on_unplug({.requests = 2, .from_schedule = true});
  const PlugMetrics plug = metrics.finish(at(seconds(1))).plug;
  EXPECT_EQ(plug.unplugs, 2);
  EXPECT_EQ(plug.from_schedule, 1);
  EXPECT_EQ(plug.requests, 5);
}

}  // namespace
}  // namespace wbsim::report
