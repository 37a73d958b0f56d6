#include "sim/workload/fio_settings.hpp"

#include <fmt/format.h>

namespace wbsim::workload {

std::string_view settings_key(const FioOptionInfo& option) {
  if (option.name == "buffered") {
    return "direct";
  }
  return option.name == "rwmixwrite" ? std::string_view{"rwmixread"} : option.name;
}

void FioFindings::note(std::string_view key, const FioPlace& place, std::string_view message) {
  if (!noted_.emplace(key).second) {
    return;
  }
  if (strict_) {
    error(place, message);
  } else {
    diagnostics_.note(place.where, std::string(message));
  }
}

void FioFindings::error(const FioPlace& place, std::string_view message) {
  // A setting of [global] is wrong once, however many jobs it reaches.
  if (!error_lines_.emplace(fmt::format("{}\n{}", place.where, message)).second) {
    return;
  }
  if (!too_many_errors()) {
    diagnostics_.error(place.where, with_line(message, place));
  }
  if (++errors_ == kFioErrorsMax) {
    diagnostics_.error(place.where,
                       fmt::format("more than {} errors; the rest is not shown", kFioErrorsMax));
  }
}

void FioFindings::refuse(const FioPlace& place, std::string_view what, std::string_view job,
                         std::string_view why) {
  const auto [entry, is_new] = refusal_index_.try_emplace(
      fmt::format("{}\n{}\n{}", place.where, what, why), refusals_.size());
  if (is_new) {
    refusals_.push_back({place.where, std::string(what), std::string(why), printable(job), 0});
  } else {
    ++refusals_[entry->second].other_jobs;
  }
}

void FioFindings::finish() {
  for (const Refusal& refusal : refusals_) {
    const std::string others =
        refusal.other_jobs == 0 ? "" : fmt::format(" and {} more", refusal.other_jobs);
    diagnostics_.refuse(refusal.where, fmt::format("{} (job \"{}\"{}): {}", refusal.what,
                                                   refusal.first_job, others, refusal.why));
  }
  refusals_.clear();
  refusal_index_.clear();
}

}  // namespace wbsim::workload
