#include "sim/workload/fio_job_builder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/workload/fio_job_file.hpp"

namespace wbsim::workload {

namespace {

constexpr std::uint64_t kDefaultSeed = 0x89;                                  // fio's FIO_RANDSEED
constexpr std::int64_t kMicrosecondsMax = SimDuration::max().count() / 1000;  // 292 years

// Engines without a local block device behind them: nothing for this simulator to do, ever.
constexpr std::string_view kRemoteEngines =
    "rbd|rados|net|netsplice|rdma|gfapi|gfapi_async|libhdfs|ime_psync|ime_psyncv|ime_aio|http|nbd|"
    "dfs|nfs|libiscsi|dev-dax|libpmem|pmemblk|mtd|libcufile|libhipfile|cpuio|exec|null|cpp_null|"
    "filecreate|filestat|filedelete|dircreate|dirstat|dirdelete|ftruncate|page_fault";
constexpr std::string_view kLocalEngines =
    "vsync|pvsync|pvsync2|libaio|linuxaio|aio|posixaio|io_uring|io_uring_cmd|solarisaio|windowsaio|"
    "mmap|splice|sg|e4defrag|falloc|external|xnvme|libblkio|libzbc|guasi";

bool contains(std::string_view words, std::string_view word) {
  const std::vector<std::string> all = split_words(words);
  return std::find(all.begin(), all.end(), word) != all.end();
}

class JobBuilder {
 public:
  JobBuilder(const FioSection& section, const FioSettings& settings, FioFindings& findings)
      : section_{section}, settings_{settings}, findings_{findings} {}

  FioJob build() {
    build_identity();
    refuse_what_is_not_neutral();
    build_engine();
    build_pattern();
    build_file();
    build_extent();
    build_end();
    build_pacing();
    build_durability();
    build_clones();
    return std::move(job_);
  }

 private:
  // --- access to the settings ---

  [[nodiscard]] const FioSetting* find(std::string_view name) const {
    const auto found = settings_.find(name);
    return found == settings_.end() ? nullptr : found->second;
  }

  [[nodiscard]] std::optional<FioNumber> number(std::string_view name) const {
    const FioSetting* setting = find(name);
    return setting == nullptr ? std::nullopt : write_member(*setting->option, setting->value);
  }

  // The plain number of `name`; nullopt when unset or 0, which means the same to these options.
  [[nodiscard]] std::optional<std::int64_t> count(std::string_view name) const {
    const std::optional<FioNumber> found = number(name);
    return found && found->value != 0 ? std::optional{found->value} : std::nullopt;
  }

  [[nodiscard]] bool flag(std::string_view name, bool default_value) const {
    const std::optional<FioNumber> found = number(name);
    return found ? found->value != 0 : default_value;
  }

  [[nodiscard]] SimDuration duration(std::string_view name) {
    const std::int64_t value = count(name).value_or(0);
    if (value > kMicrosecondsMax) {
      error(name, "is longer than 292 years");
      return {};
    }
    return microseconds(value);
  }

  // `name` is set.
  void error(std::string_view name, std::string_view problem) {
    const FioSetting& setting = *find(name);
    findings_.error(setting.place, fmt::format("{}: {}", printable(setting.written), problem));
  }

  void refuse(std::string_view name, std::string_view why) {
    const FioSetting& setting = *find(name);
    findings_.refuse(setting.place, printable(setting.written), job_.spec.name, why);
  }

  // --- the parts of a job ---

  void build_identity() {
    const FioSetting* name = find("name");
    job_.spec.name = name != nullptr ? name->value.text : section_.name;
    job_.spec.where = section_.place.where;
    job_.spec.group_reporting = flag("group_reporting", false);
    job_.stonewall = flag("stonewall", false);
    job_.new_group = flag("new_group", false);
  }

  void refuse_what_is_not_neutral() {
    for (const auto& [key, setting] : settings_) {
      const FioOptionInfo& option = *setting->option;
      if (option.engine_option || option.treatment != FioTreatment::kNeutralOnly ||
          is_neutral(option, setting->value)) {
        continue;
      }
      std::string why(option.summary);
      if (why.find(';') == std::string::npos) {
        why += "; remove it";
        if (!option.neutral.empty()) {
          why += fmt::format(" or use {}={}", option.name, split_words(option.neutral).front());
        }
      }
      refuse(key, why);
    }
  }

