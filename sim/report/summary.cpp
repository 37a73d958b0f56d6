#include "sim/report/summary.hpp"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "sim/report/calls.hpp"
#include "sim/report/metrics_json.hpp"
#include "sim/report/phases.hpp"
#include "sim/report/trust.hpp"

namespace wbsim::report {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kIndent = 2;

// Bytes that are no UTF-8 (a job name may hold anything) must not make the writer throw.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json trust_json(const RunInfo& info) {
  Json mechanisms = Json::object();
  for (const std::string& mechanism : info.mechanisms) {
    mechanisms[mechanism] = trust_in(info.kernel, mechanism);
  }
  return {{"statement", trust_line(info.kernel, info.mechanisms)}, {"mechanisms", mechanisms}};
}

// RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  }
  return quoted + '"';
}

}  // namespace

Digest config_digest(const RunInfo& info) { return digest_of(info.config_text); }

Digest result_digest(const RunResult& result) {
  return digest_of(dump(to_json(result.metrics, Bins::kYes), -1) + to_string(result.events));
}

std::string summary_json(const RunResult& result) {
  const RunInfo& info = result.info;
  Json json = {{"wbsim", info.version},
               {"kernel", info.kernel},
               {"seed", info.seed},
               {"config_digest", to_string(config_digest(info))},
               {"events_digest", to_string(result.events)},
               {"result_digest", to_string(result_digest(result))},
               {"trust", trust_json(info)}};
  json.update(to_json(result.metrics, Bins::kNo));
  if (!result.phases.empty()) {
    json["phases"] = phases_json(result.phases);
  }
  return dump(json, kIndent) + "\n";
}

std::string latency_csv(const RunMetrics& metrics) {
  std::string csv = "report,job,call,latency_ns,count\n";
  for (std::size_t report = 0; report < metrics.reports.size(); ++report) {
    const JobMetrics& job = metrics.reports[report];
    for (const NamedCalls& calls : calls_of(job)) {
      for (int bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
        if (const std::int64_t count = calls.metrics->latency.count(bucket); count > 0) {
          fmt::format_to(std::back_inserter(csv), "{},{},{},{},{}\n", report, csv_field(job.name),
                         calls.name, Histogram::bucket_value(bucket).count(), count);
        }
      }
    }
  }
  return csv;
}

}  // namespace wbsim::report
