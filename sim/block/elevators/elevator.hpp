// The interface of I/O schedulers. ElevatorQueue calls it on behalf of the request queue; the
// machinery that all elevators share (merge hash, last_merge) is there, not here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/request.hpp"
#include "sim/block/sbitmap.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/block/throttle/limits.hpp"
#include "sim/engine/cpu.hpp"

namespace wbsim::block {

// Whether a task may have a request where the pool is used up (ELV_MQUEUE_*).
//   kMay   as any other task
//   kMust  even if the pool is full
//   kNo    not even if it is not
enum class MayQueue : std::uint8_t { kMay, kMust, kNo };

// q->queue_head of a single queue: what elevators have given up, in the order in which the driver
// will take it.
class DispatchList {
 public:
  virtual void add_tail(Request& request) = 0;    // elv_dispatch_add_tail()
  virtual void add_sorted(Request& request) = 0;  // elv_dispatch_sort(): by sector, one way
  // The one that the driver will take last; the list has one.
  [[nodiscard]] virtual const Request& last() const = 0;

 protected:
  ~DispatchList() = default;
};

// What an elevator may ask of the queue that it belongs to, from its hooks and timers.
class ElevatorHost {
 public:
  // Has kblockd run the queue from `cpu`: if there is anything to do (blk_mq_run_hw_queue(hctx,
  // true)), or for the elevator's own work (kblockd_schedule_work()).
  virtual void run_async(int cpu) = 0;
  // The same of one hardware queue.
  virtual void run_hw_queue_async(int /*hw_queue*/, int cpu) { run_async(cpu); }

 protected:
  ~ElevatorHost() = default;
};

// What the elevator of a single queue may ask besides.
class SingleQueueHost : public ElevatorHost {
 public:
  // Runs the queue as soon as the hook has returned (__blk_run_queue() inside a hook of insertion
  // or completion; blk_remove_plug() and request_fn() in v2.6.18).
  virtual void run_after_hook() = 0;
  // For what has to leave outside dispatch_to(): in v2.6.18 no two requests of a tree begin at the
  // same sector, so an insertion (insert(), request_merged()) dispatches the older one.
  virtual DispatchList& dispatch_list() = 0;

 protected:
  ~SingleQueueHost() = default;
};

// Models: struct elevator_mq_ops, v5.10 and v6.1, and struct elevator_ops, v2.6.18 and v3.6; what
// only the second has is at the end. An elevator holds requests from insert() to dispatch() and
// decides their order; it owns none of them. Calls come from tasks, kblockd and softirqs; none may
// sleep or call back into the queue but through ElevatorHost.
class Elevator {
 public:
  Elevator() = default;
  Elevator(const Elevator&) = delete;
  Elevator& operator=(const Elevator&) = delete;
  virtual ~Elevator() = default;

  // Before a request is inserted or merged with one that is queued.
  virtual void insert_begins(Request& /*request*/) {}
  // insert_requests(): takes one request that merged with none.
  virtual void insert(Request& request) = 0;
  // dispatch_request(): gives up the request to be issued next; null where it keeps back what it
  // has, or has nothing. Elevators of a single queue may have dispatch_to() instead.
  virtual Request* dispatch() { return nullptr; }
  [[nodiscard]] virtual bool has_work() const = 0;
  // True for an elevator that keeps the requests of each hardware queue apart: then the following
  // are called instead, for one of them (since v5.12 others set QUEUE_FLAG_SQ_SCHED).
  [[nodiscard]] virtual bool goes_by_hw_queue() const { return false; }
  virtual Request* dispatch_for(int /*hw_queue*/) { return dispatch(); }
  [[nodiscard]] virtual bool has_work_for(int /*hw_queue*/) const { return has_work(); }

  // bio_merge(): true for an elevator that searches in its own way for a request to take a bio,
  // with merge_bio(). Then nothing is merged when it is inserted, and the hooks below down to
  // latter_request() are not called.
  [[nodiscard]] virtual bool merges_bios_itself() const { return false; }
  virtual MergeOutcome merge_bio(RequestMerger& /*merger*/, Bio& /*bio*/, int /*cpu*/) {
    return MergeOutcome::kUnfit;
  }
  // bio_merge(): requests are about to be looked at for a merge with `bio`.
  virtual void bio_merge_begins(const Bio& /*bio*/) {}
  // request_merge(): a request that begins where `bio` ends. Back merges need no help.
  [[nodiscard]] virtual Request* find_front_merge(const Bio& /*bio*/) { return nullptr; }
  // allow_merge(): false forbids the merge of `bio` with `request`, to which it need not be
  // adjacent.
  [[nodiscard]] virtual bool allow_merge(const Request& /*request*/, const Bio& /*bio*/) {
    return true;
  }
  // request_merged(): a bio was added to a request that it holds.
  virtual void request_merged(Request& /*request*/, MergeKind /*kind*/) {}
  // requests_merged(): `next` became part of `request` and will be freed. `next` is one that it
  // holds, or was just about to be inserted.
  virtual void requests_merged(Request& /*request*/, Request& /*next*/) {}
  // former_request(), next_request(): neighbours in order of sectors, to be tried for a merge.
  [[nodiscard]] virtual Request* former_request(Request& /*request*/) { return nullptr; }
  [[nodiscard]] virtual Request* latter_request(Request& /*request*/) { return nullptr; }

  // limit_depth(): how many bits of each word of the tag set a request of this kind may use; of all
  // tags since v6.12 (shallow_depth_of()).
  [[nodiscard]] virtual int word_depth(const engine::RwbsFlags& /*flags*/) const {
    return Sbitmap::kWholeWord;
  }
  // The same where it depends on who asks.
  [[nodiscard]] virtual int word_depth_for(const Bio& bio) { return word_depth(bio.flags); }
  // The least that word_depth() may ever answer.
  [[nodiscard]] virtual int min_word_depth() const { return Sbitmap::kWholeWord; }

