// What a right job file becomes.
#include "sim/workload/fio_job_file.hpp"

#include <gtest/gtest.h>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

JobSpec only_job(const FioOutcome& outcome) {
  EXPECT_EQ(outcome.messages, std::vector<std::string>{});
  EXPECT_EQ(outcome.workload.jobs.size(), 1U);
  return outcome.workload.jobs.empty() ? JobSpec{} : outcome.workload.jobs.front();
}

JobSpec job_of(const std::string& lines) { return only_job(parse_lines(lines)); }

TEST(FioJob, HasFiosDefaults) {
  const JobSpec job = job_of("");
  EXPECT_EQ(job.name, "w");
  EXPECT_EQ(job.where, "job.fio:1");
  EXPECT_EQ(job.filename, "/dev/sda");
  EXPECT_EQ(job.pattern, Pattern::kSequential);
  EXPECT_EQ(job.block_size(), kibibytes(4));
  EXPECT_EQ(job.offset, FileOffset{});
  EXPECT_FALSE(job.size || job.size_percent || job.io_size || job.number_ios || job.runtime);
  EXPECT_EQ(job.loops, 1);
  EXPECT_EQ(job.think_time_blocks, 1);
  EXPECT_EQ(job.random_seed, 0x89U);
  EXPECT_TRUE(job.random_map && job.random_repeat && job.invalidate);
}

