#include "sim/analysis/dirty_curve.hpp"

#include <algorithm>
#include <cmath>

namespace wbsim::analysis {

namespace {

double seconds_between(SimTime from, SimTime to) {
  return static_cast<double>((to - from).count()) / 1e9;
}

CurvePoint point_of(const DirtySample& sample, SimTime first_io) {
  const auto pages = [](Pages n) { return static_cast<double>(n.count()); };
  return {seconds_between(first_io, sample.time), pages(sample.nr_dirty + sample.nr_writeback),
          pages(sample.background_thresh), pages(sample.dirty_thresh)};
}

std::vector<CurvePoint> points_of(const RunRecord& run) {
  std::vector<CurvePoint> points;
  points.reserve(run.samples.size());
  for (const DirtySample& sample : run.samples) {
    points.push_back(point_of(sample, *run.first_io));
  }
  // A simulated threshold reads 0 until it has been computed for the first time; until then the
  // first one computed stands for it.
  for (std::size_t i = points.size() - 1; i-- > 0;) {
    if (points[i].dirty_thresh == 0) {
      points[i].background_thresh = points[i + 1].background_thresh;
      points[i].dirty_thresh = points[i + 1].dirty_thresh;
    }
  }
  return points;
}

double blend(double a, double b, double share) { return a + (b - a) * share; }

// The value at `since`; `points` are in order of time and not empty. Outside them, the nearest.
CurvePoint interpolate(const std::vector<CurvePoint>& points, double since) {
  const auto after =
      std::lower_bound(points.begin(), points.end(), since,
                       [](const CurvePoint& point, double wanted) { return point.since < wanted; });
  CurvePoint point = after == points.end() ? points.back() : *after;
  if (after != points.end() && after != points.begin()) {
    const CurvePoint& a = *(after - 1);
    const CurvePoint& b = *after;
    const double share = (since - a.since) / (b.since - a.since);
    point = {since, blend(a.total, b.total, share),
             blend(a.background_thresh, b.background_thresh, share),
             blend(a.dirty_thresh, b.dirty_thresh, share)};
  }
  point.since = since;
  return point;
}

// The last sample at or before the first I/O stands for the state at the first I/O: nothing is
// dirtied before it, so interpolating across it would invent dirty pages.
CurvePoint state_at_first_io(const std::vector<CurvePoint>& points) {
  CurvePoint state = points.front();
  for (const CurvePoint& point : points) {
    if (point.since > 0) {
      break;
    }
    state = point;
  }
  if (state.since > 0) {
    state.total = 0;
  }
  state.since = 0;
  return state;
}

template <class Excess>
std::optional<double> first_crossing(const std::vector<CurvePoint>& curve, Excess excess) {
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const double now = excess(curve[i]);
    if (now <= 0 || curve[i].dirty_thresh == 0) {
      continue;
    }
    if (i == 0) {
      return curve[0].since;
    }
    const double before = std::min(0.0, excess(curve[i - 1]));
    return blend(curve[i - 1].since, curve[i].since, -before / (now - before));
  }
  return std::nullopt;
}

}  // namespace

AlignedCurves align(const RunRecord& real, const RunRecord& ours) {
  AlignedCurves curves;
  if (!real.first_io || real.samples.empty()) {
    return curves;
  }
  std::vector<CurvePoint> our_points(1);  // all zero where ours has nothing
  if (ours.first_io && !ours.samples.empty()) {
    our_points = points_of(ours);
    const CurvePoint start = state_at_first_io(our_points);
    std::erase_if(our_points, [](const CurvePoint& point) { return point.since <= 0; });
    our_points.insert(our_points.begin(), start);
  }
  const std::vector<CurvePoint> real_points = points_of(real);
  curves.real.push_back(state_at_first_io(real_points));
  curves.ours.push_back(our_points.front());
  for (const CurvePoint& point : real_points) {
    if (point.since > 0) {
      curves.real.push_back(point);
      curves.ours.push_back(interpolate(our_points, point.since));
    }
  }
  return curves;
}

CurveFigures curve_figures(const AlignedCurves& curves) {
  CurveFigures figures;
  // The first point is the state at the first I/O, not a sample of the run.
  const std::size_t samples = curves.real.empty() ? 0 : curves.real.size() - 1;
  if (samples == 0) {
    return figures;
  }
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 1; i < curves.real.size(); ++i) {
    const double difference = curves.ours[i].total - curves.real[i].total;
    sum += curves.real[i].total;
    squares += difference * difference;
    figures.real_peak = std::max(figures.real_peak, curves.real[i].total);
    figures.ours_peak = std::max(figures.ours_peak, curves.ours[i].total);
  }
  figures.mean = sum / static_cast<double>(samples);
  figures.rms = std::sqrt(squares / static_cast<double>(samples));
  return figures;
}

std::optional<double> background_crossing(const std::vector<CurvePoint>& curve) {
  return first_crossing(
      curve, [](const CurvePoint& point) { return point.total - point.background_thresh; });
}

std::optional<double> freerun_crossing(const std::vector<CurvePoint>& curve) {
  return first_crossing(curve, [](const CurvePoint& point) {
    return point.total - (point.background_thresh + point.dirty_thresh) / 2;
  });
}

}  // namespace wbsim::analysis
