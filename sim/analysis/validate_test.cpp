#include "sim/analysis/validate.hpp"

#include <gtest/gtest.h>

#include "sim/analysis/test_folder.hpp"
#include "sim/analysis/validate_table.hpp"

namespace wbsim::analysis {
namespace {

// Plays the kernel's answer of the small case back to the observers, with `pages` dirty at the end.
Simulate answering(std::int64_t pages) {
  return [pages](const system::Config& config, const workload::WorkloadSpec&,
                 const std::vector<engine::Observer*>& observers) {
    const SimTime start = at(config.workload_start);
    for (engine::Observer* observer : observers) {
      observer->on_job_start(0, start);
      observer->on_syscall({start, start + nanoseconds(80'000), 0, engine::SyscallKind::kWrite,
                            FileOffset{}, mebibytes(8), 0});
      for (const auto& [ms, n] : {std::pair{100, std::int64_t{0}}, {200, 1000}, {300, pages}}) {
        engine::StateSample sample;
        sample.time = at(milliseconds(ms));
        sample.nr_dirty = Pages{n};
        sample.dirty_thresh = Pages{4000};
        sample.background_thresh = Pages{2000};
        observer->on_sample(sample);
      }
      engine::RequestTrace request;
      request.rwbs.write = true;
      request.length = Sectors{2560};
      observer->on_request(engine::RequestStep::kIssue, request);
      request.sector = Lba{2560};
      observer->on_request(engine::RequestStep::kIssue, request);
      observer->on_job_end(0, start + milliseconds(100));
    }
  };
}

const FigureValue* find(const std::vector<FigureValue>& values, Figure figure) {
  for (const FigureValue& value : values) {
    if (value.figure == figure) {
      return &value;
    }
  }
  return nullptr;
}

TEST(Validate, ComparesEveryCaseOfEveryRoot) {
  const TestFolder folder;
  write_small_case(folder, "a/one");
  write_small_case(folder, "a/two");
  write_small_case(folder, "b");
  Diagnostics diagnostics;
  const auto report =
      validate({{folder.path() / "a", folder.path() / "b"}, {}}, answering(4000), diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  ASSERT_EQ(report.cases.size(), 3U);
  EXPECT_EQ(report.cases[0].id(), "6.1/a/one");
  EXPECT_EQ(report.cases[2].id(), "6.1/b");
  for (const CaseResult& result : report.cases) {
    EXPECT_EQ(result.state, CaseState::kCompared);
    EXPECT_EQ(result.ours.size(), result.null_model.size());
    EXPECT_EQ(find(result.ours, Figure::kThroughput)->error, 0);
    EXPECT_EQ(find(result.ours, Figure::kThroughput)->standing, Standing::kOffered);
  }
}

TEST(Validate, GivesMissesWithTheirDiagnosis) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("data/diagnoses.json",
               R"({"6.1/c": {"dirty_peak": "the tail is cut", "order": "not missed"}})");
  Diagnostics diagnostics;
  const auto report =
      validate({{folder.path() / "c"}, folder.path() / "data"}, answering(5000), diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  const std::string table = to_table(report, TableFormat::kMarkdown);
  EXPECT_NE(table.find("- 6.1/c: dirty_peak +25.0 % (goal 5 %): the tail is cut\n"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("- 6.1/c: first_pause never (goal 5 %): no diagnosis\n"), std::string::npos)
      << table;
}

TEST(Validate, UsesTheSpreadOfTheCasesKernel) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("data/spread-6.1.csv",
               "case,repeats,bytes,wr,merges,n,total,first_pause,curve,p99\n"
               "c,2,0.1,0,0,0,0,0,0.2,0\n");
  folder.write("data/spread-5.10.csv",
               "case,repeats,bytes,wr,merges,n,total,first_pause,curve,p99\nc,2,1,1,1,1,1,1,1,1\n");
  Diagnostics diagnostics;
  const auto report =
      validate({{folder.path() / "c"}, folder.path() / "data"}, answering(4000), diagnostics);
  ASSERT_EQ(report.cases.size(), 1U);
  EXPECT_NEAR(find(report.cases[0].ours, Figure::kThroughput)->goal, 0.2, 1e-12);
  EXPECT_NEAR(find(report.cases[0].ours, Figure::kPeak)->goal, 0.4, 1e-12);
}

TEST(Validate, ListsRefusedCasesWithAllReasons) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/case.json", R"({"name": "c", "device": {"driver": "simdisk"}, "queue": {},
    "events": ["wb"], "fs": {"type": "ext4"},
    "fio": "[w]\nfilename=@TARGET@\nioengine=psync\nrw=trim\nsize=1m\n"})");
  bool simulated = false;
  Diagnostics diagnostics;
  const auto report = validate(
      {{folder.path() / "c"}, {}},
      [&simulated](const auto&, const auto&, const auto&) { simulated = true; }, diagnostics);
  EXPECT_FALSE(simulated);
  EXPECT_FALSE(diagnostics.has_errors());
  ASSERT_EQ(report.cases.size(), 1U);
  EXPECT_EQ(report.cases[0].state, CaseState::kRefused);
  const std::string table = to_table(report, TableFormat::kPlain);
  EXPECT_NE(table.find("\nNot simulated: 1\n- 6.1/c: refused: /mounts/target/fs: "),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("; rw=trim (job \"w\"): "), std::string::npos) << table;
}

TEST(Validate, SaysThatTheIosOfARandomJobAreNotFios) {
  const TestFolder folder;
  write_small_case(folder, "c");
  folder.write("c/case.json", R"({"name": "c", "device": {"driver": "simdisk"}, "queue": {},
    "fio": "[x]\nfilename=@TARGET@\nioengine=psync\nrw=randwrite\nsize=1m\n"})");
  Diagnostics diagnostics;
  validate({{folder.path() / "c"}, {}}, answering(4000), diagnostics);
  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(to_string(diagnostics.all()[0]),
            "note: " + (folder.path() / "c" / "io-x.csv.xz").string() +
                ": missing; the I/Os of job \"x\" are drawn instead, and are not those that fio "
                "drew");
}

TEST(Validate, AnOrderThatTheNullModelGetsRightIsNotJudged) {
  const TestFolder folder;
  write_small_case(folder, "c");
  // The null model of the small case issues 0+2560, ... of an 8 MiB stream, then a flush.
  folder.write("c/issue.csv", "time_us,event,rwbs,sector,nr_sectors\n");
  Diagnostics diagnostics;
  const auto report = validate({{folder.path() / "c"}, {}}, answering(4000), diagnostics);
  ASSERT_EQ(report.cases.size(), 1U);
  EXPECT_EQ(find(report.cases[0].ours, Figure::kOrder), nullptr);

  std::string issues = "time_us,event,rwbs,sector,nr_sectors\n";
  for (int sector = 0; sector < 16384; sector += 2560) {
    issues += "200000.000,rq_issue,W," + std::to_string(sector) + "," +
              std::to_string(std::min(2560, 16384 - sector)) + "\n";
  }
  folder.write("c/issue.csv", issues);
  const auto same = validate({{folder.path() / "c"}, {}}, answering(4000), diagnostics);
  EXPECT_EQ(find(same.cases[0].null_model, Figure::kOrder)->error, 1);
  EXPECT_EQ(find(same.cases[0].ours, Figure::kOrder)->standing, Standing::kInfo);
}

TEST(Validate, BadInputIsAnErrorAndTheOtherCasesAreCompared) {
  const TestFolder folder;
  write_small_case(folder, "a");
  write_small_case(folder, "b");
  folder.write("a/dirty.csv", "t_ms\n");
  Diagnostics diagnostics;
  const auto report =
      validate({{folder.path(), folder.path() / "none", folder.path() / "configs"}, {}},
               answering(4000), diagnostics);
  EXPECT_EQ(diagnostics.exit_code(), 2);
  std::vector<std::string> messages;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    messages.push_back(folder.shortened(to_string(diagnostic)));
  }
  EXPECT_EQ(messages, (std::vector<std::string>{
                          "DIR/none: no such folder",
                          "DIR/configs: no case in it: a folder with a case.json is expected",
                          "DIR/a/dirty.csv:1: no column \"nr_dirty\"",
                          "DIR/a/dirty.csv:1: no column \"nr_writeback\"",
                          "DIR/a/dirty.csv:1: no column \"nr_dirty_threshold\"",
                          "DIR/a/dirty.csv:1: no column \"nr_dirty_background_threshold\""}));
  ASSERT_EQ(report.cases.size(), 2U);
  EXPECT_EQ(report.cases[0].state, CaseState::kFailed);
  EXPECT_EQ(report.cases[1].state, CaseState::kCompared);
}

TEST(Validate, ReportsUnknownFiguresOfTheDiagnoses) {
  const TestFolder folder;
  folder.write("d.json", R"({"6.1/c": {"speed": "x", "merges": 5}, "6.1/d": "y"})");
  Diagnostics diagnostics;
  EXPECT_FALSE(read_diagnoses(folder.path() / "d.json", diagnostics));
  std::vector<std::string> messages;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    messages.push_back(folder.shortened(to_string(diagnostic)));
  }
  EXPECT_EQ(messages,
            (std::vector<std::string>{"DIR/d.json: /6.1~1c: unknown figure \"speed\"",
                                      "DIR/d.json: /6.1~1c: the diagnosis of merges is not a text",
                                      "DIR/d.json: /6.1~1d: an object of figures is expected"}));
}

TEST(Validate, JsonHoldsFiguresMissesAndTheNullModel) {
  const TestFolder folder;
  write_small_case(folder, "c");
  Diagnostics diagnostics;
  const auto report = validate({{folder.path() / "c"}, {}}, answering(5000), diagnostics);
  const system::Json json = to_json(report);
  EXPECT_EQ(json["cases"][0]["kernel"], "6.1");
  EXPECT_EQ(json["cases"][0]["state"], "compared");
  const system::Json& throughput = json["cases"][0]["figures"][0];
  EXPECT_EQ(throughput["figure"], "throughput");
  EXPECT_EQ(throughput["job"], "w");
  EXPECT_EQ(throughput["standing"], "offered");
  EXPECT_EQ(throughput["met"], true);
  EXPECT_TRUE(throughput.contains("null_model"));
  EXPECT_EQ(json["misses"].size(), report.misses.size());
}

}  // namespace
}  // namespace wbsim::analysis
