#include "sim/block/elevators/mq_deadline.hpp"

#include <algorithm>
#include <limits>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {

constexpr std::int64_t kIntMin = std::numeric_limits<int>::min();
constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();

// Defaults: read_expire HZ / 2, write_expire 5 * HZ, prio_aging_expire 10 * HZ.
constexpr std::int64_t kReadExpire = 500;         // ms
constexpr std::int64_t kWriteExpire = 5000;       // ms
constexpr std::int64_t kPrioAgingExpire = 10000;  // ms
constexpr std::int64_t kWritesStarved = 2;
constexpr std::int64_t kFifoBatch = 16;
constexpr std::int64_t kFrontMerges = 1;

// Ranges: the STORE_* macros of the elevator's sysfs part.
constexpr std::array<Tunable, 7> kDeadlineTunables{{
    {"read_expire", "ms that a read may wait", 0, kIntMax, kReadExpire},
    {"write_expire", "ms that a write may wait", 0, kIntMax, kWriteExpire},
    {"writes_starved", "batches of reads that writes wait for", kIntMin, kIntMax, kWritesStarved},
    {"front_merges", "0: no bio is merged before a request", 0, 1, kFrontMerges},
    {"fifo_batch", "requests of a batch", 0, kIntMax, kFifoBatch},
    {"async_depth", "requests other than synchronous reads, of nr_requests (6.1)", 1, kIntMax,
     std::nullopt, ElevatorGeneration::kV6_1},
    {"prio_aging_expire", "ms after which a lower priority goes first (6.1)", 0, kIntMax,
     kPrioAgingExpire, ElevatorGeneration::kV6_1},
}};

// Models: dd_to_word_depth(): the share of each word, rounded up.
int word_depth_of(std::int64_t depth, const ElevatorContext& context) {
  const std::int64_t bits =
      (depth * context.bits_per_word + context.nr_requests - 1) / context.nr_requests;
  return static_cast<int>(std::min<std::int64_t>(bits, Sbitmap::kWholeWord));
}

}  // namespace

std::span<const Tunable> MqDeadline::tunables() { return kDeadlineTunables; }

MqDeadline::MqDeadline(const ElevatorContext& context)
    : machine_{context.machine},
      priorities_{context.generation >= ElevatorGeneration::kV6_1},
      by_position_{context.generation >= ElevatorGeneration::kV6_6},
      writes_starved_{context.tunable("writes_starved", kWritesStarved)},
      fifo_batch_{context.tunable("fifo_batch", kFifoBatch)},
      front_merges_{context.tunable("front_merges", kFrontMerges) != 0} {
  const auto jiffies = [&](std::string_view name, std::int64_t msecs) {
    return context.machine.jiffies().from_msecs_ceil(
        static_cast<std::uint64_t>(context.tunable(name, msecs)));
  };
  fifo_expire_ = {jiffies("read_expire", kReadExpire), jiffies("write_expire", kWriteExpire)};
  prio_aging_expire_ = jiffies("prio_aging_expire", kPrioAgingExpire);
  if (priorities_) {
    const std::int64_t depth = context.tunable("async_depth", context.default_nr_requests);
    async_word_depth_ = context.generation >= ElevatorGeneration::kV6_12
                            ? static_cast<int>(depth)
                            : word_depth_of(depth, context);
  }
}

std::uint64_t MqDeadline::now() const { return machine_.jiffies_now(); }

// Without classes of their own all requests are one class.
MqDeadline::LevelIndex MqDeadline::level_of(const IoPriority& priority) const {
  if (priorities_ && priority.io_class == IoClass::kRealTime) {
    return kRealTime;
  }
  return priorities_ && priority.io_class == IoClass::kIdle ? kIdle : kBestEffort;
}

void MqDeadline::insert(Request& request) {
  Level& level = level_of(request);
  const Direction direction = direction_of(request);
  request.in_elevator = true;
  ++level.queued;
  request.fifo_time = now() + fifo_expire_[direction];
  level.sorted[direction].add(request);
  level.fifo[direction].push_back(request);
}

bool MqDeadline::has_work() const {
  return std::any_of(levels_.begin(), levels_.end(), [](const Level& level) {
    return !level.fifo[kRead].empty() || !level.fifo[kWrite].empty();
  });
}

// Models: dd_dispatch_request().
Request* MqDeadline::dispatch() {
  const std::uint64_t now = this->now();
  if (Request* aged = priorities_ ? dispatch_aged(now) : nullptr) {
    return aged;
  }
  for (Level& level : levels_) {
    Request* request = dispatch_from(level, now, now);
    if (request != nullptr || level.queued > 0) {
      return request;
    }
  }
  return nullptr;
}

