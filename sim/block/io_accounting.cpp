#include "sim/block/io_accounting.hpp"

namespace wbsim::block {

namespace {

std::int64_t whole_ms(SimDuration time) { return time / milliseconds(1); }

}  // namespace

// Models: update_io_ticks(), v5.10.
void IoAccounting::update_ticks(bool end) {
  if (machine_.simulator().now() < stamp_ends_) {
    return;
  }
  const std::uint64_t now = machine_.jiffies_now();
  if (stamp_ != now) {
    io_ticks_ += end ? now - stamp_ : 1;
    stamp_ = now;
  }
  stamp_ends_ = machine_.jiffies().time_of(now + 1);
}

// Models: part_round_stats_single(), v3.6.
void IoAccounting::round_stats() {
  const std::uint64_t now = machine_.jiffies_now();
  if (existing_ > 0) {
    time_in_queue_ += static_cast<std::uint64_t>(existing_) * (now - stamp_);
    io_ticks_ += now - stamp_;
  }
  stamp_ = now;
}

void IoAccounting::started() {
  if (rule_ == IoTicks::kSampled) {
    update_ticks(false);
    return;
  }
  round_stats();
  ++existing_;
}

void IoAccounting::request_merged(const Request& request) {
  if (rule_ == IoTicks::kSampled) {
    ++group(request.is_write()).merges;
    return;
  }
  round_stats();
  --existing_;
}

void IoAccounting::ended(const Request& request) {
  const SimTime now = machine_.simulator().now();
  Group& counted = group(request.is_write());
  ++counted.ios;
  counted.sectors += request.length;
  if (rule_ == IoTicks::kSampled) {
    update_ticks(true);
    counted.time += now - request.started;
    return;
  }
  round_stats();
  --existing_;
  counted.jiffies += machine_.jiffies_now() - machine_.jiffies().at(request.started);
}

// Before v5.5 nobody counted them.
void IoAccounting::flush_ended(const Request& flush) {
  if (rule_ == IoTicks::kSampled) {
    ++flushes_.ios;
    flushes_.time += machine_.simulator().now() - flush.started;
  }
}

engine::DiskStatsGroup IoAccounting::told(const Group& group) const {
  const auto ms = rule_ == IoTicks::kSampled
                      ? whole_ms(group.time)
                      : static_cast<std::int64_t>(machine_.jiffies().to_msecs(group.jiffies));
  return {group.ios, group.merges, group.sectors.count(), ms};
}

// Models: diskstats_show(), v5.10; before v5.0 the time up to now is counted first.
engine::DiskStats IoAccounting::stats(int in_device) const {
  IoAccounting counted = *this;
  if (rule_ == IoTicks::kIntegral) {
    counted.round_stats();
  }
  const auto ms = [this](std::uint64_t jiffies) {
    return static_cast<std::int64_t>(machine_.jiffies().to_msecs(jiffies));
  };
  engine::DiskStats stats{.read = told(groups_[0]),
                          .write = told(groups_[1]),
                          .in_flight = in_device,
                          .io_ms = ms(counted.io_ticks_),
                          .weighted_ms = ms(counted.time_in_queue_),
                          .flush = told(flushes_)};
  if (rule_ == IoTicks::kIntegral) {
    stats.in_flight = existing_;
  } else {
    stats.weighted_ms = whole_ms(groups_[0].time + groups_[1].time + flushes_.time);
  }
  return stats;
}

}  // namespace wbsim::block
