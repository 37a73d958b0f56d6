// The observer that turns a simulation into a RunRecord.
#pragma once

#include <string>
#include <vector>

#include "sim/analysis/run_record.hpp"
#include "sim/report/histogram.hpp"

namespace wbsim::analysis {

// How the simulated jobs appear in the report: jobs of one group are one JobRecord.
struct JobReporting {
  std::string name;
  int group = 0;
};

// `jobs` by job index (clones counted), groups numbered from 0 without gaps; `jiffy` is 1 s / HZ.
class Recorder final : public engine::Observer {
 public:
  Recorder(std::vector<JobReporting> jobs, SimDuration jiffy);

  void on_bio(engine::BioStep step, const engine::BioTrace& bio) override;
  void on_request(engine::RequestStep step, const engine::RequestTrace& request) override;
  void on_wbt_step(const engine::WbtStep& step) override;
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& event) override;
  void on_writeback(engine::WritebackStep step, const engine::WritebackTrace& event) override;
  void on_syscall(const engine::SyscallTrace& call) override;
  void on_sample(const engine::StateSample& sample) override;
  void on_job_start(int job, SimTime time) override;
  void on_job_end(int job, SimTime time) override;

  // The record of a run that has ended; the recorder is empty afterwards.
  RunRecord take();

 private:
  struct Group {
    JobRecord record;
    std::optional<SimTime> start;
    SimTime end;
    report::Histogram write;
    report::Histogram read;
    report::Histogram sync;
  };
  Group& group_of(int job);

  std::vector<JobReporting> jobs_;
  SimDuration jiffy_;
  RunRecord record_;
  std::vector<Group> groups_;
};

// Percentiles as the figures use them.
LatencyRecord summarise(const report::Histogram& histogram);

}  // namespace wbsim::analysis
