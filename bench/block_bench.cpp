// The block layer beside a bare pipeline, in one run. Figures are ns per bio (per_bio): address,
// bio, submission, merge or request, plug, elevator, dispatch, device and completion, each with its
// share. Interleave for a fair ratio:
//   block_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
// Traffic of the pipelines:
//   random      plugs of 16 bios, nothing to merge
//   sequential  plugs of 16 bios in runs of 128, submitted as writeback does it (merge_run() where
//               that will do): half merge in the plug, half through submit_bio() in the elevator
//   merged      plugs of 128 bios of one run, each through submit_bio(): 31 of 32 merge into the
//               newest request of the plug
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "bench/block_models.hpp"
#include "bench/cpu_time.hpp"
#include "bench/yardsticks/bare_ladder.hpp"
#include "bench/yardsticks/bare_pipeline.hpp"
#include "models/simdisk.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::bench {
namespace {

using block::Bio;
using block::ElevatorGeneration;
using block::ElevatorType;

constexpr int kTags = 32;
constexpr std::int64_t kBiosPerIteration = 12'800;  // whole plugs of every traffic

struct Traffic {
  const char* name;
  bool sequential;
  std::int64_t bios_per_plug;
  bool as_writeback;
};
constexpr Traffic kRandom{"random", false, 16, true};
constexpr Traffic kSequential{"sequential", true, 16, true};
constexpr Traffic kMerged{"merged", true, Addresses::kRunBlocks, false};

engine::CpuCosts free_of_cost() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

// A queue before a disk of 32 servers, and a task.
class Machine final : public block::BioEndIo {
 public:
  Machine(const ElevatorType& elevator, int requests)
      : machine_{simulator, 1, engine::Jiffies{250, 0, {}}, free_of_cost()},
        kblockd_{machine_},
        disk_{simulator,
              {.depth = kTags,
               .channels = kTags,
               .write = microseconds(22),
               .per_kib = nanoseconds(100)}},
        queue{machine_, tracer_, kblockd_, disk_, options(elevator, requests)},
        thread{machine_, "writer", 1},
        io{thread} {}
  ~Machine() { simulator.destroy_processes(); }

  void end_bio(Bio& bio, block::BlkStatus) override {
    done += bio.count;
    if (done >= wanted) {
      simulator.stop();
    }
  }
  void run(std::int64_t bios) {
    wanted = done + bios;
    simulator.run(SimTime::max());
  }
  Bio& bio_at(std::int64_t sector) {
    Bio& bio = queue.new_bio();
    bio.sector = Lba{sector};
    bio.unit = kBlock;
    bio.flags.write = true;
    bio.end_io = this;
    return bio;
  }

 private:
  static block::RequestQueueOptions options(const ElevatorType& elevator, int requests) {
    block::RequestQueueOptions options;
    options.limits.max_sectors = Sectors{256};
    options.elevator = &elevator;
    options.elevator_generation = ElevatorGeneration::kV6_1;
    options.elevator_pull = block::ElevatorPull::kWhileTags;
    options.plug_merge = block::PlugMergeRule::kNewestOnly;
    options.tag_wake = block::TagWakeRule::kCompletionCount;
    if (elevator.name == "mq-deadline") {
      options.iosched["async_depth"] = requests;
    }
    options.nr_requests = requests;
    return options;
  }

 public:
  engine::Simulator simulator;
  std::int64_t done = 0;
  std::int64_t wanted = 0;

 private:
  engine::Machine machine_;
  engine::Tracer tracer_;
  block::Kblockd kblockd_;
  models::Simdisk disk_;

