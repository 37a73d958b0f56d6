#include "sim/block/io_accounting.hpp"

namespace wbsim::block {

using Line = PartStats::Line;

// What exists is under way before v5.0, what the driver has since.
void IoAccounting::started(Request& request, const Bio& bio) {
  request.part = static_cast<std::uint16_t>(lines_.part_of(bio));
  lines_.count_time(request.part, false);
  if (lines_.integrates()) {
    lines_.change(request.part, [](Line& line) { ++line.in_flight; });
  }
}

void IoAccounting::request_merged(const Request& request) {
  if (!lines_.integrates()) {
    bios_merged(request, 1);
    return;
  }
  lines_.count_time(request.part, true);
  lines_.change(request.part, [](Line& line) { --line.in_flight; });
}

// Since v6.1 what flushes the cache is not among it: it has no part (blk_mq_check_inflight()).
void IoAccounting::count_in_driver(const Request& request, int change) {
  if (lines_.integrates()) {
    return;
  }
  if (request.flags.flush) {
    if (lines_.rules() == DiskStatsRules::kV5_10) {
      lines_.line(0).in_flight += change;
    }
    return;
  }
  lines_.change(request.part, [change](Line& line) { line.in_flight += change; });
}

void IoAccounting::ended(const Request& request) {
  const engine::Machine& machine = lines_.machine();
  const SimTime now = machine.simulator().now();
  const bool integrates = lines_.integrates();
  lines_.count_time(request.part, true);
  lines_.change(request.part, [&](Line& line) {
    PartStats::Group& counted = line.group(request.is_write());
    ++counted.ios;
    counted.sectors += request.length;
    if (integrates) {
      counted.jiffies += machine.jiffies_now() - machine.jiffies().at(request.started);
      --line.in_flight;
    } else {
      counted.time += now - request.started;
    }
  });
}

// Before v5.5 nobody counted them.
void IoAccounting::flush_ended(const Request& flush) {
  if (!lines_.integrates()) {
    PartStats::Group& flushes = lines_.line(0).flushes;
    ++flushes.ios;
    flushes.time += lines_.machine().simulator().now() - flush.started;
  }
}

}  // namespace wbsim::block
