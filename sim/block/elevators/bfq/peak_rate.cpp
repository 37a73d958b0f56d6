#include "sim/block/elevators/bfq/peak_rate.hpp"

#include <algorithm>

namespace wbsim::block::bfq {

namespace {

constexpr unsigned kRateShift = 16;                    // BFQ_RATE_SHIFT
constexpr int kSamplesMin = 32;                        // BFQ_RATE_MIN_SAMPLES
constexpr SimDuration kWindowMin = milliseconds(300);  // BFQ_RATE_MIN_INTERVAL
constexpr SimDuration kWindow = seconds(1);            // BFQ_RATE_REF_INTERVAL
constexpr SimDuration kPause = milliseconds(100);
constexpr std::uint32_t kReferenceRateRotational = 14000;       // ref_rate[0]
constexpr std::uint32_t kReferenceRateFlash = 33000;            // ref_rate[1]
constexpr std::uint64_t kUnreasonableRate = 20U << kRateShift;  // 20 M sectors/s

std::uint64_t to_us(SimDuration duration) {
  return static_cast<std::uint64_t>(duration / microseconds(1));
}

}  // namespace

PeakRate::PeakRate(State& state) : state_{state} {
  const std::uint32_t reference =
      state.tuning.rotational ? kReferenceRateRotational : kReferenceRateFlash;
  peak_ = reference * 2 / 3;
  reference_ = reference * state.tuning.reference_duration;
  if (state.tuning.timeout_is_set) {
    follow_peak();
  }
}

std::uint64_t PeakRate::raise_duration() const {
  return std::clamp(reference_ / peak_, state_.tuning.raise_min, state_.tuning.raise_max);
}

void PeakRate::restart(const Request* first) {
  samples_ = 0;
  if (first != nullptr) {
    last_dispatch_ = window_began_ = state_.clock.now();
    samples_ = 1;
    sequential_ = 0;
    sectors_ = static_cast<std::uint64_t>(first->length.count());
    largest_ = static_cast<std::uint32_t>(first->length.count());
  }
}

void PeakRate::dispatched(const Request& request, bool of_queue_in_service) {
  const SimTime now = state_.clock.now();
  const auto length = static_cast<std::uint32_t>(request.length.count());
  if (samples_ == 0) {
    restart(&request);
  } else if (now - last_dispatch_ > kPause && state_.in_driver == 0) {
    close_window(&request);
  } else {
    ++samples_;
    const bool back_to_back =
        state_.in_driver > 0 || now - state_.last_completion < kShortThinkTime;
    if (back_to_back && !state_.is_seek(state_.last_position, request)) {
      ++sequential_;
    }
    sectors_ += length;
    constexpr int kSizeMemory = 32;  // dispatches
    largest_ = samples_ % kSizeMemory == 0 ? length : std::max(largest_, length);
    window_ = now - window_began_;
    if (window_ >= kWindow) {
      close_window(&request);
    }
  }
  state_.last_position = request.end();
  if (of_queue_in_service) {
    state_.last_position_in_service = state_.last_position;
  }
  last_dispatch_ = now;
}

// Slower than a 1024th of a sector per us, though the largest request seen is taken for all.
void PeakRate::completed(SimTime now) {
  const std::uint64_t us = to_us(now - state_.last_completion);
  constexpr std::uint64_t kCrawl = 1U << (kRateShift - 10);
  if (us > to_us(kShortThinkTime) &&
      (static_cast<std::uint64_t>(largest_) << kRateShift) / us < kCrawl) {
    close_window(nullptr);
  }
}

void PeakRate::close_window(const Request* first_of_next) {
  if (samples_ >= kSamplesMin && window_ >= kWindowMin) {
    update_peak();
  }
  restart(first_of_next);
}

void PeakRate::update_peak() {
  window_ = std::max(window_, state_.last_completion - window_began_);
  const std::uint64_t rate = (sectors_ << kRateShift) / to_us(window_);
  const auto samples = static_cast<std::uint32_t>(samples_);
  if ((sequential_ < (3 * samples) >> 2U && rate <= peak_) || rate > kUnreasonableRate) {
    return;
  }
  constexpr std::uint64_t kWeightMax = 8;
  const std::uint64_t by_order = 9 * sequential_ / samples;
  const std::uint64_t weight =
      std::min(kWeightMax, by_order * static_cast<std::uint64_t>(window_.count()) /
                               static_cast<std::uint64_t>(kWindow.count()));
  const auto divisor = static_cast<std::uint32_t>(10 - weight);
  peak_ = peak_ * (divisor - 1) / divisor + static_cast<std::uint32_t>(rate) / divisor;
  peak_ = std::max(peak_, 1U);
  follow_peak();
}

// Models: update_thr_responsiveness_params(): a budget is what the device does within its timeout.
void PeakRate::follow_peak() {
  if (state_.tuning.user_max_budget == 0) {
    const std::uint64_t ms = state_.clock.to_msecs(state_.tuning.timeout);
    state_.max_budget = static_cast<std::int64_t>((peak_ * 1000 * ms) >> kRateShift);
  }
}

}  // namespace wbsim::block::bfq
