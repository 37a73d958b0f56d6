#include "models/hdd.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "sim/base/check.hpp"

namespace wbsim::models {

using block::DeviceCommand;
using block::DeviceOp;
using block::SubmitResult;

namespace {

SeekCurve curve(const SeekTimes& times, const Geometry& geometry) {
  return SeekCurve::from_data_sheet(times, geometry.cylinders());
}

HddMechanics make_mechanics(const HddParameters& p) {
  const Geometry geometry{p.heads, p.zones};
  return {geometry, curve(p.read_seek, geometry), curve(p.write_seek, geometry), p.head_switch,
          p.rpm};
}

}  // namespace

Sectors skew_covering(SimDuration time, Sectors track, std::int64_t rpm) {
  const std::int64_t angle = time.count() * rpm % kTurn;  // whole turns need no skew
  const std::int64_t rounded_up = (angle * track.count() + kTurn - 1) / kTurn;
  return Sectors{rounded_up % track.count()};
}

Hdd::Slot::Slot(Hdd& owner)
    : disk{owner}, event{engine::event_calling<&Slot::on_event>(*this, "hdd")} {}

Hdd::Hdd(engine::Simulator& simulator, const HddParameters& parameters)
    : simulator_{simulator},
      parameters_{parameters},
      mechanics_{make_mechanics(parameters)},
      dirty_{mechanics_.geometry()},
      segments_{static_cast<std::size_t>(parameters.read_segments),
                sectors_floor(parameters.read_segment)},
      job_end_{engine::event_calling<&Hdd::job_done>(*this, "hdd arm")},
      durable_{parameters.volatile_cache} {
  SIM_CHECK(parameters.depth > 0 && parameters.link_per_second > Bytes{0});
  const auto depth = static_cast<std::size_t>(parameters.depth);
  waiting_.reserve(depth);
  blocked_.reserve(depth);
  for (std::size_t i = 0; i < depth; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this));
    free_.push_back(slots_.back().get());
  }
}

Hdd::~Hdd() {
  simulator_.cancel(job_end_);
  for (const auto& slot : slots_) {
    simulator_.cancel(slot->event);
  }
}

bool Hdd::is_cached(const DeviceCommand& command) const {
  return parameters_.volatile_cache && !command.fua && parameters_.write_extents > 0 &&
         to_bytes(command.length) <= parameters_.write_cache;
}

bool Hdd::has_room(Sectors length) const {
  const Sectors used = dirty_.sectors() + destaging_ + reserved_;
  const int extents =
      static_cast<int>(dirty_.count()) + reserved_extents_ + (job_ == Job::kDestage ? 1 : 0);
  return to_bytes(used + length) <= parameters_.write_cache && extents < parameters_.write_extents;
}

bool Hdd::is_overdue(const Slot& slot) const {
  return simulator_.now() - slot.command->submitted > parameters_.age_limit;
}

// Rounded up.
SimDuration Hdd::link_time(Sectors length) const {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t rate = parameters_.link_per_second.count();
  return nanoseconds((to_bytes(length).count() * kSecond + rate - 1) / rate);
}

SubmitResult Hdd::submit(DeviceCommand& command) {
  const bool is_flush = command.op == DeviceOp::kFlush;
  if (free_.empty() || flush_ != nullptr || (is_flush && in_device() > 0)) {
    return SubmitResult::kDevResource;
  }
  Slot& slot = *free_.back();
  free_.pop_back();
  command.submitted = simulator_.now();
  slot.command = &command;
  slot.step = Slot::Step::kDecode;
  if (is_flush) {
    flush_ = &slot;
    if (parameters_.track_durability) {
      slot.flush = durable_.flush_submitted();
    }
  } else {
    slot.place = mechanics_.geometry().place(command.sector);
  }
  simulator_.schedule_after(slot.event, parameters_.overhead);
  return SubmitResult::kAccepted;
}

void Hdd::step_done(Slot& slot) {
  switch (slot.step) {
    case Slot::Step::kDecode:
      decoded(slot);
      break;
    case Slot::Step::kReceive:
      received(slot);
      break;
    case Slot::Step::kSend:
      complete(slot);
      break;
  }
}

void Hdd::decoded(Slot& slot) {
  const DeviceCommand& command = *slot.command;
  switch (command.op) {
    case DeviceOp::kFlush:
      finish_flush();
      next_job();
      return;
    case DeviceOp::kWrite:
      if (!is_cached(command)) {
        receive(slot);
        return;
      }
      blocked_.push_back(&slot);
      admit_blocked();
      next_job();
      return;
    case DeviceOp::kRead:
      advance_stream();
      if (dirty_.contains(command.sector, command.length) ||
          segments_.hit(command.sector, command.length)) {
        if (stream_.active) {
          extend_stream(command.sector + command.length + segments_.segment_size());
        }
        send(slot, simulator_.now());
        return;
      }
      waiting_.push_back(&slot);
      next_job();
      return;
    case DeviceOp::kDiscard:
      SIM_UNREACHABLE();  // its queue announces none
  }
}

