#include "sim/block/stacking/bio_accounting.hpp"

#include <utility>

namespace wbsim::block {

using Line = PartStats::Line;

bool BioAccounting::times_pieces() const {
  return driver_ == BioDriver::kDeviceMapper || lines_.rules() == DiskStatsRules::kV6_1;
}

void BioAccounting::count(int part, bool write, Sectors length) {
  lines_.change(part, [write, length](Line& line) {
    PartStats::Group& group = line.group(write);
    ++group.ios;
    group.sectors += length;
  });
}

void BioAccounting::start(int part) {
  lines_.count_time(part, false);
  ++lines_.line(part).in_flight;
}

void BioAccounting::stop(int part, bool write, std::uint64_t began) {
  const engine::Machine& machine = lines_.machine();
  const std::uint64_t jiffies = machine.jiffies_now() - began;
  const SimDuration time = machine.jiffies().to_duration(jiffies);
  lines_.count_time(part, true);
  lines_.change(part, [=](Line& line) {
    line.group(write).jiffies += jiffies;
    line.group(write).time += time;
  });
  --lines_.line(part).in_flight;
}

void BioAccounting::submitted(const Bio& bio) {
  if (lines_.integrates()) {
    count(0, bio.flags.write, bio.unit);
  }
}

void BioAccounting::begin_whole(Bio& bio) {
  if (lines_.rules() != DiskStatsRules::kV5_10 || bio.accounted) {
    return;
  }
  bio.part = static_cast<std::uint16_t>(lines_.part_of(bio));
  bio.accounted = true;
  bio.accounted_at = lines_.machine().jiffies_now();
  start(bio.part);
  count(bio.part, bio.flags.write, bio.unit);
}

void BioAccounting::begin_piece(Bio& bio) {
  if (!times_pieces()) {
    return;
  }
  bio.accounted = true;
  bio.accounted_at = lines_.machine().jiffies_now();
  start(bio.part);
  if (!lines_.integrates()) {
    count(bio.part, bio.flags.write, bio.unit);
  }
}

void BioAccounting::end_piece(Bio& bio) {
  if (times_pieces()) {
    end(bio);
  }
}

void BioAccounting::end(Bio& bio) {
  if (std::exchange(bio.accounted, false)) {
    stop(bio.part, bio.flags.write, bio.accounted_at);
  }
}

std::uint64_t BioAccounting::begin_flush(const Bio& bio) {
  start(0);
  if (!lines_.integrates()) {
    const bool with_data = lines_.rules() == DiskStatsRules::kV5_10;
    count(0, true, with_data ? bio.unit : Sectors{0});
  }
  return lines_.machine().jiffies_now();
}

void BioAccounting::end_flush(std::uint64_t began) { stop(0, true, began); }

}  // namespace wbsim::block
