// The block layer beside a bare pipeline, in one run. Figures are ns per bio (per_bio). Interleave
// for a fair ratio:
//   block_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

#include "bench/yardsticks/bare_ladder.hpp"
#include "bench/yardsticks/bare_pipeline.hpp"
#include "models/simdisk.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::bench {
namespace {

using block::Bio;
using block::ElevatorGeneration;

constexpr Sectors kBlock{8};
constexpr std::int64_t kBlocks = std::int64_t{1} << 33;
constexpr std::int64_t kRunBlocks = 128;  // a sequential stream jumps after so many
constexpr std::int64_t kBiosPerPlug = 16;
constexpr int kTags = 32;
constexpr std::int64_t kBiosPerIteration = 10'000;

void report(benchmark::State& state, double bios) {
  state.counters["per_bio"] =
      benchmark::Counter(bios, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Where the next bio goes.
class Addresses {
 public:
  explicit Addresses(bool sequential) : sequential_{sequential} {}
  std::int64_t next() {
    if (!sequential_ || left_ == 0) {
      block_ = static_cast<std::int64_t>(rng_.uniform(kBlocks));
      left_ = kRunBlocks;
    }
    --left_;
    return kBlock.count() * block_++;
  }

 private:
  bool sequential_;
  Rng rng_ = Rng::stream(1, "bench");
  std::int64_t block_ = 0;
  std::int64_t left_ = 0;
};

engine::CpuCosts free_of_cost() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

// A task that writes in plugs as fast as tags allow, before a disk of 32 servers.
class Pipeline final : public block::BioEndIo {
 public:
  Pipeline(int requests, bool sequential)
      : machine_{simulator_, 1, engine::Jiffies{250, 0, {}}, free_of_cost()},
        kblockd_{machine_},
        disk_{simulator_,
              {.depth = kTags,
               .channels = kTags,
               .write = microseconds(22),
               .per_kib = nanoseconds(100)}},
        queue_{machine_, tracer_, kblockd_, disk_, options(requests)},
        thread_{machine_, "writer", 1},
        io_{thread_},
        addresses_{sequential} {
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
  static block::RequestQueueOptions options(int requests) {
    block::RequestQueueOptions options;
    options.limits.max_sectors = Sectors{256};
    options.elevator = block::find_elevator("mq-deadline");
    options.elevator_generation = ElevatorGeneration::kV6_1;
    options.elevator_pull = block::ElevatorPull::kWhileTags;
    options.plug_merge = block::PlugMergeRule::kNewestOnly;
    options.tag_wake = block::TagWakeRule::kCompletionCount;
    options.iosched["async_depth"] = requests;
    options.nr_requests = requests;
    return options;
  }
  static engine::Task<> write_for_ever(Pipeline& self) {
    co_await self.thread_.begin();
    while (true) {
      self.io_.start_plug();
      for (std::int64_t i = 0; i < kBiosPerPlug; ++i) {
        Bio& bio = self.queue_.new_bio();
        bio.sector = Lba{self.addresses_.next()};
        bio.unit = kBlock;
        bio.flags.write = true;
        bio.end_io = &self;
        // As writeback does it: what joins the newest request needs no submission.
        if (self.queue_.merge_room(self.io_, bio.sector, kBlock, 1) == 1) {
          self.queue_.merge_run(self.io_, bio, SimDuration{});
        } else {
          co_await self.queue_.submit_bio(self.io_, bio);
        }
      }
      co_await self.io_.finish_plug();
    }
  }

  engine::Simulator simulator_;
  engine::Machine machine_;
  engine::Tracer tracer_;
  block::Kblockd kblockd_;
  models::Simdisk disk_;
  block::RequestQueue queue_;
  engine::Thread thread_;
  block::TaskIo io_;
  Addresses addresses_;
  std::int64_t done_ = 0;
  std::int64_t wanted_ = 0;
};

void pipeline(benchmark::State& state, bool sequential) {
  Pipeline pipeline{static_cast<int>(state.range(0)), sequential};
  pipeline.run(20 * kBiosPerIteration);  // to the steady state
  for (auto unused : state) {
    (void)unused;
    pipeline.run(kBiosPerIteration);
  }
  report(state, static_cast<double>(state.iterations()) * kBiosPerIteration);
}

void bare_pipeline(benchmark::State& state, bool sequential) {
  yardsticks::BarePipeline<yardsticks::BareLadder> pipeline{4096};
  Addresses addresses{sequential};
  const auto held = static_cast<std::size_t>(state.range(0));
  const auto run = [&](std::uint64_t bios) {
    const std::uint64_t end = pipeline.bios_done() + bios;
    while (pipeline.bios_done() < end) {
      while (pipeline.held() < held) {
        for (std::int64_t i = 0; i < kBiosPerPlug; ++i) {
          pipeline.submit(static_cast<std::uint64_t>(addresses.next()),
                          static_cast<std::uint32_t>(kBlock.count()));
        }
        pipeline.flush_plug();
      }
      pipeline.step();
    }
  };
  run(20 * kBiosPerIteration);
  for (auto unused : state) {
    (void)unused;
    run(kBiosPerIteration);
  }
  report(state, static_cast<double>(state.iterations()) * kBiosPerIteration);
}

void depths(benchmark::internal::Benchmark* benchmark) {
  for (const std::int64_t depth : {48, 256, 1024}) {
    benchmark->Arg(depth);
  }
}

BENCHMARK_CAPTURE(pipeline, random, false)->Apply(depths);
BENCHMARK_CAPTURE(bare_pipeline, random, false)->Apply(depths);
BENCHMARK_CAPTURE(pipeline, sequential, true)->Apply(depths);
BENCHMARK_CAPTURE(bare_pipeline, sequential, true)->Apply(depths);

// mq-deadline alone, kept at a depth: one bio tried for a merge, inserted, another dispatched and
// finished.
class ElevatorLoop {
 public:
  explicit ElevatorLoop(int depth)
      : machine_{simulator_, 1, engine::Jiffies{250, 0, {}}, free_of_cost()},
        kblockd_{machine_},
        disk_{simulator_, {.depth = kTags}},
        owner_{machine_, tracer_, kblockd_, disk_, {}},
        merger_{limits_, true, bios_},
        queue_{block::find_elevator("mq-deadline")
                   ->make({.machine = machine_,
                           .nr_requests = depth,
                           .default_nr_requests = depth,
                           .bits_per_word = 64,
                           .tunables = tunables_}),
               merger_, limits_, depth} {
    for (int i = 0; i < depth; ++i) {
      requests_.push_back(std::make_unique<block::Request>(owner_, i));
      insert(*requests_.back());
    }
  }

  void step() {
    block::Request* request = queue_.dispatch();
    queue_.elevator().finish_request(*request);
    bios_.release(*request->bio);
    insert(*request);
  }

 private:
  void insert(block::Request& request) {
    Bio& bio = bios_.acquire();
    bio.sector = Lba{addresses_.next()};
    bio.unit = kBlock;
    bio.flags.write = true;
    benchmark::DoNotOptimize(queue_.merge(bio));
    request.sector = bio.sector;
    request.length = bio.unit;
    request.flags = bio.flags;
    request.bio = request.bio_tail = &bio;
    request.in_elevator = false;
    block::RequestChain absorbed;
    benchmark::DoNotOptimize(queue_.insert(request, absorbed));
  }

  engine::Simulator simulator_;
  engine::Machine machine_;
  engine::Tracer tracer_;
  block::Kblockd kblockd_;
  models::Simdisk disk_;
  block::RequestQueue owner_;
  block::QueueLimits limits_;
  SlabPool<Bio> bios_;
  block::TunableValues tunables_;
  block::RequestMerger merger_;
  std::vector<std::unique_ptr<block::Request>> requests_;
  block::ElevatorQueue queue_;
  Addresses addresses_{false};
};

void mq_deadline(benchmark::State& state) {
  ElevatorLoop loop{static_cast<int>(state.range(0))};
  for (auto unused : state) {
    (void)unused;
    loop.step();
  }
  report(state, static_cast<double>(state.iterations()));
}
BENCHMARK(mq_deadline)->Apply(depths);

}  // namespace
}  // namespace wbsim::bench

BENCHMARK_MAIN();
