#include "sim/pagecache/proportions.hpp"

#include <algorithm>

namespace wbsim::pagecache {

namespace {
constexpr int kBitsPerLong = 64;
constexpr int kFractionShift = 10;  // FPROP_FRAC_SHIFT: 1.0 is 1024
}  // namespace

bool GlobalProportion::new_period(int periods) {
  const std::int64_t events = events_.sum();
  if (events <= 1) {
    return false;
  }
  const std::int64_t gone = periods < kBitsPerLong ? events - (events >> periods) : events;
  events_.add_once(0, -gone);
  period_ += static_cast<std::uint64_t>(periods);
  return true;
}

void LocalProportion::reflect_period(const GlobalProportion& global) {
  const std::uint64_t missed = global.period() - period_;
  if (missed == 0) {
    return;
  }
  std::int64_t value = events_.read();
  if (missed < kBitsPerLong) {
    if (value < cpus_ * batch_) {
      value = events_.sum();
    }
    events_.add_once(0, -value + (value >> missed));
  } else {
    events_.set(0);
  }
  period_ = global.period();
}

void LocalProportion::add(GlobalProportion& global, int cpu, std::int64_t n,
                          int max_fraction_percent) {
  if (max_fraction_percent >= 100) {
    reflect_period(global);
    events_.add(cpu, n);
    global.events().add(cpu, n);
    return;
  }
  const std::int64_t max_fraction = (max_fraction_percent << kFractionShift) / 100;
  for (; n > 0; --n) {
    const Fraction now = fraction(global);
    if ((now.numerator << kFractionShift) > now.denominator * max_fraction) {
      return;
    }
    events_.add(cpu, 1);
    global.events().add(cpu, 1);
  }
}

Fraction LocalProportion::fraction(GlobalProportion& global) {
  reflect_period(global);
  const std::int64_t numerator = events_.read_positive();
  const std::int64_t denominator = global.events().read_positive();
  if (denominator <= numerator) {
    return {numerator, std::max<std::int64_t>(numerator, 1)};
  }
  return {numerator, denominator};
}

Fraction LocalProportion::peek(const GlobalProportion& global) const {
  LocalProportion caught_up = *this;
  GlobalProportion unchanged = global;
  return caught_up.fraction(unchanged);
}

}  // namespace wbsim::pagecache
