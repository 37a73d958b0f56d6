#include "sim/block/stacking/partition.hpp"

#include "sim/base/check.hpp"
#include "sim/block/stacking/stack_limits.hpp"

namespace wbsim::block {

Partition::Partition(engine::Machine& machine, const engine::Tracer& tracer, BioTarget& whole,
                     const PartitionOptions& options)
    : BioTarget{machine, tracer, options.device, partition_limits(whole.limits(), options.start),
                whole.bio_runs()},
      whole_{whole},
      options_{options},
      number_{whole.add_partition(options.start, options.length)} {}

int Partition::add_partition(Lba /*start*/, Sectors /*length*/) {
  SIM_UNREACHABLE();  // a partition is of a disk
}

engine::DiskStats Partition::disk_stats(int /*part*/) const {
  if (options_.disk_stats != DiskStatsRules::kV2_6_18) {
    return whole_.disk_stats(number_);
  }
  const auto told = [](const PartStats::Group& group) {
    return engine::DiskStatsGroup{.ios = group.ios, .sectors = group.sectors.count()};
  };
  return {.read = told(counted_[0]), .write = told(counted_[1]), .flush = {}};
}

void Partition::move(Bio& bio, const engine::Thread& thread, SimDuration pace) {
  bio.part = static_cast<std::uint16_t>(number_);
  if (bio.unit == Sectors{0}) {
    return;
  }
  PartStats::Group& counted = counted_[bio.flags.write ? 1 : 0];
  counted.ios += bio.count;
  counted.sectors += bio.length();
  const Lba from = bio.sector;
  bio.sector = moved(from);
  bio.remapped += options_.start - Lba{0};
  if (tracer_.active()) {
    engine::BioTrace trace = trace_of(thread, bio, pace);
    trace.device = whole_.device_index();
    trace.from_device = device_index();
    trace.from_sector = from;
    emit_bio(engine::BioStep::kRemap, trace);
  }
}

void Partition::merge_run(TaskIo& io, Bio& run, SimDuration step) {
  move(run, io.thread(), step);
  whole_.merge_run(io, run, step);
}

BioTarget& Partition::remap(Bio& bio, const engine::Thread& thread) {
  move(bio, thread, SimDuration{});
  return whole_.remap(bio, thread);
}

}  // namespace wbsim::block
