// Queue limits of devices on top of others (block/blk-settings.c).
#pragma once

#include "sim/base/units.hpp"
#include "sim/block/queue_limits.hpp"

namespace wbsim::block {

// blk_set_stacking_limits(): what a device has before its members are known, everything allowed.
[[nodiscard]] QueueLimits stacking_limits();

// Models: blk_stack_limits() and blk_queue_flag of what is inherited, v5.10 and v6.1: takes the
// limits of a member into `top`, whose data begins `start` sectors into the member. Marks `top` as
// misaligned where its blocks do not line up with the member's.
void stack_limits(QueueLimits& top, const QueueLimits& bottom, Sectors start);

// Of a partition that begins at `start`: those of the device with the alignment of its first byte.
[[nodiscard]] QueueLimits partition_limits(const QueueLimits& whole, Lba start);

// Models: blk_queue_update_readahead() (v5.10), disk_update_readahead() (v6.1): the window of
// readahead is at least twice the optimal I/O.
[[nodiscard]] Pages stacked_readahead(const QueueLimits& limits);

}  // namespace wbsim::block