// Writes enter the cache in order of arrival.
void Hdd::admit_blocked() {
  while (!blocked_.empty() && has_room(blocked_.front()->command->length)) {
    Slot& slot = *blocked_.front();
    blocked_.erase(blocked_.begin());
    reserved_ += slot.command->length;
    ++reserved_extents_;
    receive(slot);
  }
}

void Hdd::receive(Slot& slot) {
  link_free_ = std::max(link_free_, simulator_.now()) + link_time(slot.command->length);
  slot.step = Slot::Step::kReceive;
  simulator_.schedule(slot.event, link_free_);
}

void Hdd::received(Slot& slot) {
  const DeviceCommand& command = *slot.command;
  if (!is_cached(command)) {
    waiting_.push_back(&slot);
    next_job();
    return;
  }
  reserved_ -= command.length;
  --reserved_extents_;
  dirty_.add(command.sector, command.length, segments_.segment_size());
  segments_.drop(command.sector, command.length);
  if (parameters_.track_durability) {
    durable_.write_cached(command.sector, command.length);
  }
  complete(slot);
  next_job();
}

// The link begins when the first sector is there and cannot end before the last one has followed.
void Hdd::send(Slot& slot, SimTime first_ready) {
  const SimTime streamed = std::max(link_free_, first_ready) + link_time(slot.command->length);
  link_free_ = std::max(streamed, simulator_.now() + link_time(Sectors{1}));
  slot.step = Slot::Step::kSend;
  simulator_.schedule(slot.event, link_free_);
}

void Hdd::complete(Slot& slot) {
  DeviceCommand& command = *slot.command;
  slot.command = nullptr;
  free_.push_back(&slot);
  client_->complete(command, block::BlkStatus::kOk);
}

void Hdd::finish_flush() {
  if (flush_ == nullptr || flush_->step != Slot::Step::kDecode || flush_->event.pending() ||
      !dirty_.empty() || job_ == Job::kDestage) {
    return;
  }
  Slot& slot = *flush_;
  flush_ = nullptr;
  if (parameters_.track_durability) {
    durable_.flush_completed(slot.flush);
  }
  complete(slot);
}

void Hdd::next_job() {
  if (job_ != Job::kNone) {
    return;
  }
  const Choice choice = choose();
  if (choice.slot != nullptr) {
    start(*choice.slot);
  } else if (choice.extent != nullptr) {
    start(*choice.extent);
  }
}

Hdd::Choice Hdd::choose() {
  if (waiting_.empty() && dirty_.empty()) {
    return {};
  }
  advance_stream();  // so that the arm is where it is
  const bool destage = !dirty_.empty() && (waiting_.empty() || !blocked_.empty());
  if (destage && (waiting_.empty() || !destaged_last_)) {
    return nearest_extent();
  }
  if (is_overdue(*waiting_.front())) {
    return {.slot = waiting_.front()};
  }
  return nearest_command();
}

// By shortest access time, of equals the oldest. What is out of reach of the best so far is passed
// over unseen.
Hdd::Choice Hdd::nearest_command() {
  const Angle now = mechanics_.angle_at(simulator_.now());
  std::int64_t reach = std::numeric_limits<std::int64_t>::max();
  Choice choice;
  for (Slot* slot : waiting_) {
    if (continues_stream(*slot)) {
      return {.slot = slot, .access = 0};
    }
    if (std::abs(slot->place.cylinder - arm_.cylinder) > reach) {
      continue;
    }
    const bool read = slot->command->op == DeviceOp::kRead;
    const Angle access =
        mechanics_.access_angle(now, arm_, slot->place, read ? Motion::kRead : Motion::kWrite);
    if (access < choice.access) {
      choice = {.slot = slot, .access = access};
      reach = std::max(mechanics_.reach(access, Motion::kRead),
                       mechanics_.reach(access, Motion::kWrite));
    }
  }
  return choice;
}

Hdd::Choice Hdd::nearest_extent() {
  const Angle now = mechanics_.angle_at(simulator_.now());
  Choice choice;
  dirty_.visit_near(position_, kDestageLook, [&](DirtyExtents::Extent& extent) {
    const Angle access = mechanics_.access_angle(now, arm_, extent.place, Motion::kWrite);
    if (access < choice.access) {
      choice = {.extent = &extent, .access = access};
    }
  });
  return choice;
}

