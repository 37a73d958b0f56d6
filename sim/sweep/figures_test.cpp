#include "sim/sweep/figures.hpp"

#include <map>

#include "sim/report/histogram.hpp"
#include "sim/sweep/csv.hpp"
#include "sim/sweep/effects.hpp"
#include "sim/sweep/page_data.hpp"
#include "sim/sweep/sweep_test_util.hpp"

namespace wbsim::sweep {
namespace {

using Json = nlohmann::ordered_json;

TEST(Percentiles, AreThoseOfTheHistogramsBuckets) {
  report::Histogram histogram;
  LatencyCounts counts;
  for (std::int64_t i = 1; i <= 3000; ++i) {
    const SimDuration latency{i * i * 37 % 50'000'000};
    histogram.add(latency);
    ++counts[report::Histogram::bucket_value(report::Histogram::bucket_of(latency)).count()];
  }
  for (const double percent : {0.1, 1.0, 50.0, 99.0, 99.9, 99.99, 100.0}) {
    EXPECT_EQ(percentile(counts, percent), histogram.fio_percentile({percent}).count()) << percent;
  }
  EXPECT_EQ(percentile({}, 50), 0);
}

TEST(Csv, ReadsBackWhatItQuotes) {
  const std::vector<std::string> fields{"plain", "a,b", "say \"x\"", "two\nlines", ""};
  std::string row;
  for (const std::string& field : fields) {
    row += (row.empty() ? "" : ",") + csv_field(field);
  }
  EXPECT_EQ(row, "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",");
  EXPECT_EQ(parse_csv(row + "\n" + row), (std::vector<std::vector<std::string>>{fields, fields}));
  EXPECT_TRUE(parse_csv("").empty());
}

TEST(AllFigures, CarryTheNamesOfReportsAndDevices) {
  const Json summary = Json::parse(
      R"({"seed":1,"trust":{"statement":"x"},"reports":[{"jobname":"w","iops":1.5},)"
      R"({"jobname":"w","iops":2}],"jobs":[{"iops":9}],"devices":[{"name":"sda","busy_ns":7}],)"
      R"("dirty":{"max":3,"crossed":null}})");
  EXPECT_EQ(all_figures(summary),
            (std::vector<std::pair<std::string, std::string>>{{"seed", "1"},
                                                              {"reports.w.iops", "1.5"},
                                                              {"reports.w#2.iops", "2"},
                                                              {"devices.sda.busy_ns", "7"},
                                                              {"dirty.max", "3"}}));
}

// The figures by name, those that a run has.
std::map<std::string, double> figures_of(const RunFiles& files) {
  std::map<std::string, double> figures;
  const Headlines all = headlines_of(files);
  for (std::size_t i = 0; i < kHeadlines; ++i) {
    if (all[i]) {
      figures[std::string{headlines()[i].name}] = *all[i];
    }
  }
  return figures;
}

// Two reports of one group: what they share is added up, what they measured apart is merged. The
// second one starts late, which is not the first one's time; a third one does not write.
TEST(HeadlineFigures, AreOfAllJobsTogether) {
  RunFiles files;
  files.summary = Json::parse(
      R"({"reports":[{"groupid":0,"runtime_ns":2000000000,)"
      R"("write":{"io_bytes":100,"total_ios":10,"clat_ns":{"max":5}},)"
      R"("stalls":{"count":1,"total_ns":200}},)"
      R"({"groupid":0,"runtime_ns":4000000000,)"
      R"("write":{"io_bytes":300,"total_ios":30,"clat_ns":{"max":90}},)"
      R"("stalls":{"count":2,"total_ns":300}},)"
      R"({"groupid":0,"runtime_ns":9000000000,"write":{"total_ios":0}}],)"
      R"("balance_dirty_pages":{"pauses":4,"total_ns":7},"dirty":{"sum_max_pages":11}})");
  files.latencies["write"] = {{5, 99}, {90, 1}};
  EXPECT_EQ(figures_of(files), (std::map<std::string, double>{{"write_bw_bytes", 100},
                                                              {"write_iops", 10},
                                                              {"write_p50_ns", 5},
                                                              {"write_p99_ns", 5},
                                                              {"write_p999_ns", 90},
                                                              {"write_max_ns", 90},
                                                              {"stall_count", 3},
                                                              {"stall_ns", 500},
                                                              {"pause_count", 4},
                                                              {"pause_ns", 7},
                                                              {"peak_dirty_pages", 11}}));
}

TEST(HeadlineFigures, AreOfReadsWhereARunOnlyReads) {
  RunFiles files;
  files.summary = Json::parse(
      R"({"reports":[{"groupid":0,"runtime_ns":500000000,)"
      R"("read":{"io_bytes":4000,"total_ios":8,"clat_ns":{"max":70}},)"
      R"("write":{"io_bytes":0,"total_ios":0,"errors":0}}],)"
      R"("balance_dirty_pages":{"pauses":0,"total_ns":0},"dirty":{"sum_max_pages":0}})");
  files.latencies["read"] = {{20, 7}, {60, 1}};
  EXPECT_EQ(figures_of(files), (std::map<std::string, double>{{"read_bw_bytes", 8000},
                                                              {"read_iops", 16},
                                                              {"read_p50_ns", 20},
                                                              {"read_p99_ns", 60},
                                                              {"read_p999_ns", 60},
                                                              {"read_max_ns", 70}}));
}

TEST(HeadlineFigures, AreZeroWhereEveryCallFailed) {
  RunFiles files;
  files.summary = Json::parse(R"({"reports":[{"groupid":0,"runtime_ns":500,)"
                              R"("read":{"io_bytes":0,"total_ios":0,"errors":1}}]})");
  EXPECT_EQ(figures_of(files),
            (std::map<std::string, double>{{"read_bw_bytes", 0}, {"read_iops", 0}}));
}

// As fio: all bytes of a group over its longest job; groups one after the other.
TEST(HeadlineFigures, DivideByTheLongestJobOfEachGroup) {
  RunFiles files;
  files.summary = Json::parse(
      R"({"reports":[{"groupid":0,"runtime_ns":1000000000,"write":{"io_bytes":50,"total_ios":5}},)"
      R"({"groupid":0,"runtime_ns":2000000000,"write":{"io_bytes":50,"total_ios":5}},)"
      R"({"groupid":1,"runtime_ns":3000000000,"write":{"io_bytes":300,"total_ios":10}}]})");
  EXPECT_EQ(figures_of(files)["write_bw_bytes"], 80);
  EXPECT_EQ(figures_of(files)["write_iops"], 4);
}

TEST(HeadlineFigures, CountEveryKindOfSync) {
  RunFiles files;
  files.summary = Json::parse(
      R"({"reports":[{"fsync":{"lat_ns":{"max":7}},"fdatasync":{"lat_ns":{"max":9}}}]})");
  files.latencies["fsync"] = {{6, 1}};
  files.latencies["fdatasync"] = {{8, 1}};
  EXPECT_EQ(figures_of(files), (std::map<std::string, double>{
                                   {"sync_p50_ns", 6}, {"sync_p99_ns", 8}, {"sync_max_ns", 9}}));
}

TEST(Tables, HaveTheColumnsThatAnyRunHasAFigureFor) {
  Plan plan;
  plan.variations = {{"a", {"1", "2"}}};
  plan.points = {{{"1"}, "", ""}, {{"2"}, "", ""}};
  Row reads;
  reads.headlines[6] = 2'500'000;
  reads.headlines[8] = 1'000'000;  // the median has no column
  Row syncs;
  syncs.index = 1;
  syncs.headlines[13] = 3'000'000;
  EXPECT_EQ(rows_text(plan, {reads, syncs}),
            "point  a  read MB/s  fsync p99 ms\n"
            "    1  1        2.5             -\n"
            "    2  2          -             3\n");
}

class ReadRun : public testing::SweepTest {};

TEST_F(ReadRun, TakesPercentilesWhereThereAreNoBuckets) {
  write("run/summary.json", R"({"reports":[{"write":{"clat_ns":{"N":1000,)"
                            R"("percentile":{"50.000000":10,"99.000000":20,"99.900000":30}}}}]})");
  std::string problem;
  const auto files = read_run_files(folder_ / "run", Series::kYes, problem);
  ASSERT_TRUE(files) << problem;
  EXPECT_EQ(files->latencies.at("write"), (LatencyCounts{{10, 500}, {20, 490}, {30, 9}}));
}

TEST_F(ReadRun, SaysWhatIsNoSummary) {
  std::string problem;
  EXPECT_FALSE(read_run_files(folder_ / "run", Series::kYes, problem));
  EXPECT_EQ(shortened(problem), "DIR/run/summary.json is missing or cannot be read");
  write("run/summary.json", R"({"reports":3})");
  EXPECT_FALSE(read_run_files(folder_ / "run", Series::kYes, problem));
  EXPECT_EQ(shortened(problem), "DIR/run/summary.json is not the summary of a run");
}

Row row_of(std::size_t index, std::optional<double> throughput) {
  Row row;
  row.index = index;
  row.headlines[0] = throughput;
  return row;
}

TEST(MainEffects, AreMeansOverTheOtherKnobs) {
  Plan plan;
  plan.variations = {{"a", {"1", "2"}}, {"b", {"x", "y", "z"}}};
  for (const char* a : {"1", "2"}) {
    for (const char* b : {"x", "y", "z"}) {
      plan.points.push_back({{a, b}, "", ""});
    }
  }
  // The last point has no such figure, and one is not done.
  const std::vector<Row> rows{row_of(0, 10), row_of(1, 20), row_of(2, 30), row_of(3, 40),
                              row_of(5, std::nullopt)};
  const std::vector<Effect> effects = main_effects(plan, rows, 0);
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_EQ(effects[0].levels[0].mean, 20);
  EXPECT_EQ(effects[0].levels[0].min, 10);
  EXPECT_EQ(effects[0].levels[0].max, 30);
  EXPECT_EQ(effects[0].levels[1].points, 1U);
  EXPECT_EQ(effects[0].range, (40.0 - 20.0) / 25.0);
  EXPECT_EQ(effects[1].levels[0].mean, 25);
  EXPECT_EQ(effects[1].levels[2].mean, 30);
  EXPECT_EQ(effects[1].range, (30.0 - 20.0) / 25.0);
  EXPECT_EQ(main_effects(plan, rows, 1)[0].range, std::nullopt);
}

TEST(Thinning, KeepsPeaksAndTroughsInOrder) {
  std::vector<DirtySample> samples;
  for (int i = 0; i < 10'000; ++i) {
    samples.push_back({static_cast<double>(i), 100, 1, 2});
  }
  samples[1234].dirty = 999;
  samples[1240].dirty = 0;
  const std::vector<DirtySample> kept = thinned(samples, 600);
  EXPECT_LE(kept.size(), 600U);
  std::vector<std::int64_t> unusual;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_TRUE(i == 0 || kept[i - 1].time_ms < kept[i].time_ms);
    if (kept[i].dirty != 100) {
      unusual.push_back(kept[i].dirty);
    }
  }
  EXPECT_EQ(unusual, (std::vector<std::int64_t>{999, 0}));
  EXPECT_EQ(thinned(samples, 10'000).size(), 10'000U);
}

}  // namespace
}  // namespace wbsim::sweep
