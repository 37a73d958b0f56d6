// md raid0: chunks in turn over members that need not have the same size.
#pragma once

#include <vector>

#include "sim/block/stacking/address_map.hpp"
#include "sim/block/stacking/md_device.hpp"

namespace wbsim::block {

struct Raid0Options {
  Sectors chunk{1024};
  Sectors data_offset{0};
  ZoneLayout layout = ZoneLayout::kOriginal;
  std::vector<Sectors> member_sizes;  // of their data
};

// Models: raid0_make_request(), drivers/md/raid0.c, v5.10 (and v6.1, where later stable releases
// submit the part behind the end of the chunk first).
class Raid0 final : public MdDevice {
 public:
  Raid0(engine::Machine& machine, const engine::Tracer& tracer, const StackedDeviceOptions& options,
        std::vector<BioTarget*> members, const Raid0Options& raid);

  // raid0_mergeable_bvec(), v3.6.
  [[nodiscard]] Sectors bio_sectors_max(Lba at) const override;

 protected:
  engine::Task<> take(TaskIo& io, Bio& bio) override;

 private:
  ZonedStripeMap map_;
};

}  // namespace wbsim::block