TEST(FioJob, ReadsEveryWayToWriteASize) {
  EXPECT_EQ(job_of("bs=64k").block_size(), kibibytes(64));
  EXPECT_EQ(job_of("bs=64KB").block_size(), kibibytes(64));
  EXPECT_EQ(job_of("bs=64ki").block_size(), kibibytes(64));
  EXPECT_EQ(job_of("bs=0x1000").block_size(), kibibytes(4));
  EXPECT_EQ(job_of("blocksize = 8192").block_size(), kibibytes(8));
  EXPECT_EQ(job_of("bs=(4 * 1k + 2^12)").block_size(), kibibytes(8));
  EXPECT_EQ(job_of("kb_base=1000\nbs=64k").block_size(), Bytes{64'000});
  EXPECT_EQ(job_of("bs=64kib\nkb_base=1000").block_size(), kibibytes(64));
  EXPECT_EQ(job_of("size=2g").size, gibibytes(2));
  EXPECT_EQ(job_of("size=50%").size_percent, 50);
  EXPECT_EQ(job_of("bs=$pagesize*2").block_size(), kibibytes(8));
}

// fio 3.33 prints these block sizes for writes.
TEST(FioJob, TakesTheWriteMemberOfTriplets) {
  EXPECT_EQ(job_of("bs=4k,8k").block_size(), kibibytes(8));
  EXPECT_EQ(job_of("bs=,8k").block_size(), kibibytes(8));
  EXPECT_EQ(job_of("bs=16k\nbs=8k,").block_size(), kibibytes(16));
  EXPECT_EQ(job_of("bs=4k,,8k").block_size(), kibibytes(4));
  EXPECT_EQ(job_of("bs=4k:8k").block_size(), kibibytes(8));
  EXPECT_EQ(job_of("bs=1k,2k,4k").block_size(), kibibytes(2));
  EXPECT_EQ(job_of("rate=,500k").rate.write, kibibytes(500));
  EXPECT_EQ(job_of("rate=500k,").rate.write, std::nullopt);
  EXPECT_EQ(job_of("rate_iops=10,20").rate_iops.write, 20);
}

TEST(FioJob, TakesTheReadMemberOfTriplets) {
  EXPECT_EQ(job_of("bs=4k,8k").blocks.read.min, kibibytes(4));
  EXPECT_EQ(job_of("bs=16k\nbs=,8k").blocks.read.min, kibibytes(16));
  EXPECT_EQ(job_of("bs=8k,").blocks.read.min, kibibytes(8));
  EXPECT_EQ(job_of("rate=500k,").rate.read, kibibytes(500));
  EXPECT_EQ(job_of("rate=1m\nrate=,500k").rate.read, mebibytes(1));
  EXPECT_EQ(job_of("rate_iops=10,20").rate_iops.read, 10);
}

TEST(FioJob, KnowsItsDirections) {
  const auto directions = [](const std::string& rw) {
    const JobSpec job = job_of("direct=1\nrw=" + rw);
    return std::string{job.reads ? "r" : ""} + (job.writes ? "w" : "") +
           (job.pattern == Pattern::kRandom ? "?" : "");
  };
  EXPECT_EQ(directions("read"), "r");
  EXPECT_EQ(directions("write"), "w");
  EXPECT_EQ(directions("rw"), "rw");
  EXPECT_EQ(directions("readwrite"), "rw");
  EXPECT_EQ(directions("randread"), "r?");
  EXPECT_EQ(directions("randwrite"), "w?");
  EXPECT_EQ(directions("randrw"), "rw?");
}

TEST(FioJob, TakesTheLastOfBothMixes) {
  EXPECT_EQ(job_of("rwmixread=70").mix_read_percent, 70);
  EXPECT_EQ(job_of("rwmixwrite=70").mix_read_percent, 30);
  EXPECT_EQ(job_of("rwmixread=70\nrwmixwrite=20").mix_read_percent, 80);
  EXPECT_EQ(job_of("rwmixwrite=20\nrwmixread=70").mix_read_percent, 70);
}

TEST(FioJob, ReadsRangesAndSharesOfBlockSizes) {
  const JobSpec range = job_of("bsrange=4k-18k,8k-64k");
  EXPECT_EQ(range.blocks.read.min, kibibytes(4));
  EXPECT_EQ(range.blocks.read.max, kibibytes(16));
  EXPECT_EQ(range.blocks.write.max, kibibytes(64));
  EXPECT_EQ(job_of("bsrange=1k-4k").blocks.write.max, kibibytes(4));
  const JobSpec split = job_of("bssplit=4k/10:64k/50:32k/:16k/");
  ASSERT_EQ(split.blocks.write.shares.size(), 4U);
  EXPECT_EQ(split.blocks.write.shares[2].percent, 20);
  EXPECT_EQ(split.blocks.write.shares[3].percent, 20);
  EXPECT_EQ(split.blocks.write.min, kibibytes(4));
  EXPECT_EQ(split.blocks.read.max, kibibytes(64));
  EXPECT_EQ(job_of("bssplit=4k/100,8k/100").blocks.write.min, kibibytes(8));
}

// As fio's fixup_options() completes them.
TEST(FioJob, CompletesTheQueueOptions) {
  const auto queueing = [](const std::string& lines) {
    return job_of("ioengine=libaio\n" + lines).queueing;
  };
  const Queueing plain = queueing("iodepth=8");
  EXPECT_EQ(plain.batch_submit, 1);
  EXPECT_EQ(plain.batch_complete_min, 1);
  EXPECT_EQ(plain.batch_complete_max, 1);
  EXPECT_EQ(plain.low, 8);
  EXPECT_EQ(queueing("iodepth=8\niodepth_batch=0").batch_submit, 8);
  EXPECT_EQ(queueing("iodepth=8\niodepth_batch=32").batch_submit, 8);
  EXPECT_EQ(queueing("iodepth=8\niodepth_batch_complete_min=4").batch_complete_max, 4);
  EXPECT_EQ(queueing("iodepth=8\niodepth_batch_complete_max=6").batch_complete_min, 1);
  EXPECT_EQ(queueing("iodepth=8\niodepth_low=3").low, 3);
  EXPECT_EQ(queueing("iodepth=8\niodepth_low=9").low, 8);
}

TEST(FioJob, ReadsTimesInTheUnitOfTheirOption) {
  EXPECT_EQ(job_of("runtime=10").runtime, seconds(10));
  EXPECT_EQ(job_of("timeout=300ms").runtime, milliseconds(300));
  EXPECT_EQ(job_of("runtime=2M").runtime, seconds(120));
  EXPECT_EQ(job_of("runtime=(1.5s)").runtime, milliseconds(1500));
  EXPECT_EQ(job_of("runtime=(1500000)").runtime, milliseconds(1500));
  EXPECT_EQ(job_of("startdelay=1h").start_delay, seconds(3600));
  EXPECT_EQ(job_of("startdelay=2-2").start_delay, seconds(2));
  EXPECT_EQ(job_of("thinktime=100").think_time, microseconds(100));
  EXPECT_EQ(job_of("thinktime=5ms\nthinktime_blocks=8").think_time_blocks, 8);
  EXPECT_EQ(job_of("runtime=0").runtime, std::nullopt);
}

TEST(FioJob, ReadsWhatEndsAJob) {
  const JobSpec job = job_of("number_ios=1k\nloops=3\ntime_based\nruntime=5\nsize=2m\nio_size=1m");
  EXPECT_EQ(job.number_ios, 1024);
  EXPECT_EQ(job.loops, 3);
  EXPECT_TRUE(job.time_based);
  EXPECT_EQ(job.io_size, mebibytes(1));
  EXPECT_EQ(job_of("loops=0").loops, 1);
  EXPECT_EQ(job_of("io_size=150m").io_size, mebibytes(150));
  EXPECT_EQ(job_of("io_limit=50%").io_size_percent, 50);
  EXPECT_EQ(job_of("filesize=1g").file_size, gibibytes(1));
}

TEST(FioJob, ReadsDurability) {
  const JobSpec job = job_of("fsync=32\nfdatasync=8\nend_fsync=1\nsync=dsync");
  EXPECT_EQ(job.fsync_every, 32);
  EXPECT_EQ(job.fdatasync_every, 8);
  EXPECT_TRUE(job.end_fsync);
  EXPECT_EQ(job.open_sync, OpenSync::kDsync);
  EXPECT_EQ(job_of("sync=1").open_sync, OpenSync::kSync);
  EXPECT_EQ(job_of("sync=sync").open_sync, OpenSync::kSync);
  EXPECT_EQ(job_of("sync=0").open_sync, OpenSync::kNone);
}

TEST(FioJob, ReadsRandomOrder) {
  const JobSpec job = job_of("rw=randwrite\nnorandommap\nrandseed=7\nrandrepeat=0");
  EXPECT_EQ(job.pattern, Pattern::kRandom);
  EXPECT_FALSE(job.random_map);
  EXPECT_EQ(job.random_seed, 7U);
  EXPECT_TRUE(job.random_repeat) << "a seed that is given counts";
  EXPECT_FALSE(job_of("allrandrepeat=0").random_repeat);
  EXPECT_TRUE(job_of("norandommap\nnorandommap=0").random_map);
}

TEST(FioJob, RandrepeatIsAlsoWhatRepeatsTheOrderInEveryLoop) {
  EXPECT_TRUE(job_of("rw=randwrite").repeats_order);
  EXPECT_FALSE(job_of("rw=randwrite\nrandseed=7\nrandrepeat=0").repeats_order);
}

// As fio 3.33 calls ioprio_set() for them.
TEST(FioJob, ReadsItsIoPriority) {
  using enum block::IoClass;
  EXPECT_EQ(job_of("rw=write").priority, block::IoPriority{});
  EXPECT_EQ(job_of("prio=3").priority, (block::IoPriority{kBestEffort, 3}));
  EXPECT_EQ(job_of("prioclass=0").priority, (block::IoPriority{kBestEffort, 0}));
  EXPECT_EQ(job_of("prioclass=1\nprio=7").priority, (block::IoPriority{kRealTime, 7}));
  EXPECT_EQ(job_of("prioclass=2").priority, (block::IoPriority{kBestEffort, 0}));
  EXPECT_EQ(job_of("prio=5\nprioclass=3").priority, (block::IoPriority{kIdle, 5}));
}

TEST(FioJob, ShiftsClonesByOffsetIncrement) {
  const FioOutcome outcome = parse_lines("numjobs=3\noffset=1m\noffset_increment=10m\nthread");
  ASSERT_EQ(outcome.workload.jobs.size(), 3U);
  EXPECT_EQ(outcome.workload.jobs[2].offset, FileOffset{21 << 20});
  EXPECT_EQ(outcome.workload.jobs[2].clone, 2);
  EXPECT_EQ(outcome.workload.jobs[2].index, 2);
  EXPECT_EQ(outcome.workload.jobs[2].group, 0);
  EXPECT_EQ(job_of("offset=25%\noffset_increment=10%").offset_percent, 25);
  EXPECT_EQ(job_of("offset_increment=10%").offset_increment_percent, 10);
}

TEST(FioJob, NameAndEscapedFilename) {
  EXPECT_EQ(job_of("name=other").name, "other");
  EXPECT_EQ(job_of("filename=/dev/disk\\:1").filename, "/dev/disk:1");
}

// Compared with the groups that fio 3.33 prints for the same files.
TEST(FioJobs, NumberGroupsAsFioDoes) {
  const FioOutcome outcome = parse_inputs(
      {{"a.fio",
        "[global]\nfilename=/dev/sda\nrw=write\nnumjobs=2\n[a]\n[b]\nstonewall\n[c]\nnew_group\n"},
       {"b.fio", "[b]\nfilename=/dev/sda\nrw=write\n"}});
  EXPECT_EQ(outcome.messages, std::vector<std::string>{});
  std::vector<int> groups;
  std::vector<int> report_groups;
  for (const JobSpec& job : outcome.workload.jobs) {
    groups.push_back(job.group);
    report_groups.push_back(job.report_group);
  }
  EXPECT_EQ(groups, (std::vector{0, 0, 1, 1, 1, 1, 2}));
  EXPECT_EQ(report_groups, (std::vector{0, 0, 1, 1, 2, 2, 3}));
}

TEST(FioJobs, StonewallOfTheFirstJobSplitsNothing) {
  EXPECT_EQ(job_of("stonewall").group, 0);
  EXPECT_EQ(job_of("wait_for_previous").report_group, 0);
}

TEST(FioJobs, GlobalSectionsActOnLaterJobsAndAccumulate) {
  const FioOutcome outcome = parse_text(
      "[global]\nfilename=/dev/sda\nrw=write\nbs=8k\n[a]\n"
      "[global-2]\nfsync=4\n[b]\nbs=16k\n[c]\n");
  EXPECT_EQ(outcome.messages, std::vector<std::string>{});
  ASSERT_EQ(outcome.workload.jobs.size(), 3U);
  EXPECT_EQ(outcome.workload.jobs[0].fsync_every, 0);
  EXPECT_EQ(outcome.workload.jobs[1].fsync_every, 4);
  EXPECT_EQ(outcome.workload.jobs[1].block_size(), kibibytes(16));
  EXPECT_EQ(outcome.workload.jobs[2].block_size(), kibibytes(8));
}

TEST(FioJobs, DefaultsEndWithTheirFile) {
  const std::string text = "[a]\nfilename=/dev/sda\nrw=write\n";
  const FioOutcome outcome = parse_inputs({{"a.fio", "[global]\nbs=8k\n" + text}, {"b.fio", text}});
  ASSERT_EQ(outcome.workload.jobs.size(), 2U);
  EXPECT_EQ(outcome.workload.jobs[0].block_size(), kibibytes(8));
  EXPECT_EQ(outcome.workload.jobs[1].block_size(), kibibytes(4));
}

TEST(FioJobs, DefaultsThatAJobTakesBackAreNotRefused) {
  EXPECT_EQ(
      parse_text("[global]\nfilename=/dev/sda\nrw=write\ndirect=1\n[w]\ndirect=0\n").exit_code, 0);
  EXPECT_EQ(parse_lines("direct=1\nbuffered=1").exit_code, 0) << "both set one variable; last wins";
  EXPECT_FALSE(job_of("direct=1\nbuffered=1").direct);
  EXPECT_TRUE(job_of("buffered=1\ndirect=1").direct);
  EXPECT_TRUE(job_of("buffered=0").direct);
}

TEST(FioJobs, CommentsAndBlanksAreNoValues) {
  const FioOutcome outcome = parse_text(
      "; first\r\n\r\n[w] # name\r\n  filename=/dev/sda ; device\r\n\t rw = "
      "write#x\r\nbs=8k;16k\r\n");
  EXPECT_EQ(only_job(outcome).block_size(), kibibytes(8));
}

TEST(FioJobs, VariablesComeFromTheCaller) {
  FioOptions options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    return name == "BS" ? std::optional<std::string>{"16k"} : std::nullopt;
  };
  options.cpus = 4;
  options.memory = gibibytes(2);
  const JobSpec job = only_job(
      parse_lines("bs=${BS}${UNSET}\nsize=$mb_memory*1048576\nrate_iops=$ncpus*100", options));
  EXPECT_EQ(job.block_size(), kibibytes(16));
  EXPECT_EQ(job.size, gibibytes(2));
  EXPECT_EQ(job.rate_iops.write, 400);
}

}  // namespace
}  // namespace wbsim::workload
