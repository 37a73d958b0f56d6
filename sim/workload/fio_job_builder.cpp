#include "sim/workload/fio_job_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/workload/fio_file_builder.hpp"
#include "sim/workload/fio_io_builder.hpp"
#include "sim/workload/fio_job_file.hpp"
#include "sim/workload/fio_setting_reader.hpp"

namespace wbsim::workload {

namespace {

class JobBuilder {
 public:
  JobBuilder(const FioSection& section, const FioSettings& settings, FioFindings& findings)
      : reader_{section, settings, findings} {}

  FioJob build() {
    build_identity();
    build_pattern(reader_, job_.spec);
    refuse_what_is_not_neutral();
    build_engine(reader_, job_.spec);
    build_files(reader_, job_.spec);
    build_extent();
    build_end();
    build_pacing();
    build_priority();
    build_durability();
    build_clones();
    return std::move(job_);
  }

 private:
  void build_identity() {
    const FioSetting* name = reader_.find("name");
    job_.spec.name = name != nullptr ? name->value.text : reader_.section().name;
    reader_.set_job(job_.spec.name);
    job_.spec.where = reader_.section().place.where;
    job_.spec.group_reporting = reader_.flag("group_reporting", false);
    job_.stonewall = reader_.flag("stonewall", false);
    job_.new_group = reader_.flag("new_group", false);
  }

  void refuse_what_is_not_neutral() {
    for (const auto& [key, setting] : reader_.settings()) {
      const FioOptionInfo& option = *setting->option;
      if (option.engine_option || option.treatment != FioTreatment::kNeutralOnly ||
          is_neutral(option, setting->value, job_.spec.reads, job_.spec.writes)) {
        continue;
      }
      std::string why(option.summary);
      if (why.find(';') == std::string::npos) {
        why += "; remove it";
        if (!option.neutral.empty()) {
          why += fmt::format(" or use {}={}", option.name, split_words(option.neutral).front());
        }
      }
      reader_.refuse(key, why);
    }
  }

  // Splits a size into bytes and percent; 0 and 0% mean the same as no value.
  void read_size(std::string_view name, std::optional<Bytes>& bytes, std::optional<int>& percent) {
    const std::optional<FioNumber> found = reader_.number(name);
    if (!found || found->value == 0) {
      return;
    }
    switch (found->unit) {
      case FioNumber::Unit::kPlain:
        bytes = Bytes{found->value};
        break;
      case FioNumber::Unit::kPercent:
        percent = static_cast<int>(found->value);
        break;
      case FioNumber::Unit::kZones:
        reader_.refuse(name, "zones are not simulated yet; use bytes");
        break;
    }
    if (found->decimal_binary_suffix) {
      reader_.note_decimal_suffix(name);
    }
  }

  void build_extent() {
    JobSpec& spec = job_.spec;
    build_block_sizes(reader_, spec);
    read_size("size", spec.size, spec.size_percent);
    read_size("io_size", spec.io_size, spec.io_size_percent);
    std::optional<Bytes> offset;
    read_size("offset", offset, spec.offset_percent);
    spec.offset = FileOffset{offset.value_or(Bytes{0}).count()};
    std::optional<Bytes> increment;
    std::optional<int> increment_percent;
    read_size("offset_increment", increment, increment_percent);
    job_.offset_increment = increment.value_or(Bytes{0});
    spec.offset_increment_percent = increment_percent.value_or(0);
    if (spec.size && *spec.size < spec.block_size()) {
      reader_.error("size",
                    fmt::format("is less than one block, bs={}", spec.block_size().count()));
    }
    check_alignment();
    build_file_size();
  }

  void check_alignment() {
    const std::optional<std::int64_t> alignment = reader_.count("ba");
    if (alignment && *alignment != job_.spec.block_size().count() &&
        job_.spec.pattern == Pattern::kRandom) {
      reader_.refuse("ba",
                     "random offsets that are no multiples of bs are not simulated yet; remove it");
    }
  }

  void build_file_size() {
    const FioSetting* setting = reader_.find("filesize");
    if (setting == nullptr) {
      return;
    }
    const std::vector<std::optional<FioNumber>>& ends = setting->value.members;
    if (!ends.front() || !ends.back()) {
      reader_.error("filesize", "an end of the range is missing");
    } else if (!(*ends.front() == *ends.back())) {
      reader_.refuse("filesize", "random sizes are not simulated yet; use one size");
    } else if (ends.front()->value != 0) {
      job_.spec.file_size = Bytes{ends.front()->value};
    }
  }

