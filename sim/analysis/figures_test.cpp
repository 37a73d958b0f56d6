#include "sim/analysis/figures.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/analysis/dirty_curve.hpp"

namespace wbsim::analysis {
namespace {

constexpr double kTiny = 1e-12;

// A run of 10 s from `first_io`, one sample a second: `pages` dirty at each.
RunRecord run_with(SimTime first_io, const std::vector<std::int64_t>& pages) {
  RunRecord run;
  run.first_io = first_io;
  SimTime time = first_io;
  for (const std::int64_t n : pages) {
    run.samples.push_back({time, Pages{n}, Pages{0}, Pages{2000}, Pages{4000}});
    time += seconds(1);
  }
  return run;
}

JobRecord job(std::string name, Bytes written, SimDuration runtime) {
  JobRecord record;
  record.name = std::move(name);
  record.written = written;
  record.runtime = runtime;
  return record;
}

const FigureValue* find(const std::vector<FigureValue>& values, Figure figure, int nth = 0) {
  for (const FigureValue& value : values) {
    if (value.figure == figure && nth-- == 0) {
      return &value;
    }
  }
  return nullptr;
}

// The value of a figure that has to exist.
FigureValue get(const std::vector<FigureValue>& values, Figure figure, int nth = 0) {
  const FigureValue* value = find(values, figure, nth);
  EXPECT_NE(value, nullptr) << info_of(figure).key;
  return value == nullptr ? FigureValue{} : *value;
}

void add_pauses(RunRecord& run, int count, SimDuration length, SimTime first) {
  for (int i = 0; i < count; ++i) {
    run.pauses.push_back({first + milliseconds(100) * i, length});
  }
}

IssuedRequest write_of(std::int64_t sector, std::int64_t sectors) {
  return {SimTime{}, 'W', Lba{sector}, Sectors{sectors}};
}

TEST(Figures, TableIsInTheOrderOfTheEnum) {
  for (const FigureInfo& info : figure_table()) {
    EXPECT_EQ(&info_of(info.figure), &info);
  }
}

TEST(Figures, ThroughputIsTheRelativeErrorOfBytesPerSecondOfEachJob) {
  RunRecord real;
  RunRecord ours;
  real.jobs = {job("w", Bytes{1000}, seconds(10)), job("w", Bytes{2000}, seconds(10))};
  ours.jobs = {job("w", Bytes{1030}, seconds(10)), job("w", Bytes{1000}, seconds(5))};
  const auto values = compare(real, ours, {});
  const FigureValue first = get(values, Figure::kThroughput, 0);
  EXPECT_EQ(first.job, "w#0");
  EXPECT_NEAR(*first.real, 100, kTiny);
  EXPECT_NEAR(*first.ours, 103, kTiny);
  EXPECT_NEAR(first.error, 0.03, kTiny);
  EXPECT_TRUE(first.missed());
  const FigureValue second = get(values, Figure::kThroughput, 1);
  EXPECT_EQ(second.job, "w#1");
  EXPECT_NEAR(second.error, 0, kTiny);
  EXPECT_FALSE(second.missed());
}

TEST(Figures, ThroughputAtTheOfferedRateOrOfAFixedAmountIsKeptApart) {
  RunRecord real;
  real.jobs = {job("held", Bytes{995}, seconds(1)), job("below", Bytes{900}, seconds(1)),
               job("amount", Bytes{900}, seconds(1))};
  CompareContext context;
  JobTraits offered;
  offered.rate_per_second.write = Bytes{1000};
  JobTraits amount;
  amount.fixed_amount = true;
  context.jobs = {offered, offered, amount};
  const auto values = compare(real, real, context);
  EXPECT_EQ(get(values, Figure::kThroughput, 0).standing, Standing::kOffered);
  EXPECT_EQ(get(values, Figure::kThroughput, 1).standing, Standing::kJudged);
  EXPECT_EQ(get(values, Figure::kThroughput, 2).standing, Standing::kOffered);
}

TEST(Figures, CurveIsTheRootMeanSquareOverTheMean) {
  // Differences 0, 300, -400 over a mean of 2000: sqrt(250000 / 3) / 2000.
  const RunRecord real = run_with(at(seconds(1)), {0, 1000, 2000, 3000});
  const RunRecord ours = run_with(at(seconds(5)), {0, 1000, 2300, 2600});
  const FigureValue value = get(compare(real, ours, {}), Figure::kCurve);
  EXPECT_NEAR(*value.real, 2000, kTiny);
  EXPECT_NEAR(value.error, 288.6751345948129 / 2000, kTiny);
  EXPECT_TRUE(value.missed());
  EXPECT_NEAR(get(compare(real, ours, {}), Figure::kPeak).error, -400.0 / 3000, kTiny);
}

TEST(Figures, CurveOfFewPagesIsLeftOut) {
  const RunRecord below = run_with(SimTime{}, {0, 999, 1000});
  const RunRecord enough = run_with(SimTime{}, {0, 1000, 1000});
  EXPECT_EQ(find(compare(below, below, {}), Figure::kCurve), nullptr);
  EXPECT_EQ(find(compare(below, below, {}), Figure::kPeak), nullptr);
  EXPECT_NE(find(compare(enough, enough, {}), Figure::kCurve), nullptr);
}

TEST(Figures, CurveIsComparedAtTheRealSampleTimesAfterTheFirstIo) {
  RunRecord real = run_with(at(milliseconds(500)), {});
  real.samples = {{at(milliseconds(0)), Pages{7}, Pages{0}, Pages{1}, Pages{2}},
                  {at(milliseconds(1000)), Pages{4000}, Pages{1000}, Pages{1}, Pages{2}}};
  RunRecord ours = run_with(at(milliseconds(100)), {});
  ours.samples = {{at(milliseconds(500)), Pages{3000}, Pages{0}, Pages{0}, Pages{0}},
                  {at(milliseconds(700)), Pages{5000}, Pages{2000}, Pages{1}, Pages{2}}};
  const AlignedCurves curves = align(real, ours);
  ASSERT_EQ(curves.real.size(), 2U);
  EXPECT_NEAR(curves.real[0].total, 7, kTiny);  // the state at the first I/O
  EXPECT_NEAR(curves.ours[0].total, 0, kTiny);  // ours has no sample so early
  EXPECT_NEAR(curves.real[1].since, 0.5, kTiny);
  EXPECT_NEAR(curves.ours[1].since, 0.5, kTiny);  // between 0.4 and 0.6
  EXPECT_NEAR(curves.ours[1].total, 5000, 1e-9);
  EXPECT_NEAR(curves.ours[1].dirty_thresh, 2, kTiny);  // not computed at first: the later one
}

TEST(Figures, ARunThatEndsEarlyKeepsItsLastValue) {
  const RunRecord real = run_with(SimTime{}, {0, 1000, 2000, 3000});
  const RunRecord ours = run_with(SimTime{}, {0, 1000});
  const AlignedCurves curves = align(real, ours);
  EXPECT_NEAR(curves.ours[3].total, 1000, kTiny);
  EXPECT_NEAR(align(real, RunRecord{}).ours[3].total, 0, kTiny);
}

TEST(Figures, CrossingsAreInterpolatedBetweenSamples) {
  // Background 2000, freerun (2000 + 4000) / 2 = 3000.
  const RunRecord real = run_with(SimTime{}, {0, 1000, 3000, 3500});
  const RunRecord ours = run_with(SimTime{}, {0, 2000, 4000, 4000});
  const auto values = compare(real, ours, {});
  const FigureValue background = get(values, Figure::kBackgroundTime);
  EXPECT_NEAR(*background.real, 1.5, kTiny);
  EXPECT_NEAR(*background.ours, 1.0, kTiny);
  EXPECT_NEAR(background.error, -1.0 / 3, kTiny);
  const FigureValue freerun = get(values, Figure::kFreerunTime);
  EXPECT_NEAR(*freerun.real, 2.0, kTiny);
  EXPECT_NEAR(*freerun.ours, 1.5, kTiny);
}

TEST(Figures, AThresholdNeverReachedByOursIsMissed) {
  const RunRecord real = run_with(SimTime{}, {0, 1000, 3000});
  const RunRecord ours = run_with(SimTime{}, {0, 1000, 1500});
  const FigureValue value = get(compare(real, ours, {}), Figure::kBackgroundTime);
  EXPECT_FALSE(value.ours);
  EXPECT_TRUE(value.missed());
  EXPECT_EQ(find(compare(ours, real, {}), Figure::kBackgroundTime), nullptr);
}

TEST(Figures, ManyPausesAreComparedAsARatio) {
  RunRecord real = run_with(at(seconds(1)), {});
  RunRecord ours = run_with(at(seconds(2)), {});
  add_pauses(real, 30, milliseconds(10), at(milliseconds(1500)));
  add_pauses(ours, 33, milliseconds(8), at(milliseconds(2510)));
  const auto values = compare(real, ours, {});
  const FigureValue count = get(values, Figure::kPauseCount);
  EXPECT_FALSE(count.absolute);
  EXPECT_NEAR(count.error, 0.1, kTiny);
  EXPECT_FALSE(count.missed());  // 10 % is allowed
  EXPECT_NEAR(get(values, Figure::kPauseTotal).error, 0.264 / 0.3 - 1, 1e-9);
  EXPECT_TRUE(get(values, Figure::kPauseTotal).missed());
  EXPECT_NEAR(get(values, Figure::kFirstPause).error, 0.51 / 0.5 - 1, 1e-9);
}

TEST(Figures, FewPausesAreComparedAsADifferenceOfAtMostThree) {
  RunRecord real;
  add_pauses(real, 29, milliseconds(10), at(seconds(1)));
  for (const auto& [count, missed] : {std::pair{26, false}, {25, true}, {32, false}, {33, true}}) {
    RunRecord ours;
    add_pauses(ours, count, milliseconds(10), at(seconds(1)));
    const auto values = compare(real, ours, {});
    EXPECT_TRUE(get(values, Figure::kPauseCount).absolute);
    EXPECT_EQ(get(values, Figure::kPauseCount).missed(), missed) << count;
    EXPECT_EQ(find(values, Figure::kPauseTotal), nullptr);
  }
}

TEST(Figures, AnyPauseWhereTheKernelHasNoneIsAMiss) {
  RunRecord ours;
  EXPECT_FALSE(get(compare({}, ours, {}), Figure::kPauseCount).missed());
  add_pauses(ours, 1, milliseconds(4), at(seconds(1)));
  EXPECT_TRUE(get(compare({}, ours, {}), Figure::kPauseCount).missed());
}

TEST(Figures, RequestsAreThoseThatCarryData) {
  RunRecord real;
  RunRecord ours;
  real.issues = {write_of(0, 16), write_of(16, 8), {SimTime{}, 'F', Lba{}, Sectors{}}};
  ours.issues = {write_of(0, 24), {SimTime{}, 'R', Lba{9}, Sectors{8}}};
  real.merges = 100;
  ours.merges = 99;
  const auto values = compare(real, ours, {});
  EXPECT_NEAR(get(values, Figure::kRequests).error, 0, kTiny);
  EXPECT_NEAR(*get(values, Figure::kRequestSize).real, 6, kTiny);  // KiB
  EXPECT_NEAR(get(values, Figure::kRequestSize).error, 1.0 / 3, kTiny);
  EXPECT_NEAR(get(values, Figure::kMerges).error, -0.01, kTiny);
  EXPECT_FALSE(get(values, Figure::kMerges).missed());
}

TEST(Figures, OrderComparesOperationSectorAndSize) {
  RunRecord real;
  RunRecord ours;
  real.issues = {write_of(0, 8), write_of(8, 8), write_of(16, 8), write_of(24, 8)};
  ours.issues = {write_of(0, 8), write_of(8, 16), write_of(16, 8)};
  const FigureValue value = get(compare(real, ours, {}), Figure::kOrder);
  EXPECT_EQ(value.distance->lower, 2);  // one replaced, one missing
  EXPECT_NEAR(value.error, 0.5, kTiny);
  EXPECT_EQ(value.first_divergence, 1U);
  EXPECT_TRUE(value.missed());

  ours.issues = {write_of(0, 8), write_of(8, 8), write_of(16, 8)};
  EXPECT_EQ(get(compare(real, ours, {}), Figure::kOrder).first_divergence, 3U);
  EXPECT_FALSE(get(compare(real, real, {}), Figure::kOrder).first_divergence);
  EXPECT_FALSE(get(compare(real, real, {}), Figure::kOrder).missed());

  ours.issues = real.issues;
  ours.issues[3].op = 'R';
  EXPECT_NEAR(get(compare(real, ours, {}), Figure::kOrder).error, 0.75, kTiny);
}

TEST(Figures, OrderGoalDependsOnTheElevator) {
  RunRecord real;
  real.issues = {write_of(0, 8)};
  for (const auto& [scheduler, goal] :
       {std::pair{"none", 0.995}, {"mq-deadline", 0.995}, {"kyber", 0.95}, {"bfq", 0.95}}) {
    CompareContext context;
    context.scheduler = scheduler;
    EXPECT_NEAR(get(compare(real, real, context), Figure::kOrder).goal, goal, kTiny);
  }
}

TEST(Figures, LatencyBelowAJiffyOfABufferedWriterIsInput) {
  RunRecord real;
  RunRecord ours;
  real.jobs = {job("w", Bytes{1}, seconds(1))};
  real.jobs[0].write = {9'999, microseconds(10), milliseconds(4), milliseconds(20)};
  real.jobs[0].sync = {10'000, microseconds(100), microseconds(200), microseconds(400)};
  ours.jobs = real.jobs;
  ours.jobs[0].write.p99 = microseconds(4'200);
  ours.jobs[0].sync.p999 = microseconds(500);
  CompareContext context;
  context.jobs = {{}};
  auto values = compare(real, ours, context);
  EXPECT_EQ(get(values, Figure::kWriteP50).standing, Standing::kInput);
  EXPECT_EQ(get(values, Figure::kWriteP99).standing, Standing::kJudged);
  EXPECT_NEAR(get(values, Figure::kWriteP99).error, 0.05, kTiny);
  EXPECT_EQ(find(values, Figure::kWriteP999), nullptr);  // n < 10000
  EXPECT_EQ(get(values, Figure::kSyncP50).standing, Standing::kJudged);
  EXPECT_NEAR(get(values, Figure::kSyncP999).error, 0.25, kTiny);
  EXPECT_TRUE(get(values, Figure::kSyncP999).missed());

  context.jobs[0].waits = true;
  values = compare(real, ours, context);
  EXPECT_EQ(get(values, Figure::kWriteP50).standing, Standing::kJudged);
}

TEST(Figures, GoalIsTheLargerOfStatedAndTwiceTheSpread) {
  RunRecord real = run_with(SimTime{}, {0, 2000, 2000});
  real.jobs = {job("w", Bytes{1000}, seconds(1))};
  real.merges = 10;
  real.issues = {write_of(0, 8)};
  add_pauses(real, 40, milliseconds(4), at(milliseconds(100)));
  CompareContext context;
  context.spread = CaseSpread{0.02, 0.03, 0.001, 0.06, 0.07, 0.04, 0, milliseconds(4)};
  const auto values = compare(real, real, context);
  EXPECT_NEAR(get(values, Figure::kThroughput).goal, 0.04, kTiny);
  EXPECT_NEAR(get(values, Figure::kRequests).goal, 0.06, kTiny);
  EXPECT_NEAR(get(values, Figure::kMerges).goal, 0.02, kTiny);
  EXPECT_NEAR(get(values, Figure::kPauseCount).goal, 0.12, kTiny);
  EXPECT_NEAR(get(values, Figure::kPauseTotal).goal, 0.14, kTiny);
  EXPECT_NEAR(get(values, Figure::kCurve).goal, 0.08, kTiny);
  EXPECT_NEAR(get(values, Figure::kFirstPause).goal, 0.08, kTiny);  // 2 x 4 ms of 100 ms
}

TEST(Figures, StepsOfThrottlingAreComparedWhereThereAreAny) {
  RunRecord real;
  RunRecord ours;
  real.wbt_steps = 100;
  ours.wbt_steps = 89;
  EXPECT_NEAR(get(compare(real, ours, {}), Figure::kWbtSteps).error, -0.11, kTiny);
  EXPECT_TRUE(get(compare(real, ours, {}), Figure::kWbtSteps).missed());
  const std::vector<FigureValue> without = compare({}, ours, {});
  EXPECT_TRUE(std::none_of(without.begin(), without.end(), [](const FigureValue& value) {
    return value.figure == Figure::kWbtSteps;
  }));
}

TEST(Figures, PeriodicStartIsShownButNotJudged) {
  RunRecord real;
  real.first_io = at(seconds(1));
  real.periodic_start = at(seconds(5));
  const FigureValue value = get(compare(real, {}, {}), Figure::kPeriodicStart);
  EXPECT_EQ(value.standing, Standing::kInfo);
  EXPECT_FALSE(value.missed());
}

TEST(Figures, MedianOfAnEvenNumberIsTheMeanOfTheMiddle) {
  EXPECT_FALSE(median_magnitude({}));
  EXPECT_NEAR(*median_magnitude({-3, 1, 2}), 2, kTiny);
  EXPECT_NEAR(*median_magnitude({-4, 1, 2, -3}), 2.5, kTiny);
}

}  // namespace
}  // namespace wbsim::analysis
