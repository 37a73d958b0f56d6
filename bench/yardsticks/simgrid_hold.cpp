// SimGrid s4u as a hold engine: PENDING actors that sleep for ever.
//   simgrid_hold PENDING EVENTS [--cfg=...]     (with small stacks: --cfg=contexts/stack-size:16)
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <simgrid/s4u.hpp>

#include "bench/cpu_time.hpp"
#include "bench/hold_increments.hpp"
#include "bench/hold_protocol.hpp"

namespace wbsim::bench {
namespace {

struct Run {
  IncrementTable increments;
  std::uint64_t left;
};

// SimGrid's clock is in seconds and rounds to 1e-9; a thousandfold scale keeps ties as rare as
// ours.
void sleeper(Run& run) {
  while (run.left > 0) {
    simgrid::s4u::this_actor::sleep_for(run.increments.next() * 1e-6);
    if (run.left > 0) {
      --run.left;
    }
  }
}

}  // namespace
}  // namespace wbsim::bench

int main(int argc, char** argv) {
  using namespace wbsim::bench;
  simgrid::s4u::Engine engine(&argc, argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: simgrid_hold PENDING EVENTS [--cfg=...]\n");
    return 2;
  }
  const std::uint64_t pending = std::strtoull(argv[1], nullptr, 10);
  const std::uint64_t events = std::strtoull(argv[2], nullptr, 10);
  auto* zone = simgrid::s4u::create_full_zone("zone");
  auto* host = zone->create_host("host", 1e9);
  zone->seal();
  Run run{IncrementTable{Increments::kExponential, pending}, events};
  const std::int64_t before = resident_bytes();
  for (std::uint64_t i = 0; i < pending; ++i) {
    simgrid::s4u::Actor::create("sleeper", host, [&run] { sleeper(run); });
  }
  const double start = cpu_ns();
  engine.run();
  const double cpu = cpu_ns() - start;
  print_hold("simgrid", pending, events, cpu, resident_bytes() - before);
  return 0;
}
