// The account of one control group and direction on one device: what it may do now.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/throttle/limits.hpp"

namespace wbsim::block {

// A bio as its group is charged for it.
struct ThrottledIo {
  Bytes bytes;
  // BIO_BPS_THROTTLED: its bytes were charged before, with the bio that it is the rest of.
  bool bytes_charged = false;
};

// Models: the slices of a throtl_grp: tg_may_dispatch(), tg_within_bps_limit(),
// tg_within_iops_limit(), throtl_charge_bio() and throtl_trim_slice(), block/blk-throttle.c, v5.10
// (stable) and v6.1, of kernels without CONFIG_BLK_DEV_THROTTLING_LOW, as distributions build them:
// a slice is HZ / 10 on any device. Times are in jiffies. Simplified: limits never change, so
// nothing is carried over from one configuration to the next.
class ThrottleSlice {
 public:
  ThrottleSlice(const IoLimits& limits, int hz);

  // How long `io` has to wait, 0: not at all. `queue_empty`: no other waits in this direction;
  // otherwise `io` is the first of those that do.
  [[nodiscard]] std::uint64_t wait(std::uint64_t now, const ThrottledIo& io, bool queue_empty);
  void charge(const ThrottledIo& io);
  // To be called after each charge: forgets what whole slices of the past allowed.
  void trim(std::uint64_t now);
  // Another part of a bio that has passed, to be counted later (SplitCharge::kAfterwards).
  void count_part() { ++parts_; }
  // A child hands its first I/O up: its slice is the parent's where that has none
  // (start_parent_slice_with_credit()).
  void start_with_credit(std::uint64_t now, std::uint64_t start);

  [[nodiscard]] std::uint64_t start() const { return start_; }
  [[nodiscard]] std::uint64_t length() const { return length_; }

 private:
  [[nodiscard]] bool used(std::uint64_t now) const;
  [[nodiscard]] std::uint64_t wait_for_bytes(std::uint64_t now, const ThrottledIo& io) const;
  [[nodiscard]] std::uint64_t wait_for_ios(std::uint64_t now) const;
  [[nodiscard]] Bytes bytes_in(std::uint64_t jiffies) const;
  [[nodiscard]] std::int64_t ios_in(std::uint64_t jiffies) const;
  [[nodiscard]] std::uint64_t round_up(std::uint64_t jiffies) const;
  void extend(std::uint64_t end);
  void clear(std::uint64_t now);

  IoLimits limits_;
  std::uint64_t hz_;
  std::uint64_t length_;  // throtl_slice
  std::uint64_t start_ = 0;
  std::uint64_t end_ = 0;
  Bytes bytes_;             // bytes_disp
  std::int64_t ios_ = 0;    // io_disp
  std::int64_t parts_ = 0;  // io_split_cnt
};

}  // namespace wbsim::block
