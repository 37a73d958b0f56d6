// Jobs on files, from their layout to the device.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/system/scenario_test_util.hpp"
#include "sim/workload/job_extent.hpp"

namespace wbsim::system {
namespace {

using engine::SyscallKind;
using testing::JobRecord;
using testing::run_logged;
using testing::Scenario;

const std::string kMount = R"("mounts":{"data":{"device":"sda","fs":"extent"}})";

Scenario on_files(const std::string& fio, const std::string& members = "") {
  return testing::scenario(
      fio, kMount + "," + testing::free_cpu() + (members.empty() ? "" : "," + members));
}

std::int64_t sectors_written(const JobRecord& record) {
  return record.totals.front().disk.write.sectors;
}
std::int64_t sectors_read(const JobRecord& record) {
  return record.totals.front().disk.read.sectors;
}

TEST(FileJob, FilesOfADirectoryAreNamedByJobCloneAndNumber) {
  const Scenario s = on_files(
      "[w]\ndirectory=/data/x:/data/y\nrw=write\nsize=1m\nnrfiles=2\nnumjobs=3\n"
      "[n]\ndirectory=/data\nfilename_format=$filenum-$jobname\nrw=write\nsize=1m\n"
      "[f]\ndirectory=/data\nfilename=a:/data/b\\:c\nrw=write\nsize=1m\n");
  ASSERT_EQ(s.workload.jobs.size(), 5U);
  using Names = std::vector<std::string>;
  EXPECT_EQ(s.workload.jobs[0].files, (Names{"/data/x/w.0.0", "/data/x/w.0.1"}));
  EXPECT_EQ(s.workload.jobs[1].files, (Names{"/data/y/w.1.0", "/data/y/w.1.1"}));
  EXPECT_EQ(s.workload.jobs[2].files, (Names{"/data/x/w.2.0", "/data/x/w.2.1"}));
  EXPECT_EQ(s.workload.jobs[3].files, (Names{"/data/0-n"}));
  EXPECT_EQ(s.workload.jobs[4].files, (Names{"/data/a", "/data/b:c"}));
}

TEST(FileJob, FilesThatAreReadAreWrittenSyncedAndDroppedFromTheCacheBefore) {
  const JobRecord record =
      run_logged(on_files("[r]\nfilename=/data/f\nrw=read\nbs=64k\nsize=4m\n"));
  EXPECT_EQ(record.of_kind(SyscallKind::kRead).size(), 64U);
  EXPECT_TRUE(record.writes().empty()) << "the layout is not the job's";
  EXPECT_GE(sectors_written(record), 8192);
  EXPECT_GE(sectors_read(record), 8192);
  // 4 MiB to write at 100 MB/s, and the inode.
  EXPECT_GT(record.starts.front().second, SimTime{milliseconds(40)});
}

TEST(FileJob, FilesThatAreWrittenAreOnlyAllocatedBefore) {
  const JobRecord record =
      run_logged(on_files("[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=4m\n"));
  EXPECT_EQ(record.starts.front().second, SimTime{});
  EXPECT_EQ(record.writes().size(), 64U);
  EXPECT_EQ(sectors_written(record), 0) << "and the data waits for the flusher";
}

// A single queue refuses bios that it would have to split; bio_add_page() asks before.
TEST(FileJob, BiosAreAsLongAsASingleQueueTakesThem) {
  class Log final : public engine::Observer {
   public:
    void on_syscall(const engine::SyscallTrace& call) override { failed += call.error != 0; }
    void on_bio(engine::BioStep step, const engine::BioTrace& bio) override {
      if (step == engine::BioStep::kQueue) {
        longest = std::max(longest, to_bytes(bio.length));
      }
    }
    int failed = 0;
    Bytes longest{};
  } log;
  RunOptions options;
  options.observers = {&log};
  const Scenario s = testing::scenario(
      "[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=4m\nend_fsync=1\n",
      kMount + R"(,"kernel":"3.6")",
      R"({"sda":{"size":"1GiB","queue":{"scheduler":"noop","max_sectors_kb":64}}})");
  run_system(s.config, s.workload, options);
  EXPECT_EQ(log.failed, 0);
  EXPECT_EQ(log.longest, kibibytes(64));
}

TEST(FileJob, OverwritingNeedsFilesThatAreWritten) {
  const JobRecord record =
      run_logged(on_files("[w]\nfilename=/data/f\nrw=randwrite\nbs=64k\nsize=4m\noverwrite=1\n"));
  EXPECT_GE(sectors_written(record), 8192);
}

TEST(FileJob, FilesTakeTurnsEachWithOffsetsOfItsOwn) {
  const JobRecord record =
      run_logged(on_files("[w]\ndirectory=/data\nrw=write\nbs=64k\nsize=512k\nnrfiles=2\n"
                          "file_service_type=roundrobin:2\n"));
  std::vector<std::int64_t> blocks;
  for (const engine::SyscallTrace& call : record.writes()) {
    blocks.push_back(call.offset.value() / 65536);
  }
  EXPECT_EQ(blocks, (std::vector<std::int64_t>{0, 1, 0, 1, 2, 3, 2, 3}));
}

TEST(FileJob, ASequenceOfFilesIsWrittenOneAfterTheOther) {
  const JobRecord record =
      run_logged(on_files("[w]\ndirectory=/data\nrw=write\nbs=64k\nsize=512k\nnrfiles=2\n"
                          "file_service_type=sequential\n"));
  std::vector<std::int64_t> blocks;
  for (const engine::SyscallTrace& call : record.writes()) {
    blocks.push_back(call.offset.value() / 65536);
  }
  EXPECT_EQ(blocks, (std::vector<std::int64_t>{0, 1, 2, 3, 0, 1, 2, 3}));
}

TEST(FileJob, ASizeThatDoesNotDivideMakesTheFirstFilesLonger) {
  const Scenario s = on_files("[w]\ndirectory=/data\nrw=write\nbs=64k\nsize=640k\nnrfiles=4\n");
  std::string problem;
  const workload::JobExtent extent =
      workload::resolve_file_extents(s.workload.jobs.front(), problem);
  ASSERT_EQ(extent.files.size(), 4U);
  EXPECT_EQ(extent.files[0].length, kibibytes(192));
  EXPECT_EQ(extent.files[1].length, kibibytes(192));
  EXPECT_EQ(extent.files[2].length, kibibytes(128));
  EXPECT_EQ(extent.amount, kibibytes(640));
}

TEST(FileJob, UnlinkedFilesAreNeverWritten) {
  const JobRecord record =
      run_logged(on_files("[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=4m\nunlink=1\n",
                          R"("actions":[{"after":"workload","syscall":"sync"}])"));
  EXPECT_EQ(record.writes().size(), 64U);
  EXPECT_EQ(sectors_written(record), 8) << "the block of the inode alone";
}

TEST(FileJob, SyncFileRangeIsCalledEverySoManyWrites) {
  const JobRecord record = run_logged(on_files(
      "[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=1m\nsync_file_range=write,wait_after:4\n"));
  EXPECT_EQ(record.of_kind(SyscallKind::kSync).size(), 4U);
  EXPECT_EQ(sectors_written(record), 2048);
}

TEST(FileJob, EndsWithTheErrorOfAFullFileSystem) {
  const JobRecord record =
      run_logged(on_files("[w]\nfilename=/data/f\nrw=write\nbs=16m\nsize=2g\nfallocate=none\n"));
  EXPECT_EQ(record.writes().back().error, -28);
}

TEST(FileJob, SaysWhatIsWrongWithItsFiles) {
  const auto said = [](const std::string& fio, const std::string& members) {
    Diagnostics diagnostics;
    auto config = read_config({"a.json", "{\"devices\":" + testing::disk() + members + "}", ""}, {},
                              diagnostics);
    const auto jobs = workload::parse_fio_jobs(std::vector<workload::FioInput>{{"job.fio", fio}},
                                               {}, diagnostics);
    check_workload(*config, jobs, diagnostics);
    return diagnostics.all().empty() ? "" : to_string(diagnostics.all().front());
  };
  EXPECT_EQ(said("[w]\nfilename=/data/f\nrw=write\nsize=1m\n", ""),
            "job.fio:1: job \"w\": no file system for /data/f; the configuration mounts none. Add "
            "\"mounts\": {\"data\": {\"device\": \"sda\", \"fs\": \"extent\"}} to it and use "
            "/data/...");
  EXPECT_EQ(said("[w]\nfilename=/x/f\nrw=write\nsize=1m\n", "," + kMount),
            "job.fio:1: job \"w\": no file system for /x/f; the configuration mounts /data");
  EXPECT_EQ(said("[w]\nfilename=/data/f\nrw=write\n", "," + kMount),
            "job.fio:1: job \"w\": a job on files needs size, or filesize");
  EXPECT_EQ(
      said("[w]\nfilename=/dev/sda\nrw=write\n", "," + kMount),
      "job.fio:1: job \"w\": filename=/dev/sda is mounted at /data, and what is written there "
      "would be lost; use directory=/data");
  EXPECT_EQ(said("[w]\nfilename=/dev/sda\nrw=read\n", "," + kMount), "");
}

TEST(FileJob, ShortCutsOfTheSimulatorChangeNothing) {
  const std::string fio =
      "[w]\ndirectory=/data\nrw=randwrite\nbsrange=1k-64k\nsize=64m\nnrfiles=8\nnumjobs=2\n"
      "fsync=50\n[r]\ndirectory=/data\nrw=randrw\nbs=8k\nsize=8m\nnrfiles=3\n";
  const std::string memory = R"("memory":{"total":"128MiB"})";
  const std::string members = kMount + "," + memory;
  const std::string fast = testing::fingerprint(testing::scenario(fio, members));
  const std::string slow = testing::fingerprint(
      testing::scenario(fio, members + R"(,"optimisation":{"batching":false,"bio_runs":false})"));
  EXPECT_EQ(fast, slow);
}

}  // namespace
}  // namespace wbsim::system
