// Our side of the peer comparison: hold WHAT PENDING EVENTS prints "WHAT PENDING ns-per-event
// bytes-per-pending". See bench/compare-peers.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/cpu_time.hpp"
#include "bench/engine_models.hpp"
#include "bench/hold_increments.hpp"
#include "bench/hold_protocol.hpp"
#include "bench/yardsticks/bare_ladder.hpp"
#include "bench/yardsticks/bare_queues.hpp"

namespace wbsim::bench {
namespace {

template <class Model>
void measure(const char* what, std::uint64_t pending, std::uint64_t events) {
  IncrementTable increments{Increments::kExponential, pending};
  const std::int64_t before = resident_bytes();
  Model model{increments, pending};
  model.run(2 * pending);
  const std::int64_t after = resident_bytes();
  const double start = cpu_ns();
  model.run(events);
  print_hold(what, pending, events, cpu_ns() - start, after - before);
}

struct Entry {
  const char* name;
  void (*run)(const char* what, std::uint64_t pending, std::uint64_t events);
};
constexpr Entry kEntries[] = {
    {"events", &measure<EngineEvents>},
    {"processes", &measure<EngineProcesses>},
    {"bare-wheel-events", &measure<BareEvents<yardsticks::BareWheel>>},
    {"bare-ladder-events", &measure<BareEvents<yardsticks::BareLadder>>},
    {"bare-wheel-processes", &measure<BareProcesses<yardsticks::BareWheel>>},
};

}  // namespace
}  // namespace wbsim::bench

int main(int argc, char** argv) {
  for (const auto& entry : wbsim::bench::kEntries) {
    if (argc == 4 && std::string_view{argv[1]} == entry.name) {
      entry.run(entry.name, std::strtoull(argv[2], nullptr, 10),
                std::strtoull(argv[3], nullptr, 10));
      return 0;
    }
  }
  std::fprintf(stderr, "usage: hold WHAT PENDING EVENTS, WHAT being one of");
  for (const auto& entry : wbsim::bench::kEntries) {
    std::fprintf(stderr, " %s", entry.name);
  }
  std::fprintf(stderr, "\n");
  return 2;
}
