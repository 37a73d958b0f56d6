// What all md arrays share.
#pragma once

#include <optional>
#include <vector>

#include "sim/block/stacking/device_thread.hpp"
#include "sim/block/stacking/stacked_device.hpp"
#include "sim/engine/wait_queue.hpp"

namespace wbsim::block {

// Models: md_submit_bio(), md_flush_request(), submit_flushes() and md_submit_flush_data(),
// drivers/md/md.c, v3.6, v5.10 and v6.1: one flush of all members at a time, by a worker; who asks
// meanwhile waits for its turn, or for a flush that began after it asked (MdFlush). As in the
// kernel, a flush that fails goes unnoticed.
class MdDevice : public StackedDevice {
 public:
  // `data_offset`: where data begins on each member.
  MdDevice(engine::Machine& machine, const engine::Tracer& tracer,
           const StackedDeviceOptions& options, std::vector<BioTarget*> members,
           Sectors data_offset);

 protected:
  // The personality's make_request(): `bio` needs no flush and is within the limits.
  virtual engine::Task<> take(TaskIo& io, Bio& bio) = 0;

  engine::Task<> make_request(TaskIo& io, Bio& bio) final;
  [[nodiscard]] Lba on_member(Lba sector) const { return sector + data_offset_; }

 private:
  // The end of the flush of one member.
  struct FlushEnd final : BioEndIo {
    explicit FlushEnd(MdDevice& of) : device{of} {}
    void end_bio(Bio& flush, BlkStatus status) override;
    MdDevice& device;
  };

  engine::Task<> flush(TaskIo& io, Bio& bio);
  engine::Task<> run_flushes(TaskIo& io);
  engine::Task<> flush_members(TaskIo& io);
  [[nodiscard]] bool shares_flushes() const { return options_.md_flush == MdFlush::kShared; }

  Sectors data_offset_;
  FlushEnd flush_end_{*this};
  Bio* flush_bio_ = nullptr;
  int flush_pending_ = 0;
  std::optional<SimTime> prev_flush_start_;
  engine::WaitQueue flush_wait_;
  DeviceThread worker_;
};

}  // namespace wbsim::block
