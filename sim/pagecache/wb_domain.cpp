#include "sim/pagecache/wb_domain.hpp"

#include <algorithm>

namespace wbsim::pagecache {

namespace {
constexpr std::uint64_t kPeriodSeconds = 3;  // VM_COMPLETIONS_PERIOD_LEN is 3 * HZ
}

WbDomain::WbDomain(engine::Machine& machine, Pages initial_dirty_limit)
    : dirty_limit{initial_dirty_limit},
      dirty_limit_stamp{machine.jiffies_now()},
      machine_{machine},
      completions_{machine.cpus()},
      period_timer_{engine::event_calling<&WbDomain::on_period>(*this)} {}

WbDomain::~WbDomain() { machine_.simulator().cancel(period_timer_); }

void WbDomain::writeout(LocalProportion& share, int cpu, std::int64_t n, int max_ratio) {
  share.add(completions_, cpu, n, max_ratio);
  if (period_time_ == 0) {
    period_time_ = machine_.jiffies_now() +
                   kPeriodSeconds * static_cast<std::uint64_t>(machine_.jiffies().hz());
    arm();
  }
}

void WbDomain::arm() {
  const std::uint64_t now = machine_.jiffies_now();
  const std::uint64_t delta = period_time_ > now ? period_time_ - now : 0;
  const SimTime time = machine_.jiffies().timer_time(machine_.simulator().now(), delta);
  machine_.simulator().schedule(period_timer_, time);
}

// Models: writeout_period(). The next period counts from the nominal time, not from the timer's.
void WbDomain::on_period() {
  const std::uint64_t period = kPeriodSeconds * static_cast<std::uint64_t>(machine_.jiffies().hz());
  const std::uint64_t missed = (machine_.jiffies_now() - period_time_) / period;
  if (completions_.new_period(static_cast<int>(std::min<std::uint64_t>(missed + 1, 64)))) {
    period_time_ += (missed + 1) * period;
    arm();
  } else {
    period_time_ = 0;
  }
}

}  // namespace wbsim::pagecache
