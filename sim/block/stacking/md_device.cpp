#include "sim/block/stacking/md_device.hpp"

#include <limits>
#include <utility>

namespace wbsim::block {

using engine::Task;

namespace {
constexpr std::size_t kAllWaiters = std::numeric_limits<std::size_t>::max();
}  // namespace

MdDevice::MdDevice(engine::Machine& machine, const engine::Tracer& tracer,
                   const StackedDeviceOptions& options, std::vector<BioTarget*> members,
                   Sectors data_offset)
    : StackedDevice{machine, tracer, options, std::move(members), BioDriver::kMd},
      data_offset_{data_offset},
      worker_{machine, "kworker/md-" + options.name, options.first_pid,
              thread_work<&MdDevice::run_flushes>(*this)} {}

Task<> MdDevice::make_request(TaskIo& io, Bio& bio) {
  Bio* now = &bio;
  if (bio.unit > Sectors{0}) {
    now = co_await keep_in_limits(io, bio);
  }
  accounting_.begin_whole(*now);
  if (now->flags.preflush) {
    co_await flush(io, *now);
  } else {
    co_await take(io, *now);
  }
}

// Models: md_flush_request().
Task<> MdDevice::flush(TaskIo& io, Bio& bio) {
  const SimTime asked = io.thread().now();
  const auto flushed_since = [this, asked] {
    return shares_flushes() && prev_flush_start_ && *prev_flush_start_ > asked;
  };
  while (flush_bio_ != nullptr && !flushed_since()) {
    co_await flush_wait_.wait(io.thread());
    co_await io.thread().run(costs().sleeper_wake);
  }
  if (!flushed_since()) {
    flush_bio_ = &bio;
    worker_.wake();
  } else if (bio.unit == Sectors{0}) {
    BioTarget::end_bio(bio, BlkStatus::kOk, io.thread().cpu_index());
  } else {
    bio.flags.preflush = false;
    co_await take(io, bio);
  }
}

void MdDevice::FlushEnd::end_bio(Bio& /*flush*/, BlkStatus /*status*/) {
  if (--device.flush_pending_ == 0) {
    device.worker_.thread().wake();
  }
}

// Models: submit_flushes().
Task<> MdDevice::flush_members(TaskIo& io) {
  flush_pending_ = 1;
  for (BioTarget* member : members()) {
    co_await io.thread().run(costs().bio_remap);
    Bio& empty = member->new_bio();
    empty.flags = {.write = true, .preflush = true, .sync = !shares_flushes()};
    empty.end_io = &flush_end_;
    ++flush_pending_;
    co_await submit_below(io, *member, empty);
  }
  --flush_pending_;
  while (flush_pending_ > 0) {
    co_await io.thread().block();
  }
}

// Models: md_submit_flush_data(). (v3.6 lets the next flush in once the data is submitted, which
// this thread does before it looks for one.)
Task<> MdDevice::run_flushes(TaskIo& io) {
  while (flush_bio_ != nullptr) {
    const SimTime start = io.thread().now();
    co_await flush_members(io);
    Bio& bio = *std::exchange(flush_bio_, nullptr);
    prev_flush_start_ = start;
    flush_wait_.wake(kAllWaiters);
    if (bio.unit == Sectors{0}) {
      BioTarget::end_bio(bio, BlkStatus::kOk, io.thread().cpu_index());
      continue;
    }
    bio.flags.preflush = false;
    co_await take(io, bio);
  }
}

}  // namespace wbsim::block
