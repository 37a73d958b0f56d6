#include "sim/block/stacking/dm_device.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::block {

using engine::Task;

DmDevice::DmDevice(engine::Machine& machine, const engine::Tracer& tracer,
                   const StackedDeviceOptions& options, std::vector<BioTarget*> members,
                   std::unique_ptr<AddressMap> map, DmPiece piece)
    : StackedDevice{machine, tracer, options, std::move(members), BioDriver::kDeviceMapper},
      map_{std::move(map)},
      piece_{piece},
      worker_{machine, "kdmflush/" + options.name, options.first_pid,
              thread_work<&DmDevice::run_deferred>(*this)} {}

// Models: dm_merge_bvec(), v3.6: bios are built so that they need not be split.
Sectors DmDevice::bio_sectors_max(Lba at) const {
  if (options_.order == StackOrder::kDepthFirst) {
    return StackedDevice::bio_sectors_max(at);
  }
  const Extent extent = map_->map(at);
  return std::min(extent.left, members()[extent.member]->bio_sectors_max(extent.sector));
}

Task<> DmDevice::make_request(TaskIo& io, Bio& bio) {
  if (bio.flags.preflush) {
    co_await flush_members(io, bio);
    co_return;
  }
  const Extent extent = map_->map(bio.sector);
  const Sectors most = piece_ == DmPiece::kChunk
                           ? std::min(extent.left, max_sectors_at(bio.sector, limits()))
                           : extent.left;
  Bio& piece = *co_await keep(io, bio, most);
  accounting_.begin_piece(piece);
  co_await io.thread().run(costs().bio_remap + options_.trace.bio_remap);
  BioTarget& member = *members()[extent.member];
  Bio& made = clone(member, piece, extent.sector);
  co_await submit_remapped(io, member, made, piece.sector);
}

Task<> DmDevice::flush_members(TaskIo& io, Bio& bio) {
  FlushIo& flush = flushes_.acquire(*this, bio);
  flush.began = accounting_.begin_flush(bio);
  for (BioTarget* member : members()) {
    co_await io.thread().run(costs().bio_remap);
    Bio& empty = member->new_bio();
    empty.flags = {.write = true, .preflush = true, .sync = true};
    empty.end_io = &flush;
    ++flush.pending;
    co_await submit_below(io, *member, empty);
  }
  end_flush(flush, io.thread().cpu_index());
}

void DmDevice::FlushIo::end_bio(Bio& flush, BlkStatus status) {
  if (bio.status == BlkStatus::kOk) {
    bio.status = status;
  }
  device.end_flush(*this, flush.cpu);
}

void DmDevice::end_flush(FlushIo& flush, int cpu) {
  if (--flush.pending > 0) {
    return;
  }
  Bio& bio = flush.bio;
  accounting_.end_flush(flush.began);
  flushes_.release(flush);
  if (bio.unit == Sectors{0}) {
    BioTarget::end_bio(bio, BlkStatus::kOk, cpu);
    return;
  }
  bio.flags.preflush = false;
  deferred_.push_back(bio);
  worker_.wake();
}

// Models: dm_wq_work().
Task<> DmDevice::run_deferred(TaskIo& io) {
  while (Bio* bio = deferred_.pop_front()) {
    co_await submit_again(io, *bio);
  }
}

}  // namespace wbsim::block
