// Access to the settings of one job for the functions that build it.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/workload/fio_settings.hpp"
#include "sim/workload/job_spec.hpp"

namespace wbsim::workload {

class FioSettingReader {
 public:
  FioSettingReader(const FioSection& section, const FioSettings& settings, FioFindings& findings)
      : section_{section}, settings_{settings}, findings_{findings} {}

  [[nodiscard]] const FioSettings& settings() const { return settings_; }
  [[nodiscard]] const FioSection& section() const { return section_; }
  // Of the messages: the name that the job goes by.
  void set_job(std::string name) { job_ = std::move(name); }

  [[nodiscard]] const FioSetting* find(std::string_view name) const;
  // The number of `name`; of an option for each direction that for writes.
  [[nodiscard]] std::optional<FioNumber> number(std::string_view name) const;
  // The plain number of `name`; nullopt when unset or 0, which means the same to these options.
  [[nodiscard]] std::optional<std::int64_t> count(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> count(std::string_view name, Direction direction) const;
  [[nodiscard]] bool flag(std::string_view name, bool default_value) const;
  [[nodiscard]] SimDuration duration(std::string_view name);
  // At most `most`: an error otherwise, and `most` is returned.
  [[nodiscard]] int small_count(std::string_view name, std::int64_t standard, int most);

  // `name` is set.
  void error(std::string_view name, std::string_view problem);
  void refuse(std::string_view name, std::string_view why);
  void refuse_lack(std::string_view what, std::string_view why);
  // That the suffix of a size is not what it looks like.
  void note_decimal_suffix(std::string_view name);
  // Once per run for each `key`.
  void note(std::string_view key, std::string_view name, std::string_view message);

 private:
  const FioSection& section_;
  const FioSettings& settings_;
  FioFindings& findings_;
  std::string job_;
};

}  // namespace wbsim::workload
