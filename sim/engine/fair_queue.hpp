// Run queues of normal tasks: who gets a CPU next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::engine {

class Thread;

// What a run queue knows of a thread (struct sched_entity). Virtual times are on the time line of
// the queue it is in or was in last.
struct FairEntity {
  explicit FairEntity(Thread& owner, std::int64_t own_weight) : thread{owner}, weight{own_weight} {}

  Thread& thread;
  std::int64_t weight;
  SimDuration vruntime{};
  std::uint64_t order = 0;  // of joining a queue
  // CFS.
  SimDuration ran{};  // since it was picked
  // EEVDF.
  SimDuration deadline{};
  SimDuration lag{};              // when it left; positive: it was owed time
  SimDuration guarded_slice{};    // its deadline when it was picked: until then nobody preempts it
  bool leaves_when_owed = false;  // sleeps, but competes until it is owed time (sched_delayed)
};

// How a thread joins a queue.
//   kBegins     it was just made
//   kRested     it begins, but has slept since
//   kWakesUp    it has slept
enum class Joins { kBegins, kRested, kWakesUp };
// Why the current thread gives up the CPU: it sleeps, has ended, or is preempted.
enum class Leaves { kSleeps, kExits, kStaysRunnable };

// Which scheduler tasks have (profile switch `cpu_scheduler`).
//   kCfs           up to v6.5
//   kEevdf         v6.6
//   kEevdfDelayed  v6.12: who sleeps before it is owed time competes on until it is
enum class CpuScheduler { kCfs, kEevdf, kEevdfDelayed };

// The threads of one CPU that are runnable. One of them may be current: picked, and not put back.
class FairQueue {
 public:
  virtual ~FairQueue() = default;

  // Threads that wait, the current one not among them.
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

  // A thread joins those that wait. What the current one ran has been charged.
  virtual void join(FairEntity& entity, Joins how) = 0;
  // The current thread has run for `time`. True: it has to give up the CPU.
  virtual bool charge(SimDuration time) = 0;
  // True: `entity`, which just woke up, is to have the CPU of the current thread.
  virtual bool preempts(FairEntity& entity) = 0;
  // True: at a tick, the current thread has to give up the CPU. What it ran has been charged.
  virtual bool tick() = 0;
  // There is no current thread any more.
  virtual void put_current(Leaves why) = 0;
  // The next thread, which is current from now on; null where none is runnable.
  virtual FairEntity* pick() = 0;
  // The origin of its virtual times: a thread keeps its distance when it goes to another queue.
  [[nodiscard]] virtual SimDuration origin() const = 0;

 protected:
  FairQueue();

  // Models: calc_delta_fair(). Heavier threads age more slowly.
  [[nodiscard]] static SimDuration weighted(SimDuration ran, std::int64_t weight);
  void add(FairEntity& entity);
  void remove(FairEntity& entity) { std::erase(waiting_, &entity); }

  std::vector<FairEntity*> waiting_;  // few, scanned
  FairEntity* current_ = nullptr;

 private:
  std::uint64_t next_order_ = 0;
};

// `cpus`: of the machine; tunables grow with their number. `tick`: a jiffy.
[[nodiscard]] std::unique_ptr<FairQueue> make_fair_queue(CpuScheduler scheduler, int cpus,
                                                         SimDuration tick);

}  // namespace wbsim::engine
