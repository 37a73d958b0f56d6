#include "sim/workload/fio_setting_reader.hpp"

namespace wbsim::workload {

namespace {
constexpr std::int64_t kMicrosecondsMax = SimDuration::max().count() / 1000;  // 292 years
}

const FioSetting* FioSettingReader::find(std::string_view name) const {
  const auto found = settings_.find(name);
  return found == settings_.end() ? nullptr : found->second;
}

std::optional<FioNumber> FioSettingReader::number(std::string_view name) const {
  const FioSetting* setting = find(name);
  return setting == nullptr ? std::nullopt
                            : member_of(*setting->option, setting->value, Direction::kWrite);
}

std::optional<std::int64_t> FioSettingReader::count(std::string_view name) const {
  return count(name, Direction::kWrite);
}

std::optional<std::int64_t> FioSettingReader::count(std::string_view name,
                                                    Direction direction) const {
  const FioSetting* setting = find(name);
  if (setting == nullptr) {
    return std::nullopt;
  }
  const std::optional<FioNumber> found = member_of(*setting->option, setting->value, direction);
  return found && found->value != 0 ? std::optional{found->value} : std::nullopt;
}

bool FioSettingReader::flag(std::string_view name, bool default_value) const {
  const std::optional<FioNumber> found = number(name);
  return found ? found->value != 0 : default_value;
}

SimDuration FioSettingReader::duration(std::string_view name) {
  const std::int64_t value = count(name).value_or(0);
  if (value > kMicrosecondsMax) {
    error(name, "is longer than 292 years");
    return {};
  }
  return microseconds(value);
}

int FioSettingReader::small_count(std::string_view name, std::int64_t standard, int most) {
  const std::optional<FioNumber> found = number(name);
  const std::int64_t value = found ? found->value : standard;
  if (value > most) {
    error(name, fmt::format("must be at most {}", most));
    return most;
  }
  return static_cast<int>(value);
}

void FioSettingReader::error(std::string_view name, std::string_view problem) {
  const FioSetting& setting = *find(name);
  findings_.error(setting.place, fmt::format("{}: {}", printable(setting.written), problem));
}

void FioSettingReader::refuse(std::string_view name, std::string_view why) {
  const FioSetting& setting = *find(name);
  findings_.refuse(setting.place, printable(setting.written), job_, why);
}

void FioSettingReader::refuse_lack(std::string_view what, std::string_view why) {
  findings_.refuse(section_.place, what, job_, why);
}

void FioSettingReader::note_decimal_suffix(std::string_view name) {
  note("kib", name,
       "to fio kib, mib ... are powers of 1000 unless kb_base=1000; k, m ... are powers of 1024");
}

void FioSettingReader::note(std::string_view key, std::string_view name, std::string_view message) {
  const FioSetting& setting = *find(name);
  findings_.note(key, setting.place, fmt::format("{}: {}", printable(setting.written), message));
}

}  // namespace wbsim::workload
