#include "sim/block/elevators/bfq/injection.hpp"

#include <gtest/gtest.h>

#include "sim/block/elevators/bfq/bfq_test_util.hpp"

namespace wbsim::block::bfq {
namespace {

// A queue in service that is waited for, and another that has a request.
struct InjectionScene : Parts {
  explicit InjectionScene(const Options& options = {}) : Parts(options) {
    state.wf2q.activate(other, false);
    state.in_service = &served;
    give(other, request(0));
    served.injection.decreased = clock.jiffies();
    served.injection.limit = 1;
    advance(milliseconds(100));
  }
  // A request that is measured: `in_driver` at its arrival, and how long it takes.
  void measure(int in_driver, SimDuration took, bool inject = false) {
    Request& measured = request(500);
    state.in_driver = in_driver;
    injection.first_request(served);
    if (inject) {
      state.in_driver = 0;
      EXPECT_NE(injection.choose(), nullptr);
    }
    injection.dispatched_in_service(measured);
    advance(took);
    state.in_driver = 1;
    injection.completed(measured, served);
  }
  Queue& served = queue();
  Queue& other = queue();
  Injection injection{state};
};

TEST(Injection, IsAllowedUpToTheLimit) {
  InjectionScene scene;
  EXPECT_EQ(scene.injection.choose(), &scene.other);
  scene.state.in_driver = 1;
  EXPECT_EQ(scene.injection.choose(), nullptr);
  scene.served.injection.limit = 2;
  EXPECT_EQ(scene.injection.choose(), &scene.other);
}

TEST(Injection, TakesNothingThatDoesNotFitABudget) {
  InjectionScene scene;
  scene.other.budget = 7;
  EXPECT_EQ(scene.injection.choose(), nullptr);
}

TEST(Injection, OnlyRaisedQueuesGetBetweenARaisedOneThatThinksShortly) {
  InjectionScene scene;
  scene.served.coefficient = 30;
  EXPECT_EQ(scene.injection.choose(), nullptr);
  scene.served.short_think_time = false;
  EXPECT_EQ(scene.injection.choose(), &scene.other);
  scene.served.short_think_time = true;
  scene.other.coefficient = 30;
  EXPECT_EQ(scene.injection.choose(), &scene.other);
}

TEST(Injection, OneLargeRequestAtATimeOnFlash) {
  for (const bool rotational : {true, false}) {
    InjectionScene scene{{.rotational = rotational}};
    scene.served.injection.limit = 3;
    scene.state.in_driver = 1;
    scene.other.next->length = Sectors{64};
    EXPECT_EQ(scene.injection.choose() != nullptr, rotational);
    scene.other.next->length = Sectors{63};
    EXPECT_EQ(scene.injection.choose(), &scene.other);
  }
}

TEST(InjectionLimit, TheBaselineIsMeasuredWithoutInjectionAndAllowsOne) {
  InjectionScene scene;
  scene.served.injection.limit = 0;
  scene.measure(0, milliseconds(2));
  EXPECT_EQ(scene.served.injection.baseline, milliseconds(2));
  EXPECT_EQ(scene.served.injection.limit, 1U);
}

TEST(InjectionLimit, RisesWhileServiceTakesLessThanOneAndAHalfTimesTheBaseline) {
  InjectionScene scene;
  scene.served.injection.baseline = milliseconds(2);
  scene.state.in_driver_max = 8;
  scene.measure(0, microseconds(2999), true);
  EXPECT_EQ(scene.served.injection.limit, 2U);
}

TEST(InjectionLimit, FallsWhereItTakesAsLongOrLonger) {
  InjectionScene scene;
  scene.served.injection.baseline = milliseconds(2);
  scene.state.in_driver_max = 8;
  scene.measure(0, milliseconds(3), true);
  EXPECT_EQ(scene.served.injection.limit, 0U);
  EXPECT_EQ(scene.served.injection.decreased, scene.clock.jiffies());
}

TEST(InjectionLimit, IsNoMoreThanOneAboveWhatTheDriverHasHeld) {
  InjectionScene scene;
  scene.served.injection.baseline = milliseconds(2);
  scene.served.injection.limit = 4;
  scene.state.in_driver_max = 3;
  scene.measure(0, milliseconds(1), true);
  EXPECT_EQ(scene.served.injection.limit, 4U);
}

TEST(InjectionLimit, AFasterServiceLowersTheBaseline) {
  InjectionScene scene;
  scene.served.injection.baseline = milliseconds(2);
  scene.measure(0, milliseconds(1), true);
  EXPECT_EQ(scene.served.injection.baseline, milliseconds(1));
}

TEST(InjectionLimit, IsResetASecondAfterItsLastDecrease) {
  InjectionScene scene;
  scene.served.injection = {
      .limit = 5, .baseline = milliseconds(2), .decreased = scene.clock.jiffies()};
  scene.advance(milliseconds(996));
  scene.injection.first_request(scene.served);
  EXPECT_EQ(scene.served.injection.limit, 5U);
  scene.advance(milliseconds(4));
  scene.injection.first_request(scene.served);
  EXPECT_EQ(scene.served.injection.limit, 0U);
  EXPECT_EQ(scene.served.injection.baseline, SimDuration::zero());
}

TEST(InjectionLimit, NothingIsMeasuredRightAfterADecrease) {
  InjectionScene scene;
  scene.served.injection.decreased = scene.clock.jiffies();
  scene.measure(0, milliseconds(2));
  EXPECT_EQ(scene.served.injection.baseline, SimDuration::zero());
}

TEST(InjectionLimit, IsOneForWhoThinksLongAndZeroForWhoThinksShortly) {
  InjectionScene scene;
  scene.served.short_think_time = false;
  scene.injection.think_time_changed(scene.served);
  EXPECT_EQ(scene.served.injection.limit, 1U);
  scene.served.short_think_time = true;
  scene.injection.think_time_changed(scene.served);
  EXPECT_EQ(scene.served.injection.limit, 1U) << "not within 100 ms of the reset";
  scene.advance(milliseconds(100));
  scene.injection.think_time_changed(scene.served);
  EXPECT_EQ(scene.served.injection.limit, 0U);
}

TEST(InjectionLimit, OnlyTheQueueInServiceIsMeasured) {
  InjectionScene scene;
  scene.state.in_driver = 0;
  scene.injection.first_request(scene.other);
  Request& request = scene.request(500);
  scene.injection.dispatched_in_service(request);
  scene.advance(milliseconds(2));
  scene.state.in_driver = 1;
  scene.injection.completed(request, scene.served);
  EXPECT_EQ(scene.served.injection.baseline, SimDuration::zero());
}

TEST(InjectionLimit, NothingIsMeasuredAmongRequestsThatWereNotInjected) {
  InjectionScene scene;
  scene.measure(1, milliseconds(2));
  EXPECT_EQ(scene.served.injection.baseline, SimDuration::zero()) << "the driver was not idle";
  scene.served.injection.baseline = milliseconds(2);
  scene.measure(1, milliseconds(1));
  EXPECT_EQ(scene.served.injection.baseline, milliseconds(2));
}

TEST(InjectionLimit, TheFirstBaselineIsThatOfARequestAlone) {
  InjectionScene scene;
  Request& request = scene.request(500);
  scene.state.in_driver = 0;
  scene.injection.first_request(scene.served);
  scene.injection.dispatched_in_service(request);
  scene.advance(milliseconds(2));
  scene.state.in_driver = 2;
  scene.injection.completed(request, scene.served);
  EXPECT_EQ(scene.served.injection.baseline, SimDuration::zero());
}

TEST(InjectionLimit, AServiceAloneSetsTheBaselineAndWhatWasInjectedBeforeDoesNotCount) {
  InjectionScene scene;
  scene.served.injection.baseline = milliseconds(2);
  EXPECT_NE(scene.injection.choose(), nullptr);
  scene.measure(0, milliseconds(5));
  EXPECT_EQ(scene.served.injection.baseline, milliseconds(5));
  EXPECT_EQ(scene.served.injection.limit, 1U);
}

TEST(InjectionLimit, ATurnThatEndsEndsTheMeasurement) {
  InjectionScene scene;
  Request& request = scene.request(500);
  scene.state.in_driver = 0;
  scene.injection.first_request(scene.served);
  scene.injection.dispatched_in_service(request);
  scene.injection.expired();
  scene.advance(milliseconds(2));
  scene.state.in_driver = 1;
  scene.injection.completed(request, scene.served);
  EXPECT_EQ(scene.served.injection.baseline, SimDuration::zero());
}

TEST(InjectionLimit, IsNotResetByAnotherThinkTimeOnceTheBaselineIsKnown) {
  InjectionScene scene;
  scene.served.injection.baseline = milliseconds(2);
  scene.served.injection.limit = 4;
  scene.advance(milliseconds(200));
  scene.injection.think_time_changed(scene.served);
  EXPECT_EQ(scene.served.injection.limit, 4U);
}

}  // namespace
}  // namespace wbsim::block::bfq
