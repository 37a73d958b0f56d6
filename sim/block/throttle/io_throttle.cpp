#include "sim/block/throttle/io_throttle.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::time_after;

namespace {

constexpr int kWorkerPid = 28;             // any pid below the jobs'
constexpr int kRoundQuantum = 32;          // THROTL_QUANTUM: of one look at a queue's children
constexpr int kGroupQuantum = 8;           // THROTL_GRP_QUANTUM: of one group in a round
constexpr std::uint64_t kTimerSlices = 8;  // throtl_schedule_pending_timer(): the longest sleep

// How many of a group's bios go up in a round: three quarters reads.
constexpr std::array<int, kThrottledDirections> kShares{kGroupQuantum * 3 / 4,
                                                        kGroupQuantum - kGroupQuantum * 3 / 4};

std::size_t direction_of(const Bio& bio) { return bio.flags.write ? kWrites : kReads; }

ThrottledIo io_of(const Bio& bio) {
  return {.bytes = to_bytes(bio.length()), .bytes_charged = bio.split_off > Sectors{0}};
}

}  // namespace

IoThrottle::ServiceQueue::ServiceQueue(IoThrottle& owner, Group* of, std::size_t groups)
    : throttle{owner},
      group{of},
      timer{[](void* self) {
              ServiceQueue& queue = *static_cast<ServiceQueue*>(self);
              queue.throttle.on_timer(queue);
            },
            this, "blk-throttle timer"} {
  pending.reserve(groups);
  for (std::vector<Source*>& list : sources) {
    list.reserve(groups + 1);
  }
}

IoThrottle::Group::Group(IoThrottle& owner, const ControlGroup& from, Group* above,
                         std::size_t groups, int hz)
    : parent{above},
      queue{owner, this, groups},
      slices{ThrottleSlice{from.limits[kReads], hz}, ThrottleSlice{from.limits[kWrites], hz}} {
  for (std::size_t i = 0; i < kThrottledDirections; ++i) {
    limited.at(i) = from.limits.at(i).any() || (above != nullptr && above->limited.at(i));
    iops_limited.at(i) =
        from.limits.at(i).iops.has_value() || (above != nullptr && above->iops_limited.at(i));
  }
}

IoThrottle::IoThrottle(engine::Machine& machine, ThrottleHost& host, const ControlGroups& groups,
                       SplitCharge split_charge)
    : machine_{machine},
      host_{host},
      split_charge_{split_charge},
      top_{*this, nullptr, groups.size()},
      thread_{machine, "kworker/0:2", kWorkerPid},
      io_{thread_} {
  SIM_CHECK(!groups.empty());
  for (const ControlGroup& group : groups) {
    const auto parent = static_cast<std::size_t>(group.parent);
    SIM_CHECK(groups_.empty() || parent < groups_.size());
    Group* const above = groups_.empty() ? nullptr : groups_[parent].get();
    groups_.push_back(
        std::make_unique<Group>(*this, group, above, groups.size(), machine.jiffies().hz()));
  }
  thread_.begin_rested();
}

IoThrottle::~IoThrottle() {
  machine_.simulator().cancel(top_.timer);
  for (const auto& group : groups_) {
    machine_.simulator().cancel(group->queue.timer);
  }
}

bool IoThrottle::hold(Bio& bio) {
  Group& group = group_of(bio);
  return group.limited[direction_of(bio)] && !pass(bio, group);
}

// Models: blk_throtl_bio() for the rest of a bio. v5.10 lets it pass (BIO_THROTTLED), and counts it
// in the groups whose limits it might have met.
bool IoThrottle::hold_rest(Bio& bio) {
  const std::size_t direction = direction_of(bio);
  Group& lowest = group_of(bio);
  if (split_charge_ == SplitCharge::kEachPart) {
    return lowest.iops_limited[direction] && !pass(bio, lowest);
  }
  for (Group* group = &lowest; group != nullptr && group->limited[direction];
       group = group->parent) {
    group->slices[direction].count_part();
  }
  return false;
}

