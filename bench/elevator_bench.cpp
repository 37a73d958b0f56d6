// What each elevator of the table takes for one operation, kept at a depth, beside a bare one
// (yardsticks/bare_elevator.hpp) in the same run. The clock runs only during the operation named:
//   insert       a request that merges with none: looked for a merge, and inserted
//   back_merge   a bio that continues a request just inserted
//   front_merge  a bio before a request just inserted
//   miss         a bio that has no neighbour
//   dispatch     the request to be issued next
//   complete     the end of a request
// Figures are ns per operation (per_bio); done: the share of attempts that succeeded, 1 unless the
// elevator merges or dispatches by rules of its own. Sequential requests ascend with gaps between.
//   elevator_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/block_models.hpp"
#include "bench/cpu_time.hpp"
#include "bench/yardsticks/bare_elevator.hpp"
#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::bench {
namespace {

using block::Bio;
using block::MergeKind;
using block::Request;

enum class Op { kInsert, kBackMerge, kFrontMerge, kMiss, kDispatch, kComplete };
constexpr std::array<std::pair<Op, const char*>, 6> kOps{{{Op::kInsert, "insert"},
                                                          {Op::kBackMerge, "back_merge"},
                                                          {Op::kFrontMerge, "front_merge"},
                                                          {Op::kMiss, "miss"},
                                                          {Op::kDispatch, "dispatch"},
                                                          {Op::kComplete, "complete"}}};

// Blocks that are free: a request takes one, its neighbours on both sides are left for merges, and
// the one after these for what must not find a neighbour.
class Gaps {
 public:
  explicit Gaps(bool sequential) : sequential_{sequential} {}
  // The block of a request; every fourth is one.
  std::int64_t next() {
    const auto place = sequential_ ? place_++ : static_cast<std::int64_t>(rng_.uniform(kPlaces));
    return kBlock.count() * (kStep * (place % kPlaces) + 1);
  }
  static std::int64_t lonely(std::int64_t sector) { return sector + 2 * kBlock.count(); }

 private:
  static constexpr std::int64_t kStep = 5;
  static constexpr std::int64_t kPlaces = kBlocks / kStep;
  bool sequential_;
  Rng rng_ = Rng::stream(1, "bench");
  std::int64_t place_ = 0;
};

struct Count {
  std::int64_t tried = 0;
  std::int64_t done = 0;
};

// The requests that a step of a loop takes out and puts in again.
std::size_t batch_of(int depth) { return static_cast<std::size_t>(std::clamp(depth / 4, 1, 256)); }

// An elevator and as many requests. A step takes some out, ends them, puts them in elsewhere, and
// tries three bios around each.
class ElevatorLoop {
 public:
  ElevatorLoop(const block::ElevatorType& type, int depth, bool sequential, Op op)
      : rig_{{.elevator = type.name,
              .generation = block::ElevatorGeneration::kV6_1,
              .nr_requests = depth,
              .default_nr_requests = depth}},
        op_{op},
        batch_{batch_of(depth)},
        gaps_{sequential} {
    for (int i = 0; i < depth; ++i) {
      Bio& bio = bio_at(0);
      free_.push_back(&rig_.request(bio));
      bios_.release(bio);
    }
    insert();
  }

  void step() {
    dispatch();
    complete();
    insert();
    try_merges(Op::kBackMerge, [](const Request& request) { return request.end().value(); });
    try_merges(Op::kFrontMerge,
               [](const Request& request) { return request.sector.value() - kBlock.count(); });
    try_merges(Op::kMiss,
               [](const Request& request) { return Gaps::lonely(request.end().value()); });
  }
  double take_seconds() { return timer_.take_seconds(); }
  [[nodiscard]] Count count() const { return count_; }

 private:
  template <class Work>
  void timed(Op op, Work work) {
    if (op != op_) {
      work();
      return;
    }
    timer_.start();
    const Count count = work();
    timer_.stop();
    count_.tried += count.tried;
    count_.done += count.done;
  }

  Bio& bio_at(std::int64_t sector) {
    Bio& bio = bios_.acquire();
    bio.sector = Lba{sector};
    bio.unit = kBlock;
    bio.flags.write = true;
    bio.context = &submitter_;
    return bio;
  }

