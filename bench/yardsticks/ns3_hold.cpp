// ns-3 as a hold engine: PENDING callbacks that schedule themselves again.
//   ns3_hold SCHEDULER PENDING EVENTS     (MapScheduler is its default, PriorityQueueScheduler
//   best)
#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/scheduler.h>
#include <ns3/simulator.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/cpu_time.hpp"
#include "bench/hold_increments.hpp"
#include "bench/hold_protocol.hpp"

namespace wbsim::bench {
namespace {

struct Run {
  IncrementTable increments;
  std::uint64_t left = 0;
};

struct Model {
  Run* run = nullptr;
  void wake() {
    ns3::Simulator::Schedule(ns3::NanoSeconds(run->increments.next()), &Model::wake, this);
    if (--run->left == 0) {
      ns3::Simulator::Stop();
    }
  }
};

void measure(const std::string& scheduler, std::uint64_t pending, std::uint64_t events) {
  ns3::ObjectFactory factory;
  factory.SetTypeId("ns3::" + scheduler);
  ns3::Simulator::SetScheduler(factory);
  ns3::Simulator::Now();  // makes its singleton, which is no part of an event
  Run run{IncrementTable{Increments::kExponential, pending}};
  const std::int64_t before = resident_bytes();
  std::vector<Model> models(pending, Model{&run});
  for (Model& model : models) {
    ns3::Simulator::Schedule(ns3::NanoSeconds(run.increments.next()), &Model::wake, &model);
  }
  run.left = 2 * pending;
  ns3::Simulator::Run();
  const std::int64_t after = resident_bytes();
  run.left = events;
  const double start = cpu_ns();
  ns3::Simulator::Run();
  print_hold(("ns3-" + scheduler).c_str(), pending, events, cpu_ns() - start, after - before);
}

}  // namespace
}  // namespace wbsim::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: ns3_hold SCHEDULER PENDING EVENTS\n");
    return 2;
  }
  wbsim::bench::measure(argv[1], std::strtoull(argv[2], nullptr, 10),
                        std::strtoull(argv[3], nullptr, 10));
  return 0;
}
