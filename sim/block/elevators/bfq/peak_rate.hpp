// How fast the device is at its best.
#pragma once

#include <cstdint>

#include "sim/block/elevators/bfq/state.hpp"

namespace wbsim::block::bfq {

// Models: bfq_update_peak_rate(), bfq_update_rate_reset(), v5.10 and v6.1. Rates in sectors/us with
// BFQ_RATE_SHIFT 16 binary places. Properties:
//  1. A rate is what is dispatched within about a second (up to the last completion, where that is
//     later), with at least 32 requests and 300 ms.
//  2. It counts where at least 3/4 of the requests are sequential, or where it is above the peak.
//  3. peak = peak * (d - 1) / d + rate / d, with d from 10 down to 2: the smaller the more
//     sequential and the longer the window.
//  4. A pause of 100 ms without work, or a completion so late that it cannot be the device's speed,
//     ends the window.
class PeakRate {
 public:
  explicit PeakRate(State& state);

  // A request goes to the driver; State::in_driver does not count it yet.
  void dispatched(const Request& request, bool of_queue_in_service);
  // A request has ended at `now`; State::last_completion is of the one before.
  void completed(SimTime now);

  [[nodiscard]] std::uint32_t rate() const { return peak_; }
  // bfq_wr_duration(): how long an interactive queue is raised: the longer the slower the device
  // is, 3 to 25 s. Jiffies.
  [[nodiscard]] std::uint64_t raise_duration() const;

 private:
  void close_window(const Request* first_of_next);
  void restart(const Request* first);
  void update_peak();
  void follow_peak();

  State& state_;
  std::uint32_t peak_;
  std::uint64_t reference_;  // rate_dur_prod: reference rate * duration
  int samples_ = 0;
  std::uint32_t sequential_ = 0;
  std::uint64_t sectors_ = 0;
  std::uint32_t largest_ = 0;  // last_rq_max_size, sectors
  SimTime window_began_;
  SimTime last_dispatch_;
  SimDuration window_{};  // delta_from_first
};

}  // namespace wbsim::block::bfq
