// Shared by tests that have threads: a machine whose CPU costs are zero unless a test sets them.
#pragma once

#include <string>
#include <utility>

#include "sim/engine/cpu.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::engine {

inline CpuCosts zero_costs() {
  CpuCosts costs;
  for (const CpuCostComponent& component : cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

inline std::int64_t us(SimTime time) { return time.time_since_epoch().count() / 1000; }

// Interrupt work that arrives at given times.
class TestInterrupt {
 public:
  TestInterrupt(Machine& machine, int cpu, SimDuration cost, Event::Fn fn, void* context)
      : machine_{machine},
        cpu_{cpu},
        cost_{cost},
        work_{fn, context},
        arrival_{event_calling<&TestInterrupt::on_arrival>(*this, "arrival")} {}
  ~TestInterrupt() {
    machine_.simulator().cancel(arrival_);
    work_.cancel(machine_.simulator());
  }
  void arrive_at(SimTime time) { machine_.simulator().schedule(arrival_, time); }

 private:
  void on_arrival() { machine_.cpu(cpu_).interrupt(work_, cost_); }

  Machine& machine_;
  int cpu_;
  SimDuration cost_;
  Interrupt work_;
  Event arrival_;
};

}  // namespace wbsim::engine
