// Device mapper: linear and striped targets.
#pragma once

#include <memory>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/stacking/address_map.hpp"
#include "sim/block/stacking/device_thread.hpp"
#include "sim/block/stacking/stacked_device.hpp"

namespace wbsim::block {

// The longest piece that is mapped at once.
//   kTarget  up to the end of the target (dm-linear)
//   kChunk   up to the end of the chunk, and no more than the limits allow (max_io_len, dm-stripe)
enum class DmPiece { kTarget, kChunk };

// Models: dm_submit_bio(), __split_and_process_bio(), __send_empty_flush() and clone_bio(),
// drivers/md/dm.c, v5.10 and v6.1: each piece is cloned to one member, the rest is submitted anew;
// a flush goes to all members first and the data of its bio follows from a worker. Simplified: an
// error of such a flush reaches the owner of the bio (the kernel writes the data and drops it).
class DmDevice final : public StackedDevice {
 public:
  DmDevice(engine::Machine& machine, const engine::Tracer& tracer,
           const StackedDeviceOptions& options, std::vector<BioTarget*> members,
           std::unique_ptr<AddressMap> map, DmPiece piece);

  [[nodiscard]] Sectors bio_sectors_max(Lba at) const override;

 protected:
  engine::Task<> make_request(TaskIo& io, Bio& bio) override;

 private:
  // The flushes of one bio.
  struct FlushIo final : BioEndIo {
    FlushIo(DmDevice& of, Bio& on_behalf) : device{of}, bio{on_behalf} {}
    void end_bio(Bio& flush, BlkStatus status) override;
    DmDevice& device;
    Bio& bio;
    std::uint64_t began = 0;  // jiffies
    int pending = 1;          // and the submission
  };

  engine::Task<> flush_members(TaskIo& io, Bio& bio);
  void end_flush(FlushIo& flush, int cpu);
  engine::Task<> run_deferred(TaskIo& io);

  std::unique_ptr<AddressMap> map_;
  DmPiece piece_;
  SlabPool<FlushIo> flushes_;
  BioList deferred_;  // flushed, with data
  DeviceThread worker_;
};

}  // namespace wbsim::block
