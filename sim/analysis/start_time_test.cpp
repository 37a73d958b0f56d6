#include "sim/analysis/start_time.hpp"

#include <gtest/gtest.h>

namespace wbsim::analysis {
namespace {

// A machine whose jobs are first traced `delay` after their start, by a poll of the throttle.
Simulate machine_with_first_poll_after(SimDuration delay) {
  return [delay](const system::Config& config, const workload::WorkloadSpec&,
                 const std::vector<engine::Observer*>& observers) {
    engine::GlobalDirtyState kernel_thread{};
    kernel_thread.time = SimTime{milliseconds(1)};
    kernel_thread.task = {"kworker/u2:0", 9};
    engine::GlobalDirtyState poll{};
    poll.time = SimTime{config.workload_start + delay};
    poll.task = {"fio", 416};
    for (engine::Observer* observer : observers) {
      observer->on_global_dirty_state(kernel_thread);
      observer->on_global_dirty_state(poll);
    }
  };
}

system::Config tracing_writeback() {
  system::Config config;
  config.guest_tracing = {"wb"};
  return config;
}

TEST(StartTime, PutsTheFirstTracedEventWhereTheCaseHadIt) {
  const Simulate simulate = machine_with_first_poll_after(milliseconds(317));
  EXPECT_EQ(start_time(tracing_writeback(), {}, milliseconds(498), simulate), milliseconds(181));
}

TEST(StartTime, IsTheUsualOneWhereTheTracedEventWasAnotherOne) {
  const Simulate simulate = machine_with_first_poll_after(milliseconds(1));
  EXPECT_EQ(start_time(tracing_writeback(), {}, milliseconds(450), simulate), milliseconds(180));
}

TEST(StartTime, IsTheFirstEventWhereNothingIsTraced) {
  const Simulate simulate = machine_with_first_poll_after(milliseconds(1));
  EXPECT_EQ(start_time(system::Config{}, {}, milliseconds(183), simulate), milliseconds(183));
}

}  // namespace
}  // namespace wbsim::analysis
