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
      "[f]\ndirectory=/data/:/data/z\nfilename=a:/b\\:c\nrw=write\nsize=1m\nnumjobs=2\n");
  ASSERT_EQ(s.workload.jobs.size(), 6U);
  using Names = std::vector<std::string>;
  EXPECT_EQ(s.workload.jobs[0].files, (Names{"/data/x/w.0.0", "/data/x/w.0.1"}));
  EXPECT_EQ(s.workload.jobs[1].files, (Names{"/data/y/w.1.0", "/data/y/w.1.1"}));
  EXPECT_EQ(s.workload.jobs[2].files, (Names{"/data/x/w.2.0", "/data/x/w.2.1"}));
  EXPECT_EQ(s.workload.jobs[3].files, (Names{"/data/0-n"}));
  // Clones share files whose names are given, all in the first directory, as with fio 3.33.
  EXPECT_EQ(s.workload.jobs[4].files, (Names{"/data/a", "/data/b:c"}));
  EXPECT_EQ(s.workload.jobs[5].files, s.workload.jobs[4].files);
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

std::vector<std::int64_t> lengths_of(const std::string& fio) {
  std::string problem;
  const Scenario s = on_files(fio);
  const auto extent = workload::resolve_file_extents(s.workload.jobs.front(), problem);
  std::vector<std::int64_t> lengths;
  for (const workload::JobExtent& file : extent.files) {
    lengths.push_back(file.length.count());
  }
  return lengths;
}

// As fio 3.33 makes them.
TEST(FileJob, ASizeThatDoesNotDivideMakesTheFirstFilesABlockLonger) {
  using Lengths = std::vector<std::int64_t>;
  EXPECT_EQ(lengths_of("[w]\ndirectory=/data\nrw=write\nbs=64k\nsize=640k\nnrfiles=4\n"),
            (Lengths{163840, 163840, 163840, 163840}));
  EXPECT_EQ(lengths_of("[w]\ndirectory=/data\nrw=write\nbs=64k\nsize=640k\nnrfiles=3\n"),
            (Lengths{218453, 218453, 218453}))
      << "less than a block is left";
  EXPECT_EQ(lengths_of("[w]\ndirectory=/data\nrw=write\nbs=512\nsize=1026\nnrfiles=1\n"),
            (Lengths{1026}));
  const auto many =
      lengths_of("[w]\ndirectory=/data\nrw=write\nbs=512\nsize=1050112\nnrfiles=1025\n");
  EXPECT_EQ(many[0], 1536);
  EXPECT_EQ(many[1], 1024);
}

std::vector<std::int64_t> blocks_written(const JobRecord& record) {
  std::vector<std::int64_t> blocks;
  for (const engine::SyscallTrace& call : record.writes()) {
    blocks.push_back(call.offset.value() / 65536);
  }
  return blocks;
}

TEST(FileJob, FilesInSequenceAreAllGoneOverBeforeATimeBasedJobComesRound) {
  const JobRecord record =
      run_logged(on_files("[w]\ndirectory=/data\nrw=write\nbs=64k\nsize=256k\nnrfiles=2\n"
                          "time_based\nruntime=1\nrate_iops=10\n"));
  EXPECT_EQ(blocks_written(record), (std::vector<std::int64_t>{0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}));
}

TEST(FileJob, FilesAtRandomComeRoundEachByItselfWhenTimeBased) {
  const JobRecord record =
      run_logged(on_files("[w]\ndirectory=/data\nrw=randwrite\nbs=64k\nsize=128k\nnrfiles=2\n"
                          "file_service_type=roundrobin:3\n"
                          "time_based\nruntime=1\nrate_iops=20\nfdatasync=3\n"));
  EXPECT_GE(record.writes().size(), 20U);
  // Each third write is followed by one, but the last when time is up.
  EXPECT_EQ(record.of_kind(SyscallKind::kFdatasync).size(), (record.writes().size() - 1) / 3);
}

