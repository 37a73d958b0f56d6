// Submission to md raid5: bios are added to stripes, which raid5d handles.
#include "sim/block/stacking/raid5.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::Task;

namespace {

Lba stripe_start(Lba sector) { return sector - (sector - Lba{0}) % kStripeSectors; }

}  // namespace

Raid5::Raid5(engine::Machine& machine, const engine::Tracer& tracer,
             const StackedDeviceOptions& options, std::vector<BioTarget*> members,
             const Raid5Options& raid)
    : MdDevice{machine, tracer, options, std::move(members), raid.data_offset},
      raid_{raid},
      layout_{StackedDevice::members().size(), raid.parities, raid.chunk, raid.member_size},
      cache_{*this,
             *this,
             layout_,
             {.members = StackedDevice::members().size(),
              .stripes = raid.stripe_cache_size,
              .bypass_threshold = raid.preread_bypass_threshold}},
      raid5d_{machine, options.name + (raid.parities == 2 ? "_raid6" : "_raid5"),
              options.first_pid + 1, thread_work<&Raid5::raid5d>(*this)} {}

std::size_t Raid5::in_flight() const {
  return MdDevice::in_flight() + static_cast<std::size_t>(cache_.active());
}

Task<> Raid5::take(TaskIo& io, Bio& bio) {
  return bio.flags.write ? write(io, bio) : read_chunk(io, bio);
}

// Models: chunk_aligned_read(): reads of an array without failed members pass by the stripe cache.
Task<> Raid5::read_chunk(TaskIo& io, Bio& bio) {
  const Sectors left = raid_.chunk - (bio.sector - Lba{0}) % raid_.chunk;
  Bio& piece = *co_await keep(io, bio, left);
  accounting_.begin_piece(piece);
  co_await io.thread().run(costs().bio_remap + options_.trace.bio_remap);
  const ParityLayout::Place place = layout_.place(piece.sector);
  BioTarget& member = *members()[place.member];
  Bio& made = clone(member, piece, on_member(place.sector));
  co_await submit_remapped(io, member, made, piece.sector);
}

// Models: raid5_bio_lowest_chunk_sector(): where the bio goes on into the chunk of the next member
// of the same row, that chunk's begin is lower on the members than the begin of the bio.
Lba Raid5::lowest_sector(const Bio& bio) const {
  const Lba first = stripe_start(bio.sector);
  const Sectors left = raid_.chunk - (first - Lba{0}) % raid_.chunk;
  const ParityLayout::Place place = layout_.place(first);
  const ParityLayout::Row row = layout_.row(place.sector);
  std::size_t next = place.member + 1;
  while (next == row.p || next == row.q) {
    ++next;
  }
  return left >= bio.unit || next >= layout_.members() ? first : first + left;
}

Task<> Raid5::write(TaskIo& io, Bio& bio) {
  accounting_.begin_piece(bio);
  Visit visit{.first = stripe_start(bio.sector), .end = bio.end(), .to_do = {}};
  const auto blocks = static_cast<std::size_t>(
      (visit.end - visit.first + kStripeSectors - Sectors{1}) / kStripeSectors);
  SIM_CHECK(blocks <= visit.to_do.size());
  for (std::size_t i = 0; i < blocks; ++i) {
    visit.to_do.set(i);
  }
  const bool by_stripe = raid_.visit == StripeVisit::kByStripe;
  const Lba start = by_stripe ? lowest_sector(bio) : visit.first;
  auto at = static_cast<std::size_t>((start - visit.first) / kStripeSectors);
  while (visit.to_do.any()) {
    while (!visit.to_do.test(at)) {
      at = (at + 1) % blocks;
    }
    const Lba sector = visit.first + kStripeSectors * static_cast<std::int64_t>(at);
    co_await io.thread().run(costs().stripe_add);
    Stripe& stripe = *co_await cache_.get(io.thread(), layout_.place(sector).sector);
    if (add_to_stripe(stripe, bio, sector, visit)) {
      stripe.handle = true;
      stripe.delayed = false;
      if (bio.flags.sync) {
        cache_.begin_preread(stripe);
      }
      release_to_plug(io, stripe);
      continue;
    }
    wake_raid5d();
    cache_.release(stripe);
    co_await wait_for_overlap_.wait(io.thread());
    co_await io.thread().run(costs().sleeper_wake);
  }
  BioTarget::end_bio(bio, BlkStatus::kOk, io.thread().cpu_index());
}

