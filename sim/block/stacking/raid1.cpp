#include "sim/block/stacking/raid1.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::Task;

namespace {

constexpr Sectors kBarrierUnit{1 << 17};  // BARRIER_UNIT_SECTOR_SIZE: 64 MiB

Sectors distance(Lba a, Lba b) { return a < b ? b - a : a - b; }

}  // namespace

Raid1::Raid1(engine::Machine& machine, const engine::Tracer& tracer,
             const StackedDeviceOptions& options, std::vector<BioTarget*> members,
             const Raid1Options& raid)
    : MdDevice{machine, tracer, options, std::move(members), raid.data_offset},
      writes_{raid.writes},
      mirrors_(StackedDevice::members().size()),
      raid1d_{machine, options.name + "_raid1", options.first_pid + 1,
              thread_work<&Raid1::raid1d>(*this)} {
  SIM_CHECK(mirrors_.size() <= kMirrorsMax);
}

// raid1_mergeable_bvec(), v3.6.
Sectors Raid1::bio_sectors_max(Lba at) const {
  Sectors most = MdDevice::bio_sectors_max(at);
  if (options_.order == StackOrder::kBreadthFirst) {
    for (const BioTarget* member : members()) {
      most = std::min(most, member->bio_sectors_max(on_member(at)));
    }
  }
  return most;
}

// Models: align_to_barrier_unit_end(): no bio crosses a unit of the resync barrier.
Task<> Raid1::take(TaskIo& io, Bio& bio) {
  const Sectors left = kBarrierUnit - (bio.sector - Lba{0}) % kBarrierUnit;
  Bio& piece = *co_await keep(io, bio, left);
  accounting_.begin_piece(piece);
  if (piece.flags.write) {
    co_await write(io, piece);
  } else {
    co_await read(io, piece);
  }
}

// True when a sequence of reads has been on the mirror for longer than its optimal I/O.
bool Raid1::is_long_sequence(const Mirror& mirror, const QueueLimits& limits) const {
  const Sectors optimal = sectors_floor(limits.io_opt);
  return !limits.rotational && optimal > Sectors{0} && mirror.seq_start &&
         mirror.next_seq_sect - Lba{0} > optimal &&
         mirror.next_seq_sect - optimal >= *mirror.seq_start;
}

// A read that continues an earlier one stays with its mirror; any other goes where least is
// pending, if one of the mirrors has no head to move, or one is idle; else where the head is
// nearest.
std::size_t Raid1::read_balance(Lba sector) const {
  constexpr std::size_t kNone = kMirrorsMax;
  std::size_t sequential = kNone;
  std::size_t nearest = kNone;
  std::size_t least_pending = kNone;
  Sectors nearest_distance{std::numeric_limits<std::int64_t>::max()};
  int pending_min = std::numeric_limits<int>::max();
  bool any_without_head = false;
  bool choose_next_idle = false;
  for (std::size_t disk = 0; disk < mirrors_.size(); ++disk) {
    const Mirror& mirror = mirrors_[disk];
    const QueueLimits& limits = members()[disk]->limits();
    any_without_head |= !limits.rotational;
    const Sectors away = distance(sector, mirror.head_position);
    if (mirror.next_seq_sect == sector || away == Sectors{0}) {
      sequential = disk;
      if (!is_long_sequence(mirror, limits)) {
        break;
      }
      choose_next_idle = true;
      continue;
    }
    if (choose_next_idle) {
      continue;
    }
    if (mirror.pending < pending_min) {
      pending_min = mirror.pending;
      least_pending = disk;
    }
    if (away < nearest_distance) {
      nearest_distance = away;
      nearest = disk;
    }
  }
  if (sequential != kNone) {
    return sequential;
  }
  return any_without_head || pending_min == 0 ? least_pending : nearest;
}

Bio& Raid1::clone_for(R1Bio& r1_bio, std::size_t mirror) {
  const engine::RwbsFlags& flags = r1_bio.master.flags;
  Bio& made = clone(*members()[mirror], r1_bio.master, on_member(r1_bio.start));
  made.flags = {.write = flags.write, .fua = flags.fua, .sync = flags.sync};
  made.end_io = &r1_bio;
  made.end_cost = {};
  r1_bio.bios[mirror] = &made;
  ++r1_bio.remaining;
  ++mirrors_[mirror].pending;
  return made;
}

