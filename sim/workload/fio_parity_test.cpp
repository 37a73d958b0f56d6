// Accepts and rejects what the real fio does (`fio --parse-only`); skipped where fio is absent.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sim/workload/fio_test_util.hpp"

namespace wbsim::workload {
namespace {

// Options of one job, after rw=write and a filename.
constexpr const char* kAccepted[] = {"bs=4kb",
                                     "bs=4KiB",
                                     "bs=0x1000",
                                     "bs=010",
                                     "bs=4k,8k",
                                     "bs=,8k",
                                     "bs=4k,",
                                     "bs=4k,,8k",
                                     "bs=4k:8k",
                                     "bs=4k-8k",
                                     "bs= 4k",
                                     "bs =4k",
                                     "  bs=4k",
                                     "size=50%",
                                     "size=100%",
                                     "size=0",
                                     "size=5z",
                                     "size=10G",
                                     "size=+4k",
                                     "runtime=10s",
                                     "runtime=10M",
                                     "runtime=5msec",
                                     "runtime=5usec",
                                     "runtime=1d",
                                     "timeout=3",
                                     "startdelay=1-5",
                                     "startdelay=1,5",
                                     "thinktime=5ms",
                                     "fsync=32k",
                                     "loops=0",
                                     "rate=1m,2m,3m",
                                     "rate=,1m",
                                     "rate_iops=,100",
                                     "rate=0",
                                     "rate_process=poisson",
                                     "rw=write:8",
                                     "rw=write:",
                                     "rw=randwrite:8k",
                                     "sync=dsync",
                                     "stonewall",
                                     "stonewall=0",
                                     "norandommap=0",
                                     "time_based",
                                     "filesize=1m-2m",
                                     "number_ios=1k",
                                     "offset=50%",
                                     "offset_increment=10%",
                                     "name=a b",
                                     "threads=1",
                                     "numruns=2",
                                     "flow_watermark=5",
                                     "verifysort=1",
                                     "kb_base=1000",
                                     "percentile_list=50:99.9",
                                     "bssplit=4k/10:64k/50:32k/",
                                     "bssplit=4k",
                                     "bsrange=4k-8k,1k-2k",
                                     "sync_file_range=write:8",
                                     "sync_file_range=wait_before,write:8",
                                     "direct=1",
                                     "ioengine=libaio",
                                     "ioengine=sync",
                                     "random_distribution=zipf:1.2",
                                     "cpus_allowed=0-1",
                                     "verify=crc32c",
                                     "verify=crc32c-intel",
                                     "ss=iops:5%",
                                     "write_bw_log",
                                     "write_bw_log=x",
                                     "exitall",
                                     "size=1g#x",
                                     "#size",
                                     "fill_device=1",
                                     "randseed=-5",
                                     "allrandrepeat=1",
                                     "bs=$pagesize*2",

                                     "ba=8k",
                                     "readwrite=write",
                                     "fsync=8\nrw=read",
                                     "wait_for=nosuch",
                                     "continue_on_error=1",
                                     "lockfile=none",
                                     "ioscheduler=foo",
                                     "unit_base=8",
                                     "hugepage-size=4m",
                                     "disk_util=0",
                                     "gtod_reduce=1",
                                     "invalidate=0"};

constexpr const char* kRejected[] = {"bs=0",
                                     "bs=",
                                     "bs",
                                     "size=99999999999999999999",
                                     "runtime=",
                                     "iodepth=0",
                                     "iodepth=abc",
                                     "rate_process=foo",
                                     "rwmixread=101",
                                     "rw=wirte",
                                     "rw=WRITE",
                                     "rw=",
                                     "rw",
                                     "sync=2",
                                     "end_fsync",
                                     "end_fsync=true",
                                     "end_fsync=2",
                                     "stonewall=x",
                                     "stonewall=",
                                     "number_ios=x",
                                     "filename=",
                                     "filename",
                                     "name=",
                                     "description=",
                                     "cpuload=50",
                                     "hipri=1",
                                     "userspace_reap",
                                     "rwmixcycle=5",
                                     "percentage_sequential=5",
                                     "kb_base=7",
                                     "percentile_list=x",
                                     "bssplit=x",
                                     "bsrange=4k",
                                     "sync_file_range=foo:8",
                                     "prioclass=be",
                                     "prio=8",
                                     "prioclass=4",
                                     "direct=true",
                                     "bs: 4k",
                                     "random_distribution=foo",
                                     "fadvise_hint=foo",
                                     "write_hint=foo",
                                     "verify=foo",
                                     "zonemode=foo",
                                     "nosuch=1",
                                     "bs=${NOSUCH}",
                                     "bs=${NOSUCH",
                                     "bs==4k",
                                     "=4k",
                                     "size=k",
                                     "bs=18446744073709551616",
                                     "ioengine=",
                                     "Stonewall",
                                     "BS=4k",
                                     "log_avg_msec=x",
                                     "lockfile=foo",
                                     "mem=foo",
                                     "clocksource=foo",
                                     "steadystate=foo:1",
                                     "percentage_random=101",
                                     "thinktime=x",
                                     "randrepeat=2",
                                     "unit_base=2",
                                     "cgroup_weight=5",
                                     "nice=20",
                                     "dedupe_percentage=101",
                                     "exit_what=foo",
                                     "rw=write\nrw=wirte"};

// Each of these changes what fio runs, without a word.
constexpr const char* kDropped[] = {"bs=4kk",      "bs=4 k",    "bs=1.5k",       "bs=4k junk",
                                    "bs=1,2,3,4",  "fsync=32x", "fsync=32,4",    "runtime=10sec",
                                    "runtime=1-5", "size=150%", "loops=1.5",     "rw=write:x",
                                    "stonewall=2", "numjobs=0", "include nosuch"};

bool shell_succeeds(const std::string& command) {
  const int status = std::system((command + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class FioParity : public testing::Test {
 protected:
  void SetUp() override {
    if (!shell_succeeds("fio --version")) {
      GTEST_SKIP() << "fio is not installed";
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "wbsim-parity-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }

  void TearDown() override {
    if (!folder_.empty()) {
      std::filesystem::remove_all(folder_);
    }
  }

  // From within the folder: fio takes a ':' in a file's name for a separator.
  [[nodiscard]] bool fio_accepts(const std::string& text) const {
    std::ofstream(folder_ / "job.fio", std::ios::binary) << text;
    return shell_succeeds("cd '" + folder_.string() + "' && fio --parse-only job.fio");
  }

  static std::string job(const std::string& lines) {
    return "[w]\nfilename=/dev/sda\nrw=write\n" + lines + "\n";
  }

 private:
  std::filesystem::path folder_;
};

// One file with all of them first: a start of fio costs much.
TEST_F(FioParity, OfWhatFioAccepts) {
  std::string all;
  for (const char* lines : kAccepted) {
    EXPECT_NE(parse_text(job(lines)).exit_code, 2) << lines;
    all += job(lines);
  }
  if (!fio_accepts(all)) {
    for (const char* lines : kAccepted) {
      EXPECT_TRUE(fio_accepts(job(lines))) << lines;
    }
  }
}

TEST_F(FioParity, OfGlobalSectionsAndProfiles) {
  for (const char* lines : {"profile=tiobench", "[w2]\nbs=8k", "[global2]\nbs=8k\n[x]"}) {
    EXPECT_NE(parse_text(job(lines)).exit_code, 2) << lines;
    EXPECT_TRUE(fio_accepts(job(lines))) << lines;
  }
}

TEST_F(FioParity, OfWhatFioRejects) {
  for (const char* lines : kRejected) {
    EXPECT_EQ(parse_text(job(lines)).exit_code, 2) << lines;
    EXPECT_FALSE(fio_accepts(job(lines))) << lines;
  }
}

// Where fio guesses and goes on, wbsim says what is wrong.
TEST_F(FioParity, ExceptWhereFioDropsWhatItCannotRead) {
  for (const char* lines : kDropped) {
    EXPECT_EQ(parse_text(job(lines)).exit_code, 2) << lines;
    EXPECT_TRUE(fio_accepts(job(lines))) << lines;
  }
}

TEST_F(FioParity, OfTheSampleWorkloads) {
  for (const auto& entry : std::filesystem::directory_iterator("workloads")) {
    if (entry.path().extension() == ".fio") {
      std::ifstream file(entry.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      EXPECT_TRUE(fio_accepts(text)) << entry.path();
    }
  }
}

}  // namespace
}  // namespace wbsim::workload
