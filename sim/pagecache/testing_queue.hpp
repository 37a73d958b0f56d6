// For tests: a queue that takes no bios, and is congested when it is told to be.
#pragma once

#include "sim/base/check.hpp"
#include "sim/block/bio_target.hpp"
#include "sim/block/plug.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::pagecache {

class TestingQueue final : public block::BioTarget {
 public:
  explicit TestingQueue(engine::Machine& machine)
      : BioTarget{machine, no_observers_, 0, block::QueueLimits{}, false} {}

  [[nodiscard]] int in_device() const override { return 0; }
  [[nodiscard]] SimDuration device_busy() const override { return {}; }
  int add_partition(Lba, Sectors) override { return 0; }
  [[nodiscard]] engine::DiskStats disk_stats(int) const override { return {}; }
  [[nodiscard]] bool follows_plug(const block::TaskIo&, Lba) const override { return false; }
  engine::Task<> submit_bio(block::TaskIo&, block::Bio&) override { SIM_UNREACHABLE(); }
  [[nodiscard]] bool write_congested() const override { return congested; }

  bool congested = false;

 private:
  engine::Tracer no_observers_;
};

}  // namespace wbsim::pagecache