void Hdd::start(Slot& slot) {
  const DeviceCommand& command = *slot.command;
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &slot));
  job_slot_ = &slot;
  destaged_last_ = false;
  if (command.op == DeviceOp::kWrite) {
    // What is in the cache for these sectors is older and must not follow onto the medium.
    dirty_.cut(command.sector, command.length);
    job_ = Job::kWrite;
    start_pass(command.sector, slot.place, command.length, Motion::kWrite);
    return;
  }
  job_ = Job::kRead;
  advance_stream();
  if (!continues_stream(slot)) {
    start_pass(command.sector, slot.place, command.length, Motion::kRead);
    return;
  }
  const Sectors rest = command.sector + command.length - stream_.from;
  const Place place = mechanics_.geometry().place(stream_.from);
  const SimTime start =
      stream_.since + mechanics_.access(stream_.since, arm_, place, Motion::kRead);
  const HddMechanics::Passage passage =
      mechanics_.pass(start, stream_.from, place, rest, Motion::kRead);
  pass_started_ = std::min(start, simulator_.now());
  arm_ = passage.arm;
  stream_.active = false;
  simulator_.schedule(job_end_, std::max(passage.end, simulator_.now()));
}

void Hdd::start(DirtyExtents::Extent& extent) {
  const Lba first = extent.first;
  const Place place = extent.place;
  const Sectors length = extent.length;
  dirty_.remove(extent);
  destaging_ = length;
  job_ = Job::kDestage;
  destaged_last_ = true;
  if (parameters_.track_durability) {
    durable_.destage_started(first, length);
  }
  start_pass(first, place, length, Motion::kWrite);
}

void Hdd::start_pass(Lba first, const Place& place, Sectors length, Motion motion) {
  stop_stream();
  const SimTime now = simulator_.now();
  pass_started_ = now + mechanics_.access(now, arm_, place, motion);
  const HddMechanics::Passage passage =
      mechanics_.pass(pass_started_, first, place, length, motion);
  arm_ = passage.arm;
  position_ = first + length;
  simulator_.schedule(job_end_, passage.end);
}

void Hdd::job_done() {
  const Job done = job_;
  Slot* slot = job_slot_;
  job_ = Job::kNone;
  job_slot_ = nullptr;
  if (done == Job::kDestage) {
    destaging_ = Sectors{0};
    if (parameters_.track_durability) {
      durable_.destage_completed();
    }
    admit_blocked();
    finish_flush();
  } else {
    const DeviceCommand& command = *slot->command;
    const Lba end = command.sector + command.length;
    if (done == Job::kRead) {
      segments_.add(command.sector, command.length);
      stream_ = {true, end, std::min(end + segments_.segment_size(), disk_end()), simulator_.now(),
                 simulator_.now()};
      send(*slot, pass_started_);
    } else {
      segments_.drop(command.sector, command.length);
      if (parameters_.track_durability) {
        durable_.write_completed(command.sector, command.length, true);
      }
      complete(*slot);
    }
    position_ = end;
  }
  next_job();
}

// Whether the heads, reading on, are on their way to its end: its beginning has been read, or is
// what they read next.
bool Hdd::continues_stream(const Slot& slot) {
  const DeviceCommand& command = *slot.command;
  return stream_.active && command.op == DeviceOp::kRead && command.sector <= stream_.from &&
         stream_.from < command.sector + command.length && stream_.from < stream_.limit &&
         (command.sector == stream_.from ||
          segments_.hit(command.sector, stream_.from - command.sector));
}

// Notes what has been read on until now.
void Hdd::advance_stream() {
  const SimTime now = simulator_.now();
  if (!stream_.active || stream_.looked == now || stream_.from == stream_.limit) {
    return;
  }
  stream_.looked = now;
  const Place place = mechanics_.geometry().place(stream_.from);
  const SimTime start =
      stream_.since + mechanics_.access(stream_.since, arm_, place, Motion::kRead);
  const HddMechanics::Progress progress = mechanics_.progress(
      start, stream_.from, place, stream_.limit - stream_.from, now, Motion::kRead);
  if (progress.sectors == Sectors{0}) {
    return;
  }
  segments_.add(stream_.from, progress.sectors);
  stream_.from += progress.sectors;
  stream_.since = progress.passage.end;
  arm_ = progress.passage.arm;
}

// A segment that is full has stopped the reading; the heads come back for what follows.
void Hdd::extend_stream(Lba limit) {
  limit = std::min(limit, disk_end());
  if (limit <= stream_.limit) {
    return;
  }
  if (stream_.from == stream_.limit) {
    stream_.since = std::max(stream_.since, simulator_.now());
  }
  stream_.limit = limit;
}

void Hdd::stop_stream() {
  advance_stream();
  stream_.active = false;
}

bool Hdd::is_durable(Lba first, Sectors length) const {
  SIM_CHECK(parameters_.track_durability);
  return durable_.is_durable(first, length);
}

}  // namespace wbsim::models
