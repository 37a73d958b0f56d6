// Run-ahead is an optimisation only: random mixes of threads and interrupts give the same history
// with it and without.
#include <gtest/gtest.h>

#include <memory>
#include <tuple>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/engine/cpu_test_util.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::engine {
namespace {

using History = std::vector<std::tuple<std::int64_t, int, std::uint64_t>>;  // ns, who, what

struct World {
  World(std::uint64_t world_seed, int cpus, const CpuCosts& costs)
      : seed{world_seed}, machine{simulator, cpus, Jiffies{250, 0, microseconds(1500)}, costs} {}
  ~World() { simulator.destroy_processes(); }

  std::uint64_t seed;
  Simulator simulator;
  Machine machine;
  History history;
  std::vector<std::unique_ptr<Thread>> threads;
};

constexpr int kSteps = 150;

Task<> wander(World& world, int number) {
  Thread& thread = *world.threads[static_cast<std::size_t>(number)];
  Rng rng = Rng::stream(world.seed, "thread/" + std::to_string(number));
  co_await thread.begin();
  for (int i = 0; i < kSteps; ++i) {
    const std::uint64_t what = rng.uniform(10);
    const auto amount = static_cast<std::int64_t>(rng.uniform(3000));
    switch (what) {
      case 0:
        co_await thread.block();
        break;
      case 1:
        co_await thread.schedule_timeout(static_cast<std::uint64_t>(amount) / 600);
        break;
      case 2:
        co_await thread.nanosleep(thread.now() + microseconds(amount));
        break;
      case 3:
        co_await thread.run(microseconds(amount));
        break;
      case 4: {  // a batch, as a writer of many pages takes it
        for (std::int64_t left = 1 + amount / 100; left > 0;) {
          const std::int64_t steps = thread.steps_ahead(microseconds(7), left);
          co_await thread.run(microseconds(7) * steps);
          left -= steps;
        }
        break;
      }
      case 5:
      case 6:
        co_await thread.cond_resched();
        break;
      default:
        co_await thread.run(nanoseconds(amount));
        break;
    }
    world.history.emplace_back(thread.now().time_since_epoch().count(), number, what);
  }
  co_await thread.exit();
}

// Interrupts at random times, each of which wakes a random thread.
class Traffic {
 public:
  explicit Traffic(World& world)
      : world_{world},
        rng_{Rng::stream(world.seed, "interrupts")},
        next_{event_calling<&Traffic::on_next>(*this)},
        work_{[](void* self) { static_cast<Traffic*>(self)->on_served(); }, this} {
    world.simulator.schedule(next_, at(microseconds(1)));
  }
  ~Traffic() {
    world_.simulator.cancel(next_);
    work_.cancel(world_.simulator);
  }

 private:
  void on_next() {
    const auto cpus = static_cast<std::uint64_t>(world_.machine.cpus());
    if (!work_.pending()) {
      world_.machine.cpu(static_cast<int>(rng_.uniform(cpus)))
          .interrupt(work_, nanoseconds(static_cast<std::int64_t>(rng_.uniform(20'000))));
    }
    const auto gap = static_cast<std::int64_t>(1 + rng_.uniform(400));
    world_.simulator.schedule_after(next_, microseconds(gap));
  }
  void on_served() {
    const std::uint64_t who = rng_.uniform(world_.threads.size());
    world_.threads[who]->wake();
    world_.history.emplace_back(world_.simulator.now().time_since_epoch().count(), -1, who);
  }

  World& world_;
  Rng rng_;
  Event next_;
  Interrupt work_;
};

struct Outcome {
  History history;
  std::vector<SimDuration> busy;
  std::uint64_t events;
};

Outcome simulate(std::uint64_t seed, bool run_ahead) {
  Rng rng = Rng::stream(seed, "world");
  CpuCosts costs = zero_costs();
  costs.tick = microseconds(static_cast<std::int64_t>(rng.uniform(3)));
  costs.context_switch = nanoseconds(static_cast<std::int64_t>(rng.uniform(2)) * 1500);
  World world{seed, 1 + static_cast<int>(rng.uniform(3)), costs};
  world.simulator.set_run_ahead(run_ahead);
  const int threads = 1 + static_cast<int>(rng.uniform(6));
  for (int i = 0; i < threads; ++i) {
    const Nice nice = rng.bernoulli(1, 4) ? Nice::kHighest : Nice::kDefault;
    world.threads.push_back(std::make_unique<Thread>(world.machine, "wanderer", i, nice));
    world.simulator.spawn("wanderer", wander(world, i));
  }
  const Traffic traffic{world};
  world.simulator.run(at(milliseconds(400)));
  Outcome outcome{world.history, {}, world.simulator.events_run()};
  for (int i = 0; i < world.machine.cpus(); ++i) {
    outcome.busy.push_back(world.machine.cpu(i).busy());
  }
  return outcome;
}

TEST(CpuRunAhead, ChangesNothingButTheNumberOfEvents) {
  std::uint64_t saved = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    const Outcome with = simulate(seed, true);
    const Outcome without = simulate(seed, false);
    ASSERT_EQ(with.history, without.history);
    ASSERT_EQ(with.busy, without.busy);
    ASSERT_GT(with.history.size(), 100U);
    saved += without.events - with.events;
  }
  EXPECT_GT(saved, 10'000U);
}

TEST(CpuRunAhead, TheSameSeedGivesTheSameHistory) {
  EXPECT_EQ(simulate(7, true).history, simulate(7, true).history);
  EXPECT_NE(simulate(7, true).history, simulate(8, true).history);
}

}  // namespace
}  // namespace wbsim::engine
