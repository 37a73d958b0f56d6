#include "sim/report/phases.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace wbsim::report {
namespace {

RunMetrics phase_with(std::int64_t peak, std::optional<SimTime> first_pause = std::nullopt) {
  RunMetrics run;
  run.end = at(seconds(10));
  run.dirty.sum_max = Pages{peak};
  run.throttle.first = first_pause;
  JobMetrics job;
  job.name = "w";
  job.runtime = seconds(10);
  job.write.bytes = mebibytes(100);
  job.write.latency.add(microseconds(peak));
  run.reports = {job};
  return run;
}

const PhaseFigure* find(const std::vector<PhaseFigure>& figures, const std::string& pointer) {
  for (const PhaseFigure& figure : figures) {
    if (figure.pointer == pointer) {
      return &figure;
    }
  }
  return nullptr;
}

TEST(Phases, GiveMeanDeviationAndExtremesOfEachFigure) {
  const auto figures = phase_figures({phase_with(10), phase_with(20), phase_with(60)});
  const PhaseFigure* peak = find(figures, "/dirty/sum_max_pages");
  ASSERT_NE(peak, nullptr);
  EXPECT_DOUBLE_EQ(peak->mean, 30);
  EXPECT_DOUBLE_EQ(peak->deviation * peak->deviation, 700) << "(400 + 100 + 900) / 2";
  EXPECT_DOUBLE_EQ(peak->min, 10);
  EXPECT_DOUBLE_EQ(peak->max, 60);
}

TEST(Phases, AFigureThatSomePhaseLacksIsLeftOut) {
  const std::string pointer = "/balance_dirty_pages/first_ns";
  EXPECT_EQ(find(phase_figures({phase_with(1, at(seconds(1))), phase_with(1)}), pointer), nullptr);
  EXPECT_NE(
      find(phase_figures({phase_with(1, at(seconds(1))), phase_with(1, at(seconds(2)))}), pointer),
      nullptr);
}

TEST(Phases, TheTextHasWhatAJobDid) {
  EXPECT_EQ(phases_text({phase_with(256), phase_with(256)}),
            "over 2 phases of clock and seed, mean and standard deviation:\n"
            "  w: write bandwidth                             10MiB/s  +-  0.0%\n"
            "  w: write latency p50                             256us  +-  0.0%\n"
            "  w: write latency p99                             256us  +-  0.0%\n"
            "  w: write latency p99.9                           256us  +-  0.0%\n"
            "  peak of nr_dirty + nr_writeback                   1MiB  +-  0.0%\n");
}

TEST(Phases, TheJsonNamesTheRuns) {
  const auto json = phases_json({phase_with(1), phase_with(3)});
  EXPECT_EQ(json["runs"], 2);
  EXPECT_EQ(json["figures"]["/dirty/sum_max_pages"]["mean"], 2.0);
}

}  // namespace
}  // namespace wbsim::report
