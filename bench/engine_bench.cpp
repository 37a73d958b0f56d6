// The engine beside its yardsticks, in one run. Every benchmark is the hold model; the figure to
// read is per_event. Interleave for a fair ratio:
//   engine_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
#include <benchmark/benchmark.h>

#include <cstdint>

#include "bench/engine_models.hpp"
#include "bench/hold_increments.hpp"
#include "bench/queue_models.hpp"
#include "bench/yardsticks/bare_ladder.hpp"
#include "bench/yardsticks/bare_queues.hpp"

namespace wbsim::bench {
namespace {

using yardsticks::BareLadder;
using yardsticks::BareRadixHeap;
using yardsticks::BareWheel;

constexpr std::uint64_t kEventsPerIteration = 10'000;

template <class Model, Increments kind>
void hold(benchmark::State& state) {
  const auto pending = static_cast<std::size_t>(state.range(0));
  IncrementTable increments{kind, pending};
  Model model{increments, pending};
  model.run(2 * pending);  // to the steady state
  for (auto unused : state) {
    (void)unused;
    model.run(kEventsPerIteration);
  }
  state.counters["per_event"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kEventsPerIteration,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void all_sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t pending : {64, 1024, 16'384, 262'144, 1'048'576}) {
    benchmark->Arg(pending);
  }
}
void engine_sizes(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t pending : {64, 1024, 16'384}) {
    benchmark->Arg(pending);
  }
}

// The queue, the candidate that lost, and the bare limits.
BENCHMARK(hold<EventQueueHold, Increments::kExponential>)->Apply(all_sizes);
BENCHMARK(hold<LinkedRadixHeapHold, Increments::kExponential>)->Apply(all_sizes);
BENCHMARK(hold<BareHold<BareWheel>, Increments::kExponential>)->Apply(all_sizes);
BENCHMARK(hold<BareHold<BareRadixHeap>, Increments::kExponential>)->Apply(all_sizes);
BENCHMARK(hold<BareHold<BareLadder>, Increments::kExponential>)->Apply(all_sizes);
BENCHMARK(hold<EventQueueHold, Increments::kBimodal>)->Apply(all_sizes);
BENCHMARK(hold<LinkedRadixHeapHold, Increments::kBimodal>)->Apply(all_sizes);
BENCHMARK(hold<BareHold<BareWheel>, Increments::kBimodal>)->Apply(all_sizes);
BENCHMARK(hold<BareHold<BareRadixHeap>, Increments::kBimodal>)->Apply(all_sizes);
BENCHMARK(hold<BareHold<BareLadder>, Increments::kBimodal>)->Apply(all_sizes);

// The engine through its public API, beside bare engines.
BENCHMARK(hold<EngineEvents, Increments::kExponential>)->Apply(engine_sizes);
BENCHMARK(hold<BareEvents<BareWheel>, Increments::kExponential>)->Apply(engine_sizes);
BENCHMARK(hold<BareEvents<BareLadder>, Increments::kExponential>)->Apply(engine_sizes);
BENCHMARK(hold<EngineProcesses, Increments::kExponential>)->Apply(engine_sizes);
BENCHMARK(hold<BareProcesses<BareWheel>, Increments::kExponential>)->Apply(engine_sizes);

}  // namespace
}  // namespace wbsim::bench

BENCHMARK_MAIN();
