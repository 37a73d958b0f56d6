// Elevators that serve processes in turn and wait for them, beside mq-deadline: what a request
// takes from its bio to its end in the elevator. Figures are ns per request (per_bio).
//   idling_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/block_models.hpp"
#include "models/simdisk.hpp"
#include "sim/base/check.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/dispatch_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/io_context.hpp"
#include "sim/block/request_queue.hpp"

namespace wbsim::bench {
namespace {

using block::Bio;
using block::ElevatorGeneration;

engine::CpuCosts free_of_cost() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

// An elevator alone, kept at a depth: one bio tried for a merge, inserted, another dispatched,
// completed and finished.
class ElevatorLoop final : private block::SingleQueueHost {
 public:
  // `tasks`: that the requests come from, in turn at random; asked by elevators of single queues.
  ElevatorLoop(std::string_view elevator, ElevatorGeneration generation, int depth, int tasks)
      : machine_{simulator_, 1, engine::Jiffies{250, 1'000'000, {}}, free_of_cost()},
        kblockd_{machine_},
        disk_{simulator_, {}},
        owner_{machine_, tracer_, kblockd_, disk_, {}},
        merger_{limits_, true, bios_},
        single_{block::is_single_queue(generation)},
        reads_{tasks > 1},
        list_{block::SortedDirections::kApart},
        queue_{block::find_elevator(elevator)->make({.machine = machine_,
                                                     .host = this,
                                                     .generation = generation,
                                                     .nr_requests = depth,
                                                     .default_nr_requests = depth,
                                                     .bits_per_word = 64,
                                                     .rotational = true,
                                                     .tunables = tunables_,
                                                     .single_queue = this,
                                                     .request_numbers = depth}),
               merger_, limits_, depth} {
    list_.attach(queue_);
    for (int id = 0; id < tasks; ++id) {
      tasks_.push_back(std::make_unique<block::IoContext>(id));
    }
    for (int i = 0; i < depth; ++i) {
      requests_.push_back(std::make_unique<block::Request>(owner_, i));
      insert(*requests_.back());
    }
  }

  void step() {
    block::Request* request = take();
    while (request == nullptr) {
      wait_for_run();
      request = take();
    }
    if (single_) {
      queue_.elevator().completed_request(*request, simulator_.now());
    }
    queue_.elevator().finish_request(*request);
    bios_.release(*request->bio);
    insert(*request);
  }

 private:
  block::Request* take() {
    if (!single_) {
      return queue_.dispatch();
    }
    if (list_.empty() && queue_.elevator().dispatch_to(list_, false) == 0) {
      return nullptr;
    }
    block::Request& request = list_.front();
    list_.look_at_front();
    list_.pop_front();
    queue_.elevator().activate_request(request);
    return &request;
  }
  // The elevator waits for somebody's next request. It is left alone until it asks for a run: in
  // v2.6.18 each run begins the wait of cfq anew, so who asks every tick waits for ever.
  void wait_for_run() {
    constexpr SimDuration kLongest = seconds(1);
    SIM_CHECK(simulator_.run(simulator_.now() + kLongest) == engine::Simulator::RunEnd::kStopped);
  }
  void insert(block::Request& request) {
    Bio& bio = bios_.acquire();
    bio.sector = Lba{addresses_.next()};
    bio.unit = kBlock;
    bio.flags.write = !reads_;
    bio.context = tasks_[rng_.uniform(tasks_.size())].get();
    benchmark::DoNotOptimize(queue_.merge(bio, 0));
    request.sector = bio.sector;
    request.length = bio.unit;
    request.flags = bio.flags;
    request.bio = request.bio_tail = &bio;
    request.context = bio.context;
    request.started = simulator_.now();
    request.in_elevator = false;
    request.seen = false;
    if (single_) {
      queue_.elevator().set_request(request, bio);
    }
    block::RequestChain absorbed;
    benchmark::DoNotOptimize(queue_.insert(request, absorbed));
  }
  void run_after_hook() override { simulator_.stop(); }
  void run_async(int /*cpu*/) override { simulator_.stop(); }
  block::DispatchList& dispatch_list() override { return list_; }

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
  bool single_;
  bool reads_;
  std::vector<std::unique_ptr<block::IoContext>> tasks_;
  std::vector<std::unique_ptr<block::Request>> requests_;
  block::DispatchQueue list_;
  block::ElevatorQueue queue_;
  Addresses addresses_{false};
  Rng rng_ = Rng::stream(1, "tasks");
};

void serve(benchmark::State& state, std::string_view elevator, ElevatorGeneration generation,
           int tasks) {
  ElevatorLoop loop{elevator, generation, static_cast<int>(state.range(0)), tasks};
  for (auto unused : state) {
    (void)unused;
    loop.step();
  }
  report_per_bio(state, static_cast<double>(state.iterations()));
}

// Writes of one task, and reads of eight.
void register_all() {
  struct Row {
    const char* name;
    const char* elevator;
    ElevatorGeneration generation;
  };
  for (const Row& row : {Row{"mq-deadline", "mq-deadline", ElevatorGeneration::kV5_10},
                         Row{"cfq_3_6", "cfq", ElevatorGeneration::kV3_6},
                         Row{"cfq_2_6_18", "cfq", ElevatorGeneration::kV2_6_18},
                         Row{"anticipatory", "anticipatory", ElevatorGeneration::kV2_6_18}}) {
    for (const int tasks : {1, 8}) {
      const std::string name = std::string{row.name} + (tasks == 1 ? "/writes" : "/reads_of_8");
      auto* benchmark =
          benchmark::RegisterBenchmark(name.c_str(), serve, row.elevator, row.generation, tasks);
      for (const int depth : {48, 256, 1024}) {
        benchmark->Arg(depth);
      }
    }
  }
}

}  // namespace
}  // namespace wbsim::bench

int main(int argc, char** argv) {
  wbsim::bench::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
