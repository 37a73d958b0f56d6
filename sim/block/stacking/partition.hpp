// A partition: a range of a device under a name of its own, and nothing more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sim/block/bio.hpp"
#include "sim/block/bio_target.hpp"
#include "sim/block/part_stats.hpp"
#include "sim/block/plug.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

struct PartitionOptions {
  int device = 0;  // index, for traces
  Lba start;       // on the whole device
  Sectors length;
  DiskStatsRules disk_stats = DiskStatsRules::kV6_1;
};

// Models: blk_partition_remap(), block/blk-core.c, v5.10 and v6.1, and before: a bio is moved by
// the start of the partition and from then on one of the whole device, whose queue and limits it
// meets. One without data stays where it is.
class Partition final : public BioTarget {
 public:
  Partition(engine::Machine& machine, const engine::Tracer& tracer, BioTarget& whole,
            const PartitionOptions& options);

  [[nodiscard]] Lba start() const { return options_.start; }
  // What goes on is counted in the whole device.
  [[nodiscard]] std::size_t in_flight() const override { return 0; }
  [[nodiscard]] int in_device() const override { return 0; }
  [[nodiscard]] SimDuration device_busy() const override { return {}; }
  int add_partition(Lba start, Sectors length) override;
  // `part`: 0.
  [[nodiscard]] engine::DiskStats disk_stats(int part) const override;

  Bio& new_bio() override { return whole_.new_bio(); }
  [[nodiscard]] Sectors bio_sectors_max(Lba at) const override {
    return whole_.bio_sectors_max(moved(at));
  }
  [[nodiscard]] std::int64_t merge_room(const TaskIo& io, Lba sector, Sectors unit,
                                        std::int64_t wanted) const override {
    return whole_.merge_room(io, moved(sector), unit, wanted);
  }
  void merge_run(TaskIo& io, Bio& run, SimDuration step) override;
  [[nodiscard]] SimDuration merge_trace_cost() const override { return whole_.merge_trace_cost(); }
  [[nodiscard]] bool follows_plug(const TaskIo& io, Lba sector) const override {
    return whole_.follows_plug(io, moved(sector));
  }
  engine::Task<> submit_bio(TaskIo& io, Bio& bio) override {
    return remap(bio, io.thread()).submit_bio(io, bio);
  }
  [[nodiscard]] bool is_plugged() const override { return whole_.is_plugged(); }
  engine::Task<> unplug(TaskIo& io) override { return whole_.unplug(io); }
  [[nodiscard]] bool write_congested() const override { return whole_.write_congested(); }
  [[nodiscard]] bool is_bio_based() const override { return whole_.is_bio_based(); }
  BioTarget& remap(Bio& bio, const engine::Thread& thread) override;

 private:
  [[nodiscard]] Lba moved(Lba sector) const { return sector + (options_.start - Lba{0}); }
  void move(Bio& bio, const engine::Thread& thread, SimDuration pace);

  BioTarget& whole_;
  PartitionOptions options_;
  int number_;                               // among those of the device
  std::array<PartStats::Group, 2> counted_;  // v2.6.18: reads, writes
};

}  // namespace wbsim::block
