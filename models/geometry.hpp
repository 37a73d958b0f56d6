// Where a sector lies on a disk: zone, cylinder, head and angle.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::models {

// Angles are whole parts of a turn. A disk of `rpm` turns per minute passes `rpm` of them in a
// nanosecond, so with 60e9 parts to the turn angle and time convert without a fraction.
using Angle = std::int64_t;
inline constexpr Angle kTurn = 60'000'000'000;

// Neighbouring cylinders whose tracks hold equally many sectors.
struct ZoneParameters {
  std::int64_t cylinders = 0;
  Sectors track{0};  // sectors of one track
  // By how many sectors the first sector of a track lies behind the end of the track before it, so
  // that the switch of head or cylinder is over when it comes round.
  Sectors track_skew{0};
  Sectors cylinder_skew{0};
  friend bool operator==(const ZoneParameters&, const ZoneParameters&) = default;
};

// Where one sector begins.
struct Place {
  std::int64_t cylinder = 0;
  int head = 0;
  Angle angle = 0;       // in [0, kTurn)
  Sectors sectors_left;  // of its track, this sector included
  Sectors track;         // sectors of its track
  Sectors sector;        // of its track, counted from angle 0
};

// Sectors are numbered along a track, then from head to head of a cylinder, then from cylinder to
// cylinder, zones from the outside in (the "normal" layout of DiskSim's layout_g1). Spares and
// defects are not modelled.
class Geometry {
 public:
  Geometry(int heads, const std::vector<ZoneParameters>& zones);

  [[nodiscard]] Place place(Lba sector) const;
  [[nodiscard]] Sectors capacity() const { return capacity_; }
  [[nodiscard]] std::int64_t cylinders() const { return cylinders_; }

 private:
  struct Zone {
    ZoneParameters parameters;
    Lba first;
    std::int64_t first_cylinder;
  };

  int heads_;
  std::vector<Zone> zones_;
  Sectors capacity_{0};
  std::int64_t cylinders_ = 0;
};

// The angle between the starts of sector 0 and sector `n` of a track; rounded down.
[[nodiscard]] inline Angle angle_of(Sectors n, Sectors track) {
  return n.count() * kTurn / track.count();
}

}  // namespace wbsim::models
