#include "sim/block/elevators/deadline.hpp"

#include <limits>

namespace wbsim::block {

namespace {

constexpr std::int64_t kIntMin = std::numeric_limits<int>::min();
constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();

constexpr std::int64_t kReadExpire = 500;    // ms; HZ / 2
constexpr std::int64_t kWriteExpire = 5000;  // ms; 5 * HZ
constexpr std::int64_t kWritesStarved = 2;
constexpr std::int64_t kFifoBatch = 16;
constexpr std::int64_t kFrontMerges = 1;

// Ranges: the STORE_FUNCTION macros of the elevator's sysfs part.
constexpr std::array<Tunable, 5> kDeadlineTunables{{
    {"read_expire", "ms that a read may wait", 0, kIntMax, kReadExpire},
    {"write_expire", "ms that a write may wait", 0, kIntMax, kWriteExpire},
    {"writes_starved", "batches of reads that writes wait for", kIntMin, kIntMax, kWritesStarved},
    {"front_merges", "0: no bio is merged before a request", 0, 1, kFrontMerges},
    {"fifo_batch", "requests of a batch", 0, kIntMax, kFifoBatch},
}};

}  // namespace

std::span<const Tunable> Deadline::tunables() { return kDeadlineTunables; }

Deadline::Deadline(const ElevatorContext& context)
    : machine_{context.machine},
      ends_at_gaps_{context.generation == ElevatorGeneration::kV2_6_18},
      writes_starved_{context.tunable("writes_starved", kWritesStarved)},
      fifo_batch_{context.tunable("fifo_batch", kFifoBatch)},
      front_merges_{context.tunable("front_merges", kFrontMerges) != 0} {
  const auto jiffies = [&](std::string_view name, std::int64_t msecs) {
    return context.machine.jiffies().from_msecs_ceil(
        static_cast<std::uint64_t>(context.tunable(name, msecs)));
  };
  fifo_expire_ = {jiffies("read_expire", kReadExpire), jiffies("write_expire", kWriteExpire)};
  if (context.generation == ElevatorGeneration::kV2_6_18) {
    aliases_ = &context.single_queue->dispatch_list();
  }
}

// Models: deadline_add_drq_rb(), v2.6.18; elv_rb_add(), v3.6.
void Deadline::add_sorted(Request& request) {
  SectorOrder& sorted = sorted_[direction_of(request)];
  if (aliases_ != nullptr) {
    if (Request* alias = sorted.find(request.sector)) {
      move_to(*aliases_, *alias);
    }
  }
  sorted.add(request);
}

void Deadline::insert(Request& request) {
  const Direction direction = direction_of(request);
  add_sorted(request);
  request.in_elevator = true;
  request.fifo_time = machine_.jiffies_now() + fifo_expire_[direction];
  fifo_[direction].push_back(request);
}

bool Deadline::has_work() const { return !fifo_[kRead].empty() || !fifo_[kWrite].empty(); }

// Models: deadline_dispatch_requests(). Drained or not, it never holds anything back.
int Deadline::dispatch_to(DispatchList& list, bool /*forced*/) {
  Request* request = next_[kWrite] != nullptr ? next_[kWrite] : next_[kRead];
  if (request != nullptr && ends_at_gaps_ && request->sector != last_sector_) {
    batching_ += fifo_batch_;
  }
  if (request == nullptr || batching_ >= fifo_batch_) {
    request = choose();
  }
  if (request == nullptr) {
    return 0;
  }
  ++batching_;
  move_to(list, *request);
  return 1;
}

Request* Deadline::choose() {
  const bool writes = !fifo_[kWrite].empty();
  if (!fifo_[kRead].empty() && !(writes && starved_++ >= writes_starved_)) {
    return &start_of_batch(kRead);
  }
  if (!writes) {
    return nullptr;
  }
  starved_ = 0;
  return &start_of_batch(kWrite);
}

Request& Deadline::start_of_batch(Direction direction) {
  Request& oldest = fifo_[direction].front();
  Request* next = next_[direction];
  const bool expired = engine::time_after(machine_.jiffies_now(), oldest.fifo_time);
  if (!expired && next != nullptr) {
    batching_ = ends_at_gaps_ ? batching_ : 0;
    return *next;
  }
  batching_ = 0;
  return expired || !ends_at_gaps_ ? oldest : *sorted_[direction].first();
}

// Models: deadline_move_request().
void Deadline::move_to(DispatchList& list, Request& request) {
  const Direction direction = direction_of(request);
  next_.fill(nullptr);
  next_[direction] = sorted_[direction].latter(request);
  last_sector_ = request.end();
  remove(request);
  list.add_tail(request);
}

void Deadline::remove(Request& request) {
  const Direction direction = direction_of(request);
  if (next_[direction] == &request) {
    next_[direction] = sorted_[direction].latter(request);
  }
  sorted_[direction].remove(request);
  fifo_[direction].erase(fifo_[direction].iterator_to(request));
  request.in_elevator = false;
}

Request* Deadline::find_front_merge(const Bio& bio) {
  return front_merges_ ? sorted_[bio.flags.write ? kWrite : kRead].find(bio.end()) : nullptr;
}

// Models: deadline_merged_request(). In v2.6.18 who leaves the tree is nobody's successor, even if
// it comes back at once.
void Deadline::request_merged(Request& request, MergeKind kind) {
  if (kind != MergeKind::kFront) {
    return;
  }
  const Direction direction = direction_of(request);
  if (ends_at_gaps_ && next_[direction] == &request) {
    next_[direction] = sorted_[direction].latter(request);
  }
  sorted_[direction].remove(request);
  add_sorted(request);
}

// Models: deadline_merged_requests(): what expires earlier lends the other its place.
void Deadline::requests_merged(Request& request, Request& next) {
  if (!next.in_elevator) {
    return;  // was merged instead of being inserted
  }
  RequestChain& fifo = fifo_[direction_of(next)];
  if (engine::time_after(request.fifo_time, next.fifo_time)) {
    fifo.splice(fifo.iterator_to(next), fifo, fifo.iterator_to(request));
    request.fifo_time = next.fifo_time;
  }
  remove(next);
}

Request* Deadline::former_request(Request& request) {
  return sorted_[direction_of(request)].former(request);
}

Request* Deadline::latter_request(Request& request) {
  return sorted_[direction_of(request)].latter(request);
}

}  // namespace wbsim::block
