// The options in force for one job: defaults of [global] sections, then the job's own.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/workload/fio_lexer.hpp"
#include "sim/workload/fio_value.hpp"

namespace wbsim::workload {

struct FioSetting {
  const FioOptionInfo* option;
  FioValue value;
  std::string written;  // "direct=1"
  FioPlace place;
};

// Keyed by option name; buffered and direct share one key, as they share one variable in fio, and
// so do rwmixread and rwmixwrite, of which the last one counts.
using FioSettings = std::map<std::string_view, const FioSetting*>;

std::string_view settings_key(const FioOptionInfo& option);

// The findings of many jobs, each said once: a note once per option, a refusal once per setting
// with the jobs it concerns.
class FioFindings {
 public:
  FioFindings(Diagnostics& diagnostics, bool strict) : diagnostics_{diagnostics}, strict_{strict} {}

  // Only the first note with the same `key` is kept.
  void note(std::string_view key, const FioPlace& place, std::string_view message);
  void error(const FioPlace& place, std::string_view message);
  // `what` is what the job asks for ("direct=1"), `why` the reason and the way out.
  void refuse(const FioPlace& place, std::string_view what, std::string_view job,
              std::string_view why);
  // Hands the refusals to the diagnostics, in the order in which they were found.
  void finish();

  [[nodiscard]] bool too_many_errors() const { return errors_ >= kFioErrorsMax; }

 private:
  struct Refusal {
    std::string where, what, why, first_job;
    int other_jobs = 0;
  };

  Diagnostics& diagnostics_;
  bool strict_;
  int errors_ = 0;
  std::set<std::string, std::less<>> noted_;
  std::set<std::string, std::less<>> error_lines_;
  std::map<std::string, std::size_t> refusal_index_;
  std::vector<Refusal> refusals_;
};

}  // namespace wbsim::workload
