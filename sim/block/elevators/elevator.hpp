// The interface of I/O schedulers. ElevatorQueue calls it on behalf of the request queue; the
// machinery that all elevators share (merge hash, last_merge) is there, not here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/merge.hpp"
#include "sim/block/request.hpp"
#include "sim/block/sbitmap.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/engine/cpu.hpp"

namespace wbsim::block {

// What an elevator may ask of the queue that it belongs to, from its hooks and timers.
class ElevatorHost {
 public:
  // Has kblockd run the queue, if there is anything to do (blk_mq_run_hw_queue(hctx, true), called
  // on `cpu`).
  virtual void run_async(int cpu) = 0;

 protected:
  ~ElevatorHost() = default;
};

// Models: struct elevator_mq_ops, v5.10 and v6.1. An elevator holds requests from insert() to
// dispatch() and decides their order; it owns none of them. Calls come from tasks, kblockd and
// softirqs; none may sleep or call back into the queue but through ElevatorHost.
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
  // has, or has nothing.
  virtual Request* dispatch() = 0;
  [[nodiscard]] virtual bool has_work() const = 0;

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

  // limit_depth(): how many bits of each word of the tag set a request of this kind may use.
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
  // exit_icq(): a task that has submitted bios ends.
  virtual void io_context_exits(int /*context*/) {}
};

// Whose rules an elevator follows where they differ (profile switch `elevators`).
enum class ElevatorGeneration { kV5_10, kV6_1 };

// Values of tunables by sysfs name; what is absent has its default.
using TunableValues = std::map<std::string, std::int64_t, std::less<>>;

// A file of /sys/block/NAME/queue/iosched.
struct Tunable {
  std::string_view name;
  std::string_view summary;  // with unit
  std::int64_t min = 0;
  std::int64_t max = 0;
  // Absent: nr_requests as it was when the elevator was chosen.
  std::optional<std::int64_t> value;
  ElevatorGeneration since = ElevatorGeneration::kV5_10;
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

  // The value set, or `otherwise`.
  [[nodiscard]] std::int64_t tunable(std::string_view name, std::int64_t otherwise) const {
    const auto found = tunables.find(name);
    return found == tunables.end() ? otherwise : found->second;
  }
};

}  // namespace wbsim::block