  void build_engine() {
    const FioSetting* setting = find("ioengine");
    const std::string engine = setting == nullptr ? "psync" : setting->value.text;
    const std::string base = engine.substr(0, engine.find(':'));
    if (engine != "psync" && engine != "sync") {
      if (contains(kRemoteEngines, base)) {
        refuse("ioengine",
               "it has no local block device under it, so there is nothing to simulate");
      } else if (contains(kLocalEngines, base) || engine.find('/') != std::string::npos) {
        refuse("ioengine", "only psync and sync are simulated yet; use ioengine=psync");
      } else if (base == "psync" || base == "sync") {
        error("ioengine", fmt::format("nothing may follow {}", base));
      } else {
        std::vector<std::string> known = split_words(kLocalEngines);
        known.insert(known.end(), {"psync", "sync"});
        const std::string meant = did_you_mean(engine, known);
        error("ioengine",
              fmt::format("no such ioengine; psync and sync are simulated{}",
                          meant.empty() ? "" : fmt::format(". Did you mean \"{}\"?", meant)));
      }
      return;
    }
    check_engine_options(engine);
    if (count("iodepth").value_or(1) > 1) {
      const FioSetting& depth = *find("iodepth");
      findings_.note("iodepth", depth.place,
                     fmt::format("{}: ioengine={} has one I/O at a time whatever iodepth says",
                                 printable(depth.written), engine));
    }
  }

  void check_engine_options(std::string_view engine) {
    for (const auto& [key, setting] : settings_) {
      if (setting->option->engine_option) {
        error(key, fmt::format("is an option of another ioengine; {} has none of its own", engine));
      }
    }
  }

  void build_pattern() {
    const FioSetting* rw = find("rw");
    if (rw == nullptr) {
      findings_.refuse(section_.place, "rw is not set", job_.spec.name,
                       "fio then reads, and reads are not simulated yet; use rw=write or "
                       "rw=randwrite");
    } else if (rw->value.word != "write" && rw->value.word != "randwrite") {
      const bool trims = rw->value.word.find("trim") != std::string::npos;
      refuse("rw", fmt::format("{} are not simulated yet; use rw=write or rw=randwrite",
                               trims ? "trims" : "reads"));
    } else {
      job_.spec.pattern = rw->value.word == "randwrite" ? Pattern::kRandom : Pattern::kSequential;
      check_postfix(*rw);
    }
    job_.spec.random_map = !flag("norandommap", false);
    const std::optional<FioNumber> seed = number("randseed");
    job_.spec.random_seed = seed ? static_cast<std::uint64_t>(seed->value) : kDefaultSeed;
    // A given seed wins over randrepeat=0: fio 3.33 then writes the same offsets in every run.
    job_.spec.random_repeat = flag("randrepeat", true) || seed.has_value();
    job_.spec.invalidate = flag("invalidate", true);
  }

  // rw=randwrite:N writes N blocks in a row, rw=write:N leaves holes of N bytes.
  void check_postfix(const FioSetting& rw) {
    if (rw.value.postfix.empty()) {
      return;
    }
    const bool random = rw.value.word == "randwrite";
    const Parsed<FioNumber> step = parse_number(rw.value.postfix, {});
    if (!step.value) {
      error("rw", step.problem);
    } else if (step.value->value != (random ? 1 : 0)) {
      refuse("rw", fmt::format("{} not simulated yet; use rw={}",
                               random ? "several writes per random offset are"
                                      : "holes between sequential writes are",
                               rw.value.word));
    }
  }

  void build_file() {
    const FioSetting* setting = find("filename");
    if (setting == nullptr) {
      findings_.refuse(section_.place, "filename is not set", job_.spec.name,
                       "fio would make a file here, and file systems are not simulated yet; use "
                       "filename=/dev/...");
      return;
    }
    std::string name;
    const std::string& text = setting->value.text;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool escaped_colon = text.compare(i, 2, "\\:") == 0;
      if (text[i] == ':') {
        refuse("filename", "several files in one job are not simulated yet; use one job for each");
        return;
      }
      name += escaped_colon ? text[++i] : text[i];
    }
    const std::string_view view = name;
    if (!view.starts_with("/dev/") || view.starts_with("/dev/shm/") || view.size() == 5) {
      refuse("filename", "file systems are not simulated yet; use filename=/dev/...");
      return;
    }
    job_.spec.filename = name;
  }

  // Splits a size into bytes and percent; 0 and 0% mean the same as no value.
  void read_size(std::string_view name, std::optional<Bytes>& bytes, std::optional<int>& percent) {
    const std::optional<FioNumber> found = number(name);
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
        refuse(name, "zones are not simulated yet; use bytes");
        break;
    }
    if (found->decimal_binary_suffix) {
      findings_.note("kib", find(name)->place,
                     fmt::format("{}: to fio kib, mib ... are powers of 1000 unless kb_base=1000; "
                                 "k, m ... are powers of 1024",
                                 printable(find(name)->written)));
    }
  }

  void build_extent() {
    JobSpec& spec = job_.spec;
    std::optional<int> no_percent;
    std::optional<Bytes> block_size;
    read_size("bs", block_size, no_percent);
    spec.block_size = block_size.value_or(kibibytes(4));
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
    if (spec.size && *spec.size < spec.block_size) {
      error("size", fmt::format("is less than one block, bs={}", spec.block_size.count()));
    }
    check_alignment();
    build_file_size();
  }

