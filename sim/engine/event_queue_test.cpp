// Conformance of the event queue: whatever is scheduled, cancelled and moved, events come out in
// the order of a reference, (time, order of scheduling). Numbers refer to the properties in
// event_queue.hpp.
#include "sim/engine/event_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/rng.hpp"

namespace wbsim::engine {
namespace {

SimTime at_ns(std::int64_t n) { return at(nanoseconds(n)); }

// Events by number, and what the queue should contain.
class Pair {
 public:
  explicit Pair(std::size_t events) {
    for (std::size_t i = 0; i < events; ++i) {
      events_.emplace_back([](void*) {}, nullptr);
    }
    pending_.resize(events_.size());
  }

  void schedule(std::size_t i, SimTime time) {
    queue_.schedule(events_[i], time);
    pending_[i] = reference_.emplace(time, i);
  }
  void cancel(std::size_t i) {
    queue_.cancel(events_[i]);
    forget(i);
  }
  void reschedule(std::size_t i, SimTime time) {
    queue_.reschedule(events_[i], time);
    forget(i);
    pending_[i] = reference_.emplace(time, i);
  }
  void pop_and_compare() {
    const auto [time, expected] = *reference_.begin();
    Event& event = queue_.pop();
    ASSERT_EQ(&event, &events_[expected]);
    ASSERT_EQ(event.time(), time);
    ASSERT_FALSE(event.pending());
    forget(expected);
    now_ = time;
    last_popped_ = expected;
  }
  void compare_next() const {
    ASSERT_EQ(queue_.size(), reference_.size());
    ASSERT_EQ(queue_.empty(), reference_.empty());
    ASSERT_EQ(queue_.next_time(), reference_.empty() ? kSimTimeMax : reference_.begin()->first);
  }

  [[nodiscard]] bool pending(std::size_t i) const { return pending_[i].has_value(); }
  [[nodiscard]] bool empty() const { return reference_.empty(); }
  [[nodiscard]] SimTime now() const { return now_; }
  [[nodiscard]] std::size_t last_popped() const { return last_popped_; }

 private:
  // A multimap keeps the order of insertion among equal keys.
  using Reference = std::multimap<SimTime, std::size_t>;

  void forget(std::size_t i) {
    reference_.erase(*pending_[i]);
    pending_[i].reset();
  }

