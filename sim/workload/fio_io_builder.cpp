#include "sim/workload/fio_io_builder.hpp"

#include <algorithm>
#include <vector>

namespace wbsim::workload {

namespace {

constexpr std::uint64_t kDefaultSeed = 0x89;  // fio's FIO_RANDSEED
constexpr int kIoDepthMax = 65'536;           // as many as a kioctx takes (aio-max-nr)
constexpr int kPercent = 100;

// Engines without a local block device behind them: nothing for this simulator to do, ever.
constexpr std::string_view kRemoteEngines =
    "rbd|rados|net|netsplice|rdma|gfapi|gfapi_async|libhdfs|ime_psync|ime_psyncv|ime_aio|http|nbd|"
    "dfs|nfs|libiscsi|dev-dax|libpmem|pmemblk|mtd|libcufile|libhipfile|cpuio|exec|null|cpp_null|"
    "filecreate|filestat|filedelete|dircreate|dirstat|dirdelete|ftruncate|page_fault";
constexpr std::string_view kLocalEngines =
    "vsync|pvsync|pvsync2|posixaio|io_uring_cmd|solarisaio|windowsaio|mmap|splice|sg|e4defrag|"
    "falloc|"
    "external|xnvme|libblkio|libzbc|guasi";
constexpr std::string_view kSimulatedEngines = "psync|sync|libaio|linuxaio|aio|io_uring";

// Options of libaio and io_uring that only change how much CPU time an I/O takes.
constexpr std::string_view kCpuOnlyEngineOptions =
    "userspace_reap|libaio_vectored|fixedbufs|registerfiles|nonvectored";

bool contains(std::string_view words, std::string_view word) {
  const std::vector<std::string> all = split_words(words);
  return std::find(all.begin(), all.end(), word) != all.end();
}

void refuse_engine(FioSettingReader& reader, const std::string& engine) {
  const std::string base = engine.substr(0, engine.find(':'));
  if (contains(kRemoteEngines, base)) {
    reader.refuse("ioengine",
                  "it has no local block device under it, so there is nothing to simulate");
  } else if (contains(kLocalEngines, base) || engine.find('/') != std::string::npos) {
    reader.refuse("ioengine",
                  "only psync, sync, libaio and io_uring are simulated yet; use one of these");
  } else if (contains(kSimulatedEngines, base)) {
    reader.error("ioengine", fmt::format("nothing may follow {}", base));
  } else {
    std::vector<std::string> known = split_words(kLocalEngines);
    const std::vector<std::string> simulated = split_words(kSimulatedEngines);
    known.insert(known.end(), simulated.begin(), simulated.end());
    const std::string meant = did_you_mean(engine, known);
    reader.error("ioengine",
                 fmt::format("no such ioengine; psync, sync, libaio and io_uring are simulated{}",
                             meant.empty() ? "" : fmt::format(". Did you mean \"{}\"?", meant)));
  }
}

void check_engine_options(FioSettingReader& reader, IoEngine engine, const std::string& name) {
  for (const auto& [key, setting] : reader.settings()) {
    if (!setting->option->engine_option) {
      continue;
    }
    if (engine == IoEngine::kSync) {
      reader.error(key,
                   fmt::format("is an option of another ioengine; {} has none of its own", name));
    } else if (contains(kCpuOnlyEngineOptions, key)) {
      reader.note(key, key, "what it saves in CPU time is not simulated");
    } else {
      reader.refuse(key, "options of this ioengine are not simulated yet; remove it");
    }
  }
}

// What fixup_options() of fio makes of the batch options.
Queueing queueing_of(FioSettingReader& reader) {
  Queueing queueing;
  queueing.depth = reader.small_count("iodepth", 1, kIoDepthMax);
  queueing.batch_submit = reader.small_count("iodepth_batch", 1, kIoDepthMax);
  if (queueing.batch_submit == 0 || queueing.batch_submit > queueing.depth) {
    queueing.batch_submit = queueing.depth;
  }
  queueing.batch_complete_min =
      std::min(reader.small_count("iodepth_batch_complete_min", 1, kIoDepthMax), queueing.depth);
  queueing.batch_complete_max =
      std::max(reader.small_count("iodepth_batch_complete_max", 0, kIoDepthMax),
               queueing.batch_complete_min);
  queueing.low = reader.small_count("iodepth_low", 0, kIoDepthMax);
  if (queueing.low == 0 || queueing.low > queueing.depth) {
    queueing.low = queueing.depth;
  }
  return queueing;
}

void check_asynchronous(FioSettingReader& reader, const JobSpec& spec, const std::string& name) {
  if (spec.engine == IoEngine::kIoUring && !spec.direct) {
    reader.refuse("ioengine",
                  "buffered I/O of io_uring on block devices is done by kernel workers, which are "
                  "not simulated yet; use direct=1");
  }
  for (const char* sync : {"fsync", "fdatasync"}) {
    if (reader.count(sync)) {
      reader.refuse(sync, fmt::format("syncs among the I/Os of ioengine={} are not simulated yet; "
                                      "use end_fsync=1 or ioengine=psync",
                                      name));
    }
  }
}

// rw=randwrite:N does N blocks in a row, rw=write:N leaves holes of N bytes.
void build_postfix(FioSettingReader& reader, const FioSetting& rw, JobSpec& spec) {
  if (rw.value.postfix.empty()) {
    return;
  }
  const Parsed<FioNumber> step = parse_number(rw.value.postfix, {});
  if (!step.value) {
    reader.error("rw", step.problem);
  } else if (spec.pattern == Pattern::kRandom && step.value->value < 1) {
    reader.error("rw", "at least 1 I/O in a row");
  } else if (spec.pattern == Pattern::kRandom) {
    spec.random_streak = step.value->value;
  } else {
    spec.hole = Bytes{step.value->value};
  }
}

// fadvise_hint: 1, the default, goes by rw; noreuse does nothing in these kernels.
void build_advice(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* hint = reader.find("fadvise_hint");
  const std::string word = hint == nullptr ? "1" : hint->value.word;
  if (word == "random" || (word == "1" && spec.pattern == Pattern::kRandom)) {
    spec.advice = ReadAdvice::kRandom;
  } else if (word == "sequential" || word == "1") {
    spec.advice = ReadAdvice::kSequential;
  } else {
    spec.advice = ReadAdvice::kNone;
  }
}

void build_mix(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* mix = reader.find("rwmixread");
  if (mix == nullptr) {
    return;
  }
  const auto percent = static_cast<int>(mix->value.members.front()->value);
  spec.mix_read_percent = mix->option->name == "rwmixwrite" ? kPercent - percent : percent;
}

// The list of `direction`: the second of two is for writes, a single one for all.
template <class List>
const List& of_direction(const std::vector<List>& lists, Direction direction) {
  return lists[lists.size() > 1 && direction == Direction::kWrite ? 1 : 0];
}

void build_range(FioSettingReader& reader, const FioSetting& setting, JobSpec& spec) {
  const auto& members = setting.value.members;
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    const std::size_t first = members.size() > 2 && direction == Direction::kWrite ? 2 : 0;
    const Bytes min{members[first]->value};
    const Bytes max{members[first + 1]->value};
    if (min <= Bytes{0} || max < min) {
      reader.error("bsrange", "must rise from a size above 0");
      return;
    }
    spec.blocks[direction] = {min, max - max % min, {}};
  }
}

// Shares without a percentage divide what the others leave.
void build_split(FioSettingReader& reader, const FioSetting& setting, JobSpec& spec) {
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    const std::vector<FioShare>& given = of_direction(setting.value.splits, direction);
    int sum = 0;
    int open = 0;
    for (const FioShare& share : given) {
      sum += share.percent.value_or(0);
      open += share.percent ? 0 : 1;
      if (share.size.value <= 0) {
        reader.error("bssplit", "sizes must be above 0");
        return;
      }
    }
    if (sum > kPercent || (sum < kPercent && open == 0)) {
      reader.error("bssplit", fmt::format("the percentages add up to {}", sum));
      return;
    }
    BlockSizes& blocks = spec.blocks[direction];
    blocks = {Bytes::max(), Bytes{0}, {}};
    int rest = kPercent - sum;
    for (const FioShare& share : given) {
      const int percent = share.percent ? *share.percent : rest / open;
      if (!share.percent) {
        rest -= percent;
        --open;
      }
      const Bytes size{share.size.value};
      blocks.shares.push_back({size, percent});
      blocks.min = std::min(blocks.min, size);
      blocks.max = std::max(blocks.max, size);
    }
  }
}

}  // namespace

