// The domain within which dirty limits and completion shares are computed.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/pagecache/proportions.hpp"

namespace wbsim::pagecache {

// Models: struct wb_domain (global_wb_domain) with its period timer, mm/page-writeback.c, v5.10.
class WbDomain {
 public:
  WbDomain(engine::Machine& machine, Pages dirty_limit);
  WbDomain(const WbDomain&) = delete;
  WbDomain& operator=(const WbDomain&) = delete;
  ~WbDomain();

  // `n` pages of one device were written (wb_domain_writeout_add()); ages the shares every 3 s.
  void writeout(LocalProportion& share, int cpu, std::int64_t n, int max_ratio);
  Fraction fraction(LocalProportion& share) { return share.fraction(completions_); }
  // For observers.
  [[nodiscard]] Fraction peek(const LocalProportion& share) const {
    return share.peek(completions_);
  }

  Pages dirty_limit;                // follows the threshold slowly downwards
  std::uint64_t dirty_limit_stamp;  // jiffies

 private:
  void on_period();
  void arm();

  engine::Machine& machine_;
  GlobalProportion completions_;
  std::uint64_t period_time_ = 0;  // jiffies; 0: the timer is stopped
  engine::Event period_timer_;
};

}  // namespace wbsim::pagecache
