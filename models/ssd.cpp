#include "models/ssd.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::models {

using block::DeviceCommand;
using block::DeviceOp;
using block::SubmitResult;

namespace {

// Rounded up.
SimDuration time_at(Bytes bytes, Bytes per_second) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return nanoseconds((bytes.count() * kSecond + per_second.count() - 1) / per_second.count());
}

}  // namespace

Ssd::Slot::Slot(Ssd& owner)
    : ssd{owner}, event{engine::event_calling<&Slot::on_event>(*this, "ssd")} {}

Ssd::Link::Link(Ssd& owner)
    : ssd{owner}, free{engine::event_calling<&Link::on_free>(*this, "ssd link")} {
  reads.reserve(static_cast<std::size_t>(owner.parameters_.depth));
  writes.reserve(static_cast<std::size_t>(owner.parameters_.depth));
}

Ssd::Die::Die(Ssd& owner, int channel_number)
    : ssd{owner},
      channel{channel_number},
      end{engine::event_calling<&Die::on_end>(*this, "ssd die")} {}

Ssd::Ssd(engine::Simulator& simulator, const SsdParameters& parameters)
    : simulator_{simulator},
      parameters_{parameters},
      read_link_{*this},
      write_link_{*this},
      channel_free_(static_cast<std::size_t>(parameters.channels)),
      durable_{parameters.volatile_cache && !parameters.power_loss_protection} {
  SIM_CHECK(parameters.depth > 0 && parameters.channels > 0 && parameters.dies > 0);
  SIM_CHECK(parameters.page > Bytes{0} && parameters.buffer >= parameters.page);
  SIM_CHECK(std::min({parameters.read_link_per_second, parameters.write_link_per_second,
                      parameters.channel_per_second}) > Bytes{0});
  const auto depth = static_cast<std::size_t>(parameters.depth);
  blocked_.reserve(depth);
  programming_.reserve(depth);
  for (std::size_t i = 0; i < depth; ++i) {
    slots_.push_back(std::make_unique<Slot>(*this));
    free_.push_back(slots_.back().get());
  }
  for (int i = 0; i < dies(); ++i) {
    dies_.push_back(std::make_unique<Die>(*this, i % parameters.channels));
  }
}

Ssd::~Ssd() {
  simulator_.cancel(read_link_.free);
  simulator_.cancel(write_link_.free);
  for (const auto& slot : slots_) {
    simulator_.cancel(slot->event);
  }
  programs_.clear();
  for (const auto& die : dies_) {
    simulator_.cancel(die->end);
    die->jobs.clear_and_dispose([this](PageJob* job) { page_jobs_.release(*job); });
  }
}

SubmitResult Ssd::submit(DeviceCommand& command) {
  const bool lone = command.op == DeviceOp::kFlush && !parameters_.queued_flush;
  if (free_.empty() || lone_flush_ != nullptr || (lone && in_device() > 0)) {
    return SubmitResult::kDevResource;
  }
  Slot& slot = *free_.back();
  free_.pop_back();
  command.submitted = simulator_.now();
  slot.command = &command;
  switch (command.op) {
    case DeviceOp::kRead:
      read(slot);
      break;
    case DeviceOp::kWrite:
      blocked_.push_back(&slot);
      admit_blocked();
      break;
    case DeviceOp::kFlush:
      if (lone) {
        lone_flush_ = &slot;
      }
      flush(slot);
      break;
    case DeviceOp::kDiscard:
      SIM_UNREACHABLE();  // its queue announces none
  }
  return SubmitResult::kAccepted;
}

bool Ssd::acknowledges_early(const DeviceCommand& command) const {
  return parameters_.power_loss_protection || (parameters_.volatile_cache && !command.fua);
}

Ssd::Link& Ssd::link(DeviceOp op) {
  return op == DeviceOp::kRead && parameters_.full_duplex ? read_link_ : write_link_;
}

// The data of `slot` is ready for the link.
void Ssd::transfer(Slot& slot) {
  const DeviceOp op = slot.command->op;
  Link& its_link = link(op);
  (op == DeviceOp::kRead ? its_link.reads : its_link.writes).push_back(&slot);
  if (its_link.free.pending()) {
    return;
  }
  if (its_link.free_at > simulator_.now()) {
    simulator_.schedule(its_link.free, its_link.free_at);
  } else {
    transfer_next(its_link);
  }
}

