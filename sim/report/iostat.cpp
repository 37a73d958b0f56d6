#include "sim/report/iostat.hpp"

namespace wbsim::report {

namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;
constexpr double kNanosecondsPerSecond = 1e9;
constexpr double kBytesPerKib = 1024;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double to_double(SimDuration time) { return static_cast<double>(time.count()); }

double mean_ms(SimDuration total, std::int64_t count) {
  return ratio(to_double(total) / kNanosecondsPerMillisecond, static_cast<double>(count));
}

IostatDirection direction(const RequestMetrics& requests, double elapsed_s) {
  const auto ios = static_cast<double>(requests.completed);
  const auto merges = static_cast<double>(requests.merges());
  const double kib =
      static_cast<double>(to_bytes(requests.sectors_completed).count()) / kBytesPerKib;
  return {.ios_per_s = ratio(ios, elapsed_s),
          .kib_per_s = ratio(kib, elapsed_s),
          .merges_per_s = ratio(merges, elapsed_s),
          .merges_percent = ratio(100 * merges, merges + ios),
          .await_ms = mean_ms(requests.await_total, requests.completed),
          .areq_size_kib = ratio(kib, ios)};
}

}  // namespace

Iostat iostat(const DeviceMetrics& device, SimDuration elapsed) {
  const double elapsed_ns = to_double(elapsed);
  const double elapsed_s = elapsed_ns / kNanosecondsPerSecond;
  const SimDuration await_of_all =
      device.read.await_total + device.write.await_total + device.flush.await_total;
  return {.read = direction(device.read, elapsed_s),
          .write = direction(device.write, elapsed_s),
          .flushes_per_s = ratio(static_cast<double>(device.flush.completed), elapsed_s),
          .flush_await_ms = mean_ms(device.flush.await_total, device.flush.completed),
          .aqu_size = ratio(to_double(await_of_all), elapsed_ns),
          .util_percent = ratio(100 * to_double(device.busy), elapsed_ns),
          .inflight = ratio(static_cast<double>(device.inflight_integral), elapsed_ns),
          .read_service_ms = mean_ms(device.read.service_total, device.read.completed),
          .write_service_ms = mean_ms(device.write.service_total, device.write.completed)};
}

}  // namespace wbsim::report
