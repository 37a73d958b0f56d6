#include "sim/block/bio_target.hpp"

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::BioStep;

Bio& BioTarget::new_bio() {
  Bio& bio = bios_.acquire();
  bio.end_cost = costs().page_complete;
  return bio;
}

void BioTarget::merge_run(TaskIo& /*io*/, Bio& /*run*/, SimDuration /*step*/) {
  SIM_UNREACHABLE();  // there was no room
}

engine::Task<> BioTarget::unplug(TaskIo& /*io*/) { co_return; }

Bio& BioTarget::split_off(Bio& bio, Sectors length) {
  Bio& part = bios_.acquire(bio);
  part.unit = length;
  part.chained_to = &bio;
  part.split_off = Sectors{0};
  part.end_cost = {};  // what was submitted ends once, with the last of its parts
  part.remaining = 1;
  part.accounted = false;
  bio.sector = bio.sector + length;
  bio.unit = bio.unit - length;
  bio.split_off += length;
  ++bio.remaining;
  return part;
}

// Models: bio_endio() with chained bios: the one that was submitted ends when all its parts have,
// with the first error among them.
void BioTarget::end_bio(Bio& bio, BlkStatus status, int cpu) {
  if (bio.status == BlkStatus::kOk) {
    bio.status = status;
  }
  if (--bio.remaining > 0) {
    return;
  }
  if (bio.accounted) {
    on_accounted_end(bio);
  }
  if (bio.is_part()) {
    Bio& submitted = *bio.chained_to;
    const BlkStatus of_part = bio.status;
    bios_.release(bio);
    end_bio(submitted, of_part, cpu);
    return;
  }
  bio.sector = bio.sector - bio.split_off;
  bio.unit += bio.split_off;
  bio.cpu = cpu;
  on_end(bio);
  bio.sector = bio.sector - bio.remapped;
  bio.end_io->end_bio(bio, bio.status);
  bios_.release(bio);
}

engine::BioTrace BioTarget::trace_of(const engine::Thread& thread, const Bio& bio,
                                     SimDuration pace) const {
  return {machine_.simulator().now(),
          thread.name(),
          device_index_,
          bio.sector,
          bio.unit,
          bio.flags,
          bio.count,
          pace};
}

void BioTarget::trace_split(const engine::Thread& thread, const Bio& rest, const Bio& part) const {
  if (tracer_.active()) {
    engine::BioTrace trace = trace_of(thread, rest);
    trace.from_sector = part.sector;
    emit_bio(BioStep::kSplit, trace);
  }
}

[[gnu::noinline]] void BioTarget::emit_bio(BioStep step, const engine::BioTrace& trace) const {
  tracer_.emit(&engine::Observer::on_bio, step, trace);
}

}  // namespace wbsim::block
