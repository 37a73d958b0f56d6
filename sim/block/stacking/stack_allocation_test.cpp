// In steady state devices on top of others allocate nothing: not per bio, clone, stripe, flush or
// split. A program of its own, because it replaces operator new.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "models/simdisk.hpp"
#include "sim/base/rng.hpp"
#include "sim/block/queue_test_util.hpp"
#include "sim/block/stacking/dm_device.hpp"
#include "sim/block/stacking/raid0.hpp"
#include "sim/block/stacking/raid1.hpp"
#include "sim/block/stacking/raid5.hpp"
#include "sim/block/stacking/stack_limits.hpp"

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

constexpr std::int64_t kMembers = 3;
constexpr Sectors kMemberSize{1 << 14};

using Disk = std::unique_ptr<models::Simdisk>;
using MakeDevice = std::unique_ptr<BioTarget> (*)(engine::Machine&, const engine::Tracer&,
                                                  const StackedDeviceOptions&,
                                                  const std::vector<BioTarget*>&);

std::unique_ptr<BioTarget> make_striped(engine::Machine& machine, const engine::Tracer& tracer,
                                        const StackedDeviceOptions& options,
                                        const std::vector<BioTarget*>& members) {
  auto map = std::make_unique<StripeMap>(std::vector<Sectors>(kMembers, kMemberSize), Sectors{16});
  return std::make_unique<DmDevice>(machine, tracer, options, members, std::move(map),
                                    DmPiece::kChunk);
}
std::unique_ptr<BioTarget> make_raid0(engine::Machine& machine, const engine::Tracer& tracer,
                                      const StackedDeviceOptions& options,
                                      const std::vector<BioTarget*>& members) {
  const Raid0Options raid{.chunk = Sectors{16},
                          .member_sizes = std::vector<Sectors>(kMembers, kMemberSize)};
  return std::make_unique<Raid0>(machine, tracer, options, members, raid);
}
std::unique_ptr<BioTarget> make_raid1(engine::Machine& machine, const engine::Tracer& tracer,
                                      const StackedDeviceOptions& options,
                                      const std::vector<BioTarget*>& members) {
  return std::make_unique<Raid1>(machine, tracer, options, members, Raid1Options{});
}
// A cache that holds all stripes: it need not grow.
std::unique_ptr<BioTarget> make_raid5(engine::Machine& machine, const engine::Tracer& tracer,
                                      const StackedDeviceOptions& options,
                                      const std::vector<BioTarget*>& members) {
  const Raid5Options raid{
      .chunk = Sectors{16}, .member_size = kMemberSize, .stripe_cache_size = 4096};
  return std::make_unique<Raid5>(machine, tracer, options, members, raid);
}

constexpr SimDuration kAtMost = seconds(2);

class StackWorld {
 public:
  explicit StackWorld(MakeDevice make)
      : machine_{simulator, 2, engine::Jiffies{250, 0, {}}, engine::CpuCosts{}},
        kblockd_{machine_} {
    QueueLimits limits = stacking_limits();
    std::vector<BioTarget*> members;
    for (std::size_t i = 0; i < kMembers; ++i) {
      disks_[i] = std::make_unique<models::Simdisk>(
          simulator, models::SimdiskParameters{.depth = 16,
                                               .channels = 2,
                                               .read = microseconds(20),
                                               .write = microseconds(30),
                                               .flush = microseconds(200),
                                               .volatile_cache = true});
      RequestQueueOptions queue;
      queue.device = static_cast<int>(i);
      queue.limits.write_cache = true;
      queue.nr_requests = 16;
      queues_[i] = std::make_unique<RequestQueue>(machine_, tracer_, kblockd_, *disks_[i], queue);
      stack_limits(limits, queues_[i]->limits(), Sectors{0});
      members.push_back(queues_[i].get());
    }
    limits.fua = true;
    top_ = make(machine_, tracer_, {.device = 3, .name = "md0", .limits = limits, .first_pid = 300},
                members);
    for (auto& writer : writers_) {
      writer = std::make_unique<Writer>(*this, pid_++);
      simulator.spawn("writer", write_for_ever(*writer));
    }
  }
  ~StackWorld() { simulator.destroy_processes(); }
  [[nodiscard]] std::int64_t bios_ended() const { return counter_.bios; }

  engine::Simulator simulator;

 private:
  struct Writer {
    Writer(StackWorld& owner, int pid)
        : world{owner},
          thread{owner.machine_, "writer", pid},
          io{thread},
          rng{Rng::stream(1, std::to_string(pid))} {}
    StackWorld& world;
    engine::Thread thread;
    TaskIo io;
    Rng rng;
  };

  static engine::Task<> submit(Writer& writer, engine::RwbsFlags flags, Sectors length) {
    Bio& bio = writer.world.top_->new_bio();
    bio.sector = Lba{static_cast<std::int64_t>(8 * writer.rng.uniform(1000))};
    bio.unit = length;
    bio.flags = flags;
    bio.end_io = &writer.world.counter_;
    co_await writer.world.top_->submit_bio(writer.io, bio);
  }

  // At first as much as it ever does, so that pools meet their peak.
  static engine::Task<> write_for_ever(Writer& writer) {
    co_await writer.thread.begin();
    while (true) {
      writer.io.start_plug();
      const bool at_most = writer.thread.now() < at(kAtMost);
      for (std::uint64_t left = at_most ? 20 : writer.rng.uniform(20); left > 0; --left) {
        const auto pages = static_cast<std::int64_t>(at_most ? 8 : 1 + writer.rng.uniform(8));
        co_await submit(writer, {.write = writer.rng.uniform(3) != 0}, Sectors{8} * pages);
        co_await writer.thread.cond_resched();
      }
      co_await writer.io.finish_plug();
      co_await submit(writer, {.write = true, .preflush = true}, Sectors{0});
      co_await submit(writer, {.write = true, .preflush = true, .fua = true}, Sectors{8});
      const auto pause = static_cast<std::int64_t>(at_most ? 1 : writer.rng.uniform(3000));
      co_await writer.thread.nanosleep(writer.thread.now() + microseconds(pause));
    }
  }

  int pid_ = 1;
  engine::Machine machine_;
  engine::Tracer tracer_;
  Kblockd kblockd_;
  std::array<Disk, kMembers> disks_;
  std::array<std::unique_ptr<RequestQueue>, kMembers> queues_;
  std::unique_ptr<BioTarget> top_;
  Counter counter_;
  std::array<std::unique_ptr<Writer>, 5> writers_;
};

struct StackSubject {
  const char* name;
  MakeDevice make;
};

class StackAllocations : public ::testing::TestWithParam<StackSubject> {};

INSTANTIATE_TEST_SUITE_P(All, StackAllocations,
                         ::testing::Values(StackSubject{"striped", make_striped},
                                           StackSubject{"raid0", make_raid0},
                                           StackSubject{"raid1", make_raid1},
                                           StackSubject{"raid5", make_raid5}),
                         [](const auto& each) { return std::string{each.param.name}; });

TEST_P(StackAllocations, NoneInSteadyState) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "under AddressSanitizer every coroutine frame is an allocation of its own";
#endif
  StackWorld world{GetParam().make};
  world.simulator.run(at(seconds(10)));  // pools grow to their size
  const std::int64_t before = allocations;
  const std::int64_t bios = world.bios_ended();
  world.simulator.run(at(seconds(12)));
  EXPECT_EQ(allocations - before, 0);
  EXPECT_GT(world.bios_ended() - bios, 2'000);
}

}  // namespace
}  // namespace wbsim::block
