// In steady state a device model allocates nothing for a command. A program of its own, because it
// replaces operator new.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "models/null_blk.hpp"
#include "models/test_parameters.hpp"
#include "sim/base/rng.hpp"
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

namespace wbsim::models {
namespace {

using block::DeviceCommand;
using block::DeviceOp;

// Keeps the device full of reads, writes, writes with FUA and now and then a flush.
class Host final : public block::DeviceClient {
 public:
  Host(engine::Simulator& simulator, block::DeviceModel& device)
      : simulator_{simulator}, device_{device}, commands_(32) {
    device.attach(*this);
    for (DeviceCommand& command : commands_) {
      command.tag = static_cast<int>(idle_.size());
      idle_.push_back(&command);
    }
    simulator.schedule(refill_, simulator.now());
  }
  ~Host() { simulator_.cancel(refill_); }

  void complete(DeviceCommand& command, block::BlkStatus) override {
    ++completed;
    idle_.push_back(&command);
    if (!refill_.pending()) {
      simulator_.schedule(refill_, simulator_.now());
    }
  }
  std::int64_t completed = 0;

 private:
  void on_refill() {
    while (!idle_.empty()) {
      DeviceCommand& command = *idle_.back();
      const std::uint64_t kind = rng_.uniform(100);
      command.op = kind == 0 ? DeviceOp::kFlush : kind < 70 ? DeviceOp::kWrite : DeviceOp::kRead;
      command.fua = kind < 5;
      command.sector = Lba{static_cast<std::int64_t>(rng_.uniform(1900)) * 8};
      command.length = Sectors{command.op == DeviceOp::kFlush ? 0 : kind < 20 ? 128 : 8};
      if (device_.submit(command) != block::SubmitResult::kAccepted) {
        return;
      }
      idle_.pop_back();
    }
  }

  engine::Simulator& simulator_;
  block::DeviceModel& device_;
  std::vector<DeviceCommand> commands_;
  std::vector<DeviceCommand*> idle_;
  Rng rng_ = Rng::stream(1, "allocation");
  engine::Event refill_ = engine::event_calling<&Host::on_refill>(*this);
};

template <class Device, class Parameters>
void expect_no_allocation(Parameters parameters) {
  parameters.track_durability = false;
  engine::Simulator simulator;
  Device device{simulator, parameters};
  Host host{simulator, device};
  while (host.completed < 20'000) {
    simulator.run(simulator.now() + milliseconds(1));
  }
  const std::int64_t before = allocations;
  const std::int64_t completed = host.completed;
  while (host.completed < 60'000) {
    simulator.run(simulator.now() + milliseconds(1));
  }
  EXPECT_EQ(allocations - before, 0) << "for " << host.completed - completed << " commands";
}

TEST(DeviceAllocation, ADiskAllocatesNothing) { expect_no_allocation<Hdd>(small_hdd()); }
TEST(DeviceAllocation, AnSsdAllocatesNothing) { expect_no_allocation<Ssd>(small_ssd()); }
TEST(DeviceAllocation, NullBlkAllocatesNothing) {
  expect_no_allocation<NullBlk>(
      NullBlkParameters{.completion = NullBlkParameters::Completion::kTimer});
}

}  // namespace
}  // namespace wbsim::models
