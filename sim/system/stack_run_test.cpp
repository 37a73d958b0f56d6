// Whole runs on partitions and devices on top of others.
#include <gtest/gtest.h>

#include <string>

#include "sim/report/metrics.hpp"
#include "sim/system/run_info.hpp"
#include "sim/system/scenario_test_util.hpp"
#include "sim/system/system.hpp"

namespace wbsim::system {
namespace {

using testing::fingerprint;
using testing::free_cpu;
using testing::scenario;
using testing::Scenario;

std::string disks(int count, const std::string& queue = "", const std::string& scheduler = "none") {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += std::string{i == 0 ? "{" : ","} + "\"sd" + static_cast<char>('a' + i) +
            R"(":{"size":"1GiB","per_kib":"10240ns","write":"100us","read":"100us",)"
            R"("queue":{"wbt_lat_usec":0,"scheduler":")" +
            scheduler + "\"" + (queue.empty() ? "" : "," + queue) + "}}";
  }
  return text + "}";
}

const std::string kWriteBack = R"("write_cache":"write back")";

// A job on md0 over four disks. `stack` is the description of md0 but its members.
Scenario on_md0(const std::string& stack, const std::string& job, const std::string& more = "",
                const std::string& queue = "") {
  return scenario(
      "[job]\nfilename=/dev/md0\n" + job,
      R"("stack":{"md0":{)" + stack + R"(,"members":["sda","sdb","sdc","sdd"]}})" + more,
      disks(4, queue));
}

report::RunMetrics measure(const Scenario& scenario) {
  const report::RunInfo info = describe_run(scenario.config, scenario.workload, "test");
  report::Metrics metrics{info};
  RunOptions options;
  options.observers = {&metrics};
  const RunOutcome outcome = run_system(scenario.config, scenario.workload, options);
  EXPECT_TRUE(outcome.jobs_in_error.empty());
  return metrics.finish(outcome.end);
}

Sectors written(const report::RunMetrics& metrics, std::size_t device) {
  return metrics.devices.at(device).write.sectors_completed;
}

constexpr Sectors k64MiB = sectors_floor(mebibytes(64));

const char* const kDirectJob = "rw=write\nbs=1m\nsize=64m\ndirect=1\n";
const char* const kBufferedJob = "rw=write\nbs=64k\nsize=64m\nend_fsync=1\n";

TEST(StackRun, ARaid0SpreadsWhatIsWritten) {
  for (const char* job : {kDirectJob, kBufferedJob}) {
    const report::RunMetrics metrics = measure(on_md0(R"("kind":"raid0","chunk":"64KiB")", job));
    for (std::size_t disk = 0; disk < 4; ++disk) {
      EXPECT_EQ(written(metrics, disk), k64MiB / 4);
    }
    EXPECT_EQ(written(metrics, 4), k64MiB);
    EXPECT_EQ(metrics.devices[4].name, "md0");
    EXPECT_GT(metrics.devices[4].busy, SimDuration{});
    EXPECT_EQ(metrics.devices[4].inflight_at_end, 0);
  }
}

TEST(StackRun, ARaid1WritesAllToEachMirror) {
  for (const char* kernel : {"5.10", "6.1"}) {
    const std::string more = std::string{",\"kernel\":\""} + kernel + "\"";
    const report::RunMetrics metrics = measure(on_md0(R"("kind":"raid1")", kBufferedJob, more));
    for (std::size_t disk = 0; disk < 4; ++disk) {
      EXPECT_EQ(written(metrics, disk), k64MiB);
    }
  }
}

TEST(StackRun, ASequentialWriterOfARaid5FillsStripes) {
  for (const char* kernel : {"5.10", "6.1"}) {
    const std::string more = std::string{",\"kernel\":\""} + kernel + "\"";
    const report::RunMetrics metrics = measure(on_md0(
        R"("kind":"raid5","chunk":"64KiB")", "rw=write\nbs=192k\nsize=96m\ndirect=1\n", more));
    Sectors all{0};
    for (std::size_t disk = 0; disk < 4; ++disk) {
      all += written(metrics, disk);
      EXPECT_EQ(metrics.devices[disk].read.sectors_completed, Sectors{0});
    }
    EXPECT_EQ(all, sectors_floor(mebibytes(128)));
  }
}

