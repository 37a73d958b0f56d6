// requests.csv: one row per request that a device completed, in order of completion.
//
// Columns: device; rwbs as blktrace prints it (FF flush; W write or R read, before it F for a
// preflush, behind it F for forced unit access and S for synchronous); sector and sectors of 512
// bytes, 0 for a flush; bios merged into it; allocated_ns, issued_ns, completed_ns in virtual time;
// error, 0 or a negative errno.
#pragma once

#include <string>
#include <vector>

#include "sim/engine/tracepoints.hpp"
#include "sim/report/output_file.hpp"
#include "sim/report/run_info.hpp"

namespace wbsim::report {

// Models: blk_fill_rwbs(), kernel/trace/blktrace.c, v5.10.
std::string rwbs_text(const engine::RwbsFlags& flags);

class RequestLog : public engine::Observer {
 public:
  // Writes the header to `sink`, which must outlive this.
  RequestLog(const RunInfo& info, TextSink& sink);

  void on_request(engine::RequestStep step, const engine::RequestTrace& trace) override;

 private:
  std::vector<DeviceInfo> devices_;
  TextSink& sink_;
};

}  // namespace wbsim::report
