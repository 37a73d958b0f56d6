#include "sim/report/metrics_json.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "sim/report/iostat.hpp"

namespace wbsim::report {

using Json = nlohmann::ordered_json;

namespace {

// fio's default percentile_list.
constexpr std::array<double, 17> kPercentiles = {1,  5,  10, 20, 30,   40,   50,    60,   70,
                                                 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99};

std::int64_t kib(Pages pages) { return to_bytes(pages).count() / 1024; }

Json time_or_null(std::optional<SimTime> time) {
  return time ? Json(time->time_since_epoch().count()) : Json(nullptr);
}

Json latency_json(const Histogram& latency, Bins bins) {
  Json json = {{"min", latency.min().count()},
               {"max", latency.max().count()},
               {"mean", latency.mean_ns()},
               {"stddev", latency.stddev_ns()},
               {"N", latency.count()}};
  if (latency.count() == 0) {
    return json;
  }
  for (const double percent : kPercentiles) {
    json["percentile"][fmt::format("{:.6f}", percent)] = latency.percentile({percent}).count();
  }
  if (bins == Bins::kYes) {
    for (int bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
      if (latency.count(bucket) > 0) {
        json["bins"][std::to_string(Histogram::bucket_value(bucket).count())] =
            latency.count(bucket);
      }
    }
  }
  return json;
}

Json transfer_json(const CallMetrics& calls, SimDuration runtime, Bins bins) {
  Json json = {{"io_bytes", calls.bytes.count()},
               {"total_ios", calls.ios()},
               {"errors", calls.errors},
               {"bw_bytes", bandwidth(calls.bytes, runtime)},
               {"iops", iops(calls.ios(), runtime)},
               {"clat_ns", latency_json(calls.latency, bins)}};
  if (calls.submission.count() > 0) {
    json["slat_ns"] = latency_json(calls.submission, bins);
    json["lat_ns"] = latency_json(calls.total, bins);
  }
  return json;
}

Json sync_json(const CallMetrics& calls, Bins bins) {
  return {{"total_ios", calls.ios()},
          {"errors", calls.errors},
          {"lat_ns", latency_json(calls.latency, bins)}};
}

Json throttle_json(const PauseMetrics& pauses) {
  return {{"calls", pauses.calls},
          {"pauses", pauses.pauses},
          {"total_ns", pauses.total.count()},
          {"longest_ns", pauses.longest.count()},
          {"first_ns", time_or_null(pauses.first)}};
}

Json job_json(const JobMetrics& job, Bins bins) {
  return {{"jobname", job.name},
          {"groupid", job.report_group},
          {"jobs", job.jobs},
          {"start_ns", time_or_null(job.start)},
          {"end_ns", time_or_null(job.end)},
          {"runtime_ns", job.runtime.count()},
          {"read", transfer_json(job.read, job.runtime, bins)},
          {"write", transfer_json(job.write, job.runtime, bins)},
          {"fsync", sync_json(job.fsync, bins)},
          {"fdatasync", sync_json(job.fdatasync, bins)},
          {"sync", sync_json(job.sync, bins)},
          {"stalls",
           {{"threshold_ns", kStallThreshold.count()},
            {"count", job.stalls.count},
            {"total_ns", job.stalls.total.count()},
            {"longest_ns", job.stalls.longest.count()}}},
          {"balance_dirty_pages", throttle_json(job.throttle)}};
}

Json requests_json(const RequestMetrics& requests) {
  return {{"issued", requests.issued},
          {"completed", requests.completed},
          {"errors", requests.errors},
          {"bytes_issued", to_bytes(requests.sectors_issued).count()},
          {"bytes_completed", to_bytes(requests.sectors_completed).count()},
          {"bios", requests.bios},
          {"back_merges", requests.back_merges},
          {"front_merges", requests.front_merges},
          {"request_merges", requests.request_merges},
          {"await_total_ns", requests.await_total.count()},
          {"service_total_ns", requests.service_total.count()}};
}

Json iostat_json(const Iostat& stat) {
  const IostatDirection& r = stat.read;
  const IostatDirection& w = stat.write;
  return {{"r/s", r.ios_per_s},
          {"rkB/s", r.kib_per_s},
          {"rrqm/s", r.merges_per_s},
          {"%rrqm", r.merges_percent},
          {"r_await", r.await_ms},
          {"rareq-sz", r.areq_size_kib},
          {"w/s", w.ios_per_s},
          {"wkB/s", w.kib_per_s},
          {"wrqm/s", w.merges_per_s},
          {"%wrqm", w.merges_percent},
          {"w_await", w.await_ms},
          {"wareq-sz", w.areq_size_kib},
          {"f/s", stat.flushes_per_s},
          {"f_await", stat.flush_await_ms},
          {"aqu-sz", stat.aqu_size},
          {"%util", stat.util_percent},
          {"busy_percent", stat.busy_percent},
          {"inflight", stat.inflight},
          {"r_service", stat.read_service_ms},
          {"w_service", stat.write_service_ms}};
}

Json merges_json(const engine::MergeCounts& counts) {
  Json refused = Json::object();
  for (std::size_t i = 0; i < engine::kMergeRefusals; ++i) {
    const auto refusal = static_cast<engine::MergeRefusal>(i);
    const bool of_few = refusal == engine::MergeRefusal::kOtherCgroup ||
                        refusal == engine::MergeRefusal::kVirtualBoundary;
    if (of_few && counts.refused[i] == 0) {
      continue;  // most runs have no control groups, and no memory with gaps
    }
    refused[std::string{to_string(refusal)}] = counts.refused[i];
  }
  return {{"attempts", counts.attempts}, {"merged", counts.merged}, {"refused", refused}};
}

// The fields of /proc/diskstats from the fourth on, named as in iostats.rst.
Json disk_stats_json(const engine::DiskStats& disk) {
  return {{"reads_completed", disk.read.ios},
          {"reads_merged", disk.read.merges},
          {"sectors_read", disk.read.sectors},
          {"ms_reading", disk.read.ms},
          {"writes_completed", disk.write.ios},
          {"writes_merged", disk.write.merges},
          {"sectors_written", disk.write.sectors},
          {"ms_writing", disk.write.ms},
          {"ios_in_progress", disk.in_flight},
          {"ms_doing_io", disk.io_ms},
          {"weighted_ms_doing_io", disk.weighted_ms},
          {"flushes_completed", disk.flush.ios},
          {"ms_flushing", disk.flush.ms}};
}

Json device_json(const DeviceMetrics& device, SimDuration elapsed) {
  Json json = {{"name", device.name},
               {"iostat", iostat_json(iostat(device, elapsed))},
               {"diskstats", disk_stats_json(device.totals.disk)},
               {"read", requests_json(device.read)},
               {"write", requests_json(device.write)},
               {"flush", requests_json(device.flush)},
               {"inserted", device.inserted},
               {"flush_sequences", device.flush_sequences},
               {"bio_merges", merges_json(device.totals.bios)},
               {"request_merges", merges_json(device.totals.requests)},
               {"busy_ns", device.busy.count()},
               {"inflight_integral_ns", device.inflight_integral},
               {"inflight_max", device.inflight_max},
               {"inflight_at_end", device.inflight_at_end},
               {"bandwidth_updates", device.bandwidth_updates},
               {"dirty_ratelimit_kibps",
                {{"min", kib(device.dirty_ratelimit_min)},
                 {"max", kib(device.dirty_ratelimit_max)},
                 {"last", kib(device.dirty_ratelimit_last)}}},
               {"avg_write_bandwidth_kibps", kib(device.avg_write_bandwidth_last)}};
  if (const std::optional<engine::ErrorCounts>& errors = device.totals.errors) {
    json["errors"] = {
        {"failed", errors->failed}, {"retries", errors->retries}, {"timeouts", errors->timeouts}};
  }
  return json;
}

Json dirty_json(const DirtyMetrics& dirty) {
  return {{"nr_dirty_max_pages", dirty.nr_dirty_max.count()},
          {"nr_writeback_max_pages", dirty.nr_writeback_max.count()},
          {"sum_max_pages", dirty.sum_max.count()},
          {"background_crossed_ns", time_or_null(dirty.background_crossed)},
          {"freerun_crossed_ns", time_or_null(dirty.freerun_crossed)}};
}

Json writeback_json(const WritebackMetrics& writeback) {
  Json reasons = Json::object();
  for (std::size_t i = 0; i < kWbReasons; ++i) {
    const WritebackReasonMetrics& each = writeback.by_reason[i];
    reasons[std::string{to_string(static_cast<engine::WbReason>(i))}] = {
        {"queued", each.queued},
        {"executed", each.executed},
        {"passes", each.passes},
        {"written_pages", each.written.count()}};
  }
  return {{"reasons", reasons},
          {"background_wakeups", writeback.background_wakeups},
          {"inodes_queued", writeback.inodes_queued},
          {"inodes_written", writeback.inodes_written}};
}

}  // namespace

Json to_json(const RunMetrics& metrics, Bins bins) {
  Json jobs = Json::array();
  Json reports = Json::array();
  Json devices = Json::array();
  for (const JobMetrics& job : metrics.jobs) {
    jobs.push_back(job_json(job, bins));
  }
  for (const JobMetrics& report : metrics.reports) {
    reports.push_back(job_json(report, bins));
  }
  for (const DeviceMetrics& device : metrics.devices) {
    devices.push_back(device_json(device, metrics.elapsed()));
  }
  return {{"start_ns", metrics.start.time_since_epoch().count()},
          {"end_ns", metrics.end.time_since_epoch().count()},
          {"reports", reports},
          {"jobs", jobs},
          {"devices", devices},
          {"dirty", dirty_json(metrics.dirty)},
          {"balance_dirty_pages", throttle_json(metrics.throttle)},
          {"writeback", writeback_json(metrics.writeback)},
          {"plug",
           {{"unplugs", metrics.plug.unplugs},
            {"from_schedule", metrics.plug.from_schedule},
            {"requests", metrics.plug.requests}}}};
}

}  // namespace wbsim::report
