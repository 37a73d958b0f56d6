// simdisk: the disk of the truth rig, whose service time is exactly stated.
#pragma once

#include <memory>
#include <vector>

#include "models/durable_ranges.hpp"
#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

struct SimdiskParameters {
  int depth = 32;      // commands it holds at once
  int channels = 1;    // identical servers behind one queue
  SimDuration read{};  // fixed part of a service time
  SimDuration write{};
  SimDuration flush{};
  SimDuration discard{};
  SimDuration per_kib{};  // times ceil(bytes / 1024)
  SimDuration seek{};     // added when a command does not start where the last one ended
  bool volatile_cache = false;
  bool track_durability = false;  // costs memory; off, is_durable() may not be asked
};

// Source: results/kernel-truth/RIG.md. A first-come first-served queue before `channels` servers;
// a command occupies a server for
//   flush | discard | (read | write) + ceil(bytes / 1024) * per_kib (+ seek)
// and a server starts its next command at the very end of the one before. The order of service is
// the order of submission, so a command's end is known when it is submitted: one event each.
class Simdisk final : public block::DeviceModel {
 public:
  Simdisk(engine::Simulator& simulator, const SimdiskParameters& parameters);
  ~Simdisk() override;

  block::SubmitResult submit(block::DeviceCommand& command) override;
  void attach(block::DeviceClient& client) override { client_ = &client; }
  [[nodiscard]] int queue_depth() const override { return parameters_.depth; }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override;

 private:
  // One place for a command: there are `depth` of them.
  struct Slot {
    explicit Slot(Simdisk& owner);
    void on_end() { disk.finish(*this); }
    Simdisk& disk;
    block::DeviceCommand* command = nullptr;
    DurableRanges::FlushId flush = 0;
    engine::Event end;
  };

  void finish(Slot& slot);
  SimDuration service_time(const block::DeviceCommand& command);

  engine::Simulator& simulator_;
  SimdiskParameters parameters_;
  block::DeviceClient* client_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::vector<SimTime> server_free_;  // when each channel is done with what it has accepted
  Lba last_end_{-1};
  DurableRanges durable_;
};

}  // namespace wbsim::models