// Models: __blk_throtl_bio(): up from group to group. Bios of one direction do not overtake those
// that wait.
bool IoThrottle::pass(Bio& bio, Group& lowest) {
  const std::size_t direction = direction_of(bio);
  const ThrottledIo io = io_of(bio);
  SIM_CHECK(bio.count == 1);  // runs are made of bios of the root alone (merge_room())
  Group* group = &lowest;
  Source* source = &lowest.on_self[direction];
  while (group->queue.waiting[direction] == 0 &&
         group->slices[direction].wait(now(), io, true) == 0) {
    group->slices[direction].charge(io);
    group->slices[direction].trim(now());
    source = &group->on_parent[direction];
    group = group->parent;
    if (group == nullptr) {
      return true;
    }
  }
  add(bio, *source, *group, direction);
  if (group->was_empty) {
    update_dispatch_time(*group);
    ServiceQueue& above = queue_above(*group);
    arm(above, above.pending.front()->dispatch_time);
  }
  return false;
}

// Models: throtl_qnode_add_bio().
void IoThrottle::append(Bio& bio, Source& source, std::vector<Source*>& sources) {
  bio.next = nullptr;
  if (source.first == nullptr) {
    source.first = &bio;
    sources.push_back(&source);
  } else {
    source.last->next = &bio;
  }
  source.last = &bio;
}

// Models: throtl_pop_queued(): a source that has more goes to the end.
Bio& IoThrottle::pop(std::vector<Source*>& sources) {
  Source& source = *sources.front();
  Bio& bio = *source.first;
  source.first = bio.next;
  if (source.first == nullptr) {
    sources.erase(sources.begin());
  } else {
    std::rotate(sources.begin(), sources.begin() + 1, sources.end());
  }
  return bio;
}

// Models: throtl_add_bio_tg().
void IoThrottle::add(Bio& bio, Source& source, Group& group, std::size_t direction) {
  group.was_empty |= group.queue.waiting[direction] == 0;
  append(bio, source, group.queue.sources[direction]);
  ++group.queue.waiting[direction];
  if (!group.is_pending) {
    enqueue(group);
  }
}

// Behind those of the same time.
void IoThrottle::enqueue(Group& group) {
  std::vector<Group*>& pending = queue_above(group).pending;
  const auto later = std::find_if(pending.begin(), pending.end(), [&group](const Group* other) {
    return time_after(other->dispatch_time, group.dispatch_time);
  });
  pending.insert(later, &group);
  group.is_pending = true;
}

void IoThrottle::dequeue(Group& group) {
  std::erase(queue_above(group).pending, &group);
  group.is_pending = false;
}

std::uint64_t IoThrottle::wait_of_first(Group& group, std::size_t direction) {
  return group.slices[direction].wait(now(), io_of(*group.queue.sources[direction].front()->first),
                                      false);
}

// Models: tg_update_disptime().
void IoThrottle::update_dispatch_time(Group& group) {
  std::uint64_t wait = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t direction = 0; direction < kThrottledDirections; ++direction) {
    if (group.queue.waiting[direction] > 0) {
      wait = std::min(wait, wait_of_first(group, direction));
    }
  }
  dequeue(group);
  group.dispatch_time = now() + wait;
  enqueue(group);
  group.was_empty = false;
}

// Models: throtl_schedule_pending_timer() and mod_timer(), which leaves a timer alone that runs for
// the same time.
void IoThrottle::arm(ServiceQueue& queue, std::uint64_t expires) {
  const std::uint64_t latest = now() + kTimerSlices * groups_.front()->slices[kReads].length();
  if (time_after(expires, latest)) {
    expires = latest;
  }
  if (queue.timer.pending() && queue.timer_expires == expires) {
    return;
  }
  queue.timer_expires = expires;
  const engine::Jiffies& jiffies = machine_.jiffies();
  machine_.simulator().reschedule(queue.timer,
                                  jiffies.time_of(jiffies.wheel_expiry(now(), expires)));
}

