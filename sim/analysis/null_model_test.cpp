#include "sim/analysis/null_model.hpp"

#include <gtest/gtest.h>

#include <string>

namespace wbsim::analysis {
namespace {

// 100 MB/s (10.24 us a KiB), limits of 800 and 400 pages.
system::Config config() {
  system::Config config;
  config.memory.total = to_bytes(Pages{4000});
  config.vm.dirty_ratio = 20;
  config.vm.dirty_background_ratio = 10;
  system::DeviceConfig device;
  device.name = std::string{"sim0"};
  device.simdisk.per_kib = nanoseconds(10'240);
  device.queue.max_sectors_kb = 64;
  config.devices = {device};
  config.tail = seconds(1);
  return config;
}

workload::JobSpec writer() {
  workload::JobSpec job;
  job.name = std::string{"w"};
  job.set_block_size(kibibytes(64));
  job.size = mebibytes(64);
  return job;
}

RunRecord run(const system::Config& config, const workload::JobSpec& job) {
  return run_null_model(config, {job}, {{"w", 0}});
}

Pages written(const RunRecord& record) {
  Pages pages;
  for (const IssuedRequest& issue : record.issues) {
    pages += pages_floor(issue.length);
  }
  return pages;
}

TEST(NullModel, WritesAtMemorySpeedBelowTheLimit) {
  workload::JobSpec job = writer();
  job.size = to_bytes(Pages{160});
  const RunRecord record = run(config(), job);
  EXPECT_EQ(record.jobs[0].written, to_bytes(Pages{160}));
  EXPECT_EQ(record.jobs[0].runtime, microseconds(4) * 160);
  EXPECT_TRUE(record.pauses.empty());
  EXPECT_TRUE(record.issues.empty());  // below the background limit nothing is written
}

TEST(NullModel, BlocksToDeviceSpeedAtTheLimit) {
  workload::JobSpec job = writer();
  job.time_based = true;
  job.runtime = seconds(10);
  const RunRecord record = run(config(), job);
  const double rate = static_cast<double>(record.jobs[0].written.count()) / 10;
  EXPECT_NEAR(rate, 1e8, 1e6);
  EXPECT_FALSE(record.pauses.empty());
  for (const DirtySample& sample : record.samples) {
    EXPECT_LE(sample.nr_dirty + sample.nr_writeback, Pages{800 + 16});
  }
}

TEST(NullModel, WritesBackInFileOrderInRequestsOfTheLargestSize) {
  system::Config with_sync = config();
  with_sync.actions.push_back({});
  with_sync.actions.back().after_workload = true;
  with_sync.actions.back().syscall = std::string{"sync"};
  workload::JobSpec job = writer();
  job.size = mebibytes(1);
  const RunRecord record = run(with_sync, job);
  ASSERT_EQ(record.issues.size(), 16U);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(record.issues[i].sector, Lba{static_cast<std::int64_t>(i) * 128});
    EXPECT_EQ(record.issues[i].length, Sectors{128});
  }
  EXPECT_EQ(record.merges, 16 * 15);
}

TEST(NullModel, WritesEveryPageOfARandomJobOnceWhenSynced) {
  system::Config with_sync = config();
  with_sync.vm.dirty_bytes = gibibytes(1);
  with_sync.vm.dirty_background_bytes = gibibytes(1);
  with_sync.actions.push_back({});
  with_sync.actions.back().after_workload = true;
  with_sync.actions.back().syscall = std::string{"sync"};
  workload::JobSpec job = writer();
  job.set_block_size(kibibytes(4));
  job.number_ios = 6;
  for (const int page : {9, 3, 4, 100, 3, 10}) {
    job.replay.push_back({workload::Direction::kWrite, FileOffset{page * 4096}, kibibytes(4)});
  }
  const RunRecord record = run(with_sync, job);
  EXPECT_EQ(written(record), Pages{5});
  ASSERT_EQ(record.issues.size(), 3U);  // 3-4, 9-10, 100
  EXPECT_EQ(record.issues[0].sector, Lba{3 * 8});
  EXPECT_EQ(record.issues[1].sector, Lba{9 * 8});
  EXPECT_EQ(record.issues[2].sector, Lba{100 * 8});
}

TEST(NullModel, AnFsyncWaitsForTheDataAndTheFlush) {
  system::Config cached = config();
  cached.devices[0].queue.write_cache = true;
  cached.devices[0].simdisk.flush = milliseconds(5);
  workload::JobSpec job = writer();
  job.number_ios = 2;
  job.fsync_every = 1;
  const RunRecord record = run(cached, job);
  EXPECT_EQ(record.jobs[0].sync.count, 2);
  ASSERT_EQ(record.issues.size(), 4U);
  EXPECT_EQ(record.issues[1].op, 'F');
  EXPECT_EQ(record.issues[2].sector, Lba{128});
  // 64 KiB take 655.36 us, 64 us of which pass while they are copied; then the flush.
  EXPECT_NEAR(static_cast<double>(record.jobs[0].sync.p50->count()), 5'591'360, 5'591'360 / 128.0);
}

TEST(NullModel, KeepsAnOfferedRate) {
  workload::JobSpec job = writer();
  job.rate.write = Bytes{655'360};  // ten writes a second
  job.time_based = true;
  job.runtime = seconds(2);
  const RunRecord record = run(config(), job);
  EXPECT_EQ(record.jobs[0].write.count, 20);
}

TEST(NullModel, FollowsAChangeOfTheLimits) {
  system::Config changed = config();
  changed.actions.push_back({});
  changed.actions.back().at = seconds(1);
  changed.actions.back().set = {{"vm.dirty_bytes", 400 * 4096},
                                {"vm.dirty_background_bytes", 4096}};
  workload::JobSpec job = writer();
  job.time_based = true;
  job.runtime = seconds(3);
  const RunRecord record = run(changed, job);
  EXPECT_EQ(record.samples.front().dirty_thresh, Pages{800});
  EXPECT_EQ(record.samples.back().dirty_thresh, Pages{400});
}

}  // namespace
}  // namespace wbsim::analysis
