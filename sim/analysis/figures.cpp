#include "sim/analysis/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "sim/analysis/dirty_curve.hpp"

namespace wbsim::analysis {

using workload::Direction;

namespace {

constexpr double kCurveMeanMin = 1000;       // pages; below it a relative curve error says nothing
constexpr std::size_t kPausesForRatio = 30;  // fewer real pauses are compared as a difference
constexpr double kPauseDifferenceMax = 3;
constexpr std::int64_t kCountForP999 = 10'000;
constexpr double kRateHeld = 0.01;       // within 1 % of the offered rate: the rate fixes it
constexpr double kFairOrderGoal = 0.95;  // kyber, bfq

// Of a figure that exists in both runs; `real` is not 0.
double relative_error(double real, double ours) { return (ours - real) / real; }

double goal_with_spread(Figure figure, double spread) {
  return std::max(info_of(figure).goal, 2 * spread);
}

// A relative figure with its goal; nullopt when there is nothing real to be relative to.
std::optional<FigureValue> relative(Figure figure, double real, double ours, double spread) {
  if (real == 0) {
    return std::nullopt;
  }
  FigureValue value;
  value.figure = figure;
  value.real = real;
  value.ours = ours;
  value.error = relative_error(real, ours);
  value.goal = goal_with_spread(figure, spread);
  value.standing = info_of(figure).judged ? Standing::kJudged : Standing::kInfo;
  return value;
}

void add(std::vector<FigureValue>& values, std::optional<FigureValue> value) {
  if (value) {
    values.push_back(std::move(*value));
  }
}

// A figure that is a time after the first I/O. What never happened in ours is missed outright.
void add_time(std::vector<FigureValue>& values, Figure figure, std::optional<double> real,
              std::optional<double> ours, double spread_seconds = 0) {
  if (!real || *real <= 0) {
    return;
  }
  auto value = relative(figure, *real, ours.value_or(0), spread_seconds / *real);
  if (!ours) {
    value->ours = std::nullopt;
    value->error = 1;
  }
  add(values, std::move(value));
}

std::optional<double> seconds_since_first_io(const RunRecord& run, std::optional<SimTime> time) {
  if (!run.first_io || !time) {
    return std::nullopt;
  }
  return static_cast<double>((*time - *run.first_io).count()) / 1e9;
}

double bytes_per_second(Bytes bytes, SimDuration runtime) {
  const auto ns = runtime.count();
  return ns == 0 ? 0 : static_cast<double>(bytes.count()) * 1e9 / static_cast<double>(ns);
}

Bytes transferred(const JobRecord& job, Direction direction) {
  return direction == Direction::kRead ? job.read_bytes : job.written;
}

// "w", or "w#1" where several jobs are called "w".
std::string name_of(const std::vector<JobRecord>& jobs, std::size_t index) {
  std::size_t same = 0;
  std::size_t before = 0;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].name == jobs[index].name) {
      ++same;
      before += i < index ? 1 : 0;
    }
  }
  return same == 1 ? jobs[index].name : fmt::format("{}#{}", jobs[index].name, before);
}

// Of a job that does both, the direction follows: "m read".
std::string label_of(const std::vector<JobRecord>& jobs, std::size_t index, Direction direction) {
  const bool both = jobs[index].written > Bytes{} && jobs[index].read_bytes > Bytes{};
  const std::string_view name = direction == Direction::kRead ? " read" : " write";
  return fmt::format("{}{}", name_of(jobs, index), both ? name : std::string_view{});
}

class Comparison {
 public:
  Comparison(const RunRecord& real, const RunRecord& ours, const CompareContext& context)
      : real_{real},
        ours_{ours},
        context_{context},
        spread_{context.spread.value_or(CaseSpread{})} {}