// Models: dd_dispatch_prio_aged_requests().
Request* MqDeadline::dispatch_aged(std::uint64_t now) {
  const auto busy = std::count_if(levels_.begin(), levels_.end(),
                                  [](const Level& level) { return level.queued > 0; });
  if (busy < 2) {
    return nullptr;
  }
  for (const LevelIndex index : {kBestEffort, kIdle}) {
    if (Request* aged = dispatch_from(levels_[index], now, now - prio_aging_expire_)) {
      return aged;
    }
  }
  return nullptr;
}

// Models: __dd_dispatch_request(): of requests that started at `latest_start` or before.
Request* MqDeadline::dispatch_from(Level& level, std::uint64_t now, std::uint64_t latest_start) {
  Request* request = next_of(level, last_direction_);
  if (request == nullptr || batching_ >= fifo_batch_) {
    const std::optional<Direction> direction = choose_direction(level);
    if (!direction) {
      return nullptr;
    }
    request = &start_of_batch(level, *direction, now);
    last_direction_ = *direction;
    batching_ = 0;
  }
  if (started_after(*request, latest_start)) {
    return nullptr;
  }
  ++batching_;
  note_dispatched(level, last_direction_, *request);
  remove(level, *request);
  return request;
}

// Models: deadline_next_request().
Request* MqDeadline::next_of(Level& level, Direction direction) {
  return by_position_ ? level.sorted[direction].first_from(level.position[direction])
                      : level.next[direction];
}

void MqDeadline::note_dispatched(Level& level, Direction direction, Request& request) {
  if (by_position_) {
    level.position[direction] = request.sector;
    return;
  }
  if (!priorities_) {
    level.next.fill(nullptr);
  }
  level.next[direction] = level.sorted[direction].latter(request);
}

std::optional<MqDeadline::Direction> MqDeadline::choose_direction(const Level& level) {
  const bool writes = !level.fifo[kWrite].empty();
  if (!level.fifo[kRead].empty() && !(writes && starved_++ >= writes_starved_)) {
    return kRead;
  }
  if (!writes) {
    return std::nullopt;
  }
  starved_ = 0;
  return kWrite;
}

Request& MqDeadline::start_of_batch(Level& level, Direction direction, std::uint64_t now) {
  Request& oldest = level.fifo[direction].front();
  Request* next = next_of(level, direction);
  const bool expired = !engine::time_after(oldest.fifo_time, now);
  return expired || next == nullptr ? oldest : *next;
}

bool MqDeadline::started_after(const Request& request, std::uint64_t latest_start) const {
  return engine::time_after(request.fifo_time - fifo_expire_[direction_of(request)], latest_start);
}

void MqDeadline::remove(Level& level, Request& request) {
  const Direction direction = direction_of(request);
  if (level.next[direction] == &request) {
    level.next[direction] = level.sorted[direction].latter(request);
  }
  level.sorted[direction].remove(request);
  level.fifo[direction].erase(level.fifo[direction].iterator_to(request));
}

Request* MqDeadline::find_front_merge(const Bio& bio) {
  if (!front_merges_) {
    return nullptr;
  }
  Level& level = levels_[level_of(bio.priority)];
  return level.sorted[bio.flags.write ? kWrite : kRead].find(bio.end());
}

void MqDeadline::request_merged(Request& request, MergeKind kind) {
  if (kind == MergeKind::kFront) {
    SectorOrder& sorted = level_of(request).sorted[direction_of(request)];
    sorted.remove(request);
    sorted.add(request);
  }
}

// Models: dd_merged_requests(): what expires earlier lends the other its place.
void MqDeadline::requests_merged(Request& request, Request& next) {
  if (!next.in_elevator) {
    return;  // was merged instead of being inserted
  }
  Level& level = level_of(next);
  RequestChain& fifo = level.fifo[direction_of(next)];
  if (engine::time_after(request.fifo_time, next.fifo_time)) {
    fifo.splice(fifo.iterator_to(next), fifo, fifo.iterator_to(request));
    request.fifo_time = next.fifo_time;
  }
  remove(level, next);
}

Request* MqDeadline::former_request(Request& request) {
  return level_of(request).sorted[direction_of(request)].former(request);
}

Request* MqDeadline::latter_request(Request& request) {
  return level_of(request).sorted[direction_of(request)].latter(request);
}

// Models: dd_limit_depth(). Every read is synchronous (op_is_sync()).
int MqDeadline::word_depth(const engine::RwbsFlags& flags) const {
  return flags.write ? async_word_depth_ : Sbitmap::kWholeWord;
}

// Models: dd_depth_updated().
int MqDeadline::min_word_depth() const { return priorities_ ? 1 : Sbitmap::kWholeWord; }

void MqDeadline::finish_request(Request& request) {
  if (request.in_elevator) {
    --level_of(request).queued;
  }
}

}  // namespace wbsim::block
