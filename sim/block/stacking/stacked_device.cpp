#include "sim/block/stacking/stacked_device.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/block/driver.hpp"

namespace wbsim::block {

using engine::BioStep;
using engine::Task;

StackedDevice::StackedDevice(engine::Machine& machine, const engine::Tracer& tracer,
                             const StackedDeviceOptions& options, std::vector<BioTarget*> members,
                             BioDriver driver)
    : BioTarget{machine, tracer, options.device, options.limits, options.bio_runs},
      options_{options},
      accounting_{machine, driver, options.disk_stats},
      members_{std::move(members)} {
  SIM_CHECK(!members_.empty());
}

SimDuration StackedDevice::device_busy() const {
  return in_device_ > 0 ? busy_ + (machine_.simulator().now() - busy_since_) : busy_;
}

void StackedDevice::account(int change) {
  const SimTime now = machine_.simulator().now();
  if (in_device_ == 0) {
    busy_since_ = now;
  }
  in_device_ += change;
  if (in_device_ == 0) {
    busy_ += now - busy_since_;
  }
}

bool StackedDevice::follows_plug(const TaskIo& /*io*/, Lba sector) const {
  return sector == last_end_;
}

bool StackedDevice::is_plugged() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const BioTarget* member) { return member->is_plugged(); });
}

bool StackedDevice::write_congested() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const BioTarget* member) { return member->write_congested(); });
}

Task<> StackedDevice::unplug(TaskIo& io) {
  for (BioTarget* member : members_) {
    if (member->is_plugged()) {
      co_await member->unplug(io);
    }
  }
}

Task<> StackedDevice::submit_bio(TaskIo& io, Bio& bio) {
  SIM_CHECK(bio.count == 1);
  bio.target = this;
  bio.next = nullptr;
  // Models: submit_bio_noacct(): flush flags mean nothing where no member has a volatile cache.
  if (!limits().write_cache) {
    bio.flags.preflush = false;
    bio.flags.fua = false;
  }
  if (bio.unit == Sectors{0} && !bio.is_flush()) {
    // A flush that none needs ends before it is counted or traced.
    bio.cpu = io.thread().cpu_index();
    bio.end_io->end_bio(bio, BlkStatus::kOk);
    bios_.release(bio);
    return {};
  }
  last_end_ = bio.end();
  bio.submitted = io.thread().now();
  account(+1);
  accounting_.submitted(bio);
  trace_bio(BioStep::kQueue, io.thread(), bio);
  if (BioList* list = io.bio_list()) {
    list->push_back(bio);
    return {};
  }
  return submit_all(io, bio);
}

// Puts what the driver has submitted (`made`) in order with what waits.
void StackedDevice::sort(BioTarget& driver, StackOrder order, BioList& made, BioList& waiting) {
  if (order == StackOrder::kBreadthFirst) {
    waiting.append(made);
    return;
  }
  BioList lower;
  BioList same;
  while (Bio* bio = made.pop_front()) {
    (bio->target == &driver ? same : lower).push_back(*bio);
  }
  lower.append(same);
  lower.append(waiting);
  waiting.append(lower);
}

Task<> StackedDevice::submit_all(TaskIo& io, Bio& bio) {
  co_await io.thread().run(options_.trace.bio_queue);
  BioList made;
  BioList waiting;
  io.set_bio_list(&made);
  for (Bio* next = &bio; next != nullptr; next = waiting.pop_front()) {
    BioTarget& driver = *next->target;
    co_await driver.make_request(io, *next);
    sort(driver, options_.order, made, waiting);
  }
  io.set_bio_list(nullptr);
}

Bio& StackedDevice::clone(BioTarget& member, const Bio& bio, Lba sector) {
  Bio& made = member.new_bio();
  made.sector = sector;
  made.unit = bio.unit;
  made.segment = bio.segment;
  made.flags = bio.flags;
  made.priority = bio.priority;
  made.writes = bio.writes;
  made.end_io = this;
  made.end_cost = bio.end_cost;
  made.cloned_from = const_cast<Bio*>(&bio);
  return made;
}

Task<> StackedDevice::submit_below(TaskIo& io, BioTarget& member, Bio& bio) {
  BioTarget& target = member.remap(bio, io.thread());
  BioList* const list = io.bio_list();
  if (list == nullptr || target.is_bio_based()) {
    return target.submit_bio(io, bio);
  }
  bio.target = &target;
  list->push_back(bio);
  return {};
}

void StackedDevice::trace_remap(const engine::Thread& thread, const BioTarget& member,
                                const Bio& bio, Lba from) {
  if (tracer_.active()) {
    engine::BioTrace trace = trace_of(thread, bio);
    trace.device = member.device_index();
    trace.from_device = device_index();
    trace.from_sector = from;
    emit_bio(BioStep::kRemap, trace);
  }
}

Task<> StackedDevice::submit_remapped(TaskIo& io, BioTarget& member, Bio& bio, Lba from) {
  trace_remap(io.thread(), member, bio, from);
  return submit_below(io, member, bio);
}

Task<Bio*> StackedDevice::keep(TaskIo& io, Bio& bio, Sectors length) {
  SIM_CHECK(length > Sectors{0});
  if (bio.unit <= length) {
    co_return &bio;
  }
  Bio& part = split_off(bio, length);
  trace_split(io.thread(), bio, part);
  co_await io.thread().run(options_.trace.split);
  co_await submit_again(io, bio);
  co_return &part;
}

Task<> StackedDevice::submit_again(TaskIo& io, Bio& bio) {
  bio.target = this;
  if (BioList* list = io.bio_list()) {
    list->push_back(bio);
    return {};
  }
  return submit_all(io, bio);
}

Task<Bio*> StackedDevice::keep_in_limits(TaskIo& io, Bio& bio) {
  return keep(io, bio, sectors_in_limits(bio, limits()));
}

void StackedDevice::end_bio(Bio& clone, BlkStatus status) {
  Bio& piece = *clone.cloned_from;
  accounting_.end_piece(piece);
  BioTarget::end_bio(piece, status, clone.cpu);
}

void StackedDevice::on_end(const Bio& bio) {
  account(-1);
  if (tracer_.active()) {
    emit_bio(BioStep::kComplete, {.time = machine_.simulator().now(),
                                  .task = machine_.cpu(bio.cpu).interrupt_name(),
                                  .device = device_index(),
                                  .sector = bio.sector,
                                  .length = bio.unit,
                                  .rwbs = bio.flags,
                                  .error = errno_of(bio.status),
                                  .started = bio.submitted});
  }
}

}  // namespace wbsim::block