  // What an elevator holds back it gives up later, when its timers have run.
  void dispatch() {
    constexpr int kPatience = 1000;
    for (int i = 0; i < kPatience && device_.empty(); ++i) {
      timed(Op::kDispatch, [this] {
        Count count{static_cast<std::int64_t>(batch_), 0};
        while (device_.size() < batch_) {
          Request* request = rig_.queue().dispatch();
          if (request == nullptr) {
            break;
          }
          device_.push_back(request);
          ++count.done;
        }
        return count;
      });
      rig_.run_until(now_ += milliseconds(1));
    }
    SIM_CHECK(!device_.empty());
  }

  void complete() {
    timed(Op::kComplete, [this] {
      for (Request* request : device_) {
        rig_.elevator().completed_request(*request, at(now_));
        rig_.elevator().finish_request(*request);
      }
      const auto done = static_cast<std::int64_t>(device_.size());
      return Count{done, done};
    });
    for (Request* request : device_) {
      for (Bio* bio = request->bio; bio != nullptr;) {
        Bio* next = bio->next;
        bios_.release(*bio);
        bio = next;
      }
      free_.push_back(request);
    }
    device_.clear();
  }

  void refill(Request& request) {
    Bio& bio = bio_at(gaps_.next());
    request.sector = bio.sector;
    request.length = bio.unit;
    request.flags = bio.flags;
    request.segments = 1;
    request.bio_count = 1;
    request.no_merge = false;
    request.in_elevator = false;
    request.bio = request.bio_tail = &bio;
  }

  void insert() {
    inserted_.swap(free_);
    free_.clear();
    for (Request* request : inserted_) {
      refill(*request);
    }
    timed(Op::kInsert, [this] {
      block::RequestChain absorbed;
      Count count{static_cast<std::int64_t>(inserted_.size()), 0};
      for (Request* request : inserted_) {
        count.done += rig_.queue().insert(*request, absorbed) ? 1 : 0;
      }
      SIM_CHECK(absorbed.empty());  // nothing has a neighbour
      return count;
    });
  }

  template <class SectorOf>
  void try_merges(Op op, SectorOf sector_of) {
    bios_tried_.clear();
    for (const Request* request : inserted_) {
      bios_tried_.push_back(&bio_at(sector_of(*request)));
    }
    merged_.assign(bios_tried_.size(), false);
    timed(op, [this] {
      Count count{static_cast<std::int64_t>(bios_tried_.size()), 0};
      for (std::size_t i = 0; i < bios_tried_.size(); ++i) {
        const bool merged = rig_.queue().merge(*bios_tried_[i]).kind != MergeKind::kNone;
        merged_[i] = merged;
        count.done += merged == (op_ != Op::kMiss) ? 1 : 0;
      }
      return count;
    });
    for (std::size_t i = 0; i < bios_tried_.size(); ++i) {
      if (!merged_[i]) {
        bios_.release(*bios_tried_[i]);
      }
    }
  }

  block::ElevatorRig rig_;
  block::IoContext submitter_{1};
  SlabPool<Bio> bios_;
  Op op_;
  std::size_t batch_;
  Gaps gaps_;
  CpuTimer timer_;
  Count count_;
  SimDuration now_{};
  std::vector<Request*> free_;
  std::vector<Request*> device_;
  std::vector<Request*> inserted_;
  std::vector<Bio*> bios_tried_;
  std::vector<char> merged_;
};

// The same steps on the bare elevator.
class BareLoop {
 public:
  BareLoop(int depth, bool sequential, Op op)
      : requests_(static_cast<std::size_t>(depth)),
        elevator_{requests_, std::max<std::size_t>(64, std::bit_ceil(requests_.size()))},
        op_{op},
        batch_{batch_of(depth)},
        gaps_{sequential} {
    for (std::uint32_t i = 0; i < requests_.size(); ++i) {
      requests_[i].id = i;
      taken_.push_back(&requests_[i]);
    }
    insert();
  }

