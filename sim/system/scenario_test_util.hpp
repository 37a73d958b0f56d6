// Shared by the tests that run whole simulations: scenarios from short texts, and what happened.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/cpu_costs.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/report/event_digest.hpp"
#include "sim/system/config_reader.hpp"
#include "sim/system/run.hpp"
#include "sim/workload/fio_job_file.hpp"

namespace wbsim::system::testing {

struct Scenario {
  Config config;
  workload::WorkloadSpec workload;
};

// One simdisk of 100 MB/s with these further members, as the value of "devices".
inline std::string disk(const std::string& more = "", const std::string& queue = "") {
  return R"({"sda":{"size":"1GiB","per_kib":"10240ns",)" + (more.empty() ? "" : more + ",") +
         R"("queue":{"scheduler":"none","wbt_lat_usec":0)" + (queue.empty() ? "" : "," + queue) +
         "}}}";
}

// `fio` may be empty: no job. `members` are those of the document beside "devices". Findings fail
// the test that asks, and leave no job to run.
inline Scenario scenario(const std::string& fio, const std::string& members = "",
                         const std::string& devices = disk()) {
  const std::string text = "{\"devices\":" + devices + (members.empty() ? "" : "," + members) + "}";
  Diagnostics diagnostics;
  std::optional<Config> config =
      read_config({"a.json", text, "configs/experiments"}, {}, diagnostics);
  Scenario made;
  if (config) {
    made.config = *std::move(config);
    if (!fio.empty()) {
      made.workload = workload::parse_fio_jobs(std::vector<workload::FioInput>{{"job.fio", fio}},
                                               {}, diagnostics);
    }
    check_workload(made.config, made.workload, diagnostics);
  }
  for (const Diagnostic& finding : diagnostics.all()) {
    if (finding.severity != Severity::kNote) {
      ADD_FAILURE() << to_string(finding) << "\n" << text << "\n" << fio;
      made.workload.jobs.clear();
    }
  }
  return made;
}

// CPU costs of nothing at all, as members of the document: virtual time passes in sleeps and in
// the device alone, so that tests can state it exactly.
inline std::string free_cpu() {
  std::string costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs += (costs.empty() ? "\"" : ",\"") + std::string{component.name} + "\":0";
  }
  return "\"cpu_costs\":{" + costs + "}";
}

// What the jobs of a run saw.
struct JobRecord {
  std::vector<engine::SyscallTrace> calls;
  std::vector<std::pair<int, SimTime>> starts, ends;
  std::vector<engine::QueueTotals> totals;  // of each device

  [[nodiscard]] std::vector<engine::SyscallTrace> of_kind(engine::SyscallKind kind) const {
    std::vector<engine::SyscallTrace> found;
    std::copy_if(calls.begin(), calls.end(), std::back_inserter(found),
                 [kind](const engine::SyscallTrace& call) { return call.kind == kind; });
    return found;
  }
  [[nodiscard]] std::vector<engine::SyscallTrace> writes() const {
    return of_kind(engine::SyscallKind::kWrite);
  }
};

class JobLog final : public engine::Observer {
 public:
  void on_syscall(const engine::SyscallTrace& call) override { record.calls.push_back(call); }
  void on_job_start(int job, SimTime time) override { record.starts.emplace_back(job, time); }
  void on_job_end(int job, SimTime time) override { record.ends.emplace_back(job, time); }
  void on_queue_totals(const engine::QueueTotals& totals) override {
    record.totals.push_back(totals);
  }
  JobRecord record;
};

inline JobRecord run_logged(const Scenario& scenario) {
  JobLog log;
  RunOptions options;
  options.observers = {&log};
  run_system(scenario.config, scenario.workload, options);
  return std::move(log.record);
}

// Two equal texts: the same events at the same nanoseconds.
inline std::string fingerprint(const Scenario& scenario) {
  report::EventDigest digest;
  RunOptions options;
  options.observers = {&digest};
  const RunOutcome outcome = run_system(scenario.config, scenario.workload, options);
  return report::to_string(digest.finish()) + " " +
         std::to_string(outcome.end.time_since_epoch().count());
}

}  // namespace wbsim::system::testing
