// Writes of stripes: which way new parity is computed, and what has to be read for it.
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/stacking/raid5.hpp"

namespace wbsim::block {

// Reads what one of the two ways to new parity needs and the cache does not have, or, where the
// stripe may not read yet, has it wait for more writes. Returns how many blocks that is.
int Raid5::want_old_blocks(Stripe& stripe, State& state, bool read_modify_write) {
  int missing = 0;
  for (std::size_t i = stripe.blocks.size(); i-- > 0;) {
    StripeBlock& block = stripe.blocks[i];
    const bool parity = stripe.is_parity(i);
    const bool needed =
        read_modify_write ? parity || block.towrite != nullptr : !parity && !block.overwrite;
    if (!needed || block.locked || block.uptodate) {
      continue;
    }
    ++missing;
    if (stripe.preread_active) {
      want_read(block, state);
    } else {
      stripe.delayed = true;
    }
  }
  return missing;
}

// Models: handle_stripe_dirtying(): of the two ways the one that reads less; where they are alike,
// reconstruct-write unless rmw_level is 2.
SimDuration Raid5::dirty(Stripe& stripe, State& state) {
  if (stripe.reconstruct != Stripe::Reconstruct::kIdle) {
    return {};
  }
  int rmw = 0;
  int rcw = 0;
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    const StripeBlock& block = stripe.blocks[i];
    const bool parity = stripe.is_parity(i);
    if (block.locked || block.uptodate) {
      continue;
    }
    rmw += parity || block.towrite != nullptr ? 1 : 0;
    rcw += !parity && !block.overwrite ? 1 : 0;
  }
  if (raid_.rmw_level == 0) {
    rcw = 1;
    rmw = 2;
  }
  stripe.handle = true;
  const bool prefer_rmw = raid_.rmw_level == 2;
  if ((rmw < rcw || (rmw == rcw && prefer_rmw)) && rmw > 0) {
    want_old_blocks(stripe, state, true);
  }
  if ((rcw < rmw || (rcw == rmw && !prefer_rmw)) && rcw > 0) {
    rcw = want_old_blocks(stripe, state, false);
  }
  if (state.locked == 0 && (rcw == 0 || rmw == 0)) {
    return reconstruct(stripe, state, rcw == 0);
  }
  return {};
}

// Takes the new data in (ops_run_biodrain()). Returns the number of blocks.
std::int64_t Raid5::drain(Stripe& stripe) {
  std::int64_t blocks = 0;
  for (StripeBlock& block : stripe.blocks) {
    if (!std::exchange(block.want_drain, false)) {
      continue;
    }
    ++blocks;
    SIM_CHECK(block.written == nullptr);
    block.written = std::exchange(block.towrite, nullptr);
    block.overwrite = false;
    for (const StripeBio* each = block.written; each != nullptr; each = each->next) {
      block.want_fua |= each->bio->flags.fua;
      block.sync_io |= each->bio->flags.sync;
    }
  }
  clear_overlaps(stripe);
  return blocks;
}

// Models: schedule_reconstruction(), raid_run_ops() and ops_complete_reconstruct(): new parity from
// all data, or from the change of what is written.
SimDuration Raid5::reconstruct(Stripe& stripe, State& state, bool all_data) {
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    StripeBlock& block = stripe.blocks[i];
    if (block.towrite != nullptr && (all_data || block.uptodate)) {
      block.want_drain = block.locked = true;
      ++state.locked;
    }
  }
  if (state.locked == 0) {
    return {};  // a false alarm
  }
  const auto parities = static_cast<std::int64_t>(raid_.parities);
  const auto data = static_cast<std::int64_t>(layout_.data_members());
  if (all_data && state.locked == data && !stripe.full_write) {
    stripe.full_write = true;
    cache_.full_write_begins();
  }
  const std::int64_t drained = drain(stripe);
  ++(!all_data         ? raid_stats_.read_modify_writes
     : drained == data ? raid_stats_.full_writes
                       : raid_stats_.reconstruct_writes);
  bool fua = false;
  bool sync = false;
  for (const StripeBlock& block : stripe.blocks) {
    fua |= block.want_fua;
    sync |= block.sync_io;
  }
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    StripeBlock& block = stripe.blocks[i];
    if (stripe.is_parity(i) || block.written != nullptr) {
      block.locked = block.uptodate = true;
      block.want_fua |= fua;
      block.sync_io |= sync;
    }
  }
  stripe.reconstruct = Stripe::Reconstruct::kDone;
  const std::int64_t mixed = all_data ? data : 2 * drained;
  return costs().stripe_copy * drained + costs().stripe_xor * (mixed * parities);
}

}  // namespace wbsim::block
