// The figures by which a run is compared with the kernel's, their goals, and the comparison.
//
// Every figure is an error (0 is best), except the order, which is a score (1 is best). Its goal is
// max(stated goal, 2 x the case's spread), where the spread is known.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/analysis/edit_distance.hpp"
#include "sim/analysis/run_record.hpp"
#include "sim/analysis/spread.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::analysis {

enum class Figure {
  kThroughput,
  kCurve,
  kPeak,
  kBackgroundTime,
  kFreerunTime,
  kPauseCount,
  kPauseTotal,
  kFirstPause,
  kRequests,
  kRequestSize,
  kMerges,
  kOrder,
  kWbtSteps,
  kPeriodicStart,
  kWriteP50,
  kWriteP99,
  kWriteP999,
  kReadP50,
  kReadP99,
  kReadP999,
  kSyncP50,
  kSyncP99,
  kSyncP999,
};

struct FigureInfo {
  Figure figure;
  std::string_view key;    // in JSON and in the file of diagnoses
  std::string_view title;  // column of the table
  std::string_view definition;
  double goal;         // largest error met; for kOrder the smallest score met
  bool judged = true;  // false: shown for information, no goal
};

// All figures, in the order of the enum and of the table's columns.
std::span<const FigureInfo> figure_table();
const FigureInfo& info_of(Figure figure);

// Why a value is not judged, or is kept out of the medians.
enum class Standing {
  kJudged,
  kInput,    // fixed by the table of CPU costs, which is an input
  kOffered,  // fixed by an offered rate or amount: judged, but left out of the medians
  kInfo,     // shown only
};

struct FigureValue {
  Figure figure = Figure::kThroughput;
  std::string job;             // for figures of one job: its name, with "#n" behind clones and the
                               // direction where it does both
  std::optional<double> real;  // in the unit of the figure: bytes/s, seconds, requests, KiB ...
  std::optional<double> ours;
  double error = 0;       // signed where there is a direction; absolute where `absolute`
  bool absolute = false;  // a difference of counts instead of a relative error
  double goal = 0;
  Standing standing = Standing::kJudged;
  std::optional<EditDistance> distance;         // kOrder
  std::optional<std::size_t> first_divergence;  // kOrder: index of the first different issue

  [[nodiscard]] bool met() const;
  [[nodiscard]] bool missed() const { return standing_counts() && !met(); }
  [[nodiscard]] bool standing_counts() const {
    return standing == Standing::kJudged || standing == Standing::kOffered;
  }
};

// What the inputs say about one job of the report.
struct JobTraits {
  // The rate fio was asked for, nullopt when none.
  workload::PerDirection<std::optional<Bytes>> rate_per_second;
  bool fixed_amount = false;  // ends after an amount of data or a number of I/Os, not after a time
  bool waits = false;         // O_DIRECT, O_SYNC or O_DSYNC: an I/O's latency is the device's
};

struct CompareContext {
  std::vector<JobTraits> jobs;  // in the order of the report
  SimDuration jiffy = milliseconds(4);
  std::string scheduler = "none";
  std::optional<CaseSpread> spread;
};

// Compares `ours` with `real`, figure by figure; figures that the real run does not have (no
// fsync, too few dirty pages) are left out.
std::vector<FigureValue> compare(const RunRecord& real, const RunRecord& ours,
                                 const CompareContext& context);

// Median of the absolute values; of an even number the mean of the middle two. nullopt when empty.
std::optional<double> median_magnitude(std::vector<double> values);

}  // namespace wbsim::analysis