TEST(StackRun, ASmallRandomWriteOfARaid6CostsThreeReadsAndThreeWrites) {
  const Scenario made = scenario(
      "[job]\nfilename=/dev/md0\nrw=randwrite\nbs=4k\nsize=512m\nio_size=1m\ndirect=1\n",
      R"("stack":{"md0":{"kind":"raid6","members":["sda","sdb","sdc","sdd","sde","sdf","sdg"]}})",
      disks(7));
  const report::RunMetrics metrics = measure(made);
  std::int64_t reads = 0;
  std::int64_t writes = 0;
  for (std::size_t disk = 0; disk < 7; ++disk) {
    reads += metrics.devices[disk].read.completed;
    writes += metrics.devices[disk].write.completed;
  }
  EXPECT_EQ(writes, 3 * 256);
  EXPECT_GT(reads, 3 * 250);  // a few are in the stripe cache
  EXPECT_LE(reads, 3 * 256);
}

TEST(StackRun, AnFsyncFlushesAllMembers) {
  const report::RunMetrics metrics = measure(on_md0(
      R"("kind":"raid0","chunk":"64KiB")", "rw=write\nbs=4k\nsize=1m\nfsync=64\n", "", kWriteBack));
  for (std::size_t disk = 0; disk < 4; ++disk) {
    EXPECT_EQ(metrics.devices[disk].flush.completed, 4);
  }
  EXPECT_EQ(metrics.devices[4].flush.completed, 4);
}

