// How long the arm of a disk takes to move.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::models {

// What a data sheet says about the seeks of a drive.
struct SeekTimes {
  SimDuration single{};   // to the next cylinder
  SimDuration average{};  // over all pairs of cylinders
  SimDuration full{};     // from the first to the last cylinder
  friend bool operator==(const SeekTimes&, const SeekTimes&) = default;
};

// The two-piece law of Ruemmler and Wilkes ("An introduction to disk drive modeling", 1994): the
// arm speeds up and brakes over short distances and coasts over long ones,
//   seek(0) = 0,  seek(1) = single,
//   seek(d) = base + per_root * sqrt(d)            up to the knee,
//   seek(d) = far_base + per_cylinder * d          beyond it,
// in nanoseconds, rounded down. Settling is part of the times.
class SeekCurve {
 public:
  struct Law {
    SimDuration single{};
    double base = 0;
    double per_root = 0;
    std::int64_t knee = 0;  // cylinders; the last distance of the first piece
    double far_base = 0;
    double per_cylinder = 0;
  };

  explicit SeekCurve(const Law& law) : law_{law} {}

  // The law whose knee is at a third of the cylinders, that has seek(1) = single, seek(last) =
  // full and no jump at the knee, and whose mean over all pairs of cylinders is `average`: drive
  // makers define it so ("weighted average of all possible seek combinations", such as 4.5.1.1 of
  // HGST's OEM specifications).
  static SeekCurve from_data_sheet(const SeekTimes& times, std::int64_t cylinders);
  // Whether there is such a law, that is one in which a longer way never takes less time.
  static bool is_possible(const SeekTimes& times, std::int64_t cylinders);

  [[nodiscard]] SimDuration time(std::int64_t distance) const;
  // A distance that no seek shorter than `time` exceeds: the inverse of the law, rounded up.
  [[nodiscard]] std::int64_t reach(SimDuration time) const;
  [[nodiscard]] const Law& law() const { return law_; }

 private:
  Law law_;
};

}  // namespace wbsim::models
