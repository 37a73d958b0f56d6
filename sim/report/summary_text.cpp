// The text for people; see summary.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "sim/report/calls.hpp"
#include "sim/report/iostat.hpp"
#include "sim/report/phases.hpp"
#include "sim/report/summary.hpp"
#include "sim/report/trust.hpp"
#include "sim/report/units_text.hpp"

namespace wbsim::report {

namespace {

constexpr std::size_t kColumns = 80;

// Seconds since t = 0 of the run, to the millisecond.
std::string instant_text(SimTime time) {
  return fmt::format("{:.3f} s", static_cast<double>(time.time_since_epoch().count()) / 1e9);
}

// Breaks at blanks, continuation lines indented.
std::string wrapped(std::string_view text) {
  constexpr std::string_view kContinuation = "\n    ";
  std::string result;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > 0 && column + 1 + word.size() > kColumns) {
      result += kContinuation;
      column = kContinuation.size() - 1;
    } else if (column > 0) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result + "\n";
}

void append_rate(std::string& text, std::string_view name, const CallMetrics& calls,
                 SimDuration runtime) {
  const double bytes_per_s = bandwidth(calls.bytes, runtime);
  fmt::format_to(std::back_inserter(text), "  {}: IOPS={:.0f}, BW={}/s ({}/s) ({}/{})\n", name,
                 iops(calls.ios(), runtime), bytes_text(bytes_per_s), bytes_si_text(bytes_per_s),
                 bytes_text(calls.bytes), time_text(runtime));
}

// One row for each kind of call that has such a latency.
void append_latencies(std::string& text, std::string_view title, const JobMetrics& job,
                      Histogram CallMetrics::*which) {
  constexpr std::string_view kRow = "    {:<10}{:>11}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}\n";
  auto out = std::back_inserter(text);
  bool header = false;
  for (const NamedCalls& calls : calls_of(job)) {
    const Histogram& latency = calls.metrics->*which;
    if (latency.count() == 0) {
      continue;
    }
    if (!header) {
      fmt::format_to(out, fmt::runtime(kRow), title, "N", "min", "avg", "50.00th", "99.00th",
                     "99.90th", "max");
      header = true;
    }
    fmt::format_to(out, fmt::runtime(kRow), calls.name, latency.count(), time_text(latency.min()),
                   time_text(latency.mean_ns()), time_text(latency.percentile({50})),
                   time_text(latency.percentile({99})), time_text(latency.percentile({99.9})),
                   time_text(latency.max()));
  }
}

// The trace event, and so the count, begins where the free-run region ends.
void append_throttle(std::string& text, std::string_view title, const PauseMetrics& throttle) {
  if (throttle.calls == 0) {
    text += fmt::format("{}: always in its free-run region\n", title);
  } else if (throttle.pauses == 0) {
    text += fmt::format("{}: {} turns, no pause\n", title, throttle.calls);
  } else {
    text += fmt::format("{}: {} turns, {} pauses, sum {}, longest {}\n", title, throttle.calls,
                        throttle.pauses, time_text(throttle.total), time_text(throttle.longest));
  }
}

// `dirties`: anything in the run dirtied memory.
void append_job(std::string& text, const JobMetrics& job, bool dirties) {
  text += fmt::format("{}: (groupid={}, jobs={}){}\n", job.name, job.report_group, job.jobs,
                      !job.start ? ": did not start" : (job.end ? "" : ": did not end"));
  for (const auto& [name, calls] :
       {NamedCalls{"read", &job.read}, NamedCalls{"write", &job.write}}) {
    if (calls->ios() > 0) {
      append_rate(text, name, *calls, job.runtime);
    }
  }
  append_latencies(text, "slat", job, &CallMetrics::submission);
  append_latencies(text, "clat", job, &CallMetrics::latency);
  for (const NamedCalls& calls : calls_of(job)) {
    if (calls.metrics->errors > 0) {
      text += fmt::format("  {}: {} failed\n", calls.name, calls.metrics->errors);
    }
  }
  if (dirties && job.write.ios() > 0) {
    append_throttle(text, "  balance_dirty_pages", job.throttle);
  }
  if (job.stalls.count > 0) {
    text +=
        fmt::format("  stalls (write > {}): {}, sum {}, longest {}\n", time_text(kStallThreshold),
                    job.stalls.count, time_text(job.stalls.total), time_text(job.stalls.longest));
  }
}

void append_dirty(std::string& text, const RunMetrics& metrics) {
  const DirtyMetrics& dirty = metrics.dirty;
  const auto crossed = [](std::optional<SimTime> time) {
    return time ? "crossed at " + instant_text(*time) : std::string{"never crossed"};
  };
  text += fmt::format("dirty: peak nr_dirty {}, nr_writeback {}, sum {} pages ({})\n",
                      dirty.nr_dirty_max.count(), dirty.nr_writeback_max.count(),
                      dirty.sum_max.count(), bytes_text(to_bytes(dirty.sum_max)));
  text += fmt::format("  background {}, freerun {}\n", crossed(dirty.background_crossed),
                      crossed(dirty.freerun_crossed));
  if (metrics.throttle.first) {
    text += fmt::format("  first pause at {}\n", instant_text(*metrics.throttle.first));
  }
}

void append_writeback(std::string& text, const WritebackMetrics& writeback) {
  bool any = false;
  for (std::size_t i = 0; i < kWbReasons; ++i) {
    const WritebackReasonMetrics& each = writeback.by_reason[i];
    if (each.passes > 0) {
      text += fmt::format("{}{} {} passes {}",
                          any ? "; " : "writeback: ", to_string(static_cast<engine::WbReason>(i)),
                          each.passes, bytes_text(to_bytes(each.written)));
      any = true;
    }
  }
  text += any ? "\n" : "writeback: no pass of the flusher\n";
}

using DirectionOf = IostatDirection Iostat::*;

void append_direction(std::string& text, char letter, DirectionOf direction,
                      const std::vector<DeviceMetrics>& devices, SimDuration elapsed) {
  const auto named = [letter](std::string_view before, std::string_view after) {
    return fmt::format("{}{}{}", before, letter, after);
  };
  text += fmt::format("{:<10}{:>9}{:>11}{:>10}{:>8}{:>9}{:>10}\n", "Device", named("", "/s"),
                      named("", "kB/s"), named("", "rqm/s"), named("%", "rqm"), named("", "_await"),
                      named("", "areq-sz"));
  for (const DeviceMetrics& device : devices) {
    const IostatDirection d = iostat(device, elapsed).*direction;
    text += fmt::format("{:<10}{:>9.2f}{:>11.2f}{:>10.2f}{:>8.2f}{:>9.2f}{:>10.2f}\n", device.name,
                        d.ios_per_s, d.kib_per_s, d.merges_per_s, d.merges_percent, d.await_ms,
                        d.areq_size_kib);
  }
}

void append_devices(std::string& text, const RunMetrics& metrics) {
  bool reads = false;
  for (const DeviceMetrics& device : metrics.devices) {
    reads = reads || device.read.completed > 0;
  }
  if (reads) {
    append_direction(text, 'r', &Iostat::read, metrics.devices, metrics.elapsed());
  }
  append_direction(text, 'w', &Iostat::write, metrics.devices, metrics.elapsed());
  text += fmt::format("{:<10}{:>9}{:>11}{:>10}{:>8}{:>9}{:>10}\n", "Device", "f/s", "f_await",
                      "aqu-sz", "%util", "inflight", "max");
  for (const DeviceMetrics& device : metrics.devices) {
    const Iostat stat = iostat(device, metrics.elapsed());
    text += fmt::format("{:<10}{:>9.2f}{:>11.2f}{:>10.2f}{:>8.2f}{:>9.2f}{:>10}\n", device.name,
                        stat.flushes_per_s, stat.flush_await_ms, stat.aqu_size, stat.util_percent,
                        stat.inflight, device.inflight_max);
  }
}

// Of devices with faults.
void append_errors(std::string& text, const std::vector<DeviceMetrics>& devices) {
  for (const DeviceMetrics& device : devices) {
    if (const std::optional<engine::ErrorCounts>& errors = device.totals.errors) {
      text += fmt::format("errors on {}: {} failed, {} retried, {} timed out\n", device.name,
                          errors->failed, errors->retries, errors->timeouts);
    }
  }
}

// Bios that came to a queue, and why some of them were not merged.
void append_merges(std::string& text, const std::vector<DeviceMetrics>& devices) {
  for (const DeviceMetrics& device : devices) {
    const engine::MergeCounts& bios = device.totals.bios;
    if (bios.attempts == 0) {
      continue;
    }
    std::string reasons;
    for (std::size_t i = 0; i < engine::kMergeRefusals; ++i) {
      if (bios.refused[i] > 0) {
        reasons += fmt::format("{}{} {}", reasons.empty() ? "; refused: " : ", ", bios.refused[i],
                               to_string(static_cast<engine::MergeRefusal>(i)));
      }
    }
    text += fmt::format("merges on {}: {} of {} bios{}\n", device.name, bios.merged, bios.attempts,
                        reasons);
  }
}

}  // namespace

