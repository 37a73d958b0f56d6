// What is right to fio and not simulated, and what is accepted with a note.
#include <gtest/gtest.h>

#include "sim/workload/fio_options.hpp"
#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

struct Said {
  const char* lines;    // from line 4 on, in section [w]
  const char* message;  // the only one
};

constexpr Said kRefusals[] = {
    {"rw=trim",
     "not simulated: job.fio:4: rw=trim (job \"w\"): trims are not simulated yet; use read, write "
     "or rw"},
    {"ioengine=mmap",
     "not simulated: job.fio:4: ioengine=mmap (job \"w\"): only psync, sync, libaio and io_uring "
     "are simulated yet; use one of these"},
    {"ioengine=io_uring",
     "not simulated: job.fio:4: ioengine=io_uring (job \"w\"): buffered I/O of io_uring on block "
     "devices is done by kernel workers, which are not simulated yet; use direct=1"},
    {"ioengine=libaio\nfsync=8",
     "not simulated: job.fio:5: fsync=8 (job \"w\"): syncs among the I/Os of ioengine=libaio are "
     "not simulated yet; use end_fsync=1 or ioengine=psync"},
    {"ioengine=libaio\nnowait=1",
     "not simulated: job.fio:5: nowait=1 (job \"w\"): options of this ioengine are not simulated "
     "yet; remove it"},
    {"rw=randrw\ndirect=1\nrw_sequencer=identical",
     "not simulated: job.fio:6: rw_sequencer=identical (job \"w\"): the same offset again and "
     "again is not simulated; remove it or use rw_sequencer=sequential"},
    {"serialize_overlap=1",
     "not simulated: job.fio:4: serialize_overlap=1 (job \"w\"): waiting for I/Os that overlap is "
     "not simulated yet; remove it or use serialize_overlap=0"},
    {"ioengine=rbd",
     "not simulated: job.fio:4: ioengine=rbd (job \"w\"): it has no local block device under it, "
     "so there is nothing to simulate"},
    {"filename=/dev/sda:/dev/sdb",
     "not simulated: job.fio:4: filename=/dev/sda:/dev/sdb (job \"w\"): several devices in one job "
     "are not simulated yet; use one job for each"},
    {"filename=/data/f\ndirect=1",
     "not simulated: job.fio:5: direct=1 (job \"w\"): direct I/O on files is not simulated yet; "
     "use "
     "buffered I/O, or filename=/dev/..."},
    {"filename=/data/a:/data/b:/data/c\nopenfiles=2",
     "not simulated: job.fio:5: openfiles=2 (job \"w\"): closing files to open others is not "
     "simulated yet; remove it"},
    {"filename=/data/f\nfile_service_type=zipf:1.2",
     "not simulated: job.fio:5: file_service_type=zipf:1.2 (job \"w\"): uneven choices are not "
     "simulated yet; use roundrobin, sequential or random"},
    {"filename=/data/f\nsize=50%",
     "not simulated: job.fio:5: size=50% (job \"w\"): a share of a file that exists already is not "
     "simulated; use bytes"},
    {"filename=/data/f\ncreate_serialize=0",
     "not simulated: job.fio:5: create_serialize=0 (job \"w\"): files that jobs lay out at the "
     "same "
     "time are not simulated yet; remove it"},
    {"ioengine=libaio\nsync_file_range=write:8",
     "not simulated: job.fio:5: sync_file_range=write:8 (job \"w\"): syncs among the I/Os of "
     "asynchronous engines are not simulated yet; use ioengine=psync"},
    {"filename=data.bin",
     "not simulated: job.fio:4: filename=data.bin (job \"w\"): the working directory is not "
     "simulated; use filename=/dev/..., or filename=/NAME/... in a file system of the "
     "configuration"},
    {"startdelay=1-5",
     "not simulated: job.fio:4: startdelay=1-5 (job \"w\"): random delays are not simulated yet; "
     "use one delay"},
    {"random_distribution=zipf:1.2",
     "not simulated: job.fio:4: random_distribution=zipf:1.2 (job \"w\"): uneven random I/Os are "
     "not simulated yet; remove it or use random_distribution=random"},
    {"ioscheduler=bfq",
     "not simulated: job.fio:4: ioscheduler=bfq (job \"w\"): set devices.NAME.queue.scheduler in "
     "the configuration instead; remove it"},
    {"priohint=1",
     "not simulated: job.fio:4: priohint=1 (job \"w\"): hints beside the I/O priority are not "
     "simulated; remove it or use priohint=0"},
    {"atomic=1",
     "not simulated: job.fio:4: atomic=1 (job \"w\"): atomic writes are not simulated; remove it "
     "or use atomic=0"},
    {"size=5z",
     "not simulated: job.fio:4: size=5z (job \"w\"): zones are not simulated yet; use bytes"},
    {"filesize=1g-2g",
     "not simulated: job.fio:4: filesize=1g-2g (job \"w\"): random sizes are not simulated yet; "
     "use one size"},
    {"wait_for=a",
     "not simulated: job.fio:4: wait_for=a (job \"w\"): waiting for one named job is not "
     "simulated "
     "yet; use stonewall"},
    {"rw=randwrite\nba=8k",
     "not simulated: job.fio:5: ba=8k (job \"w\"): random offsets that are no multiples of bs "
     "are "
     "not simulated yet; remove it"},
    {"size=10m\nio_size=25m\nloops=2",
     "not simulated: job.fio:6: loops=2 (job \"w\"): loops with an io_size above size are not "
     "simulated; use io_size alone"},
};