void Ssd::transfer_next(Link& link) {
  const bool read = link.writes.empty() || (!link.reads.empty() && !link.read_last);
  std::vector<Slot*>& ready = read ? link.reads : link.writes;
  Slot& slot = *ready.front();
  ready.erase(ready.begin());
  link.read_last = read;
  if (read) {
    send(slot, link);
  } else {
    receive(slot, link);
  }
  if (!link.reads.empty() || !link.writes.empty()) {
    simulator_.schedule(link.free, link.free_at);
  }
}

void Ssd::receive(Slot& slot, Link& link) {
  link.free_at = simulator_.now() + parameters_.write_command +
                 time_at(to_bytes(slot.command->length), parameters_.write_link_per_second);
  slot.step = Slot::Step::kReceive;
  simulator_.schedule(slot.event, link.free_at + parameters_.write_latency);
}

void Ssd::step_done(Slot& slot) {
  switch (slot.step) {
    case Slot::Step::kReceive:
      received(slot);
      break;
    case Slot::Step::kProgram:
      SIM_CHECK(false);  // ends with a program, not with an event of its own
    case Slot::Step::kFinish:
      complete(slot);
      break;
  }
}

// Data longer than the buffer has it for itself. A page that does not fill would keep its room for
// ever: a write that finds nothing else under way has it programmed.
void Ssd::admit_blocked() {
  while (!blocked_.empty()) {
    Slot& slot = *blocked_.front();
    const Bytes bytes = to_bytes(slot.command->length);
    if (buffered_ > Bytes{0} && buffered_ + bytes > parameters_.buffer) {
      if (programs_.empty() && open_page_ > Bytes{0}) {
        issue_program(open_page_);
      }
      return;
    }
    blocked_.erase(blocked_.begin());
    buffered_ += bytes;
    transfer(slot);
  }
}

void Ssd::received(Slot& slot) {
  const DeviceCommand& command = *slot.command;
  open_page_ += to_bytes(command.length);
  ++writes_;
  while (open_page_ >= parameters_.page) {
    issue_program(parameters_.page);
  }
  if (acknowledges_early(command)) {
    complete(slot);
  } else {
    await_programs(slot);
  }
  admit_blocked();
}

void Ssd::issue_program(Bytes bytes) {
  open_page_ -= bytes;
  PageJob& job = page_jobs_.acquire();
  job.bytes = bytes;
  job.program = ++programs_issued_;
  programs_.push_back(job);
  Die& die = *dies_[next_die_];
  next_die_ = (next_die_ + 1) % dies_.size();
  enqueue(job, die);
}

// Completes `slot` when everything received so far is programmed.
void Ssd::await_programs(Slot& slot) {
  if (open_page_ > Bytes{0}) {
    issue_program(open_page_);
  }
  slot.step = Slot::Step::kProgram;
  slot.last_program = programs_issued_;
  programming_.push_back(&slot);
  wake_programmed();
}

void Ssd::wake_programmed() {
  const std::uint64_t done_until =
      programs_.empty() ? programs_issued_ : programs_.front().program - 1;
  while (!programming_.empty() && programming_.front()->last_program <= done_until) {
    Slot& slot = *programming_.front();
    programming_.erase(programming_.begin());
    finish(slot, slot.command->op == DeviceOp::kFlush ? parameters_.flush_latency : SimDuration{});
  }
}

void Ssd::flush(Slot& slot) {
  if (parameters_.track_durability) {
    slot.flush = durable_.flush_submitted();
  }
  slot.flushes_until = writes_;
  if (writes_flushed_ == writes_) {
    finish(slot, parameters_.write_latency);
  } else if (parameters_.power_loss_protection) {
    finish(slot, parameters_.flush_latency);
  } else {
    await_programs(slot);
  }
}