void build_pattern(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* rw = reader.find("rw");
  const std::string word = rw == nullptr ? "read" : rw->value.word;
  if (word.find("trim") != std::string::npos) {
    reader.refuse("rw", "trims are not simulated yet; use read, write or rw");
    return;
  }
  spec.pattern = word.starts_with("rand") ? Pattern::kRandom : Pattern::kSequential;
  spec.reads = word.find("write") == std::string::npos || word == "readwrite";
  spec.writes = word.find("read") == std::string::npos || word == "readwrite";
  if (word == "rw" || word == "randrw") {
    spec.reads = spec.writes = true;
  }
  if (rw != nullptr) {
    build_postfix(reader, *rw, spec);
  }
  build_mix(reader, spec);
  spec.direct = reader.flag("direct", false);
  if (const FioSetting* direct = reader.find("direct"); direct != nullptr) {
    spec.direct = spec.direct != (direct->option->name == "buffered");
  }
  spec.random_map = !reader.flag("norandommap", false);
  const std::optional<FioNumber> seed = reader.number("randseed");
  spec.random_seed = seed ? static_cast<std::uint64_t>(seed->value) : kDefaultSeed;
  // A given seed wins over randrepeat=0: fio 3.33 then writes the same offsets in every run.
  spec.repeats_order = reader.flag("randrepeat", true);
  spec.random_repeat = spec.repeats_order || seed.has_value();
  spec.invalidate = reader.flag("invalidate", true);
  build_advice(reader, spec);
}

