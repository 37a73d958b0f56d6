#include "models/geometry.hpp"

#include <algorithm>
#include <iterator>

#include "sim/base/check.hpp"

namespace wbsim::models {

Geometry::Geometry(int heads, const std::vector<ZoneParameters>& zones) : heads_{heads} {
  SIM_CHECK(heads > 0 && !zones.empty());
  for (const ZoneParameters& zone : zones) {
    SIM_CHECK(zone.cylinders > 0 && zone.track > Sectors{0});
    zones_.push_back({zone, Lba{0} + capacity_, cylinders_});
    capacity_ += zone.track * (zone.cylinders * heads);
    cylinders_ += zone.cylinders;
  }
}

Place Geometry::place(Lba sector) const {
  SIM_CHECK(sector >= Lba{0} && sector < Lba{0} + capacity_);
  const auto next =
      std::upper_bound(zones_.begin(), zones_.end(), sector,
                       [](Lba wanted, const Zone& candidate) { return wanted < candidate.first; });
  const Zone& zone = *std::prev(next);
  const ZoneParameters& z = zone.parameters;
  const Sectors into_zone = sector - zone.first;
  const std::int64_t track = into_zone / z.track;
  const std::int64_t cylinder = track / heads_;
  const std::int64_t head = track % heads_;
  const Sectors per_cylinder = z.track_skew * (heads_ - 1) + z.cylinder_skew;
  const Sectors skew = per_cylinder * cylinder + z.track_skew * head;
  const Sectors into_track = into_zone % z.track;
  const Sectors turned = (into_track + skew) % z.track;
  return {.cylinder = zone.first_cylinder + cylinder,
          .head = static_cast<int>(head),
          .angle = angle_of(turned, z.track),
          .sectors_left = z.track - into_track,
          .track = z.track,
          .sector = turned};
}

}  // namespace wbsim::models