void Ssd::read(Slot& slot) {
  const DeviceCommand& command = *slot.command;
  const std::int64_t page_size = parameters_.page.count();
  const std::int64_t begin = to_bytes(command.sector - Lba{0}).count();
  const std::int64_t end = begin + to_bytes(command.length).count();
  slot.pages_left = 0;
  slot.first_ready = kSimTimeMax;
  slot.last_ready = SimTime{};
  for (std::int64_t page = begin / page_size; page * page_size < end; ++page) {
    PageJob& job = page_jobs_.acquire();
    job.reader = &slot;
    job.bytes = Bytes{std::min(end, (page + 1) * page_size) - std::max(begin, page * page_size)};
    ++slot.pages_left;
    enqueue(job, *dies_[static_cast<std::size_t>(page) % dies_.size()]);
  }
}

void Ssd::enqueue(PageJob& job, Die& die) {
  const bool idle = die.jobs.empty();
  die.jobs.push_back(job);
  if (idle) {
    start_page(die);
  }
}

// The register of the die is filled before it programs, and read while it does what is next.
void Ssd::start_page(Die& die) {
  const PageJob& job = die.jobs.front();
  const SimTime now = simulator_.now();
  if (job.reader != nullptr) {
    simulator_.schedule(die.end, now + parameters_.page_read);
    return;
  }
  SimTime& channel = channel_free_[static_cast<std::size_t>(die.channel)];
  channel = std::max(channel, now) + time_at(job.bytes, parameters_.channel_per_second);
  simulator_.schedule(die.end, channel + parameters_.page_program);
}

void Ssd::page_done(Die& die) {
  PageJob& job = die.jobs.front();
  die.jobs.pop_front();
  Slot* reader = job.reader;
  const Bytes bytes = job.bytes;
  if (reader == nullptr) {
    programs_.erase(programs_.iterator_to(job));
    buffered_ -= bytes;
  }
  page_jobs_.release(job);
  if (!die.jobs.empty()) {
    start_page(die);
  }
  if (reader != nullptr) {
    page_read_done(*reader, die.channel, bytes);
    return;
  }
  admit_blocked();
  wake_programmed();
}

void Ssd::page_read_done(Slot& slot, int channel_number, Bytes bytes) {
  SimTime& channel = channel_free_[static_cast<std::size_t>(channel_number)];
  channel = std::max(channel, simulator_.now()) + time_at(bytes, parameters_.channel_per_second);
  slot.first_ready = std::min(slot.first_ready, channel);
  slot.last_ready = std::max(slot.last_ready, channel);
  if (--slot.pages_left == 0) {
    transfer(slot);
  }
}

// The link begins when the first page is there and cannot end before the last one has followed.
void Ssd::send(Slot& slot, Link& link) {
  const Bytes bytes = to_bytes(slot.command->length);
  const SimDuration all = time_at(bytes, parameters_.read_link_per_second);
  const SimDuration last =
      time_at(std::min(bytes, parameters_.page), parameters_.read_link_per_second);
  const SimTime streamed =
      std::max(link.free_at, slot.first_ready) + parameters_.read_command + all;
  link.free_at = std::max(streamed, slot.last_ready + last);
  slot.step = Slot::Step::kFinish;
  simulator_.schedule(slot.event, link.free_at + parameters_.read_latency);
}

void Ssd::finish(Slot& slot, SimDuration after) {
  slot.step = Slot::Step::kFinish;
  simulator_.schedule_after(slot.event, after);
}

void Ssd::complete(Slot& slot) {
  DeviceCommand& command = *slot.command;
  if (&slot == lone_flush_) {
    lone_flush_ = nullptr;
  }
  if (command.op == DeviceOp::kFlush) {
    writes_flushed_ = slot.flushes_until;
  }
  if (parameters_.track_durability) {
    if (command.op == DeviceOp::kFlush) {
      durable_.flush_completed(slot.flush);
    } else if (command.op == DeviceOp::kWrite) {
      const bool programmed = !acknowledges_early(command);
      durable_.write_completed(command.sector, command.length, programmed);
    }
  }
  slot.command = nullptr;
  free_.push_back(&slot);
  client_->complete(command, block::BlkStatus::kOk);
}

bool Ssd::is_durable(Lba first, Sectors length) const {
  SIM_CHECK(parameters_.track_durability);
  return durable_.is_durable(first, length);
}

}  // namespace wbsim::models