  // completed_request(): the device is done with a request, at its `now`.
  virtual void completed_request(Request& /*request*/, SimTime /*now*/) {}
  // finish_request(): a request is about to be freed, dispatched or merged into another.
  virtual void finish_request(Request& /*request*/) {}
  // requeue_request(): the driver has given a request back, which is issued again without asking.
  virtual void requeue_request(Request& /*request*/) {}
  // exit_icq(), exit_io_context(): a task that has submitted bios ends. What it queued remains.
  virtual void io_context_exits(const IoContext& /*context*/) {}

  // The following are called by single queues only.

  // elevator_dispatch_fn(): moves requests to the list and returns how many. `forced`: all that it
  // has, whatever it is waiting for (a drain).
  virtual int dispatch_to(DispatchList& list, bool /*forced*/) {
    Request* request = dispatch();
    if (request == nullptr) {
      return 0;
    }
    list.add_tail(*request);
    return 1;
  }
  // elevator_may_queue_fn(): asked before a request for `bio` is allocated.
  [[nodiscard]] virtual MayQueue may_queue(const Bio& /*bio*/) { return MayQueue::kMay; }
  // elevator_set_req_fn(): `request` was allocated for `bio` and will be inserted (or merged into
  // another one first). Ends with finish_request(). Flushes are none of its business.
  virtual void set_request(Request& /*request*/, const Bio& /*bio*/) {}
  // elevator_activate_req_fn(): the driver sees a request that was dispatched for the first time;
  // elevator_deactivate_req_fn(): it gave it back.
  virtual void activate_request(Request& /*request*/) {}
  virtual void deactivate_request(Request& /*request*/) {}
  // False: the merge hash must not find its requests (the noop of v2.6.18 had no hash).
  [[nodiscard]] virtual bool uses_merge_hash() const { return true; }
};

// Whose rules an elevator follows where they differ (profile switch `elevators`).
// In order: what came later compares greater. The first two are those of single queues.
enum class ElevatorGeneration { kV2_6_18, kV3_6, kV5_10, kV6_1, kV6_6, kV6_12 };
inline constexpr ElevatorGeneration kNewestElevators = ElevatorGeneration::kV6_12;

// What their limits of tags are of.
[[nodiscard]] constexpr ShallowDepth shallow_depth_of(ElevatorGeneration generation) {
  return generation >= ElevatorGeneration::kV6_12 ? ShallowDepth::kAll : ShallowDepth::kEachWord;
}

[[nodiscard]] constexpr bool is_single_queue(ElevatorGeneration generation) {
  return generation <= ElevatorGeneration::kV3_6;
}

// Values of tunables by sysfs name; what is absent has its default.
using TunableValues = std::map<std::string, std::int64_t, std::less<>>;

// A default of so many `numerator / denominator` seconds, in jiffies rounded down, but at least
// one.
struct TimePart {
  std::int64_t numerator = 0;
  std::int64_t denominator = 0;  // 0: none
  [[nodiscard]] constexpr std::int64_t msecs() const { return 1000 * numerator / denominator; }
  [[nodiscard]] constexpr std::int64_t jiffies(int hz) const {
    return std::max<std::int64_t>(hz * numerator / denominator, 1);
  }
};

// A file of /sys/block/NAME/queue/iosched. One that changed its default has a row for each.
struct Tunable {
  std::string_view name;
  std::string_view summary;  // with unit
  std::int64_t min = 0;
  std::int64_t max = 0;
  // Absent: nr_requests as it was when the elevator was chosen. Of a time whose default is a part
  // of a second in whole jiffies (HZ / 8): in ms where HZ is a multiple of that part.
  std::optional<std::int64_t> value;
  ElevatorGeneration since = ElevatorGeneration::kV2_6_18;
  ElevatorGeneration until = kNewestElevators;
  TimePart part{};
};

// What an elevator is made with. The references outlive it.
struct ElevatorContext {
  const engine::Machine& machine;
  ElevatorHost* host = nullptr;  // who asks for no run of its queue needs none
  ElevatorGeneration generation = ElevatorGeneration::kV5_10;
  int nr_requests = 0;
  int default_nr_requests = 0;    // before it was set: what elevators saw when they were chosen
  int bits_per_word = 0;          // of the scheduler's tags
  int default_bits_per_word = 0;  // of those there were when it was chosen
  TagWakeRule tag_wake = TagWakeRule::kPerWaitQueue;
  bool rotational = false;
  const TunableValues& tunables;
  SingleQueueHost* single_queue = nullptr;  // the host, where it is one
  // Of a single queue. Request::number is below it: what an elevator keeps per request may be an
  // array.
  int request_numbers = 0;
  // The hardware queue of each CPU; empty: there is one.
  std::vector<int> hw_queue_of_cpu{};
  std::span<const ControlGroup> cgroups{};  // ControlGroups of the queue

  // The value set, or `otherwise`.
  [[nodiscard]] std::int64_t tunable(std::string_view name, std::int64_t otherwise) const {
    const auto found = tunables.find(name);
    return found == tunables.end() ? otherwise : found->second;
  }
  // The same of a time in ms, in jiffies.
  [[nodiscard]] std::int64_t jiffies(std::string_view name, TimePart otherwise) const {
    const engine::Jiffies& jiffies = machine.jiffies();
    const auto found = tunables.find(name);
    return found == tunables.end() ? otherwise.jiffies(jiffies.hz())
                                   : static_cast<std::int64_t>(jiffies.from_msecs_ceil(
                                         static_cast<std::uint64_t>(found->second)));
  }
};

}  // namespace wbsim::block
