#include "sim/block/throttle/throttle_slice.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/engine/jiffies.hpp"

namespace wbsim::block {

using engine::time_after;

namespace {
constexpr int kSlicesInSecond = 10;  // DFL_THROTL_SLICE_HD
}

ThrottleSlice::ThrottleSlice(const IoLimits& limits, int hz)
    : limits_{limits},
      hz_{static_cast<std::uint64_t>(hz)},
      length_{static_cast<std::uint64_t>(hz / kSlicesInSecond)} {}

// Models: throtl_slice_used().
bool ThrottleSlice::used(std::uint64_t now) const {
  return time_after(start_, now) || time_after(now, end_);
}

std::uint64_t ThrottleSlice::round_up(std::uint64_t jiffies) const {
  return (jiffies + length_ - 1) / length_ * length_;
}

void ThrottleSlice::extend(std::uint64_t end) {
  if (time_after(end, end_)) {
    end_ = round_up(end);
  }
}

void ThrottleSlice::clear(std::uint64_t now) {
  bytes_ = Bytes{0};
  ios_ = 0;
  parts_ = 0;
  end_ = now + length_;
}

// Models: calculate_bytes_allowed(). Limits so high that the product does not fit allow anything.
Bytes ThrottleSlice::bytes_in(std::uint64_t jiffies) const {
  const auto rate = static_cast<std::uint64_t>(limits_.bps->count());
  const auto most = static_cast<std::uint64_t>(Bytes::max().count());
  if (rate / hz_ >= most / (jiffies + 1)) {
    return Bytes::max();
  }
  return Bytes{static_cast<std::int64_t>(rate / hz_ * jiffies + rate % hz_ * jiffies / hz_)};
}

// Models: calculate_io_allowed(). A limit is below 2^32.
std::int64_t ThrottleSlice::ios_in(std::uint64_t jiffies) const {
  const auto rate = static_cast<std::uint64_t>(*limits_.iops);
  return static_cast<std::int64_t>(rate * jiffies / hz_);
}

// Models: tg_within_bps_limit(). The slice that is under way counts as a whole.
std::uint64_t ThrottleSlice::wait_for_bytes(std::uint64_t now, const ThrottledIo& io) const {
  if (!limits_.bps || io.bytes_charged) {
    return 0;
  }
  const std::uint64_t elapsed = now - start_;
  const std::uint64_t rounded = round_up(std::max<std::uint64_t>(elapsed, 1));
  const Bytes allowed = bytes_in(rounded);
  if (io.bytes <= allowed - bytes_) {
    return 0;
  }
  const Bytes extra = io.bytes - (allowed - bytes_);
  const auto hz = static_cast<std::int64_t>(hz_);
  const std::int64_t whole = extra.count() / limits_.bps->count() * hz;
  const std::int64_t part = extra.count() % limits_.bps->count() * hz / limits_.bps->count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(whole + part, 1)) + rounded - elapsed;
}

// Models: tg_within_iops_limit(). Asks again when the slice is over, however long it will take.
std::uint64_t ThrottleSlice::wait_for_ios(std::uint64_t now) const {
  if (!limits_.iops) {
    return 0;
  }
  const std::uint64_t elapsed = now - start_;
  const std::uint64_t rounded = round_up(elapsed + 1);
  return ios_ + 1 <= ios_in(rounded) ? 0 : rounded - elapsed;
}

// A new slice starts only where nothing waits: who waits has one that goes on.
std::uint64_t ThrottleSlice::wait(std::uint64_t now, const ThrottledIo& io, bool queue_empty) {
  if (!limits_.any()) {
    return 0;
  }
  if (used(now) && queue_empty) {
    clear(now);
    start_ = now;
  } else {
    extend(now + length_);
  }
  if (limits_.iops) {
    ios_ += std::exchange(parts_, 0);
  }
  std::uint64_t wait = wait_for_bytes(now, io);
  if (wait == 0) {
    wait = wait_for_ios(now);
  }
  if (wait > 0) {
    extend(now + wait);
  }
  return wait;
}

void ThrottleSlice::charge(const ThrottledIo& io) {
  if (!io.bytes_charged) {
    bytes_ += io.bytes;
  }
  ++ios_;
}

// What is not limited never allows nothing: then the start moves even where the limited quantity is
// so small that whole slices allow none of it, and what they allowed in part is lost.
void ThrottleSlice::trim(std::uint64_t now) {
  if (used(now)) {
    return;
  }
  end_ = round_up(now + length_);
  const std::uint64_t elapsed = (now - start_) / length_ * length_;
  if (elapsed == 0) {
    return;
  }
  const Bytes bytes = limits_.bps ? bytes_in(elapsed) : Bytes::max();
  const std::int64_t ios =
      limits_.iops ? ios_in(elapsed) : std::numeric_limits<std::int64_t>::max();
  if (bytes == Bytes{0} && ios == 0) {
    return;
  }
  bytes_ -= std::min(bytes, bytes_);
  ios_ -= std::min(ios, ios_);
  start_ += elapsed;
}

void ThrottleSlice::start_with_credit(std::uint64_t now, std::uint64_t start) {
  if (!used(now)) {
    return;
  }
  clear(now);
  if (!time_after(start_, start)) {
    start_ = start;
  }
}

}  // namespace wbsim::block