// A flush is dropped where it comes in: nothing is counted that would never end.
TEST(StackRun, AnFsyncEndsWhereNoMemberHasACache) {
  for (const char* kind : {"linear", "striped", "raid0", "raid1"}) {
    for (const char* cache : {"write through", "write back"}) {
      const std::string queue =
          std::string{R"(":{"size":"1GiB","queue":{"scheduler":"none","write_cache":")"} + cache +
          "\"}}";
      const Scenario made = testing::scenario(
          "[w]\nfilename=/dev/md0\nrw=write\nbs=64k\nsize=1m\nfsync=4\nend_fsync=1\n",
          std::string{R"("stack":{"md0":{"kind":")"} + kind + R"(","members":["sda","sdb"]}})",
          "{\"sda" + queue + ",\"sdb" + queue + "}");
      const testing::JobRecord record = testing::run_logged(made);
      EXPECT_EQ(record.of_kind(engine::SyscallKind::kFsync).size(), 4U) << kind << ", " << cache;
      EXPECT_EQ(record.ends.size(), 1U);
    }
  }
}

TEST(StackRun, APartitionSharesTheFlusherOfItsDisk) {
  const Scenario made =
      scenario("[job]\nfilename=/dev/sda2\n" + std::string{kBufferedJob},
               R"("stack":{"sda1":{"kind":"partition","members":["sda"],"size":"256MiB"},)"
               R"("sda2":{"kind":"partition","members":["sda"],"start":"512MiB"}})",
               disks(1));
  const report::RunMetrics metrics = measure(made);
  EXPECT_EQ(written(metrics, 0), k64MiB);
  EXPECT_EQ(written(metrics, 1), Sectors{0});
  EXPECT_EQ(written(metrics, 2), k64MiB);
  EXPECT_GT(metrics.devices[0].write.back_merges, 0);
}

// Sequential writes to a partition are those to the disk, at another place.
TEST(StackRun, APartitionTakesAsLongAsItsDisk) {
  const auto end_of = [](const std::string& file) {
    const Scenario made = scenario(
        "[job]\nfilename=/dev/" + file + "\n" + kBufferedJob,
        free_cpu() + R"(,"stack":{"sda1":{"kind":"partition","members":["sda"]}})", disks(1));
    return measure(made).end;
  };
  EXPECT_EQ(end_of("sda1"), end_of("sda"));
}

// The lines of /proc/diskstats of a partition and of an array are the kernel's.
TEST(StackRun, CountsAsTheKernelDoes) {
  struct Expected {
    const char* kernel;
    bool part_times, array_times;
    std::int64_t array_ios;
  };
  for (const Expected& each :
       {Expected{"2.6.18", false, false, 0}, Expected{"3.6", true, false, 16},
        Expected{"5.10", true, true, 16}, Expected{"6.1", true, true, 16}}) {
    const bool old = std::string{each.kernel} < "5";
    const std::string scheduler = old ? "noop" : "none";
    const std::string kernel = std::string{R"("kernel":")"} + each.kernel + R"(","stack":{)";
    const std::string job = "rw=write\nbs=128k\nsize=1m\ndirect=1\n";
    const report::RunMetrics part = measure(scenario(
        "[j]\nfilename=/dev/sda1\n" + job,
        kernel + R"("sda1":{"kind":"partition","members":["sda"]}})", disks(1, "", scheduler)));
    const engine::DiskStats& line = part.devices[1].totals.disk;
    EXPECT_EQ(line.write.sectors, 2048) << each.kernel;
    EXPECT_EQ(line.write.ios, 8);
    EXPECT_EQ(line.io_ms > 0, each.part_times);
    EXPECT_EQ(line.write.ms > 0, each.part_times);
    if (each.array_ios == 0) {
      continue;  // v2.6.18 has partitions only
    }
    const report::RunMetrics array = measure(
        scenario("[j]\nfilename=/dev/md0\n" + job,
                 kernel + R"("md0":{"kind":"raid0","members":["sda","sdb"],"chunk":"64KiB"}})",
                 disks(2, "", scheduler)));
    const engine::DiskStats& of_array = array.devices[2].totals.disk;
    EXPECT_EQ(of_array.io_ms > 0, each.array_times) << each.kernel;
    EXPECT_EQ(of_array.write.ms > 0, each.array_times);
    EXPECT_EQ(of_array.write.sectors, 2048);
    EXPECT_EQ(of_array.write.ios, each.array_ios);
  }
}

TEST(StackRun, ATowerOfEveryKindLosesNothing) {
  for (const char* kernel : {"5.10", "6.1"}) {
    const Scenario made = scenario(
        "[job]\nfilename=/dev/top\nrw=randwrite\nbs=4k-96k\nsize=128m\nio_size=32m\nend_fsync=1\n",
        std::string{R"("kernel":")"} + kernel +
            R"(","stack":{"sda1":{"kind":"partition","members":["sda"]},)"
            R"("md1":{"kind":"raid1","members":["sda1","sdb"]},)"
            R"("md0":{"kind":"raid0","members":["sdc","sdd"],"chunk":"64KiB"},)"
            R"("md5":{"kind":"raid5","members":["sde","sdf","sdg"],"chunk":"64KiB"},)"
            R"("lv":{"kind":"striped","members":["md1","md5"],"chunk":"16KiB"},)"
            R"("top":{"kind":"linear","members":["lv","md0"]}})",
        disks(7, kWriteBack));
    System system{made.config, made.workload, {}};
    system.control().start();
    while (!system.control().finished()) {
      system.simulator().run(system.simulator().now() + seconds(1));
    }
    system.simulator().run(system.simulator().now() + seconds(1));
    EXPECT_TRUE(system.drained());
    system.check_invariants();
  }
}

TEST(StackRun, IsTheSameWithoutTheSimulatorsShortCuts) {
  const std::string job = "rw=randrw\nbs=4k-64k\nsize=64m\nio_size=8m\nend_fsync=1\n";
  for (const char* stack : {R"("kind":"raid1")", R"("kind":"raid5","chunk":"64KiB")",
                            R"("kind":"striped","chunk":"16KiB")"}) {
    const std::string usual = fingerprint(on_md0(stack, job, R"(,"cpus":2)"));
    EXPECT_EQ(usual, fingerprint(on_md0(stack, job, R"(,"cpus":2)")));
    EXPECT_EQ(usual,
              fingerprint(on_md0(
                  stack, job, R"(,"cpus":2,"optimisation":{"batching":false,"bio_runs":false})")));
  }
}

TEST(StackRun, OlderKernelsBuildBiosThatFit) {
  const Scenario made = scenario(
      "[job]\nfilename=/dev/md0\nrw=write\nbs=1m\nsize=16m\ndirect=1\n",
      R"("kernel":"3.6","stack":{"md0":{"kind":"raid0","chunk":"64KiB","members":["sda","sdb"]}})",
      disks(2, "", "noop"));
  const report::RunMetrics metrics = measure(made);
  EXPECT_EQ(written(metrics, 2), sectors_floor(mebibytes(16)));
  EXPECT_EQ(metrics.devices[2].write.bios, 256);
}

TEST(StackWorkload, AMemberBelongsToItsArray) {
  Diagnostics diagnostics;
  Scenario made = on_md0(R"("kind":"raid0")", "rw=write\nbs=4k\nsize=1m\n");
  made.workload.jobs[0].filename = "/dev/sdb";
  check_workload(made.config, made.workload, diagnostics);
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all()[0].message,
            "job \"job\": filename=/dev/sdb is part of /dev/md0, which alone may use it; "
            "filename=/dev/md0 uses that");
}

TEST(StackWorkload, AnUnknownFileIsToldWhichThereAre) {
  Diagnostics diagnostics;
  Scenario made = on_md0(R"("kind":"raid0")", "rw=write\nbs=4k\nsize=1m\n");
  made.workload.jobs[0].filename = "/dev/md1";
  check_workload(made.config, made.workload, diagnostics);
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all()[0].message,
            "job \"job\": no device for filename=/dev/md1; the configuration has /dev/sda, "
            "/dev/sdb, /dev/sdc, /dev/sdd, /dev/md0. --set workload.filename=/dev/md0 runs all "
            "jobs there");
}

}  // namespace
}  // namespace wbsim::system