void expect_said(const Said& said, int exit_code) {
  const FioOutcome outcome = parse_lines(said.lines);
  ASSERT_EQ(outcome.messages.size(), 1U) << said.lines;
  EXPECT_EQ(outcome.messages.front(), said.message);
  EXPECT_EQ(outcome.exit_code, exit_code) << said.lines;
}

TEST(FioRefusal, NamesTheOptionTheJobAndTheWayOut) {
  for (const Said& said : kRefusals) {
    expect_said(said, 3);
  }
}

TEST(FioRefusal, SaysWhatAJobLacks) {
  EXPECT_EQ(parse_text("[w]\nsize=1m\n").messages,
            (std::vector<std::string>{
                "not simulated: job.fio:1: filename is not set (job \"w\"): fio would make a file "
                "in its working directory, which is not simulated; use filename=/dev/..., or "
                "directory=/NAME with a file system of the configuration"}));
}

TEST(FioRefusal, OfADefaultIsSaidOnceForAllItsJobs) {
  const FioOutcome outcome =
      parse_text("[global]\nfilename=/dev/sda\nrw=write\nflow=5\n[a]\n[b]\n[c]\n");
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(
      outcome.messages.front(),
      "not simulated: job.fio:4: flow=5 (job \"a\" and 2 more): flow control between jobs is not "
      "simulated yet; remove it or use flow=0");
}

TEST(FioRefusal, NeverHidesAnError) {
  const FioOutcome outcome = parse_lines("flow=5\nbs=4kk\nrw=wirte");
  EXPECT_EQ(outcome.messages.size(), 3U);
  EXPECT_EQ(outcome.exit_code, 2);
}

TEST(FioNote, IsSaidOncePerOptionAndRun) {
  const FioOutcome outcome = parse_text(
      "[global]\nfilename=/dev/"
      "sda\nrw=write\nverify_pattern=1\n[a]\nverify_pattern=2\n[b]\nverify_pattern=3\n");
  EXPECT_EQ(
      outcome.messages,
      std::vector<std::string>{
          "note: job.fio:4: verify_pattern: the content of data is not simulated, so nothing is "
          "generated, compared or read back"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.workload.jobs.size(), 2U);
}

TEST(FioNote, NamesWhatDoesNothing) {
  constexpr Said kNotes[] = {
      {"write_bw_log",
       "note: job.fio:4: write_bw_log: shapes fio's own output; wbsim writes its own"},
      {"cpus_allowed=0-3",
       "note: job.fio:4: cpus_allowed: placement on CPUs and memory nodes is not simulated"},
      {"exec_prerun=rm -rf x", "note: job.fio:4: exec_prerun: commands are never run"},
      {"iodepth=32",
       "note: job.fio:4: iodepth=32: ioengine=psync has one I/O at a time whatever iodepth says"},
      {"time_based", "note: job.fio:4: time_based: does nothing without runtime"},
      {"ioengine=libaio\nuserspace_reap",
       "note: job.fio:5: userspace_reap: what it saves in CPU time is not simulated"},
      {"threads=1", "note: job.fio:4: threads: acts in fio only with profile="},
      {"bs=64KiB",
       "note: job.fio:4: bs=64KiB: to fio kib, mib ... are powers of 1000 unless kb_base=1000; k, "
       "m "
       "... are powers of 1024"},
  };
  for (const Said& said : kNotes) {
    expect_said(said, 0);
  }
}

TEST(FioNote, IsAnErrorWhenStrict) {
  FioOptions options;
  options.strict = true;
  const FioOutcome outcome = parse_lines("iodepth=32", options);
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(outcome.messages.front(),
            "job.fio:4: iodepth=32: ioengine=psync has one I/O at a time whatever iodepth says\n"
            "  iodepth=32\n          ^ near here");
  EXPECT_EQ(outcome.exit_code, 2);
}

// Whatever asks for nothing must not stop a run.
TEST(FioNeutralValues, AreAcceptedInSilence) {
  for (const FioOptionInfo& option : fio_options()) {
    if (option.engine_option || option.treatment == FioTreatment::kRemoved) {
      continue;
    }
    for (const std::string& value : split_words(option.neutral)) {
      if (!value.empty()) {
        const std::string line = std::string(option.name) + "=" + value;
        EXPECT_EQ(parse_lines(line).messages, std::vector<std::string>{}) << line;
      }
    }
  }
  for (const char* line :
       {"ioengine=psync", "ioengine=sync", "iodepth=1", "rwmixread=70", "fallocate=none",
        "create_on_open=1", "invalidate=1", "fadvise_hint=0", "rate_cycle=500", "thread=1", "ba=4k",
        "percentage_random=50,100,50", "description=a text"}) {
    EXPECT_EQ(parse_lines(line).messages, std::vector<std::string>{}) << line;
  }
}

}  // namespace
}  // namespace wbsim::workload