  void step() {
    taken_.clear();
    timed(Op::kDispatch, [this] {
      while (taken_.size() < batch_) {
        taken_.push_back(&elevator_.take(0));
      }
    });
    insert();
    timed(Op::kBackMerge, [this] {
      for (const std::uint64_t sector : sectors_) {
        elevator_.grow_back(*elevator_.find_back(sector + kLength, kLength), kLength);
      }
    });
    timed(Op::kFrontMerge, [this] {
      for (const std::uint64_t sector : sectors_) {
        yardsticks::BareRequest* found = elevator_.find_front(sector - kLength, kLength);
        yardsticks::BareElevator::grow_front(*found, sector - kLength, kLength);
      }
    });
    timed(Op::kMiss, [this] {
      for (const std::uint64_t sector : sectors_) {
        const auto lonely = static_cast<std::uint64_t>(
            Gaps::lonely(static_cast<std::int64_t>(sector) + 2 * kBlock.count()));
        benchmark::DoNotOptimize(elevator_.find_back(lonely, kLength));
        benchmark::DoNotOptimize(elevator_.find_front(lonely, kLength));
      }
    });
  }
  double take_seconds() { return timer_.take_seconds(); }
  [[nodiscard]] Count count() const { return count_; }

 private:
  static constexpr auto kLength = static_cast<std::uint32_t>(kBlock.count());

  template <class Work>
  void timed(Op op, Work work) {
    if (op != op_) {
      work();
      return;
    }
    timer_.start();
    work();
    timer_.stop();
    count_.tried += static_cast<std::int64_t>(taken_.size());
    count_.done = count_.tried;
  }

  void insert() {
    sectors_.clear();
    for (yardsticks::BareRequest* request : taken_) {
      request->sector = static_cast<std::uint64_t>(gaps_.next());
      request->length = kLength;
      sectors_.push_back(request->sector);
    }
    timed(Op::kInsert, [this] {
      for (yardsticks::BareRequest* request : taken_) {
        benchmark::DoNotOptimize(elevator_.find_back(request->sector, kLength));
        elevator_.add(*request);
      }
    });
  }

  std::vector<yardsticks::BareRequest> requests_;
  yardsticks::BareElevator elevator_;
  Op op_;
  std::size_t batch_;
  Gaps gaps_;
  CpuTimer timer_;
  Count count_;
  std::vector<yardsticks::BareRequest*> taken_;
  std::vector<std::uint64_t> sectors_;
};

template <class Loop>
void measure(benchmark::State& state, Loop& loop) {
  constexpr int kSteps = 20;
  for (int i = 0; i < 10 * kSteps; ++i) {
    loop.step();  // to the steady state
  }
  loop.take_seconds();
  const Count before = loop.count();
  for (auto unused : state) {
    (void)unused;
    for (int i = 0; i < kSteps; ++i) {
      loop.step();
    }
    state.SetIterationTime(loop.take_seconds());
  }
  const auto tried = static_cast<double>(loop.count().tried - before.tried);
  report_per_bio(state, tried);
  state.counters["done"] = static_cast<double>(loop.count().done - before.done) / tried;
}

void elevator(benchmark::State& state, const block::ElevatorType& type, bool sequential, Op op) {
  ElevatorLoop loop{type, static_cast<int>(state.range(0)), sequential, op};
  measure(state, loop);
}

void bare(benchmark::State& state, bool sequential, Op op) {
  BareLoop loop{static_cast<int>(state.range(0)), sequential, op};
  measure(state, loop);
}

void register_all() {
  for (const auto& [op, op_name] : kOps) {
    for (const bool sequential : {false, true}) {
      const char* order = sequential ? "sequential" : "random";
      for (const std::int64_t depth : {48, 256, 1024, 10'000}) {
        if (op != Op::kComplete) {  // which is nothing but the elevator's own account
          const std::string name = fmt::format("{}/bare/{}", op_name, order);
          benchmark::RegisterBenchmark(name.c_str(), bare, sequential, op)
              ->Arg(depth)
              ->UseManualTime();
        }
        for (const block::ElevatorType& type : block::elevator_types()) {
          if (!type.exists_in(block::ElevatorGeneration::kV6_1)) {
            continue;  // of a single queue: single_queue_bench.cpp
          }
          const std::string name = fmt::format("{}/{}/{}", op_name, type.name, order);
          benchmark::RegisterBenchmark(name.c_str(), elevator, type, sequential, op)
              ->Arg(depth)
              ->UseManualTime();
        }
      }
    }
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
