// The timer of a request queue that looks for commands which are too late.
#pragma once

#include <cstdint>

#include "sim/block/driver.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::block {

// Of a time in milliseconds, as queue_io_timeout_store() takes it: at least one.
[[nodiscard]] inline std::uint64_t timeout_in_jiffies(SimDuration timeout,
                                                      const engine::Jiffies& jiffies) {
  return jiffies.from_msecs_ceil(static_cast<std::uint64_t>(timeout / milliseconds(1)));
}

// Models: blk_add_timer(), block/blk-timeout.c, v6.1; scsi_add_timer(), v2.6.18. Properties:
//  1. It expires in time for the deadline of a command, rounded up by about a second, but about six
//     seconds after a command was issued at the latest.
//  2. It is moved for more than half a second only.
class RequestTimer {
 public:
  // `event`: what happens when it expires; outlives the timer, and is its owner's to cancel.
  RequestTimer(engine::Machine& machine, ErrorRules rules, engine::Event& event)
      : machine_{machine}, rules_{rules}, event_{event} {}

  // A command with this deadline, in jiffies, is issued.
  void arm(std::uint64_t deadline);
  // It expired, and the next deadline is this (mod_timer()).
  void expire_at(std::uint64_t deadline);

 private:
  [[nodiscard]] std::uint64_t rounded(std::uint64_t jiffies) const;

  engine::Machine& machine_;
  ErrorRules rules_;
  engine::Event& event_;
  std::uint64_t expires_ = 0;
};

}  // namespace wbsim::block
