#include "sim/block/stacking/raid0.hpp"

#include <algorithm>
#include <utility>

namespace wbsim::block {

using engine::Task;

Raid0::Raid0(engine::Machine& machine, const engine::Tracer& tracer,
             const StackedDeviceOptions& options, std::vector<BioTarget*> members,
             const Raid0Options& raid)
    : MdDevice{machine, tracer, options, std::move(members), raid.data_offset},
      map_{raid.member_sizes, raid.chunk, raid.layout} {}

Sectors Raid0::bio_sectors_max(Lba at) const {
  if (options_.order == StackOrder::kDepthFirst) {
    return MdDevice::bio_sectors_max(at);
  }
  const Extent extent = map_.map(at);
  const BioTarget& member = *members()[extent.member];
  return std::min(extent.left, member.bio_sectors_max(on_member(extent.sector)));
}

Task<> Raid0::take(TaskIo& io, Bio& bio) {
  const Extent extent = map_.map(bio.sector);
  Bio& piece = *co_await keep(io, bio, extent.left);
  if (&piece == &bio) {
    accounting_.begin_piece(piece);  // v6.1 leaves out what raid0 splits off
  }
  co_await io.thread().run(costs().bio_remap + options_.trace.bio_remap);
  BioTarget& member = *members()[extent.member];
  Bio& made = clone(member, piece, on_member(extent.sector));
  co_await submit_remapped(io, member, made, piece.sector);
}

}  // namespace wbsim::block
