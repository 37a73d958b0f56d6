// null_blk: the kernel's null block driver, which stores nothing and completes at once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/durable_ranges.hpp"
#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

struct NullBlkParameters {
  // The parameter irqmode: a command completes at once (0: inside queue_rq; 1: by a softirq; the
  // model makes no difference, the CPU time of an interrupt is charged for both), or by a timer.
  enum class Completion : std::uint8_t { kAtOnce, kTimer };

  int depth = 64;  // hw_queue_depth
  Completion completion = Completion::kAtOnce;
  SimDuration completion_time = microseconds(10);  // completion_nsec; with kTimer only
  bool volatile_cache = false;    // null_blk's cache_size: completed writes need a flush
  bool track_durability = false;  // costs memory; off, is_durable() may not be asked
};

// Models: null_queue_rq(), null_handle_cmd() and the completion of drivers/block/null_blk, v5.10,
// with one submission queue. Simplified: no bandwidth limit (mbps), no zones, no bad blocks.
class NullBlk final : public block::DeviceModel {
 public:
  NullBlk(engine::Simulator& simulator, const NullBlkParameters& parameters);
  ~NullBlk() override;

  block::SubmitResult submit(block::DeviceCommand& command) override;
  void attach(block::DeviceClient& client) override { client_ = &client; }
  [[nodiscard]] int queue_depth() const override { return parameters_.depth; }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override;

 private:
  // One place for a command: there are `depth` of them.
  struct Slot {
    explicit Slot(NullBlk& owner);
    void on_end() { device.finish(*this); }
    NullBlk& device;
    block::DeviceCommand* command = nullptr;
    DurableRanges::FlushId flush = 0;
    engine::Event end;
  };

  void finish(Slot& slot);

  engine::Simulator& simulator_;
  NullBlkParameters parameters_;
  block::DeviceClient* client_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  DurableRanges durable_;
};

}  // namespace wbsim::models