TEST(FileJob, UnlinkedFilesAreNeverWritten) {
  const JobRecord record =
      run_logged(on_files("[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=4m\nunlink=1\n",
                          R"("actions":[{"after":"workload","syscall":"sync"}])"));
  EXPECT_EQ(record.writes().size(), 64U);
  EXPECT_EQ(sectors_written(record), 8) << "the block of the inode alone";
}

TEST(FileJob, SyncFileRangeIsOfWhatWasWrittenSinceTheLastSync) {
  const JobRecord record = run_logged(on_files(
      "[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=1m\nsync_file_range=write,wait_after:4\n"));
  std::vector<std::int64_t> offsets;
  for (const engine::SyscallTrace& call : record.of_kind(SyscallKind::kSync)) {
    offsets.push_back(call.offset.value() / 65536);
  }
  EXPECT_EQ(offsets, (std::vector<std::int64_t>{0, 4, 8, 12}));
  EXPECT_EQ(sectors_written(record), 2048);
}

// fio 3.33: the third write and the sixth ask for it, but the turn is the first file's, which was
// synced just before, and the sixth asks for fsync first.
TEST(FileJob, SyncFileRangeIsLeftOutWhereNothingWasWrittenSince) {
  const JobRecord record =
      run_logged(on_files("[w]\ndirectory=/data\nnrfiles=2\nrw=write\nbs=8k\nsize=64k\n"
                          "fsync=2\nsync_file_range=write:3\n"));
  EXPECT_TRUE(record.of_kind(SyscallKind::kSync).empty());
  std::vector<std::int64_t> blocks;
  for (const engine::SyscallTrace& call : record.writes()) {
    blocks.push_back(call.offset.value() / 8192);
  }
  EXPECT_EQ(blocks, (std::vector<std::int64_t>{0, 0, 1, 2, 3, 1, 2, 3}));
}

TEST(FileJob, FilesAreSyncedOnceAtTheEndAlsoThoseThatWereNotOpen) {
  const JobRecord record =
      run_logged(on_files("[w]\ndirectory=/data\nnrfiles=3\nrw=write\nbs=64k\nsize=768k\n"
                          "number_ios=2\nend_fsync=1\nfsync_on_close=1\n"));
  EXPECT_EQ(record.writes().size(), 2U);
  EXPECT_EQ(record.of_kind(SyscallKind::kFsync).size(), 3U);
}

TEST(FileJob, SyncsNothingAtTheEndWhereTheLastIoWasASync) {
  const JobRecord record = run_logged(
      on_files("[w]\nfilename=/data/f\nrw=write\nbs=64k\nsize=256k\nfsync=2\nend_fsync=1\n"));
  EXPECT_EQ(record.of_kind(SyscallKind::kFsync).size(), 2U);
}

// fio 3.33: "full resid".
TEST(FileJob, AReadOfNothingIsAnError) {
  const JobRecord record =
      run_logged(on_files("[r]\nfilename=/data/f\nrw=read\nbs=64k\nsize=256k\ncreate_on_open=1\n"));
  ASSERT_EQ(record.of_kind(SyscallKind::kRead).size(), 1U);
  EXPECT_EQ(record.of_kind(SyscallKind::kRead).front().error, -5);
}

TEST(FileJob, WhoseFilesCannotBeLaidOutReadsNothing) {
  const JobRecord record =
      run_logged(on_files("[r]\nfilename=/data/f\nrw=read\nbs=1m\nsize=2g\nramp_time=1\n"
                          "[w]\nfilename=/data/g\nrw=write\nbs=64k\nsize=64k\nfallocate=none\n"));
  EXPECT_TRUE(record.of_kind(SyscallKind::kRead).empty());
  ASSERT_FALSE(record.writes().empty());
  EXPECT_EQ(record.writes().front().error, -28);
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
  EXPECT_EQ(said("[w]\ndirectory=/data\nrw=write\nbs=8k\nsize=16k\nnrfiles=3\n", "," + kMount),
            "job.fio:1: job \"w\": files of 5461 bytes beyond offset 0 are too short for one block "
            "of 8192");
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
