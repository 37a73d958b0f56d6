#include "sim/report/request_log.hpp"

#include <fmt/format.h>

#include <iterator>

#include "sim/base/check.hpp"

namespace wbsim::report {

std::string rwbs_text(const engine::RwbsFlags& flags) {
  if (flags.flush) {
    return "FF";  // the flush machinery's own: REQ_OP_FLUSH with REQ_PREFLUSH
  }
  std::string text;
  if (flags.preflush) {
    text += 'F';
  }
  text += flags.discard ? 'D' : flags.write ? 'W' : 'R';
  if (flags.fua) {
    text += 'F';
  }
  if (flags.ahead) {
    text += 'A';
  }
  if (flags.sync) {
    text += 'S';
  }
  return text;
}

RequestLog::RequestLog(const RunInfo& info, TextSink& sink) : devices_{info.devices}, sink_{sink} {
  sink_.append("device,rwbs,sector,sectors,bios,allocated_ns,issued_ns,completed_ns,error\n");
}

void RequestLog::on_request(engine::RequestStep step, const engine::RequestTrace& trace) {
  // The end of an empty flush sequence is a completion of its own, of nothing that was issued.
  const bool ends_a_sequence = !trace.rwbs.flush && trace.length == Sectors{};
  if (step != engine::RequestStep::kComplete || ends_a_sequence) {
    return;
  }
  const auto device = static_cast<std::size_t>(trace.device);
  SIM_CHECK(device < devices_.size());
  const auto ns = [](SimTime time) { return time.time_since_epoch().count(); };
  fmt::memory_buffer row;
  fmt::format_to(std::back_inserter(row), "{},{},{},{},{},{},{},{},{}\n", devices_[device].name,
                 rwbs_text(trace.rwbs), trace.rwbs.flush ? 0 : trace.sector.value(),
                 trace.length.count(), trace.bios, ns(trace.started), ns(trace.issued),
                 ns(trace.time), trace.error);
  sink_.append({row.data(), row.size()});
}

}  // namespace wbsim::report
