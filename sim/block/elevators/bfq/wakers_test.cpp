#include "sim/block/elevators/bfq/wakers.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

struct WakerScene : Parts {
  explicit WakerScene(ElevatorGeneration generation) : Parts({.generation = generation}) {
    subject.short_think_time = false;
  }
  // A completion of `other`, and `later` a first request.
  void wake(SimDuration later) {
    state.last_completed = &other;
    state.last_completion = clock.now();
    advance(later);
    wakers.first_request(subject);
  }
  Queue& subject = queue();
  Queue& other = queue();
  Wakers wakers{state};
};

TEST(Waker, IsFoundTheThirdTimeWithinFourMillisecondsInV6_1) {
  WakerScene scene{kV6_1};
  for (const bool found : {false, false, true}) {
    scene.wake(microseconds(3999));
    EXPECT_EQ(Wakers::waker_of(scene.subject) == &scene.other, found);
  }
  EXPECT_EQ(&scene.other.woken.front(), &scene.subject);
  Wakers::unused(scene.other);
  EXPECT_EQ(Wakers::waker_of(scene.subject), nullptr);
}

TEST(Waker, NotLaterNorByItselfNorForWhoThinksShortly) {
  WakerScene late{kV6_1};
  WakerScene quick{kV6_1};
  quick.subject.short_think_time = true;
  WakerScene self{kV6_1};
  for (int i = 0; i < 5; ++i) {
    late.wake(milliseconds(4));
    quick.wake(milliseconds(1));
    self.state.last_completed = &self.subject;
    self.state.last_completion = self.clock.now();
    self.wakers.first_request(self.subject);
  }
  EXPECT_EQ(late.subject.waker, nullptr);
  EXPECT_EQ(quick.subject.waker, nullptr);
  EXPECT_EQ(self.subject.waker, nullptr);
}

TEST(Waker, TheThreeTimesAreWithin128Slices) {
  WakerScene scene{kV6_1};
  scene.wake(milliseconds(1));
  scene.advance(milliseconds(1025));
  scene.wake(milliseconds(1));
  scene.wake(milliseconds(1));
  EXPECT_EQ(Wakers::waker_of(scene.subject), nullptr);
  scene.wake(milliseconds(1));
  EXPECT_EQ(Wakers::waker_of(scene.subject), &scene.other);
  Wakers::unused(scene.other);
}

TEST(Waker, IsFoundTheSecondTimeWithin200MicrosecondsInV5_10) {
  WakerScene scene{kV5_10};
  scene.wake(microseconds(200));
  scene.wake(microseconds(199));
  EXPECT_EQ(Wakers::waker_of(scene.subject), nullptr);
  scene.wake(microseconds(199));
  EXPECT_EQ(Wakers::waker_of(scene.subject), &scene.other);
  Wakers::unused(scene.other);
}

TEST(Waker, TheLastToBecomeBusyIsTheFirstOfThoseThatItWakes) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    WakerScene scene{generation};
    Queue& second = scene.queue();
    Wakers::set_waker(second, &scene.other, true);
    Wakers::set_waker(scene.subject, &scene.other, true);
    scene.wakers.becomes_busy(second);
    EXPECT_EQ(&scene.other.woken.front(), generation == kV6_1 ? &second : &scene.subject);
    Wakers::unused(scene.other);
  }
}

TEST(Waker, AnotherOneBeginsAnew) {
  for (const ElevatorGeneration generation : {kV5_10, kV6_1}) {
    WakerScene scene{generation};
    Queue& third = scene.queue();
    const auto wake_by = [&](Queue& waker) {
      scene.state.last_completed = &waker;
      scene.state.last_completion = scene.clock.now();
      scene.wakers.first_request(scene.subject);
    };
    wake_by(scene.other);
    if (generation == kV6_1) {
      wake_by(scene.other);
    }
    wake_by(third);
    EXPECT_EQ(Wakers::waker_of(scene.subject), nullptr);
    wake_by(third);
    if (generation == kV6_1) {
      wake_by(third);
    }
    EXPECT_EQ(Wakers::waker_of(scene.subject), &third);
    Wakers::unused(third);
    Wakers::unused(scene.other);
  }
}

}  // namespace
}  // namespace wbsim::block::bfq
