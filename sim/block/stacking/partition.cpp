#include "sim/block/stacking/partition.hpp"

#include "sim/block/stacking/stack_limits.hpp"

namespace wbsim::block {

Partition::Partition(engine::Machine& machine, const engine::Tracer& tracer, int device,
                     BioTarget& whole, Lba start)
    : BioTarget{machine, tracer, device, partition_limits(whole.limits(), start), whole.bio_runs()},
      whole_{whole},
      start_{start} {}

void Partition::move(Bio& bio, const engine::Thread& thread, SimDuration pace) {
  const Lba from = bio.sector;
  bio.sector = moved(from);
  bio.remapped += start_ - Lba{0};
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
