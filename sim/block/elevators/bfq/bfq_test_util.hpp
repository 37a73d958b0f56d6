// Shared by the tests of bfq: its state without an elevator around it, and processes with a device.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/block/elevators/bfq/bfq.hpp"
#include "sim/block/elevators/elevator_test_util.hpp"

namespace wbsim::block::bfq {

constexpr auto kV5_10 = ElevatorGeneration::kV5_10;
constexpr auto kV6_1 = ElevatorGeneration::kV6_1;

// What one rule needs: the state, a clock that tests move, queues and requests made by hand.
class Parts : private QueueKeeper {
 public:
  struct Options {
    ElevatorGeneration generation = kV6_1;
    bool rotational = false;
    TunableValues tunables{};
    ControlGroups cgroups{};
  };
  explicit Parts(const Options& options)
      : owner_{},
        clock{owner_.machine},
        tunables_{options.tunables},
        tuning{{.machine = owner_.machine,
                .generation = options.generation,
                .nr_requests = 64,
                .default_nr_requests = 64,
                .bits_per_word = 16,
                .rotational = options.rotational,
                .tunables = tunables_},
               clock},
        state{clock, tuning, *this, options.cgroups} {}
  Parts() : Parts(Options{}) {}
  ~Parts() { owner_.sim.cancel(alarm_); }

  void advance(SimDuration time) {
    const SimTime until = owner_.sim.now() + time;
    owner_.sim.schedule(alarm_, until);
    owner_.sim.run(until);
  }

 private:
  QueueRig owner_;
  engine::Event alarm_{[](void*) {}, nullptr};

 public:
  Clock clock;

 private:
  TunableValues tunables_;

 public:
  Tuning tuning;
  State state;

  // A queue of one process, of weight 40, about which nothing bad is known.
  Queue& queue(int weight = 40) {
    Queue& queue = queues_.emplace_back();
    queue.number = queues_.size();
    queue.weight = queue.own_weight = queue.new_weight = weight;
    enter(queue, state.groups.root());
    queue.sync = true;
    queue.short_think_time = true;
    queue.processes = 1;
    queue.max_budget = 1000;
    queue.budget = 1000;
    queue.budget_timeout = clock.long_ago();
    queue.split_time = clock.long_ago();
    queue.raising.before_soft_real_time = clock.long_ago();
    queue.created = clock.jiffies();
    queue.think_time.last_end = clock.now();
    return queue;
  }
  Request& request(std::int64_t sector, std::int64_t sectors = 8, engine::RwbsFlags flags = {}) {
    requests_.push_back(
        std::make_unique<Request>(owner_.queue, static_cast<int>(requests_.size())));
    Request& request = *requests_.back();
    request.sector = Lba{sector};
    request.length = Sectors{sectors};
    request.flags = flags;
    return request;
  }
  // Makes `queue` have `request` as its only and next one.
  void give(Queue& queue, Request& request) {
    queue.sorted.add(request);
    queue.fifo.push_back(request);
    queue.next = &request;
  }

 private:
  void dereferenced(Queue& /*queue*/) override {}

  std::vector<std::unique_ptr<Request>> requests_;
  std::deque<Queue> queues_;
};

// bfq as a whole, one call at a time. Without raising unless asked for; processes by number.
struct Scene {
  struct Options {
    ElevatorGeneration generation = kV6_1;
    TunableValues tunables{};
    bool rotational = true;
    ControlGroups cgroups{};
  };
  explicit Scene(Options options) : rig{rig_options(std::move(options))} {}
  Scene() : Scene(Options{}) {}

  Request& insert(int id, const IoStep& step, IoPriority priority = {}, int cgroup = 0) {
    Request& request =
        rig.request(rig.bio(step, {}, {.id = id, .priority = priority, .cgroup = cgroup}));
    RequestChain absorbed;
    rig.queue().insert(request, absorbed);
    return request;
  }
  // Inserts one into a queue, of which the tests then know all.
  Queue& add(int id, const IoStep& step, IoPriority priority = {}, int cgroup = 0) {
    return *insert(id, step, priority, cgroup).elevator_queue;
  }
  // What is given out, which stays in the driver.
  std::string take() { return rig.dispatch(true); }
  void finish() { rig.finish_held(1); }
  void at_ms(std::int64_t ms) { rig.run_until(milliseconds(ms)); }

  ElevatorRig rig;

 private:
  static ElevatorRigOptions rig_options(Options options) {
    options.tunables.try_emplace("low_latency", 0);
    return {.elevator = "bfq",
            .generation = options.generation,
            .tunables = std::move(options.tunables),
            .limits = {.rotational = options.rotational},
            .cgroups = std::move(options.cgroups)};
  }
};

// Groups beside each other in the root, numbered from 1, or in the group of a number before them.
struct GroupOf {
  int weight = 100;
  int parent = 0;
};
ControlGroups groups_of(const std::vector<GroupOf>& groups);

// A process that keeps `depth` requests in bfq, one after the other or far apart.
struct Source {
  int id = 1;
  IoPriority priority{};
  std::int64_t from = 0;  // first sector
  std::int64_t sectors = 8;
  int depth = 1;
  std::int64_t step = 0;      // between requests; 0: in sequence
  engine::RwbsFlags flags{};  // reads unless told otherwise
  SimDuration think{};        // from a completion to the next request
  SimDuration begins{};
  SimDuration ends = seconds(1000);
  int cgroup = 0;
};

// bfq in front of a device that serves `channels` requests at a time, with processes that react.
class BfqLoop {
 public:
  struct Options {
    ElevatorGeneration generation = kV6_1;
    bool rotational = false;
    int channels = 1;
    SimDuration service = microseconds(500);
    SimDuration per_sector{};
    TunableValues tunables{};
    ControlGroups cgroups{};
  };
  BfqLoop(const Options& options, const std::vector<Source>& sources);

  void run_until(SimDuration end);
  // Sectors that were served of a process.
  [[nodiscard]] std::int64_t served(int id) const;
  // Process by process, in order of dispatch: "1112".
  [[nodiscard]] const std::string& order() const { return order_; }
  [[nodiscard]] SimDuration busy() const { return busy_; }
  [[nodiscard]] SimDuration longest_wait(int id) const;
  [[nodiscard]] Bfq& bfq() { return static_cast<Bfq&>(rig_.elevator()); }
  void clear();

 private:
  struct Runner {
    Source source;
    std::int64_t next;
    std::vector<SimDuration> due;
    std::int64_t served = 0;
    SimDuration longest{};
  };
  struct Served {
    Request* request;
    SimDuration end;
    SimDuration submitted;
  };
  void submit(Runner& runner);
  void dispatch();
  void complete();
  Runner& runner_of(int id);
  [[nodiscard]] SimDuration next_time(SimDuration end) const;

  Options options_;
  ElevatorRig rig_;
  std::vector<Runner> runners_;
  std::vector<Served> device_;
  std::vector<std::pair<Request*, SimDuration>> waiting_;
  std::string order_;
  SimDuration now_{};
  SimDuration busy_{};
};

}  // namespace wbsim::block::bfq