  std::deque<Event> events_;
  EventQueue queue_;  // dies first: the events it leaves must be idle
  Reference reference_;
  std::vector<std::optional<Reference::iterator>> pending_;
  SimTime now_{};
  std::size_t last_popped_ = 0;
};

// How far ahead events are scheduled: from all at once to days apart.
struct Spread {
  const char* name;
  std::uint64_t near;
  std::uint64_t far;
};
constexpr Spread kSpreads[] = {{"Ties", 3, 3},
                               {"OneLevel", 64, 64},
                               {"Device", 20'000, 5'000'000},
                               {"Timers", 1'000, 5'000'000'000},
                               {"Days", 1'000'000'000, 400'000'000'000'000}};

class EventQueueConformance : public testing::TestWithParam<Spread> {
 protected:
  std::int64_t random_delay() {
    const std::uint64_t range = rng_.uniform(8) != 0 ? GetParam().near : GetParam().far;
    return static_cast<std::int64_t>(rng_.uniform(range));
  }
  Rng rng_ = Rng::stream(1, "event queue conformance");
};

TEST_P(EventQueueConformance, RandomOperationsMatchAReference) {
  constexpr std::size_t kEvents = 300;
  Pair pair{kEvents};
  for (int step = 0; step < 100'000; ++step) {
    const std::size_t i = rng_.uniform(kEvents);
    const SimTime time = pair.now() + nanoseconds(random_delay());
    const std::uint64_t operation = rng_.uniform(10);
    if (operation < 3 && !pair.empty()) {
      pair.pop_and_compare();
    } else if (!pair.pending(i)) {
      pair.schedule(i, time);
    } else if (operation < 6) {
      pair.cancel(i);
    } else {
      pair.reschedule(i, time);
    }
    if (rng_.uniform(2) == 0) {  // looking must not matter, nor not looking
      pair.compare_next();
    }
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
  }
  while (!pair.empty()) {
    pair.pop_and_compare();
    ASSERT_FALSE(HasFatalFailure());
  }
  pair.compare_next();
}

TEST_P(EventQueueConformance, HoldModelMatchesAReference) {
  constexpr std::size_t kEvents = 2'000;
  Pair pair{kEvents};
  for (std::size_t i = 0; i < kEvents; ++i) {
    pair.schedule(i, at_ns(random_delay()));
  }
  for (int step = 0; step < 50'000; ++step) {
    pair.pop_and_compare();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    pair.schedule(pair.last_popped(), pair.now() + nanoseconds(random_delay()));
  }
}

INSTANTIATE_TEST_SUITE_P(Spreads, EventQueueConformance, testing::ValuesIn(kSpreads),
                         [](const auto& spread) { return std::string{spread.param.name}; });

class EventQueueTest : public testing::Test {
 protected:
  // Order in which the events leave the queue, as their positions in events_.
  std::vector<std::size_t> drain() {
    std::vector<std::size_t> order;
    while (!queue_.empty()) {
      const Event& popped = queue_.pop();
      const auto found = std::find_if(events_.begin(), events_.end(),
                                      [&](const Event& event) { return &event == &popped; });
      order.push_back(static_cast<std::size_t>(found - events_.begin()));
    }
    return order;
  }
  Event& add(std::int64_t time) {
    events_.emplace_back([](void*) {}, nullptr);
    queue_.schedule(events_.back(), at_ns(time));
    return events_.back();
  }

  std::deque<Event> events_;
  EventQueue queue_;
};

TEST_F(EventQueueTest, EqualTimesLeaveInOrderOfSchedulingOnEveryLevel) {  // property 2
  for (const std::int64_t time : {5LL, 100LL, 5'000LL, 300'000LL, 9'000'000'000LL}) {
    for (int i = 0; i < 3; ++i) {
      add(time);
    }
  }
  EXPECT_EQ(drain(), (std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
}

TEST_F(EventQueueTest, RescheduledEventGoesBehindOthersOfItsTime) {
  Event& first = add(70);
  add(70);
  queue_.reschedule(first, at_ns(70));
  EXPECT_EQ(drain(), (std::vector<std::size_t>{1, 0}));
}

TEST_F(EventQueueTest, EventEarlierThanNextTimeMayStillBeScheduled) {  // property 3
  add(10);
  queue_.pop();
  for (const std::int64_t far : {100'000, 100'001, 100'002}) {
    add(far);
  }
  EXPECT_EQ(queue_.next_time(), at_ns(100'000));
  add(10);
  EXPECT_EQ(queue_.next_time(), at_ns(10));
  add(99'999);
  EXPECT_EQ(drain(), (std::vector<std::size_t>{4, 5, 1, 2, 3}));
}

TEST_F(EventQueueTest, NextTimeIsExactAfterTheEarliestOfASharedSlotIsCancelled) {  // property 5
  Event& first = add(100'000);
  add(100'050);
  Event& third = add(100'020);
  EXPECT_EQ(queue_.next_time(), at_ns(100'000));
  queue_.cancel(first);
  EXPECT_EQ(queue_.next_time(), at_ns(100'020));
  queue_.cancel(third);
  EXPECT_EQ(queue_.next_time(), at_ns(100'050));
  add(100'010);
  EXPECT_EQ(queue_.next_time(), at_ns(100'010));
}

TEST_F(EventQueueTest, EmptyQueueHasNoNextTime) {
  EXPECT_EQ(queue_.next_time(), kSimTimeMax);
  Event& only = add(5);
  queue_.cancel(only);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.next_time(), kSimTimeMax);
}

TEST_F(EventQueueTest, HoldsTheLastInstantBeforeNever) {
  queue_.schedule(events_.emplace_back([](void*) {}, nullptr), kSimTimeMax - SimDuration{1});
  add(0);
  EXPECT_EQ(drain(), (std::vector<std::size_t>{1, 0}));
}

TEST_F(EventQueueTest, DestroyedQueueLeavesItsEventsIdle) {
  Event event{[](void*) {}, nullptr};
  {
    EventQueue queue;
    queue.schedule(event, at_ns(3));
  }
  EXPECT_FALSE(event.pending());
}

using EventQueueDeathTest = EventQueueTest;

TEST_F(EventQueueDeathTest, RefusesThePast) {
  add(10);
  queue_.pop();
  EXPECT_DEATH(add(9), "check failed: time >= base_ && time != kSimTimeMax");
}

TEST_F(EventQueueDeathTest, RefusesNever) {
  Event event{[](void*) {}, nullptr};
  EXPECT_DEATH(queue_.schedule(event, kSimTimeMax), "check failed: time >= base_ && time != kSim");
}

TEST_F(EventQueueDeathTest, RefusesAnEventTwice) {
  Event& event = add(10);
  EXPECT_DEATH(queue_.schedule(event, at_ns(11)), "check failed: !event.pending\\(\\)");
}

TEST_F(EventQueueDeathTest, RefusesToCancelAnIdleEvent) {
  Event event{[](void*) {}, nullptr};
  EXPECT_DEATH(queue_.cancel(event), "check failed: event.pending\\(\\)");
}

TEST_F(EventQueueDeathTest, RefusesToPopNothing) {
  EXPECT_DEATH(queue_.pop(), "check failed: size_ != 0");
}

TEST_F(EventQueueDeathTest, EventMustNotDieWhilePending) {
  EXPECT_DEATH(
      {
        Event event([](void*) {}, nullptr);
        queue_.schedule(event, at_ns(1));
      },
      "check failed: !pending\\(\\)");
}

}  // namespace
}  // namespace wbsim::engine
