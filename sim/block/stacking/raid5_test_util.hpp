// For the tests of md raid5 and raid6: an array over four test devices.
#pragma once

#include <memory>

#include "sim/block/stacking/raid5.hpp"
#include "sim/block/stacking/stack_test_util.hpp"

namespace wbsim::block {

// Chunks of 16 sectors, two stripes each. Row 0 (sectors 0 to 15 of the members): data on members
// 0, 1, 2, parity on 3. Plug merging is off, so that each block is one command.
inline Raid5Options raid5_options() {
  return {.chunk = Sectors{16}, .member_size = Sectors{1 << 16}};
}

inline StackRigOptions four_members() { return {.members = 4, .plug_merging = false}; }

struct Raid5Rig {
  explicit Raid5Rig(Raid5Options raid = raid5_options(), StackRigOptions options = four_members())
      : rig{options}, top{rig.raid5(raid)} {}
  void run(const IoScript& script) {
    rig.task(script, *top);
    rig.run();
  }
  [[nodiscard]] bool drained() const { return rig.drained(*top); }

  StackRig rig;
  std::unique_ptr<Raid5> top;
};

}  // namespace wbsim::block