  void check_alignment() {
    const std::optional<std::int64_t> alignment = count("ba");
    if (alignment && *alignment != job_.spec.block_size.count() &&
        job_.spec.pattern == Pattern::kRandom) {
      refuse("ba", "random offsets that are no multiples of bs are not simulated yet; remove it");
    }
  }

  void build_file_size() {
    const FioSetting* setting = find("filesize");
    if (setting == nullptr) {
      return;
    }
    const std::vector<std::optional<FioNumber>>& ends = setting->value.members;
    if (!ends.front() || !ends.back()) {
      error("filesize", "an end of the range is missing");
    } else if (!(*ends.front() == *ends.back())) {
      refuse("filesize", "random sizes are not simulated yet; use one size");
    } else if (ends.front()->value != 0) {
      job_.spec.file_size = Bytes{ends.front()->value};
    }
  }

  void build_end() {
    JobSpec& spec = job_.spec;
    spec.number_ios = count("number_ios");
    if (count("runtime")) {
      spec.runtime = duration("runtime");
    }
    spec.time_based = flag("time_based", false) && spec.runtime.has_value();
    if (flag("time_based", false) && !spec.runtime) {
      findings_.note("time_based", find("time_based")->place,
                     "time_based does nothing without runtime");
    }
    const std::int64_t loops = count("loops").value_or(1);
    if (loops > std::numeric_limits<int>::max()) {
      error("loops", fmt::format("must be at most {}", std::numeric_limits<int>::max()));
      return;
    }
    spec.loops = static_cast<int>(loops);
    // fio 3.33 then stops at the first multiple of size beyond io_size, or later.
    const bool amount_is_within = spec.size && spec.io_size && *spec.io_size <= *spec.size;
    if (loops > 1 && spec.io_size && !amount_is_within) {
      refuse("loops", "loops with an io_size above size are not simulated; use io_size alone");
    }
  }

  void build_pacing() {
    JobSpec& spec = job_.spec;
    const std::optional<std::int64_t> rate = count("rate");
    spec.rate_iops = count("rate_iops");
    if (rate) {
      spec.rate = Bytes{*rate};
    }
    if (rate && spec.rate_iops) {
      error("rate_iops", "rate and rate_iops exclude each other");
    }
    spec.think_time = duration("thinktime");
    const std::optional<FioNumber> blocks = number("thinktime_blocks");
    spec.think_time_blocks = blocks ? blocks->value : 1;
    if (spec.think_time_blocks == 0) {
      error("thinktime_blocks", "must be at least 1");
    }
    build_start_delay();
  }

  void build_start_delay() {
    const FioSetting* setting = find("startdelay");
    if (setting == nullptr) {
      return;
    }
    const std::vector<std::optional<FioNumber>>& ends = setting->value.members;
    if (!ends.front() || !ends.back()) {
      error("startdelay", "an end of the range is missing");
    } else if (!(*ends.front() == *ends.back())) {
      refuse("startdelay", "random delays are not simulated yet; use one delay");
    } else {
      job_.spec.start_delay = duration("startdelay");
    }
  }

  void build_durability() {
    JobSpec& spec = job_.spec;
    spec.fsync_every = count("fsync").value_or(0);
    spec.fdatasync_every = count("fdatasync").value_or(0);
    spec.end_fsync = flag("end_fsync", false);
    const FioSetting* sync = find("sync");
    if (sync != nullptr) {
      const std::string& word = sync->value.word;
      spec.open_sync = word == "dsync"                 ? OpenSync::kDsync
                       : word == "sync" || word == "1" ? OpenSync::kSync
                                                       : OpenSync::kNone;
    }
  }

  void build_clones() {
    const std::optional<FioNumber> clones = number("numjobs");
    if (!clones) {
      return;
    }
    constexpr auto kMost = static_cast<std::int64_t>(kFioJobsMax);
    if (clones->value < 1 || clones->value > kMost) {
      error("numjobs", fmt::format("must be between 1 and {}", kMost));
      return;
    }
    job_.clones = static_cast<int>(clones->value);
    if (job_.offset_increment.count() > (kFioNumberMax - job_.spec.offset.value()) / job_.clones) {
      error("offset_increment", "is too large for so many clones");
      job_.offset_increment = Bytes{0};
    }
  }

  const FioSection& section_;
  const FioSettings& settings_;
  FioFindings& findings_;
  FioJob job_;
};

}  // namespace

FioJob build_fio_job(const FioSection& section, const FioSettings& settings,
                     FioFindings& findings) {
  return JobBuilder(section, settings, findings).build();
}

}  // namespace wbsim::workload
