// In steady state the block layer and the engine allocate nothing: not per event, bio, request,
// flush or sleep. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "models/simdisk.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/single_queue_test_util.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/simulator.hpp"

namespace {
std::int64_t allocations = 0;
}

// Not inlined: g++ would see memory of malloc() given to operator delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace wbsim::block {
namespace {

class Counter final : public BioEndIo {
 public:
  void end_bio(Bio& bio, BlkStatus) override { bios += bio.count; }
  std::int64_t bios = 0;
};

// A queue without an elevator (null), or with one under the rules of a kernel; with or without
// writeback throttling.
struct Subject {
  const ElevatorType* elevator;
  ElevatorGeneration generation;
  TagWakeRule wake;
  bool throttled = false;
};

constexpr std::int64_t kUnbounded = std::numeric_limits<std::int64_t>::max();

template <class Queue, class Options>
class World {
 public:
  explicit World(const Options& options, int cgroup = 0, std::int64_t most = kUnbounded)
      : cgroup_{cgroup},
        most_{most},
        machine_{simulator, 2, engine::Jiffies{250, 0, {}}, engine::CpuCosts{}},
        kblockd_{machine_},
        disk_{simulator,
              {.depth = 6,  // fewer than the tags: the device refuses again and again
               .channels = 2,
               .read = microseconds(20),
               .write = microseconds(30),
               .flush = microseconds(200),
               .volatile_cache = true}},
        queue_{machine_, tracer_, kblockd_, disk_, options} {
    for (auto& writer : writers_) {
      writer = std::make_unique<Writer>(*this, pid_++);
      simulator.spawn("writer", write_for_ever(*writer));
    }
  }
  ~World() { simulator.destroy_processes(); }

  [[nodiscard]] const RequestQueueStats& stats() const { return queue_.stats(); }
  [[nodiscard]] std::int64_t bios_ended() const { return counter_.bios; }

  engine::Simulator simulator;

 private:
  struct Writer {
    Writer(World& owner, int pid)
        : world{owner},
          thread{owner.machine_, "writer", pid},
          io{thread},
          rng{Rng::stream(1, std::to_string(pid))} {
      io.set_cgroup(owner.cgroup_);
    }
    World& world;
    engine::Thread thread;
    TaskIo io;
    Rng rng;
  };

  static engine::Task<> submit(Writer& writer, engine::RwbsFlags flags, Sectors length) {
    Bio& bio = writer.world.queue_.new_bio();
    bio.sector = Lba{static_cast<std::int64_t>(8 * writer.rng.uniform(100))};
    bio.unit = length;
    bio.flags = flags;
    bio.end_io = &writer.world.counter_;
    ++writer.world.submitted_;
    co_await writer.world.queue_.submit_bio(writer.io, bio);
  }

  static engine::Task<> write_for_ever(Writer& writer) {
    co_await writer.thread.begin();
    while (true) {
      while (writer.world.submitted_ - writer.world.bios_ended() > writer.world.most_) {
        co_await writer.thread.schedule_timeout(1);
      }
      writer.io.start_plug();
      for (std::uint64_t left = writer.rng.uniform(40); left > 0; --left) {
        co_await submit(writer, {.write = true}, Sectors{8});
        co_await writer.thread.cond_resched();
      }
      co_await writer.io.finish_plug();
      co_await submit(writer, {.write = true, .preflush = true}, Sectors{0});
      co_await submit(writer, {.write = true, .preflush = true, .fua = true}, Sectors{8});
      const auto pause = static_cast<std::int64_t>(writer.rng.uniform(3000));
      co_await writer.thread.nanosleep(writer.thread.now() + microseconds(pause));
      co_await writer.thread.schedule_timeout(1);
    }
  }