  std::vector<FigureValue> run() {
    const std::size_t jobs = std::min(real_.jobs.size(), ours_.jobs.size());
    for (std::size_t job = 0; job < jobs; ++job) {
      for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
        throughput(job, direction);
      }
    }
    curve();
    throttle();
    requests();
    order();
    add(values_, relative(Figure::kWbtSteps, static_cast<double>(real_.wbt_steps),
                          static_cast<double>(ours_.wbt_steps), 0));
    add_time(values_, Figure::kPeriodicStart, seconds_since_first_io(real_, real_.periodic_start),
             seconds_since_first_io(ours_, ours_.periodic_start));
    for (std::size_t job = 0; job < jobs; ++job) {
      latency(job);
    }
    return std::move(values_);
  }

 private:
  [[nodiscard]] JobTraits traits_of(std::size_t job) const {
    return job < context_.jobs.size() ? context_.jobs[job] : JobTraits{};
  }

  void throughput(std::size_t job, Direction direction) {
    const auto rate_of = [direction](const JobRecord& record) {
      return bytes_per_second(transferred(record, direction), record.runtime);
    };
    auto value = relative(Figure::kThroughput, rate_of(real_.jobs[job]), rate_of(ours_.jobs[job]),
                          spread_.bytes);
    if (!value) {
      return;
    }
    value->job = label_of(real_.jobs, job, direction);
    const JobTraits traits = traits_of(job);
    const std::optional<Bytes>& rate = traits.rate_per_second[direction];
    const bool rate_held = rate && std::abs(relative_error(static_cast<double>(rate->count()),
                                                           *value->real)) <= kRateHeld;
    if (rate_held || traits.fixed_amount) {
      value->standing = Standing::kOffered;
    }
    add(values_, std::move(value));
  }

  void curve() {
    const AlignedCurves curves = align(real_, ours_);
    const CurveFigures figures = curve_figures(curves);
    if (figures.mean >= kCurveMeanMin) {
      FigureValue value;
      value.figure = Figure::kCurve;
      value.real = figures.mean;
      value.error = figures.rms / figures.mean;
      value.goal = goal_with_spread(Figure::kCurve, spread_.curve);
      values_.push_back(value);
      add(values_, relative(Figure::kPeak, figures.real_peak, figures.ours_peak, spread_.curve));
    }
    add_time(values_, Figure::kBackgroundTime, background_crossing(curves.real),
             background_crossing(curves.ours));
    add_time(values_, Figure::kFreerunTime, freerun_crossing(curves.real),
             freerun_crossing(curves.ours));
  }

  void throttle() {
    const auto real_count = static_cast<double>(real_.pauses.size());
    const auto our_count = static_cast<double>(ours_.pauses.size());
    if (real_.pauses.size() >= kPausesForRatio) {
      add(values_, relative(Figure::kPauseCount, real_count, our_count, spread_.pauses));
      add(values_, relative(Figure::kPauseTotal, total_of(real_.pauses), total_of(ours_.pauses),
                            spread_.paused_total));
    } else {
      FigureValue value;
      value.figure = Figure::kPauseCount;
      value.real = real_count;
      value.ours = our_count;
      value.error = our_count - real_count;
      value.absolute = true;
      value.goal = real_.pauses.empty() ? 0 : kPauseDifferenceMax;
      values_.push_back(value);
    }
    add_time(values_, Figure::kFirstPause, first_pause(real_), first_pause(ours_),
             static_cast<double>(spread_.first_pause.count()) / 1e9);
  }

  void requests() {
    const auto [real_count, real_kib] = requests_of(real_);
    const auto [our_count, our_kib] = requests_of(ours_);
    if (real_count > 0) {
      add(values_, relative(Figure::kRequests, real_count, our_count, spread_.requests));
      add(values_, relative(Figure::kRequestSize, real_kib / real_count,
                            our_count == 0 ? 0 : our_kib / our_count, spread_.requests));
    }
    add(values_, relative(Figure::kMerges, static_cast<double>(real_.merges),
                          static_cast<double>(ours_.merges), spread_.merges));
  }

  void order() {
    const std::size_t longest = std::max(real_.issues.size(), ours_.issues.size());
    if (real_.issues.empty()) {
      return;
    }
    std::map<std::tuple<char, std::int64_t, std::int64_t>, std::uint32_t> numbers;
    const auto numbered = [&numbers](const std::vector<IssuedRequest>& issues) {
      std::vector<std::uint32_t> sequence;
      for (const IssuedRequest& issue : issues) {
        const auto next = static_cast<std::uint32_t>(numbers.size());
        sequence.push_back(
            numbers.try_emplace({issue.op, issue.sector.value(), issue.length.count()}, next)
                .first->second);
      }
      return sequence;
    };
    const auto real = numbered(real_.issues);
    const auto ours = numbered(ours_.issues);
    FigureValue value;
    value.figure = Figure::kOrder;
    value.real = static_cast<double>(real.size());
    value.ours = static_cast<double>(ours.size());
    value.distance = edit_distance(real, ours);
    // Where only bounds are known, the score is the one that is certain.
    value.error = 1 - static_cast<double>(value.distance->upper) / static_cast<double>(longest);
    value.goal = context_.scheduler == "none" || context_.scheduler == "mq-deadline"
                     ? info_of(Figure::kOrder).goal
                     : kFairOrderGoal;
    const auto [left, right] = std::mismatch(real.begin(), real.end(), ours.begin(), ours.end());
    if (left != real.end() || right != ours.end()) {
      value.first_divergence = static_cast<std::size_t>(left - real.begin());
    }
    values_.push_back(std::move(value));
  }

  void latency(std::size_t job) {
    const JobRecord& real = real_.jobs[job];
    const JobRecord& ours = ours_.jobs[job];
    // A buffered write that takes less than a jiffy has neither slept in balance_dirty_pages nor
    // waited for the device: it is CPU time, and the table of CPU costs is an input.
    const SimDuration input_below = traits_of(job).waits ? SimDuration{} : context_.jiffy;
    percentiles(label_of(real_.jobs, job, Direction::kRead), real.read, ours.read,
                {Figure::kReadP50, Figure::kReadP99, Figure::kReadP999}, input_below);
    percentiles(label_of(real_.jobs, job, Direction::kWrite), real.write, ours.write,
                {Figure::kWriteP50, Figure::kWriteP99, Figure::kWriteP999}, input_below);
    percentiles(name_of(real_.jobs, job), real.sync, ours.sync,
                {Figure::kSyncP50, Figure::kSyncP99, Figure::kSyncP999}, SimDuration{});
  }

  void percentiles(const std::string& label, const LatencyRecord& real, const LatencyRecord& ours,
                   const std::array<Figure, 3>& figures, SimDuration input_below) {
    const std::array reals{real.p50, real.p99, real.p999};
    const std::array our_values{ours.p50, ours.p99, ours.p999};
    for (std::size_t i = 0; i < figures.size(); ++i) {
      if (!reals[i] || (i == 2 && real.count < kCountForP999)) {
        continue;
      }
      const double spread = i == 0 ? 0 : spread_.p99;
      auto value = relative(
          figures[i], static_cast<double>(reals[i]->count()) / 1e3,
          static_cast<double>(our_values[i].value_or(SimDuration{}).count()) / 1e3, spread);
      if (value) {
        value->job = label;
        value->standing = *reals[i] < input_below ? Standing::kInput : Standing::kJudged;
      }
      add(values_, std::move(value));
    }
  }

  static double total_of(const std::vector<Pause>& pauses) {
    SimDuration total{};
    for (const Pause& pause : pauses) {
      total += pause.length;
    }
    return static_cast<double>(total.count()) / 1e9;
  }

  static std::optional<double> first_pause(const RunRecord& run) {
    return run.pauses.empty() ? std::nullopt : seconds_since_first_io(run, run.pauses.front().time);
  }

  // Number and KiB of the requests that carry data.
  static std::pair<double, double> requests_of(const RunRecord& run) {
    double count = 0;
    Bytes bytes{};
    for (const IssuedRequest& issue : run.issues) {
      if (issue.op == 'W' || issue.op == 'R') {
        count += 1;
        bytes += to_bytes(issue.length);
      }
    }
    return {count, static_cast<double>(bytes.count()) / 1024};
  }

  const RunRecord& real_;
  const RunRecord& ours_;
  const CompareContext& context_;
  CaseSpread spread_;
  std::vector<FigureValue> values_;
};

}  // namespace

bool FigureValue::met() const {
  return figure == Figure::kOrder ? error >= goal : std::abs(error) <= goal;
}

std::vector<FigureValue> compare(const RunRecord& real, const RunRecord& ours,
                                 const CompareContext& context) {
  return Comparison{real, ours, context}.run();
}

std::optional<double> median_magnitude(std::vector<double> values) {
  if (values.empty()) {
    return std::nullopt;
  }
  for (double& value : values) {
    value = std::abs(value);
  }
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace wbsim::analysis
