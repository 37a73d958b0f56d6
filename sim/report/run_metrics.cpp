#include "sim/report/run_metrics.hpp"

#include <algorithm>
#include <map>

#include "sim/base/check.hpp"

namespace wbsim::report {

namespace {

double per_second(std::int64_t amount, SimDuration time) {
  constexpr double kNanosecondsPerSecond = 1e9;
  return time <= SimDuration::zero() ? 0
                                     : static_cast<double>(amount) * kNanosecondsPerSecond /
                                           static_cast<double>(time.count());
}

std::optional<SimTime> earlier(std::optional<SimTime> a, std::optional<SimTime> b) {
  return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace

void CallMetrics::merge(const CallMetrics& other) {
  errors += other.errors;
  bytes += other.bytes;
  latency.merge(other.latency);
  submission.merge(other.submission);
  total.merge(other.total);
}

void StallMetrics::merge(const StallMetrics& other) {
  count += other.count;
  total += other.total;
  longest = std::max(longest, other.longest);
}

void PauseMetrics::merge(const PauseMetrics& other) {
  calls += other.calls;
  pauses += other.pauses;
  total += other.total;
  longest = std::max(longest, other.longest);
  first = earlier(first, other.first);
}

void JobMetrics::merge(const JobMetrics& other) {
  jobs += other.jobs;
  start = earlier(start, other.start);
  // A group has ended when all of its members have.
  end = end && other.end ? std::optional{std::max(*end, *other.end)} : std::nullopt;
  runtime = std::max(runtime, other.runtime);
  read.merge(other.read);
  write.merge(other.write);
  fsync.merge(other.fsync);
  fdatasync.merge(other.fdatasync);
  sync.merge(other.sync);
  stalls.merge(other.stalls);
  throttle.merge(other.throttle);
}

double bandwidth(Bytes bytes, SimDuration runtime) { return per_second(bytes.count(), runtime); }

double iops(std::int64_t ios, SimDuration runtime) { return per_second(ios, runtime); }

std::vector<JobMetrics> reported_jobs(const std::vector<JobMetrics>& jobs,
                                      const std::vector<JobInfo>& infos) {
  SIM_CHECK(jobs.size() == infos.size());
  std::vector<JobMetrics> reports;
  std::map<int, std::size_t> report_of_group;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!infos[i].group_reporting) {
      reports.push_back(jobs[i]);
      continue;
    }
    const auto [entry, is_first] =
        report_of_group.try_emplace(jobs[i].report_group, reports.size());
    if (is_first) {
      reports.push_back(jobs[i]);
    } else {
      reports[entry->second].merge(jobs[i]);
    }
  }
  return reports;
}

}  // namespace wbsim::report