std::string summary_text(const RunResult& result) {
  const RunInfo& info = result.info;
  const RunMetrics& metrics = result.metrics;
  std::string text = fmt::format("wbsim {}: Linux {}, seed {}, {} simulated\n", info.version,
                                 info.kernel, info.seed, instant_text(metrics.end));
  text += wrapped(trust_line(info.kernel, info.mechanisms));
  // Half of each is enough for people to compare; summary.json has all of it.
  text += fmt::format("config {:.16}, result {:.16}\n", to_string(config_digest(info)),
                      to_string(result_digest(result)));
  const bool dirties = metrics.dirty.sum_max > Pages{};
  for (const JobMetrics& report : metrics.reports) {
    text += '\n';
    append_job(text, report, dirties);
  }
  text += '\n';
  append_dirty(text, metrics);
  if (dirties && (metrics.reports.size() != 1 ||
                  metrics.throttle.calls != metrics.reports[0].throttle.calls)) {
    append_throttle(text, "balance_dirty_pages of all tasks", metrics.throttle);
  }
  append_writeback(text, metrics.writeback);
  if (!metrics.devices.empty()) {
    text += '\n';
    append_devices(text, metrics);
    append_merges(text, metrics.devices);
    append_errors(text, metrics.devices);
  }
  if (!result.phases.empty()) {
    text += '\n' + phases_text(result.phases);
  }
  return text;
}

}  // namespace wbsim::report