void build_block_sizes(FioSettingReader& reader, JobSpec& spec) {
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    const Bytes size{reader.count("bs", direction).value_or(kibibytes(4).count())};
    spec.blocks[direction] = {size, size, {}};
  }
  if (const FioSetting* size = reader.find("bs")) {
    const auto& members = size->value.members;
    if (std::any_of(members.begin(), members.end(), [](const std::optional<FioNumber>& member) {
          return member && member->decimal_binary_suffix;
        })) {
      reader.note_decimal_suffix("bs");
    }
  }
  if (const FioSetting* range = reader.find("bsrange")) {
    build_range(reader, *range, spec);
  }
  if (const FioSetting* split = reader.find("bssplit")) {
    build_split(reader, *split, spec);
  }
}

void build_engine(FioSettingReader& reader, JobSpec& spec) {
  const FioSetting* setting = reader.find("ioengine");
  const std::string engine = setting == nullptr ? "psync" : setting->value.text;
  if (!contains(kSimulatedEngines, engine)) {
    refuse_engine(reader, engine);
    return;
  }
  spec.engine = engine == "io_uring"                ? IoEngine::kIoUring
                : engine.find("aio") == engine.npos ? IoEngine::kSync
                                                    : IoEngine::kLibaio;
  check_engine_options(reader, spec.engine, engine);
  if (spec.engine == IoEngine::kSync) {
    if (reader.count("iodepth").value_or(1) > 1) {
      reader.note("iodepth", "iodepth",
                  fmt::format("ioengine={} has one I/O at a time whatever iodepth says", engine));
    }
    return;
  }
  spec.queueing = queueing_of(reader);
  check_asynchronous(reader, spec, engine);
}

void build_rates(FioSettingReader& reader, JobSpec& spec) {
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    const std::optional<std::int64_t> rate = reader.count("rate", direction);
    spec.rate_iops[direction] = reader.count("rate_iops", direction);
    if (rate) {
      spec.rate[direction] = Bytes{*rate};
    }
  }
  if ((spec.rate.read || spec.rate.write) && (spec.rate_iops.read || spec.rate_iops.write)) {
    reader.error("rate_iops", "rate and rate_iops exclude each other");
  }
  const FioSetting* process = reader.find("rate_process");
  spec.rate_process = process != nullptr && process->value.word == "poisson" ? RateProcess::kPoisson
                                                                             : RateProcess::kLinear;
}

}  // namespace wbsim::workload