// Models: throtl_schedule_next_dispatch(). False: there is more to dispatch now.
bool IoThrottle::schedule_next(ServiceQueue& queue) {
  if (queue.pending.empty()) {
    return true;
  }
  const std::uint64_t first = queue.pending.front()->dispatch_time;
  if (!time_after(first, now())) {
    return false;
  }
  arm(queue, first);
  return true;
}

// Models: throtl_pending_timer_fn(). What a group gets from below goes further up at once where
// nothing waited there.
void IoThrottle::on_timer(ServiceQueue& queue) {
  ServiceQueue* level = &queue;
  while (dispatch_due(*level)) {
    Group* const group = level->group;
    if (group == nullptr) {
      queue_work();
      return;
    }
    if (!group->was_empty) {
      return;
    }
    update_dispatch_time(*group);
    level = &queue_above(*group);
    if (schedule_next(*level)) {
      return;
    }
  }
}

// The worker takes no time of a run that holds nothing back.
void IoThrottle::queue_work() {
  work_queued_ = true;
  if (worker_idle_) {
    thread_.wake();
  } else if (!worker_began_) {
    worker_began_ = true;
    machine_.simulator().spawn("kthrotld", run());
  }
}

bool IoThrottle::dispatch_due(ServiceQueue& queue) {
  bool any = false;
  do {
    any |= dispatch_round(queue) > 0;
  } while (!schedule_next(queue));
  return any;
}

// Models: throtl_select_dispatch().
int IoThrottle::dispatch_round(ServiceQueue& queue) {
  int dispatched = 0;
  while (dispatched < kRoundQuantum && !queue.pending.empty()) {
    Group& group = *queue.pending.front();
    if (time_after(group.dispatch_time, now())) {
      break;
    }
    dispatched += dispatch_group(group);
    if (group.queue.waiting[kReads] > 0 || group.queue.waiting[kWrites] > 0) {
      update_dispatch_time(group);
    } else {
      dequeue(group);
    }
  }
  return dispatched;
}

// Models: throtl_dispatch_tg().
int IoThrottle::dispatch_group(Group& group) {
  int dispatched = 0;
  for (std::size_t direction = 0; direction < kThrottledDirections; ++direction) {
    for (int left = kShares.at(direction); left > 0 && group.queue.waiting[direction] > 0; --left) {
      if (wait_of_first(group, direction) > 0) {
        break;
      }
      dispatch_one(group, direction);
      ++dispatched;
    }
  }
  return dispatched;
}

// Models: tg_dispatch_one_bio().
void IoThrottle::dispatch_one(Group& group, std::size_t direction) {
  Bio& bio = pop(group.queue.sources[direction]);
  --group.queue.waiting[direction];
  ThrottleSlice& slice = group.slices[direction];
  slice.charge(io_of(bio));
  Source& source = group.on_parent[direction];
  if (group.parent != nullptr) {
    add(bio, source, *group.parent, direction);
    group.parent->slices[direction].start_with_credit(now(), slice.start());
  } else {
    append(bio, source, top_.sources[direction]);
  }
  slice.trim(now());
}

// Reads before writes, as one list.
Bio* IoThrottle::take_ready() {
  Source all;
  for (std::vector<Source*>& sources : top_.sources) {
    while (!sources.empty()) {
      Bio& bio = pop(sources);
      (all.first == nullptr ? all.first : all.last->next) = &bio;
      bio.next = nullptr;
      all.last = &bio;
    }
  }
  return all.first;
}

// Models: blk_throtl_dispatch_work_fn(), on a worker of kthrotld.
engine::Task<> IoThrottle::run() {
  co_await thread_.begin();
  while (true) {
    co_await thread_.run(thread_.costs().kblockd_hop);
    while (std::exchange(work_queued_, false)) {
      io_.start_plug();
      for (Bio* bio = take_ready(); bio != nullptr;) {
        Bio& next = *std::exchange(bio, bio->next);
        co_await host_.submit_released(io_, next);
      }
      co_await io_.finish_plug();
      co_await thread_.cond_resched();
    }
    worker_idle_ = true;
    co_await thread_.block();
    worker_idle_ = false;
  }
}

}  // namespace wbsim::block