  int pid_ = 1;
  int cgroup_;         // of all writers
  std::int64_t most_;  // bios on their way when a writer goes on
  std::int64_t submitted_ = 0;
  engine::Machine machine_;
  engine::Tracer tracer_;
  Kblockd kblockd_;
  models::Simdisk disk_;
  Queue queue_;
  Counter counter_;
  std::array<std::unique_ptr<Writer>, 5> writers_;
};

template <class Queue, class Options>
void expect_no_allocations(const Options& options) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "under AddressSanitizer every coroutine frame is an allocation of its own";
#endif
  World<Queue, Options> world{options};
  world.simulator.run(at(seconds(5)));  // pools grow to their size, two workers at once included
  const std::int64_t before = allocations;
  const RequestQueueStats start = world.stats();
  const std::int64_t bios = world.bios_ended();
  world.simulator.run(at(seconds(15)));
  EXPECT_EQ(allocations - before, 0);
  EXPECT_GT(world.bios_ended() - bios, 50'000);
  EXPECT_GT(world.stats().requests - start.requests, 30'000);
  EXPECT_GT(world.stats().flushes - start.flushes, 1'000);
  EXPECT_GT(world.stats().back_merges - start.back_merges, 100);
}

class Allocations : public ::testing::TestWithParam<Subject> {};

std::vector<Subject> subjects() {
  std::vector<Subject> all{
      {nullptr, ElevatorGeneration::kV5_10, TagWakeRule::kPerWaitQueue},
      {nullptr, ElevatorGeneration::kV6_1, TagWakeRule::kCompletionCount},
      {nullptr, ElevatorGeneration::kV6_1, TagWakeRule::kCompletionCount, true},
  };
  for (const ElevatorType& type : elevator_types()) {
    for (const ElevatorGeneration generation :
         {ElevatorGeneration::kV2_6_18, ElevatorGeneration::kV3_6, ElevatorGeneration::kV5_10,
          ElevatorGeneration::kV6_1}) {
      if (type.exists_in(generation)) {
        all.push_back({&type, generation,
                       generation == ElevatorGeneration::kV6_1 ? TagWakeRule::kCompletionCount
                                                               : TagWakeRule::kPerWaitQueue});
      }
    }
  }
  return all;
}

std::string name_of(const ::testing::TestParamInfo<Subject>& info) {
  static constexpr const char* kGenerations[] = {"_2_6_18", "_3_6", "_5_10", "_6_1"};
  const Subject& subject = info.param;
  std::string name{subject.elevator == nullptr ? "none" : subject.elevator->name};
  std::replace(name.begin(), name.end(), '-', '_');
  name += subject.throttled ? "_throttled" : "";
  return name + kGenerations[static_cast<int>(subject.generation)];
}

INSTANTIATE_TEST_SUITE_P(All, Allocations, ::testing::ValuesIn(subjects()), name_of);

TEST_P(Allocations, NoneInSteadyState) {
  const auto& [elevator, generation, wake, throttled] = GetParam();
  if (is_single_queue(generation)) {
    const bool old = generation == ElevatorGeneration::kV2_6_18;
    SingleQueueOptions options =
        old ? of_2_6_18(elevator->name).queue : of_3_6(elevator->name).queue;
    options.limits.write_cache = true;
    options.nr_requests = 8;
    expect_no_allocations<SingleQueue>(options);
    return;
  }
  RequestQueueOptions options;
  options.limits.write_cache = true;
  options.nr_requests = 8;
  options.tag_wake = wake;
  options.elevator = elevator;
  options.elevator_generation = generation;
  if (throttled) {
    options.wbt = WbtOptions{.min_lat = milliseconds(2), .queue_depth = 4};
  }
  expect_no_allocations<RequestQueue>(options);
}

// Groups of three levels, all limited, so that most bios are held at one of them.
TEST(ThrottleAllocations, NoneInSteadyState) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "under AddressSanitizer every coroutine frame is an allocation of its own";
#endif
  RequestQueueOptions options;
  options.limits.write_cache = true;
  options.limits.max_sectors = Sectors{4};
  options.split_charge = SplitCharge::kEachPart;
  const auto limited = [](int parent, std::int64_t iops) {
    const IoLimits limits{.bps = mebibytes(20), .iops = iops};
    return ControlGroup{parent, {limits, limits}};
  };
  options.cgroups = {ControlGroup{}, limited(0, 3000), limited(1, 2900), limited(2, 3100)};
  World<RequestQueue, RequestQueueOptions> world{options, 3, 200};
  // Until what rarely happens at once, and needs a frame more, has happened.
  world.simulator.run(at(seconds(30)));
  const std::int64_t before = allocations;
  const std::int64_t bios = world.bios_ended();
  world.simulator.run(at(seconds(40)));
  EXPECT_EQ(allocations - before, 0);
  EXPECT_GT(world.bios_ended() - bios, 10'000);
}

}  // namespace
}  // namespace wbsim::block
