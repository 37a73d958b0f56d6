#include "models/seek_curve.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace wbsim::models {
namespace {

constexpr std::int64_t kKneeDivisor = 3;  // the average distance is a third of the stroke
constexpr std::int64_t kCylindersMin = 16;
constexpr double kFar = 1e15;  // beyond any cylinder

// seek(knee) that makes the mean over all pairs equal the average. Of N cylinders, a pair is
// d = x * N apart with density 2 (1 - x). With k = 1/3 and v = seek(knee), the pieces are
//   single + (v - single) * (sqrt(x N) - 1) / (sqrt(k N) - 1)   and
//   v + (full - v) * (x - k) / (1 - k),
// whose means are linear in v.
double time_at_knee(const SeekTimes& times, std::int64_t cylinders) {
  const auto ns = [](SimDuration time) { return static_cast<double>(time.count()); };
  const double n = static_cast<double>(cylinders);
  const double k = 1.0 / static_cast<double>(kKneeDivisor);
  const double near = 2 * k - k * k;  // probability of the first piece
  const double roots = (4.0 / 3 - 4.0 / 5 * k) * k * std::sqrt(k);  // its mean of sqrt(x)
  const double far = (1 - k) * (1 - k);
  const double share = (roots * std::sqrt(n) - near) / (std::sqrt(k * n) - 1);
  const double fixed = ns(times.single) * (near - share) + ns(times.full) * far / 3;
  return (ns(times.average) - fixed) / (share + far * 2 / 3);
}

}  // namespace

bool SeekCurve::is_possible(const SeekTimes& times, std::int64_t cylinders) {
  if (cylinders < kCylindersMin || times.single < SimDuration{}) {
    return false;
  }
  const double knee = time_at_knee(times, cylinders);
  return knee >= static_cast<double>(times.single.count()) &&
         knee <= static_cast<double>(times.full.count());
}

SeekCurve SeekCurve::from_data_sheet(const SeekTimes& times, std::int64_t cylinders) {
  SIM_CHECK(is_possible(times, cylinders));
  const double at_knee = time_at_knee(times, cylinders);
  Law law;
  law.single = times.single;
  law.knee = cylinders / kKneeDivisor;
  const double knee = static_cast<double>(law.knee);
  const double single = static_cast<double>(times.single.count());
  law.per_root = (at_knee - single) / (std::sqrt(knee) - 1);
  law.base = single - law.per_root;
  const double last = static_cast<double>(cylinders - 1);
  law.per_cylinder = (static_cast<double>(times.full.count()) - at_knee) / (last - knee);
  law.far_base = at_knee - law.per_cylinder * knee;
  return SeekCurve{law};
}

SimDuration SeekCurve::time(std::int64_t distance) const {
  if (distance == 0) {
    return {};
  }
  if (distance == 1) {
    return law_.single;
  }
  const double d = static_cast<double>(distance);
  const double ns = distance <= law_.knee ? law_.base + law_.per_root * std::sqrt(d)
                                          : law_.far_base + law_.per_cylinder * d;
  return nanoseconds(static_cast<std::int64_t>(ns));
}

std::int64_t SeekCurve::reach(SimDuration time) const {
  const double ns = static_cast<double>(time.count());
  const double root = (ns - law_.base) / law_.per_root;
  const double near = root > 1 ? root * root : 1;
  const double knee = static_cast<double>(law_.knee);
  if (near <= knee) {
    return static_cast<std::int64_t>(near) + 2;
  }
  const double far = law_.per_cylinder > 0 ? (ns - law_.far_base) / law_.per_cylinder : kFar;
  return static_cast<std::int64_t>(std::clamp(far, knee, kFar)) + 2;
}

}  // namespace wbsim::models