  void build_end() {
    JobSpec& spec = job_.spec;
    spec.number_ios = reader_.count("number_ios");
    if (reader_.count("runtime")) {
      spec.runtime = reader_.duration("runtime");
    }
    spec.ramp_time = reader_.duration("ramp_time");
    spec.time_based = reader_.flag("time_based", false) && spec.runtime.has_value();
    if (reader_.flag("time_based", false) && !spec.runtime) {
      reader_.note("time_based", "time_based", "does nothing without runtime");
    }
    const std::int64_t loops = reader_.count("loops").value_or(1);
    if (loops > std::numeric_limits<int>::max()) {
      reader_.error("loops", fmt::format("must be at most {}", std::numeric_limits<int>::max()));
      return;
    }
    spec.loops = static_cast<int>(loops);
    // fio 3.33 then stops at the first multiple of size beyond io_size, or later.
    const bool amount_is_within = spec.size && spec.io_size && *spec.io_size <= *spec.size;
    if (loops > 1 && spec.io_size && !amount_is_within) {
      reader_.refuse("loops",
                     "loops with an io_size above size are not simulated; use io_size alone");
    }
  }

  // fio 3.33 takes no class, or class 0, for best effort, and no level for the highest one.
  void build_priority() {
    if (const FioSetting* cgroup = reader_.find("cgroup")) {
      job_.spec.cgroup = cgroup->value.text;
    }
    if (reader_.find("prio") == nullptr && reader_.find("prioclass") == nullptr) {
      return;
    }
    constexpr std::array kClasses{block::IoClass::kBestEffort, block::IoClass::kRealTime,
                                  block::IoClass::kBestEffort, block::IoClass::kIdle};
    const auto io_class = static_cast<std::size_t>(reader_.count("prioclass").value_or(0));
    const auto level = static_cast<std::uint8_t>(reader_.count("prio").value_or(0));
    job_.spec.priority = {kClasses.at(io_class), level};
  }

  void build_pacing() {
    JobSpec& spec = job_.spec;
    build_rates(reader_, spec);
    spec.think_time = reader_.duration("thinktime");
    const std::optional<FioNumber> blocks = reader_.number("thinktime_blocks");
    spec.think_time_blocks = blocks ? blocks->value : 1;
    if (spec.think_time_blocks == 0) {
      reader_.error("thinktime_blocks", "must be at least 1");
    }
    build_start_delay();
  }

  void build_start_delay() {
    const FioSetting* setting = reader_.find("startdelay");
    if (setting == nullptr) {
      return;
    }
    const std::vector<std::optional<FioNumber>>& ends = setting->value.members;
    if (!ends.front() || !ends.back()) {
      reader_.error("startdelay", "an end of the range is missing");
    } else if (!(*ends.front() == *ends.back())) {
      reader_.refuse("startdelay", "random delays are not simulated yet; use one delay");
    } else {
      job_.spec.start_delay = reader_.duration("startdelay");
    }
  }

  void build_durability() {
    JobSpec& spec = job_.spec;
    spec.fsync_every = reader_.count("fsync").value_or(0);
    spec.fdatasync_every = reader_.count("fdatasync").value_or(0);
    spec.end_fsync = reader_.flag("end_fsync", false);
    spec.end_syncfs = reader_.flag("end_syncfs", false);
    spec.fsync_on_close = reader_.flag("fsync_on_close", false);
    build_range_sync(reader_, spec);
    const FioSetting* sync = reader_.find("sync");
    if (sync != nullptr) {
      const std::string& word = sync->value.word;
      spec.open_sync = word == "dsync"                 ? OpenSync::kDsync
                       : word == "sync" || word == "1" ? OpenSync::kSync
                                                       : OpenSync::kNone;
    }
  }

  void build_clones() {
    const std::optional<FioNumber> clones = reader_.number("numjobs");
    if (!clones) {
      return;
    }
    constexpr auto kMost = static_cast<std::int64_t>(kFioJobsMax);
    if (clones->value < 1 || clones->value > kMost) {
      reader_.error("numjobs", fmt::format("must be between 1 and {}", kMost));
      return;
    }
    job_.clones = static_cast<int>(clones->value);
    if (job_.offset_increment.count() > (kFioNumberMax - job_.spec.offset.value()) / job_.clones) {
      reader_.error("offset_increment", "is too large for so many clones");
      job_.offset_increment = Bytes{0};
    }
  }

  FioSettingReader reader_;
  FioJob job_;
};

}  // namespace

FioJob build_fio_job(const FioSection& section, const FioSettings& settings,
                     FioFindings& findings) {
  return JobBuilder(section, settings, findings).build();
}

}  // namespace wbsim::workload
