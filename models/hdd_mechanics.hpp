// The moving parts of a disk: arm, heads and platters. Pure functions of time and place; when and
// for whom they move is decided in hdd.hpp.
#pragma once

#include <cstdint>

#include "models/geometry.hpp"
#include "models/seek_curve.hpp"
#include "sim/base/units.hpp"

namespace wbsim::models {

enum class Motion : std::uint8_t { kRead, kWrite };  // writes settle longer

class HddMechanics {
 public:
  // The track under the heads.
  struct Arm {
    std::int64_t cylinder = 0;
    int head = 0;
  };
  // A stretch of sectors passing under the heads.
  struct Passage {
    SimTime end;
    Arm arm;  // where it ended
  };

  HddMechanics(Geometry geometry, SeekCurve read, SeekCurve write, SimDuration head_switch,
               std::int64_t rpm);

  [[nodiscard]] const Geometry& geometry() const { return geometry_; }
  [[nodiscard]] SimDuration turn() const { return nanoseconds(kTurn / rpm_); }

  // The angle under the heads. Platters turn freely: it depends on the time alone.
  [[nodiscard]] Angle angle_at(SimTime time) const {
    std::int64_t in_minute = time.time_since_epoch().count() % kTurn;  // rpm whole turns a minute
    if (in_minute < 0) {
      in_minute += kTurn;
    }
    return in_minute * rpm_ % kTurn;
  }
  // From `from` until `to` comes under the heads, rounded up to a nanosecond. What is missed by
  // less than one nanosecond counts as reached: all times are rounded.
  [[nodiscard]] SimDuration rotation(Angle from, Angle to) const {
    return nanoseconds((angle_between(from, to) + rpm_ - 1) / rpm_);
  }

  // Time to move the arm and to switch heads, without rotation.
  [[nodiscard]] SimDuration move(const Arm& arm, const Place& to, Motion motion) const;

  // From `now` until `to` comes under its head, as an angle: what choices are made by.
  [[nodiscard]] Angle access_angle(Angle now, const Arm& arm, const Place& to,
                                   Motion motion) const {
    const Angle moved = move(arm, to, motion).count() * rpm_;
    return moved + angle_between((now + moved) % kTurn, to.angle);
  }
  // The same as a time.
  [[nodiscard]] SimDuration access(SimTime now, const Arm& arm, const Place& to,
                                   Motion motion) const {
    const SimDuration moved = move(arm, to, motion);
    return moved + rotation(angle_at(now + moved), to.angle);
  }
  // Whatever is farther away takes at least `least`.
  [[nodiscard]] std::int64_t reach(Angle least, Motion motion) const {
    return curve(motion).reach(nanoseconds(least / rpm_ + 1));
  }

  // [first, first + length) passes, beginning at `start`, when `first`, whose place is `place`, is
  // under its head: with the switches of head and cylinder on the way.
  [[nodiscard]] Passage pass(SimTime start, Lba first, Place place, Sectors length,
                             Motion motion) const;
  // What of it has passed at `until`: whole sectors, and when and where the last of them had.
  struct Progress {
    Sectors sectors;
    Passage passage;
  };
  [[nodiscard]] Progress progress(SimTime start, Lba first, Place place, Sectors length,
                                  SimTime until, Motion motion) const;

 private:
  [[nodiscard]] Angle angle_between(Angle from, Angle to) const {
    const Angle between = to >= from ? to - from : to - from + kTurn;
    return between > kTurn - rpm_ ? 0 : between;
  }
  [[nodiscard]] const SeekCurve& curve(Motion motion) const {
    return motion == Motion::kRead ? read_ : write_;
  }
  [[nodiscard]] SimTime pass_on_track(SimTime start, const Place& place, Sectors length) const;

  Geometry geometry_;
  SeekCurve read_;
  SeekCurve write_;
  SimDuration head_switch_;
  std::int64_t rpm_;
};

}  // namespace wbsim::models
