// What an elevator remembers of a process: how long it thinks between two requests, and how far
// apart these are.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/base/units.hpp"

namespace wbsim::block {

// Models: the decaying means of as_update_thinktime() and as_update_seekdist(), v2.6.18, and of
// cfq_update_io_thinktime(), v2.6.18 and v3.6: a sample has 1/8 of the weight, in fixed point with
// 1.0 == 256. The weight of all samples approaches 256 from below and, in whole numbers, ends at
// 249.
class DecayingMean {
 public:
  void add(std::int64_t sample) {
    samples_ = (7 * samples_ + kOne) / 8;
    total_ = (7 * total_ + kOne * sample) / 8;
  }
  [[nodiscard]] std::int64_t samples() const { return samples_; }
  // sample_valid(): three samples make 84, so the mean counts from the third one on.
  [[nodiscard]] bool valid() const { return samples_ > kValid; }
  // With the samples' weight as divisor, `rounding` added to the total before.
  [[nodiscard]] std::int64_t mean(std::int64_t rounding) const {
    return samples_ == 0 ? 0 : (total_ + rounding) / samples_;
  }

 private:
  static constexpr std::int64_t kOne = 256;
  static constexpr std::int64_t kValid = 80;
  std::int64_t samples_ = 0;
  std::int64_t total_ = 0;
};

// Time between the end of a process's request and its next one, in jiffies.
class ThinkTime {
 public:
  explicit ThinkTime(std::int64_t now) : last_end_{now} {}

  void ended(std::int64_t now) { last_end_ = now; }
  [[nodiscard]] std::int64_t since_end(std::int64_t now) const { return now - last_end_; }
  void add(std::int64_t jiffies) { mean_.add(jiffies); }
  // What has passed since the last end, counted as `most` if it is more.
  void add_since_end(std::int64_t now, std::int64_t most) { add(std::min(since_end(now), most)); }

  [[nodiscard]] bool started() const { return mean_.samples() > 0; }
  [[nodiscard]] bool valid() const { return mean_.valid(); }
  [[nodiscard]] std::int64_t mean() const { return mean_.mean(kRounding); }
  // The mean counts, and is more than `jiffies`.
  [[nodiscard]] bool exceeds(std::int64_t jiffies) const { return valid() && mean() > jiffies; }

 private:
  static constexpr std::int64_t kRounding = 128;
  std::int64_t last_end_;
  DecayingMean mean_;
};

[[nodiscard]] inline Sectors distance(Lba a, Lba b) { return a < b ? b - a : a - b; }

// Mean distance between where a process's request ended and where its next one begins.
class SeekMean {
 public:
  void add(Sectors distance) {
    // A single far seek (a fragment, a page-in) shall not make a process look like a seeking one:
    // a sample counts as four times the mean so far and an allowance, which is great for the first
    // samples (2 * 1024 * 1024 sectors), then small (2 * 1024 * 64).
    const std::int64_t allowance = mean_.samples() <= 60 ? 2 * 1024 * 1024 : 2 * 1024 * 64;
    mean_.add(std::min(distance.count(), 4 * mean().count() + allowance));
  }
  [[nodiscard]] bool started() const { return mean_.samples() > 0; }
  [[nodiscard]] bool valid() const { return mean_.valid(); }
  [[nodiscard]] Sectors mean() const { return Sectors{mean_.mean(mean_.samples() / 2)}; }

 private:
  DecayingMean mean_;
};

}  // namespace wbsim::block
