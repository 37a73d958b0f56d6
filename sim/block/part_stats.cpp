#include "sim/block/part_stats.hpp"

namespace wbsim::block {

namespace {

std::int64_t whole_ms(SimDuration time) { return time / milliseconds(1); }

}  // namespace

int PartStats::add_partition(Lba start, Sectors length) {
  lines_.emplace_back();
  lines_.back().start = start;
  lines_.back().length = length;
  return static_cast<int>(lines_.size()) - 1;
}

int PartStats::part_of(const Bio& bio) const {
  if (rules_ == DiskStatsRules::kV6_1) {
    return bio.part;
  }
  if (rules_ == DiskStatsRules::kV2_6_18) {
    return 0;  // counted already
  }
  for (std::size_t i = 1; i < lines_.size(); ++i) {
    if (bio.sector >= lines_[i].start && bio.sector < lines_[i].start + lines_[i].length) {
      return static_cast<int>(i);
    }
  }
  return 0;
}

// Models: update_io_ticks(), v5.10.
void PartStats::sample(Line& line, bool end) const {
  if (machine_.simulator().now() < line.stamp_ends) {
    return;
  }
  const std::uint64_t now = machine_.jiffies_now();
  if (line.stamp != now) {
    line.io_ticks += end ? now - line.stamp : 1;
    line.stamp = now;
  }
  line.stamp_ends = machine_.jiffies().time_of(now + 1);
}

// Models: part_round_stats_single(), v3.6.
void PartStats::integrate(Line& line, std::uint64_t now) {
  if (line.in_flight > 0) {
    line.time_in_queue += static_cast<std::uint64_t>(line.in_flight) * (now - line.stamp);
    line.io_ticks += now - line.stamp;
  }
  line.stamp = now;
}

void PartStats::count_time(int part, bool end) {
  if (!integrates()) {
    change(part, [this, end](Line& line) { sample(line, end); });
    return;
  }
  const std::uint64_t now = machine_.jiffies_now();
  change(part, [now](Line& line) { integrate(line, now); });
}

engine::DiskStatsGroup PartStats::told(const Group& group) const {
  const auto ms = integrates()
                      ? static_cast<std::int64_t>(machine_.jiffies().to_msecs(group.jiffies))
                      : whole_ms(group.time);
  return {group.ios, group.merges, group.sectors.count(), ms};
}

// Before v5.0 the time up to now is counted first.
engine::DiskStats PartStats::told(int part) const {
  Line line = lines_[static_cast<std::size_t>(part)];
  if (integrates()) {
    integrate(line, machine_.jiffies_now());
  }
  const auto ms = [this](std::uint64_t jiffies) {
    return static_cast<std::int64_t>(machine_.jiffies().to_msecs(jiffies));
  };
  const SimDuration sum = line.groups[0].time + line.groups[1].time + line.flushes.time;
  return {.read = told(line.groups[0]),
          .write = told(line.groups[1]),
          .in_flight = line.in_flight,
          .io_ms = ms(line.io_ticks),
          .weighted_ms = integrates() ? ms(line.time_in_queue) : whole_ms(sum),
          .flush = told(line.flushes)};
}

}  // namespace wbsim::block
