#include "sim/block/elevators/anticipatory/anticipatory.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

namespace wbsim::block {

namespace {

constexpr std::int64_t kIntMax = std::numeric_limits<int>::max();
constexpr ElevatorGeneration kVersion = ElevatorGeneration::kV2_6_18;
constexpr Sectors kBackSeekMax{1024 * 1024};  // MAXBACK
constexpr std::int64_t kBackSeekPenalty = 2;  // BACK_PENALTY

constexpr TimePart kReadExpire{1, 8};
constexpr TimePart kWriteExpire{1, 4};
constexpr TimePart kAnticExpire{1, 150};
constexpr TimePart kReadBatchExpire{1, 2};
constexpr TimePart kWriteBatchExpire{1, 8};

constexpr Tunable time_tunable(std::string_view name, std::string_view summary, TimePart part) {
  return {name, summary, 0, kIntMax, part.msecs(), kVersion, kVersion, part};
}
constexpr std::array<Tunable, 5> kAnticipatoryTunables{
    time_tunable("read_expire", "ms that a synchronous request may wait", kReadExpire),
    time_tunable("write_expire", "ms that an asynchronous request may wait", kWriteExpire),
    time_tunable("antic_expire", "ms that a next read is waited for", kAnticExpire),
    time_tunable("read_batch_expire", "ms of synchronous requests in a row", kReadBatchExpire),
    time_tunable("write_batch_expire", "ms of asynchronous requests in a row", kWriteBatchExpire)};

bool is_sync_of_task(const engine::RwbsFlags& flags) {
  // PF_SYNCWRITE, which fsync() and its like set. Direct writes do not have it.
  return !flags.write || (flags.sync && !flags.idle);
}

}  // namespace

std::span<const Tunable> Anticipatory::tunables() { return kAnticipatoryTunables; }

Anticipatory::Anticipatory(const ElevatorContext& context)
    : machine_{context.machine},
      host_{*context.single_queue},
      fifo_expire_{context.jiffies("write_expire", kWriteExpire),
                   context.jiffies("read_expire", kReadExpire)},
      read_batch_expire_{context.jiffies("read_batch_expire", kReadBatchExpire)},
      head_order_{kBackSeekMax, kBackSeekPenalty},
      anticipation_{machine_, host_, context.jiffies("antic_expire", kAnticExpire)},
      write_batch_{context.jiffies("write_batch_expire", kWriteBatchExpire)},
      owners_(static_cast<std::size_t>(context.request_numbers)),
      batch_expires_{now() + read_batch_expire_} {}

bool Anticipatory::has_work() const { return !fifo_[kSync].empty() || !fifo_[kAsync].empty(); }

// A request comes and goes.

AnticipatedTask& Anticipatory::task_of(const IoContext& context) {
  const auto id = static_cast<std::size_t>(context.id);
  if (id >= tasks_.size()) {
    tasks_.resize(id + 1);
  }
  if (tasks_[id] == nullptr) {
    tasks_[id] = std::make_unique<AnticipatedTask>(context, now());
  }
  return *tasks_[id];
}

void Anticipatory::set_request(Request& request, const Bio& bio) {
  owner_of(request) = {&task_of(*bio.context), is_sync_of_task(request.flags) ? kSync : kAsync};
}

void Anticipatory::finish_request(Request& request) { owner_of(request) = {}; }

// Who is waited for shall not have to wait.
MayQueue Anticipatory::may_queue(const Bio& bio) {
  return anticipation_.waiting() && anticipation_.task() == &task_of(*bio.context) ? MayQueue::kMust
                                                                                   : MayQueue::kMay;
}

// Models: as_add_request(), as_update_arq().
void Anticipatory::insert(Request& request) {
  const auto [task, kind] = owner_of(request);
  request.in_elevator = true;
  if (kind == kSync) {
    anticipation_.update_history(*task, request);
  }
  ++task->queued;
  add_sorted(request);
  request.fifo_time = static_cast<std::uint64_t>(now() + fifo_expire_[kind]);
  fifo_[kind].push_back(request);
  next_[kind] = head_order_.better(&request, next_[kind], head_[kind]);
  anticipation_.arrived({request, *task, kind == kSync}, head_[batch_]);
}

// Models: as_add_arq_rb(): a tree holds one request of a sector; an older one leaves at once.
void Anticipatory::add_sorted(Request& request) {
  SectorOrder& sorted = sorted_[owner_of(request).kind];
  while (Request* alias = sorted.find(request.sector)) {
    move_to(host_.dispatch_list(), *alias);
  }
  sorted.add(request);
}

// Models: as_remove_queued_request().
void Anticipatory::remove(Request& request) {
  const auto [task, kind] = owner_of(request);
  --task->queued;
  if (next_[kind] == &request) {
    next_[kind] = next_after(request);
  }
  fifo_[kind].erase(fifo_[kind].iterator_to(request));
  sorted_[kind].remove(request);
}

Request* Anticipatory::next_after(Request& request) {
  const Kind kind = owner_of(request).kind;
  const auto [next, former] = HeadOrder::neighbours(sorted_[kind], request);
  return head_order_.better(next, former, head_[kind]);
}

// Models: as_move_to_dispatch().
void Anticipatory::move_to(DispatchList& list, Request& request) {
  const auto [task, kind] = owner_of(request);
  anticipation_.dispatched(kind == kSync ? task : nullptr);
  head_[kind] = request.end();
  if (kind == kAsync) {
    write_batch_.dispatched();
  }
  next_[kind] = next_after(request);
  remove(request);
  list.add_sorted(request);
  ++task->dispatched;
  ++dispatched_;
}

void Anticipatory::activate_request(Request& request) {
  if (AnticipatedTask* task = owner_of(request).task) {
    --task->dispatched;
  }
}

void Anticipatory::deactivate_request(Request& request) {
  if (AnticipatedTask* task = owner_of(request).task) {
    ++task->dispatched;
  }
}

// Models: as_completed_request().
void Anticipatory::completed_request(Request& request, SimTime /*now*/) {
  const auto [task, kind] = owner_of(request);
  if (task == nullptr) {
    return;  // a flush
  }
  if (changed_batch_ && dispatched_ == 1) {
    // The old batch is over. The time of a batch of writes that begins here is not set, so that it
    // ends with its first request if that of the reads before has run out: so does the kernel.
    host_.run_async(0);
    changed_batch_ = false;
    new_batch_ = batch_ == kSync;
  }
  --dispatched_;
  if (new_batch_ && batch_ == kind) {
    write_batch_.tune(now(), batch_expires_);
    batch_expires_ = now() + read_batch_expire_;
    new_batch_ = false;
  }
  anticipation_.completed(*task);
  if (kind == kSync) {
    task->has_finished = true;
    task->think_time.ended(now());
  }
}

// Merging.

// The kernel takes reads for asynchronous and writes for synchronous when it looks for a front
// merge (as_merge() gives as_find_arq_rb() the direction, 0 for a read). So reads find writes, with
// which they do not merge, and writes find synchronous writes.
Request* Anticipatory::find_front_merge(const Bio& bio) {
  return bio.flags.write ? sorted_[kSync].find(bio.end()) : nullptr;
}

void Anticipatory::request_merged(Request& request, MergeKind kind) {
  if (kind == MergeKind::kFront) {
    sorted_[owner_of(request).kind].remove(request);
    add_sorted(request);
  }
}

// Models: as_merged_requests(): what expires earlier lends the other its place and its task. The
// task that is left sees a request of its own end.
void Anticipatory::requests_merged(Request& request, Request& next) {
  if (!next.in_elevator) {
    return;  // was merged instead of being inserted
  }
  Owner& owner = owner_of(request);
  Owner& left = owner_of(next);
  if (owner.kind == left.kind && next.fifo_time < request.fifo_time) {
    RequestChain& fifo = fifo_[owner.kind];
    fifo.splice(fifo.iterator_to(next), fifo, fifo.iterator_to(request));
    request.fifo_time = next.fifo_time;
    std::swap(owner.task, left.task);
  }
  remove(next);
  if (left.kind == kSync) {
    left.task->has_finished = true;
    left.task->think_time.ended(now());
  }
}

Request* Anticipatory::former_request(Request& request) {
  return sorted_[owner_of(request).kind].former(request);
}

Request* Anticipatory::latter_request(Request& request) {
  return sorted_[owner_of(request).kind].latter(request);
}

// Dispatch.

// Models: as_dispatch_request().
int Anticipatory::dispatch_to(DispatchList& list, bool forced) {
  if (forced) {
    return dispatch_everything(list);
  }
  const bool reads = !fifo_[kSync].empty();
  const bool writes = !fifo_[kAsync].empty();
  if (batch_ == kAsync && !reads && (write_batch_.used_up() || !writes)) {
    write_batch_.note_idle();
  }
  if ((!reads && !writes) || anticipation_.waiting() || changed_batch_) {
    return 0;
  }
  Request* request = choose(reads, writes);
  if (request == nullptr || (changed_batch_ && !may_begin())) {
    return 0;
  }
  move_to(list, *request);
  return 1;
}

Request* Anticipatory::choose(bool reads, bool writes) {
  if (!(reads && writes && batch_expired())) {
    Request* next = next_[batch_];
    if (batch_ == kSync && anticipation_.enabled()) {
      if (fifo_expired(kSync)) {
        return &fifo_[kSync].front();
      }
      if (should_wait_instead_of(next)) {
        anticipation_.wait();
        return nullptr;
      }
    }
    if (next != nullptr) {
      if (!writes) {
        batch_expires_ = now() + read_batch_expire_;
      }
      return fifo_expired(batch_) ? &fifo_[batch_].front() : next;
    }
  }
  Request& first = begin_batch(reads, writes);
  return fifo_expired(batch_) ? &fifo_[batch_].front() : &first;
}

bool Anticipatory::should_wait_instead_of(Request* next) {
  if (next == nullptr) {
    return anticipation_.should_wait(nullptr, head_[batch_]);
  }
  const Owner& owner = owner_of(*next);
  const AnticipatedRequest candidate{*next, *owner.task, owner.kind == kSync};
  return anticipation_.should_wait(&candidate, head_[batch_]);
}

Request& Anticipatory::begin_batch(bool reads, bool writes) {
  const Kind before = batch_;
  batch_ = reads && !(writes && before == kSync) ? kSync : kAsync;
  changed_batch_ = changed_batch_ || batch_ != before;
  if (batch_ == kSync) {
    last_fifo_check_[kSync] = now();
    return fifo_[kSync].front();
  }
  if (batch_ != before) {
    new_batch_ = false;  // the reads were over before the first one had completed
  }
  write_batch_.begin();
  return *next_[kAsync];
}

// A batch that was begun waits for the one before to be out of the device.
bool Anticipatory::may_begin() {
  if (dispatched_ > 0) {
    return false;
  }
  if (batch_ == kAsync) {
    batch_expires_ = now() + write_batch_.target();
  } else {
    new_batch_ = true;
  }
  changed_batch_ = false;
  return true;
}

// Models: as_batch_expired().
bool Anticipatory::batch_expired() const {
  if (changed_batch_ || new_batch_) {
    return false;
  }
  return now() > batch_expires_ || (batch_ == kAsync && write_batch_.used_up());
}

// Models: as_fifo_expired(): looked at once in the time that a request may wait, or a queue that
// is late with everything would lose its order.
bool Anticipatory::fifo_expired(Kind kind) {
  if (now() - last_fifo_check_[kind] < fifo_expire_[kind]) {
    return false;
  }
  last_fifo_check_[kind] = now();
  return !fifo_[kind].empty() && now() > static_cast<std::int64_t>(fifo_[kind].front().fifo_time);
}

int Anticipatory::dispatch_everything(DispatchList& list) {
  int moved = 0;
  batch_ = kSync;  // so that no batch of writes is measured
  changed_batch_ = false;
  new_batch_ = false;
  for (const Kind kind : {kSync, kAsync}) {
    while (next_[kind] != nullptr) {
      move_to(list, *next_[kind]);
      ++moved;
    }
    last_fifo_check_[kind] = now();
  }
  return moved;
}

}  // namespace wbsim::block
