// Handling of stripes by raid5d.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/stacking/raid5.hpp"

namespace wbsim::block {

using engine::Task;

namespace {
constexpr std::size_t kStripeBatchMax = 8;  // MAX_STRIPE_BATCH
constexpr std::size_t kAllOverlaps = std::numeric_limits<std::size_t>::max();
}  // namespace

Task<> Raid5::raid5d(TaskIo& io) {
  io.start_plug();
  int handled = 0;
  do {
    cache_.activate_delayed();
    handled = co_await handle_active_stripes(io);
  } while (handled > 0);
  cache_.grow_if_asked();
  co_await io.finish_plug();
}

Task<int> Raid5::handle_active_stripes(TaskIo& io) {
  std::array<Stripe*, kStripeBatchMax> batch{};
  std::size_t size = 0;
  while (size < batch.size()) {
    Stripe* stripe = cache_.next_to_handle();
    if (stripe == nullptr) {
      break;
    }
    batch[size++] = stripe;
  }
  for (std::size_t i = 0; i < size; ++i) {
    co_await handle_stripe(io, *batch[i]);
  }
  co_await io.thread().cond_resched();
  for (std::size_t i = 0; i < size; ++i) {
    cache_.release(*batch[i]);
  }
  co_return static_cast<int>(size);
}

Raid5::State Raid5::analyse(const Stripe& stripe) {
  State state;
  for (const StripeBlock& block : stripe.blocks) {
    state.locked += block.locked ? 1 : 0;
    state.to_write += block.towrite != nullptr ? 1 : 0;
    state.non_overwrite += block.towrite != nullptr && !block.overwrite ? 1 : 0;
    state.written += block.written != nullptr ? 1 : 0;
  }
  return state;
}

bool Raid5::parity_is_written(const Stripe& stripe) {
  const auto is_written = [&stripe](std::size_t member) {
    return !stripe.blocks[member].locked && stripe.blocks[member].uptodate;
  };
  return is_written(stripe.row.p) &&
         (stripe.row.q == ParityLayout::kNoMember || is_written(stripe.row.q));
}

// What is decided and computed is so at one instant; the CPU time follows, then the I/O.
Task<> Raid5::handle_stripe(TaskIo& io, Stripe& stripe) {
  stripe.handle = false;
  stripe.delayed = false;
  const int cpu = io.thread().cpu_index();
  SimDuration cost = costs().stripe_handle;
  State state = analyse(stripe);
  bool preread_ended = false;
  if (stripe.status != BlkStatus::kOk) {
    if (state.locked == 0) {
      cost += fail_stripe(stripe, cpu);
    }
    co_await io.thread().run(cost);
    co_return;
  }
  if (stripe.reconstruct == Stripe::Reconstruct::kDone) {
    stripe.reconstruct = Stripe::Reconstruct::kIdle;
    want_writes(stripe);
    preread_ended = std::exchange(stripe.preread_active, false);
  }
  if (state.written > 0 && parity_is_written(stripe)) {
    cost += clean_event(stripe, cpu);
  }
  if (state.non_overwrite > 0) {
    fill(stripe, state);
  }
  if (state.to_write > 0) {
    cost += dirty(stripe, state);
  }
  co_await io.thread().run(cost);
  co_await run_io(io, stripe);
  if (preread_ended) {
    cache_.end_preread();
  }
}

// Parity is computed: it is written, and the data that it is of.
void Raid5::want_writes(Stripe& stripe) {
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    StripeBlock& block = stripe.blocks[i];
    block.want_write = block.locked && (stripe.is_parity(i) || block.written != nullptr);
  }
}

// Bios that wait in `list` have what they wanted of this block. Returns the CPU time of the ends of
// those that wait for nothing else.
SimDuration Raid5::return_bios(StripeBio*& list, BlkStatus status, int cpu) {
  SimDuration cost{};
  while (list != nullptr) {
    StripeBio& first = *list;
    list = first.next;
    Bio& bio = *first.bio;
    stripe_bios_.release(first);
    if (bio.remaining == 1) {
      cost += bio.end_cost;
    }
    BioTarget::end_bio(bio, status, cpu);
  }
  return cost;
}