Task<> Raid1::read(TaskIo& io, Bio& bio) {
  co_await io.thread().run(costs().bio_remap + options_.trace.bio_remap);
  R1Bio& r1_bio = r1_bios_.acquire(*this, bio);
  const std::size_t disk = read_balance(bio.sector);
  Mirror& mirror = mirrors_[disk];
  if (mirror.next_seq_sect != bio.sector) {
    mirror.seq_start = bio.sector;
  }
  mirror.next_seq_sect = bio.end();
  Bio& made = clone_for(r1_bio, disk);
  made.end_cost = bio.end_cost;
  co_await submit_remapped(io, *members()[disk], made, bio.sector);
}

// The last mirror's bio carries what the end of the array's costs.
Task<> Raid1::write(TaskIo& io, Bio& bio) {
  R1Bio& r1_bio = r1_bios_.acquire(*this, bio);
  r1_bio.remaining = 1;
  for (std::size_t disk = 0; disk < mirrors_.size(); ++disk) {
    co_await io.thread().run(costs().bio_remap + options_.trace.bio_remap);
    Bio& made = clone_for(r1_bio, disk);
    made.target = members()[disk];
    if (disk + 1 == mirrors_.size()) {
      made.end_cost = bio.end_cost;
    }
    trace_remap(io.thread(), *made.target, made, bio.sector);
    co_await issue_write(io, made);
  }
  put(r1_bio, io.thread().cpu_index());
}

Task<> Raid1::issue_write(TaskIo& io, Bio& made) {
  if (writes_ == MirrorWrites::kDirect) {
    return submit_below(io, *made.target, made);
  }
  if (Plug* plug = io.plug()) {
    PlugCallback* callback = plug->callback_of(this);
    if (callback == nullptr) {
      callback = &plugged_.acquire(*this);
      plug->add_callback(*callback, this);
    }
    static_cast<PluggedWrites*>(callback)->pending.push_back(made);
  } else {
    pending_.push_back(made);
    raid1d_.wake();
  }
  return {};
}

// Models: flush_bio_list().
Task<> Raid1::issue(TaskIo& io, BioList& writes) {
  while (Bio* bio = writes.pop_front()) {
    co_await submit_below(io, *bio->target, *bio);
  }
}

void Raid1::leave_to_thread(BioList& writes) {
  pending_.append(writes);
  raid1d_.wake();
}

Task<> Raid1::PluggedWrites::unplug(TaskIo& io) {
  Raid1& raid = array;
  BioList writes;
  writes.append(pending);
  raid.plugged_.release(*this);
  if (io.bio_list() != nullptr) {
    raid.leave_to_thread(writes);
  } else {
    co_await raid.issue(io, writes);
  }
}

SimDuration Raid1::PluggedWrites::unplug_from_schedule(TaskIo& /*io*/) {
  Raid1& raid = array;
  raid.leave_to_thread(pending);
  raid.plugged_.release(*this);
  return {};
}

Task<> Raid1::raid1d(TaskIo& io) {
  io.start_plug();
  while (!pending_.empty()) {
    BioList writes;
    writes.append(pending_);
    co_await issue(io, writes);
  }
  co_await io.finish_plug();
}

void Raid1::R1Bio::end_bio(Bio& made, BlkStatus ended) { array.end_mirror(*this, made, ended); }

// Models: raid1_end_read_request(), raid1_end_write_request() and raid_end_bio_io().
void Raid1::end_mirror(R1Bio& r1_bio, Bio& made, BlkStatus status) {
  const auto found = std::find(r1_bio.bios.begin(), r1_bio.bios.end(), &made);
  SIM_CHECK(found != r1_bio.bios.end());
  *found = nullptr;
  Mirror& mirror = mirrors_[static_cast<std::size_t>(found - r1_bio.bios.begin())];
  --mirror.pending;
  mirror.head_position = r1_bio.start + r1_bio.length;
  if (status == BlkStatus::kOk) {
    r1_bio.any_good = true;
  } else if (r1_bio.status == BlkStatus::kOk) {
    r1_bio.status = status;
  }
  put(r1_bio, made.cpu);
}

void Raid1::put(R1Bio& r1_bio, int cpu) {
  if (--r1_bio.remaining > 0) {
    return;
  }
  Bio& master = r1_bio.master;
  const BlkStatus result = r1_bio.any_good ? BlkStatus::kOk : r1_bio.status;
  r1_bios_.release(r1_bio);
  accounting_.end_piece(master);
  BioTarget::end_bio(master, result, cpu);
}

}  // namespace wbsim::block
