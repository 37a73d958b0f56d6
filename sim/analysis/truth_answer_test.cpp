#include "sim/analysis/truth_answer.hpp"

#include <gtest/gtest.h>

#include "sim/analysis/test_folder.hpp"

namespace wbsim::analysis {
namespace {

std::vector<std::string> errors_of(const TestFolder& folder) {
  Diagnostics diagnostics;
  EXPECT_FALSE(read_answer(folder.path() / "c", at(microseconds(181'367)), diagnostics));
  std::vector<std::string> all;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    all.push_back(folder.shortened(to_string(diagnostic)));
  }
  return all;
}

TEST(TruthAnswer, ReadsWhatTheKernelMeasured) {
  const TestFolder folder;
  write_small_case(folder, "c");
  Diagnostics diagnostics;
  const auto answer = read_answer(folder.path() / "c", at(milliseconds(180)), diagnostics);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->first_io, at(milliseconds(180)));
  EXPECT_EQ(answer->merges, 638);
  ASSERT_EQ(answer->samples.size(), 4U);
  EXPECT_EQ(answer->samples[3].time, at(microseconds(300'125)));
  EXPECT_EQ(answer->samples[3].nr_dirty, Pages{3000});
  EXPECT_EQ(answer->samples[3].nr_writeback, Pages{1000});
  EXPECT_EQ(answer->samples[3].background_thresh, Pages{2000});
  EXPECT_EQ(answer->samples[3].dirty_thresh, Pages{4000});
  ASSERT_EQ(answer->jobs.size(), 1U);
  EXPECT_EQ(answer->jobs[0].written, mebibytes(8));
  EXPECT_EQ(answer->jobs[0].runtime, milliseconds(100));
  EXPECT_EQ(answer->jobs[0].write.p99, nanoseconds(90'000));
  EXPECT_EQ(answer->jobs[0].sync.p50, nanoseconds(2'000'000));
  EXPECT_FALSE(answer->jobs[0].sync.p999);
}

TEST(TruthAnswer, CountsEachIssueOfAFlushSequenceOnceAndNoCompletion) {
  const TestFolder folder;
  write_small_case(folder, "c");
  Diagnostics diagnostics;
  const auto answer = read_answer(folder.path() / "c", SimTime{}, diagnostics);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->issues.size(), 3U);  // nothing before t = 0
  EXPECT_EQ(answer->issues[0].time, at(nanoseconds(182'000'500)));
  EXPECT_EQ(answer->issues[0].op, 'W');
  EXPECT_EQ(answer->issues[1].op, 'W');  // WFS: a FUA write
  EXPECT_EQ(answer->issues[1].sector, Lba{2560});
  EXPECT_EQ(answer->issues[2].op, 'F');  // FF: a flush
  EXPECT_EQ(answer->issues[2].length, Sectors{0});
}

TEST(TruthAnswer, CountsOnlyPausesThatSleepAndThePeriodicStart) {
  const TestFolder folder;
  write_small_case(folder, "c");
  Diagnostics diagnostics;
  const auto answer = read_answer(folder.path() / "c", SimTime{}, diagnostics);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->pauses.size(), 1U);
  EXPECT_EQ(answer->pauses[0].time, at(nanoseconds(250'000'250)));
  EXPECT_EQ(answer->pauses[0].length, milliseconds(12));
  EXPECT_EQ(answer->periodic_start, at(milliseconds(270)));
}

TEST(TruthAnswer, CountsStepsOfThrottling) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/trace.txt.xz",
               "# header\n1.0 ?-0 wbt_timer name=254:0 status=4 step=0 inflight=1\n"
               "2.0 ?-0 wbt_step name=254:0 msg=1 step=1 window=100000 bg=2 normal=4 max=8\n"
               "3.0 ?-0 wbt_step name=254:0 msg=2 step=0 window=72727 bg=4 normal=8 max=16\n");
  Diagnostics diagnostics;
  const auto answer = read_answer(folder.path() / "c", SimTime{}, diagnostics);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->wbt_steps, 2);
}

TEST(TruthAnswer, ReportsAllDamagedFilesAtOnceWithTheirPlace) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/summary.json", R"({"fio": {"error": "no fio"}, "disk": {}})");
  folder.write("c/dirty.csv",
               "t_ms,nr_dirty,nr_writeback,nr_dirty_threshold,nr_dirty_background_threshold\n"
               "1.0,5,6,7,8\n2.0,5,oops,7,8\n3.0,x,y,z,8\n");
  folder.write("c/issue.csv", "time_us,event,rwbs,sector\n1.0,rq_issue,W,0\n");
  folder.write("c/trace.txt.xz", "# header\n1.0 fio-1 x y=1\nnonsense\n");
  EXPECT_EQ(errors_of(folder),
            (std::vector<std::string>{
                "DIR/c/summary.json: /fio/jobs: missing; fio's list of jobs is expected",
                "DIR/c/summary.json: /disk/wr_merges: missing; a whole number is expected",
                "DIR/c/dirty.csv:3: nr_writeback is \"oops\"; a whole number expected",
                "DIR/c/issue.csv:1: no column \"nr_sectors\"",
                "DIR/c/trace.txt.xz:3: no event: a time in microseconds is expected at the start "
                "of the line"}));
}

TEST(TruthAnswer, ReportsACutOffCsvAndAMissingTrace) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/issue.csv", "time_us,event,rwbs,sector,nr_sectors\n1.0,rq_issue,W,0,8\n2.0,rq_");
  std::filesystem::remove(folder.path() / "c" / "trace.txt.xz");
  EXPECT_EQ(errors_of(folder),
            (std::vector<std::string>{
                "DIR/c/issue.csv:3: 2 cells where the header has 5; the file may be cut off",
                "DIR/c/trace.txt: no such file"}));
}

}  // namespace
}  // namespace wbsim::analysis
