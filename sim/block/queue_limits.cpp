#include "sim/block/queue_limits.hpp"

namespace wbsim::block {

Sectors discard_in_limits(const Bio& bio, const QueueLimits& limits) {
  const Sectors granularity = std::max(sectors_floor(limits.discard_granularity), Sectors{1});
  const Sectors most = limits.max_discard_sectors - limits.max_discard_sectors % granularity;
  if (most == Sectors{0} || bio.unit <= most) {
    return bio.unit;
  }
  const Sectors alignment = sectors_floor(limits.discard_alignment) % granularity;
  const Sectors beyond = (bio.sector + most - alignment - Lba{0}) % granularity;
  return most > beyond ? most - beyond : most;
}

}  // namespace wbsim::block