// Models: handle_stripe_clean_event().
SimDuration Raid5::clean_event(Stripe& stripe, int cpu) {
  SimDuration cost{};
  for (std::size_t i = stripe.blocks.size(); i-- > 0;) {
    StripeBlock& block = stripe.blocks[i];
    if (block.written != nullptr && !block.locked && block.uptodate) {
      cost += return_bios(block.written, BlkStatus::kOk, cpu);
    }
  }
  if (stripe.full_write) {
    stripe.full_write = false;
    cache_.full_write_ends();
  }
  return cost;
}

// Models: handle_failed_stripe(). Nothing of the stripe is known any more.
SimDuration Raid5::fail_stripe(Stripe& stripe, int cpu) {
  const BlkStatus status = std::exchange(stripe.status, BlkStatus::kOk);
  stripe.reconstruct = Stripe::Reconstruct::kIdle;
  SimDuration cost{};
  for (StripeBlock& block : stripe.blocks) {
    block.uptodate = block.overwrite = false;
    cost += return_bios(block.towrite, status, cpu);
    cost += return_bios(block.written, status, cpu);
  }
  clear_overlaps(stripe);
  if (stripe.full_write) {
    stripe.full_write = false;
    cache_.full_write_ends();
  }
  return cost;
}

void Raid5::clear_overlaps(Stripe& stripe) {
  for (StripeBlock& block : stripe.blocks) {
    if (std::exchange(block.overlap, false)) {
      wait_for_overlap_.wake(kAllOverlaps);
    }
  }
}

void Raid5::want_read(StripeBlock& block, State& state) {
  block.locked = true;
  block.want_read = true;
  ++state.locked;
  ++raid_stats_.preread_blocks;
}

// Models: handle_stripe_fill() and need_this_block() of an array without failed members: a block
// that is written in part is read at once.
void Raid5::fill(Stripe& stripe, State& state) {
  if (stripe.reconstruct != Stripe::Reconstruct::kIdle) {
    return;
  }
  for (std::size_t i = stripe.blocks.size(); i-- > 0;) {
    StripeBlock& block = stripe.blocks[i];
    if (!block.locked && !block.uptodate && block.towrite != nullptr && !block.overwrite) {
      want_read(block, state);
    }
  }
  stripe.handle = true;
}

// Models: ops_run_io(), from the last member to the first.
Task<> Raid5::run_io(TaskIo& io, Stripe& stripe) {
  for (std::size_t i = stripe.blocks.size(); i-- > 0;) {
    StripeBlock& block = stripe.blocks[i];
    const bool write = std::exchange(block.want_write, false);
    const bool read = std::exchange(block.want_read, false);
    if (!write && !read) {
      continue;
    }
    stripe.io_started = true;
    BioTarget& member = *members()[i];
    Bio& bio = member.new_bio();
    bio.sector = on_member(stripe.sector);
    bio.unit = kStripeSectors;
    bio.flags = {.write = write,
                 .fua = write && std::exchange(block.want_fua, false),
                 .sync = std::exchange(block.sync_io, false)};
    for (const StripeBio* each = block.written; write && each != nullptr; each = each->next) {
      bio.writes.first = each == block.written
                             ? each->bio->writes.first
                             : std::min(bio.writes.first, each->bio->writes.first);
      bio.writes.last = std::max(bio.writes.last, each->bio->writes.last);
    }
    bio.end_io = &block;
    ++stripe.count;
    co_await io.thread().run(costs().bio_remap + options_.trace.bio_remap);
    co_await submit_remapped(io, member, bio, block.sector);
  }
}

void StripeBlock::end_bio(Bio& bio, BlkStatus status) {
  stripe->array.end_block(*this, bio, status);
}

// Models: raid5_end_read_request(), raid5_end_write_request().
void Raid5::end_block(StripeBlock& block, const Bio& bio, BlkStatus status) {
  Stripe& stripe = *block.stripe;
  block.locked = false;
  if (status != BlkStatus::kOk) {
    stripe.status = status;
  } else if (!bio.flags.write) {
    block.uptodate = true;
  }
  stripe.handle = true;
  cache_.note_ended();
  cache_.release(stripe);
}

}  // namespace wbsim::block
