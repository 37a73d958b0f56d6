#include "sim/report/iostat.hpp"

namespace wbsim::report {

namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;
constexpr double kNanosecondsPerSecond = 1e9;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double to_double(SimDuration time) { return static_cast<double>(time.count()); }

double mean_ms(SimDuration total, std::int64_t count) {
  return ratio(to_double(total) / kNanosecondsPerMillisecond, static_cast<double>(count));
}

IostatDirection direction(const engine::DiskStatsGroup& group, double elapsed_s) {
  constexpr double kSectorsPerKib = 2;
  const auto ios = static_cast<double>(group.ios);
  const auto merges = static_cast<double>(group.merges);
  const double kib = static_cast<double>(group.sectors) / kSectorsPerKib;
  return {.ios_per_s = ratio(ios, elapsed_s),
          .kib_per_s = ratio(kib, elapsed_s),
          .merges_per_s = ratio(merges, elapsed_s),
          .merges_percent = ratio(100 * merges, merges + ios),
          .await_ms = ratio(static_cast<double>(group.ms), ios),
          .areq_size_kib = ratio(kib, ios)};
}

}  // namespace

Iostat iostat(const DeviceMetrics& device, SimDuration elapsed) {
  const double elapsed_ns = to_double(elapsed);
  const double elapsed_s = elapsed_ns / kNanosecondsPerSecond;
  const double elapsed_ms = elapsed_ns / kNanosecondsPerMillisecond;
  const engine::DiskStats& disk = device.totals.disk;
  return {.read = direction(disk.read, elapsed_s),
          .write = direction(disk.write, elapsed_s),
          .flushes_per_s = ratio(static_cast<double>(disk.flush.ios), elapsed_s),
          .flush_await_ms =
              ratio(static_cast<double>(disk.flush.ms), static_cast<double>(disk.flush.ios)),
          .aqu_size = ratio(static_cast<double>(disk.weighted_ms), elapsed_ms),
          .util_percent = ratio(100 * static_cast<double>(disk.io_ms), elapsed_ms),
          .busy_percent = ratio(100 * to_double(device.busy), elapsed_ns),
          .inflight = ratio(static_cast<double>(device.inflight_integral), elapsed_ns),
          .read_service_ms = mean_ms(device.read.service_total, device.read.completed),
          .write_service_ms = mean_ms(device.write.service_total, device.write.completed)};
}

}  // namespace wbsim::report