// Models: add_stripe_bio() (v5.10), add_all_stripe_bios() (v6.0). False, and nothing added, where
// other writes of the same sectors wait.
bool Raid5::add_to_stripe(Stripe& stripe, Bio& bio, Lba sector, Visit& visit) {
  const auto takes = [&](std::size_t i) {
    const StripeBlock& block = stripe.blocks[i];
    if (stripe.is_parity(i)) {
      return false;
    }
    return raid_.visit == StripeVisit::kByStripe
               ? block.sector >= visit.first && block.sector < visit.end
               : block.sector == sector;
  };
  bool free = true;
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    if (takes(i) && overlaps(stripe.blocks[i], bio)) {
      stripe.blocks[i].overlap = true;
      free = false;
    }
  }
  if (!free) {
    return false;
  }
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    if (takes(i)) {
      StripeBlock& block = stripe.blocks[i];
      add_to_block(block, bio);
      visit.to_do.reset(static_cast<std::size_t>((block.sector - visit.first) / kStripeSectors));
    }
  }
  return true;
}

// Models: stripe_bio_overlaps().
bool Raid5::overlaps(const StripeBlock& block, const Bio& bio) {
  for (const StripeBio* each = block.towrite; each != nullptr; each = each->next) {
    if (each->bio->sector < bio.end() && bio.sector < each->bio->end()) {
      return true;
    }
  }
  return false;
}

// Models: __add_stripe_bio().
void Raid5::add_to_block(StripeBlock& block, Bio& bio) {
  StripeBio** place = &block.towrite;
  while (*place != nullptr && (*place)->bio->sector < bio.sector) {
    place = &(*place)->next;
  }
  StripeBio& added = stripe_bios_.acquire();
  added.bio = &bio;
  added.next = *place;
  *place = &added;
  ++bio.remaining;
  Lba covered = block.sector;
  for (const StripeBio* each = block.towrite; each != nullptr && each->bio->sector <= covered;
       each = each->next) {
    covered = std::max(covered, each->bio->end());
  }
  block.overwrite = covered >= block.sector + kStripeSectors;
}

// Models: release_stripe_plug().
void Raid5::release_to_plug(TaskIo& io, Stripe& stripe) {
  Plug* plug = io.plug();
  if (plug == nullptr || stripe.on_unplug_list) {
    cache_.release(stripe);
    return;
  }
  PlugCallback* callback = plug->callback_of(this);
  if (callback == nullptr) {
    callback = &plugged_.acquire(*this);
    plug->add_callback(*callback, this);
  }
  stripe.on_unplug_list = true;
  static_cast<PluggedStripes*>(callback)->stripes.push_back(stripe);
}

// Models: raid5_unplug().
void Raid5::release_plugged(PluggedStripes& plugged, const engine::Thread& thread,
                            bool from_schedule) {
  int count = 0;
  for (; !plugged.stripes.empty(); ++count) {
    Stripe& stripe = plugged.stripes.front();
    plugged.stripes.pop_front();
    stripe.on_unplug_list = false;
    cache_.release(stripe);
  }
  plugged_.release(plugged);
  if (tracer_.active()) {
    const engine::UnplugTrace trace{thread.now(), thread.name(), count, from_schedule};
    tracer_.emit(&engine::Observer::on_unplug, trace);
  }
}

Task<> Raid5::PluggedStripes::unplug(TaskIo& io) {
  array.release_plugged(*this, io.thread(), false);
  return {};
}

SimDuration Raid5::PluggedStripes::unplug_from_schedule(TaskIo& io) {
  array.release_plugged(*this, io.thread(), true);
  return {};
}

}  // namespace wbsim::block
