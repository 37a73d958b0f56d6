#include "models/hdd_mechanics.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::models {

HddMechanics::HddMechanics(Geometry geometry, SeekCurve read, SeekCurve write,
                           SimDuration head_switch, std::int64_t rpm)
    : geometry_{std::move(geometry)},
      read_{read},
      write_{write},
      head_switch_{head_switch},
      rpm_{rpm} {
  SIM_CHECK(rpm > 0 && head_switch >= SimDuration{});
}

SimDuration HddMechanics::move(const Arm& arm, const Place& to, Motion motion) const {
  const SimDuration seek = curve(motion).time(std::abs(to.cylinder - arm.cylinder));
  return to.head == arm.head ? seek : std::max(seek, head_switch_);
}

// Ends when the angle at the end of the last sector is reached, so that the next sector, if it
// follows, is under the head then. A start that is late by less than a nanosecond makes up for it.
SimTime HddMechanics::pass_on_track(SimTime start, const Place& place, Sectors length) const {
  const Angle end = angle_of(place.sector + length, place.track);
  Angle late = angle_at(start) - place.angle;
  if (late < 0) {
    late += kTurn;
  }
  if (late >= rpm_) {
    late = 0;
  }
  const Angle way = end - place.angle - late;
  return start + nanoseconds((way + rpm_ - 1) / rpm_);
}

HddMechanics::Passage HddMechanics::pass(SimTime start, Lba first, Place place, Sectors length,
                                         Motion motion) const {
  SIM_CHECK(length > Sectors{0});
  for (;;) {
    const Sectors here = std::min(length, place.sectors_left);
    start = pass_on_track(start, place, here);
    const Arm arm{place.cylinder, place.head};
    length -= here;
    if (length == Sectors{0}) {
      return {start, arm};
    }
    first += here;
    place = geometry_.place(first);
    start += access(start, arm, place, motion);
  }
}

HddMechanics::Progress HddMechanics::progress(SimTime start, Lba first, Place place, Sectors length,
                                              SimTime until, Motion motion) const {
  Progress done{Sectors{0}, {start, {place.cylinder, place.head}}};
  while (start < until) {
    Sectors here = std::min(length, place.sectors_left);
    SimTime end = pass_on_track(start, place, here);
    const bool all = end <= until;
    if (!all) {
      const Angle way = (until - start).count() * rpm_;
      here = std::min(here, Sectors{way * place.track.count() / kTurn});
      end = pass_on_track(start, place, here);
    }
    if (here > Sectors{0}) {
      done.sectors += here;
      done.passage = {end, {place.cylinder, place.head}};
    }
    length -= here;
    if (!all || length == Sectors{0}) {
      break;
    }
    first += here;
    place = geometry_.place(first);
    start = end + access(end, done.passage.arm, place, motion);
  }
  return done;
}

}  // namespace wbsim::models
