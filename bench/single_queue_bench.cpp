// The block layers before blk-mq: bios through plug, elevator, request_fn, device and completion.
// Figures are ns per bio (per_bio).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

#include "models/simdisk.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/single_queue.hpp"

namespace wbsim::bench {
namespace {

using block::Bio;
using block::ElevatorGeneration;

constexpr Sectors kBlock{8};
constexpr std::uint64_t kBlocks = std::uint64_t{1} << 33;
constexpr std::int64_t kBiosPerPlug = 16;
constexpr int kTags = 32;
constexpr std::int64_t kBiosPerIteration = 10'000;

engine::CpuCosts free_of_cost() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

block::SingleQueueOptions options(const char* elevator, ElevatorGeneration kernel) {
  const bool old = kernel == ElevatorGeneration::kV2_6_18;
  block::SingleQueueOptions options;
  options.limits.max_sectors = Sectors{256};
  options.elevator = block::find_elevator(elevator);
  options.elevator_generation = kernel;
  options.plugging = old ? block::QueuePlugging::kPerQueue : block::QueuePlugging::kPerTask;
  options.cache_flush = old ? block::CacheFlush::kBarriers : block::CacheFlush::kSequences;
  options.request_classes =
      old ? block::RequestClasses::kByDirection : block::RequestClasses::kBySync;
  options.sorted_directions =
      old ? block::SortedDirections::kMixed : block::SortedDirections::kApart;
  return options;
}

// A task that writes at random in plugs as fast as requests allow, before a disk of 32 servers.
class Pipeline final : public block::BioEndIo {
 public:
  Pipeline(const char* elevator, ElevatorGeneration kernel)
      : machine_{simulator_, 1, engine::Jiffies{250, 0, {}}, free_of_cost()},
        kblockd_{machine_},
        disk_{simulator_,
              {.depth = kTags,
               .channels = kTags,
               .write = microseconds(22),
               .per_kib = nanoseconds(100)}},
        queue_{machine_, tracer_, kblockd_, disk_, options(elevator, kernel)},
        thread_{machine_, "writer", 1},
        io_{thread_} {
    simulator_.spawn("writer", write_for_ever(*this));
  }
  ~Pipeline() { simulator_.destroy_processes(); }

  void run(std::int64_t bios) {
    wanted_ = done_ + bios;
    simulator_.run(SimTime::max());
  }
  void end_bio(Bio& bio, block::BlkStatus) override {
    done_ += bio.count;
    if (done_ >= wanted_) {
      simulator_.stop();
    }
  }

 private:
  static engine::Task<> write_for_ever(Pipeline& self) {
    co_await self.thread_.begin();
    while (true) {
      self.io_.start_plug();
      for (std::int64_t i = 0; i < kBiosPerPlug; ++i) {
        Bio& bio = self.queue_.new_bio();
        bio.sector = Lba{kBlock.count() * static_cast<std::int64_t>(self.rng_.uniform(kBlocks))};
        bio.unit = kBlock;
        bio.flags.write = true;
        bio.end_io = &self;
        co_await self.queue_.submit_bio(self.io_, bio);
      }
      co_await self.io_.finish_plug();
    }
  }

  engine::Simulator simulator_;
  engine::Machine machine_;
  engine::Tracer tracer_;
  block::Kblockd kblockd_;
  models::Simdisk disk_;
  block::SingleQueue queue_;
  engine::Thread thread_;
  block::TaskIo io_;
  Rng rng_ = Rng::stream(1, "bench");
  std::int64_t done_ = 0;
  std::int64_t wanted_ = 0;
};

void pipeline(benchmark::State& state, const char* elevator, ElevatorGeneration kernel) {
  Pipeline pipeline{elevator, kernel};
  pipeline.run(20 * kBiosPerIteration);  // to the steady state
  for (auto unused : state) {
    (void)unused;
    pipeline.run(kBiosPerIteration);
  }
  state.counters["per_bio"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kBiosPerIteration,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(pipeline, noop_3_6, "noop", ElevatorGeneration::kV3_6);
BENCHMARK_CAPTURE(pipeline, deadline_3_6, "deadline", ElevatorGeneration::kV3_6);
BENCHMARK_CAPTURE(pipeline, noop_2_6_18, "noop", ElevatorGeneration::kV2_6_18);
BENCHMARK_CAPTURE(pipeline, deadline_2_6_18, "deadline", ElevatorGeneration::kV2_6_18);

}  // namespace
}  // namespace wbsim::bench

BENCHMARK_MAIN();
