// When a rate allows the next I/O.
#pragma once

#include <cstdint>

#include "sim/base/rng.hpp"
#include "sim/base/units.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

// An exponentially distributed duration with the given mean, in whole microseconds. Integers only:
// the logarithm is exact to 2^-32.
SimDuration exponential(Rng& rng, SimDuration mean);

// Models: fio's rates (rate, rate_iops, rate_process), for each direction. Linear: each I/O has a
// time on a grid, late ones follow back to back. Poisson: times between I/Os are drawn; so are
// those of late ones. Times on the grid are whole microseconds.
class Pacer {
 public:
  Pacer(const JobSpec& job, std::uint64_t run_seed);

  [[nodiscard]] bool active() const { return rate_.read || rate_.write; }
  [[nodiscard]] bool active(Direction direction) const { return rate_[direction].has_value(); }
  // The first I/Os are due at `now`.
  void restart(SimTime now);
  // Draws the same times between I/Os again.
  void reseed() { rng_ = first_rng_; }
  // When the next I/O of a direction that has a rate is due.
  [[nodiscard]] SimTime due(Direction direction) const { return due_[direction]; }
  // An I/O was issued.
  void issued(Direction direction, Bytes length);

 private:
  RateProcess process_;
  PerDirection<std::optional<Bytes>> rate_;  // per second
  PerDirection<SimDuration> mean_;           // between I/Os
  PerDirection<Bytes> issued_;               // since began_
  PerDirection<SimTime> due_;
  SimTime began_{};
  Rng first_rng_;
  Rng rng_;
};

}  // namespace wbsim::workload