 public:
  block::RequestQueue queue;
  engine::Thread thread;
  block::TaskIo io;
};

// A task that writes in plugs as fast as tags allow.
engine::Task<> write_for_ever(Machine& machine, Traffic traffic) {
  Addresses addresses{traffic.sequential};
  co_await machine.thread.begin();
  while (true) {
    machine.io.start_plug();
    for (std::int64_t i = 0; i < traffic.bios_per_plug; ++i) {
      Bio& bio = machine.bio_at(addresses.next());
      if (traffic.as_writeback &&
          machine.queue.merge_room(machine.io, bio.sector, kBlock, 1) == 1) {
        machine.queue.merge_run(machine.io, bio, SimDuration{});
      } else {
        co_await machine.queue.submit_bio(machine.io, bio);
      }
    }
    co_await machine.io.finish_plug();
  }
}

void pipeline(benchmark::State& state, const ElevatorType& elevator, Traffic traffic) {
  Machine machine{elevator, static_cast<int>(state.range(0))};
  machine.simulator.spawn("writer", write_for_ever(machine, traffic));
  machine.run(20 * kBiosPerIteration);  // to the steady state
  for (auto unused : state) {
    (void)unused;
    machine.run(kBiosPerIteration);
  }
  report_per_bio(state, static_cast<double>(state.iterations()) * kBiosPerIteration);
}

void bare_pipeline(benchmark::State& state, Traffic traffic) {
  yardsticks::BarePipeline<yardsticks::BareLadder> pipeline{4096};
  Addresses addresses{traffic.sequential};
  const auto held = static_cast<std::size_t>(state.range(0));
  const auto run = [&](std::uint64_t bios) {
    const std::uint64_t end = pipeline.bios_done() + bios;
    while (pipeline.bios_done() < end) {
      while (pipeline.held() < held) {
        for (std::int64_t i = 0; i < traffic.bios_per_plug; ++i) {
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
  report_per_bio(state, static_cast<double>(state.iterations()) * kBiosPerIteration);
}

// Filling a plug alone: the clock runs only while bios are submitted.
//   add    each becomes a request of its own (the request is allocated)
//   merge  each becomes part of the newest request
enum class PlugOp { kAdd, kMerge };
constexpr std::int64_t kBiosPerPlug = 31;  // one less than fill it, or its newest request

engine::Task<> fill_plugs(Machine& machine, PlugOp op, CpuTimer& timer) {
  Addresses addresses{op == PlugOp::kMerge};
  co_await machine.thread.begin();
  while (true) {
    machine.io.start_plug();
    if (op == PlugOp::kMerge) {
      co_await machine.queue.submit_bio(machine.io, machine.bio_at(addresses.next()));
    }
    timer.start();
    for (std::int64_t i = 0; i < kBiosPerPlug; ++i) {
      co_await machine.queue.submit_bio(machine.io, machine.bio_at(addresses.next()));
    }
    timer.stop();
    co_await machine.io.finish_plug();
    co_await machine.thread.nanosleep(machine.thread.now() + microseconds(100));  // all are done
  }
}

void plug(benchmark::State& state, const ElevatorType& elevator, PlugOp op) {
  constexpr std::int64_t kPlugs = 100;
  Machine machine{elevator, 256};
  CpuTimer timer;
  machine.simulator.spawn("writer", fill_plugs(machine, op, timer));
  const std::int64_t bios = kPlugs * (kBiosPerPlug + (op == PlugOp::kMerge ? 1 : 0));
  machine.run(bios);
  timer.take_seconds();
  for (auto unused : state) {
    (void)unused;
    machine.run(bios);
    state.SetIterationTime(timer.take_seconds());
  }
  report_per_bio(state, static_cast<double>(state.iterations()) * kPlugs * kBiosPerPlug);
}

void bare_plug(benchmark::State& state, PlugOp op) {
  constexpr std::int64_t kPlugs = 100;
  yardsticks::BarePipeline<yardsticks::BareLadder> pipeline{4096};
  Addresses addresses{op == PlugOp::kMerge};
  const auto submit = [&] {
    pipeline.submit(static_cast<std::uint64_t>(addresses.next()),
                    static_cast<std::uint32_t>(kBlock.count()));
  };
  CpuTimer timer;
  for (auto unused : state) {
    (void)unused;
    for (std::int64_t i = 0; i < kPlugs; ++i) {
      if (op == PlugOp::kMerge) {
        submit();
      }
      timer.start();
      for (std::int64_t bio = 0; bio < kBiosPerPlug; ++bio) {
        submit();
      }
      timer.stop();
      pipeline.flush_plug();
      while (pipeline.step()) {
      }
    }
    state.SetIterationTime(timer.take_seconds());
  }
  report_per_bio(state, static_cast<double>(state.iterations()) * kPlugs * kBiosPerPlug);
}

void register_all() {
  const std::vector<std::int64_t> depths{48, 256, 1024};
  for (const Traffic traffic : {kRandom, kSequential, kMerged}) {
    const std::string order = std::string{"/"} + traffic.name;
    for (const std::int64_t depth : depths) {
      benchmark::RegisterBenchmark(("pipeline/bare" + order).c_str(), bare_pipeline, traffic)
          ->Arg(depth);
      for (const ElevatorType& type : block::elevator_types()) {
        if (!type.exists_in(ElevatorGeneration::kV6_1)) {
          continue;  // of a single queue: single_queue_bench.cpp
        }
        const std::string name = "pipeline/" + std::string{type.name} + order;
        benchmark::RegisterBenchmark(name.c_str(), pipeline, type, traffic)->Arg(depth);
      }
    }
  }
  const ElevatorType& elevator = *block::find_elevator("mq-deadline");
  for (const auto& [name, op] :
       {std::pair{"plug_add", PlugOp::kAdd}, std::pair{"plug_merge", PlugOp::kMerge}}) {
    benchmark::RegisterBenchmark(name, plug, elevator, op)->UseManualTime();
    benchmark::RegisterBenchmark((std::string{name} + "/bare").c_str(), bare_plug, op)
        ->UseManualTime();
  }
}

}  // namespace
}  // namespace wbsim::bench

int main(int argc, char** argv) {
  wbsim::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
