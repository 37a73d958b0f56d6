#include "sim/workload/pacer.hpp"

#include <bit>

#include "sim/workload/address_pattern.hpp"

namespace wbsim::workload {

namespace {

using Wide = unsigned __int128;

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;
constexpr int kFractionBits = 32;
constexpr std::uint64_t kLn2 = 2'977'044'472;  // ln 2 * 2^32

// log2(2^64 / value) for value > 0, in units of 2^-32, rounded down: the whole part from the
// leading zeros, then one bit of the fraction with each squaring of the mantissa.
std::uint64_t negated_log2(std::uint64_t value) {
  const int zeros = std::countl_zero(value);
  std::uint64_t mantissa = value << zeros;  // [1, 2) as a fixed-point number with 63 bits
  std::uint64_t log = 0;
  for (int bit = 0; bit < kFractionBits; ++bit) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;  // [1, 4) with 126 bits
    const bool at_least_two = (square >> 127) != 0;
    log = log << 1 | (at_least_two ? 1 : 0);
    mantissa = static_cast<std::uint64_t>(square >> (at_least_two ? 64 : 63));
  }
  const auto whole = static_cast<std::uint64_t>(zeros) + 1;
  return (whole << kFractionBits) - log;
}

}  // namespace

SimDuration exponential(Rng& rng, SimDuration mean) {
  const std::uint64_t drawn = rng.next_u64();
  const std::uint64_t log2 = negated_log2(drawn == 0 ? 1 : drawn);  // at most 64
  const Wide ln = static_cast<Wide>(log2) * kLn2 >> kFractionBits;
  const Wide ns = ln * static_cast<Wide>(mean.count()) >> kFractionBits;
  return microseconds(static_cast<std::int64_t>(ns) / 1000);
}

Pacer::Pacer(const JobSpec& job, std::uint64_t run_seed)
    : process_{job.rate_process},
      first_rng_{job_stream(job, run_seed, "arrivals")},
      rng_{first_rng_} {
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    if (!job.does(direction) || !job.rate_of(direction)) {
      continue;
    }
    const Bytes per_second = *job.rate_of(direction);
    rate_[direction] = per_second;
    // fio counts I/Os of the smallest size.
    const Wide ns = static_cast<Wide>(job.blocks[direction].min.count()) *
                    static_cast<Wide>(seconds(1).count()) / static_cast<Wide>(per_second.count());
    mean_[direction] = nanoseconds(static_cast<std::int64_t>(ns));
  }
}

void Pacer::restart(SimTime now) {
  began_ = now;
  issued_ = {};
  due_ = {now, now};
}

void Pacer::issued(Direction direction, Bytes length) {
  if (!active(direction)) {
    return;
  }
  if (process_ == RateProcess::kPoisson) {
    due_[direction] += exponential(rng_, mean_[direction]);
    return;
  }
  issued_[direction] += length;
  const Bytes per_second = *rate_[direction];
  const std::int64_t whole = issued_[direction] / per_second;
  const std::int64_t rest = (issued_[direction] % per_second).count();
  due_[direction] = began_ + microseconds(whole * kMicrosecondsPerSecond +
                                          rest * kMicrosecondsPerSecond / per_second.count());
}

}  // namespace wbsim::workload
