// md raid1: every write goes to all mirrors, a read to one of them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/stacking/device_thread.hpp"
#include "sim/block/stacking/md_device.hpp"

namespace wbsim::block {

// How writes reach the mirrors of an array without a bitmap.
//   kByPlug  gathered in the plug of the submitter, or without one submitted by raid1d (v3.6,
//            v5.10: they might have to wait for the bitmap)
//   kDirect  at once (md/raid1-10, v6.6 and stable releases of v6.1)
enum class MirrorWrites { kByPlug, kDirect };

struct Raid1Options {
  Sectors data_offset{0};
  MirrorWrites writes = MirrorWrites::kByPlug;
};

// Models: raid1_read_request(), read_balance() and raid1_write_request(), drivers/md/raid1.c, v5.10
// and v6.1, of an array that is in sync. Simplified: a mirror that fails stays in the array. A
// write has succeeded when one mirror has it, as in the kernel; an error of a read travels up.
class Raid1 final : public MdDevice {
 public:
  static constexpr std::size_t kMirrorsMax = 32;

  Raid1(engine::Machine& machine, const engine::Tracer& tracer, const StackedDeviceOptions& options,
        std::vector<BioTarget*> members, const Raid1Options& raid);

  [[nodiscard]] Sectors bio_sectors_max(Lba at) const override;

 protected:
  engine::Task<> take(TaskIo& io, Bio& bio) override;

 private:
  // What read_balance() knows of a mirror (struct raid1_info).
  struct Mirror {
    Lba head_position;
    Lba next_seq_sect;
    std::optional<Lba> seq_start;
    int pending = 0;  // nr_pending
  };
  // One bio of the array (struct r1bio).
  struct R1Bio final : BioEndIo {
    R1Bio(Raid1& of, Bio& bio) : array{of}, master{bio}, start{bio.sector}, length{bio.unit} {}
    void end_bio(Bio& made, BlkStatus status) override;
    Raid1& array;
    Bio& master;
    Lba start;
    Sectors length;
    int remaining = 0;
    bool any_good = false;
    BlkStatus status = BlkStatus::kOk;
    std::array<Bio*, kMirrorsMax> bios{};  // by mirror
  };
  // Writes of one plug (struct raid1_plug_cb).
  struct PluggedWrites final : PlugCallback {
    explicit PluggedWrites(Raid1& of) : array{of} {}
    engine::Task<> unplug(TaskIo& io) override;
    SimDuration unplug_from_schedule(TaskIo& io) override;
    Raid1& array;
    BioList pending;
  };

  engine::Task<> read(TaskIo& io, Bio& bio);
  engine::Task<> write(TaskIo& io, Bio& bio);
  [[nodiscard]] std::size_t read_balance(Lba sector) const;
  [[nodiscard]] bool is_long_sequence(const Mirror& mirror, const QueueLimits& limits) const;
  Bio& clone_for(R1Bio& r1_bio, std::size_t mirror);
  engine::Task<> issue_write(TaskIo& io, Bio& made);
  engine::Task<> issue(TaskIo& io, BioList& writes);
  void leave_to_thread(BioList& writes);
  void end_mirror(R1Bio& r1_bio, Bio& made, BlkStatus status);
  void put(R1Bio& r1_bio, int cpu);
  engine::Task<> raid1d(TaskIo& io);

  MirrorWrites writes_;
  std::vector<Mirror> mirrors_;
  SlabPool<R1Bio> r1_bios_;
  SlabPool<PluggedWrites> plugged_;
  BioList pending_;  // conf->pending_bio_list
  DeviceThread raid1d_;
};

}  // namespace wbsim::block
