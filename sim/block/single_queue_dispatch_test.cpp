#include <gtest/gtest.h>

#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

using models::Fault;

class RequestFn : public ::testing::TestWithParam<bool> {
 protected:
  static SingleRigOptions options(const char* elevator = "noop") {
    return GetParam() ? of_2_6_18(elevator) : of_3_6(elevator);
  }
};
INSTANTIATE_TEST_SUITE_P(Kernels, RequestFn, ::testing::Values(false, true),
                         [](const auto& subject) { return subject.param ? "v2_6_18" : "v3_6"; });

TEST_P(RequestFn, FillsTheDeviceAndGoesOnInTheSoftirqOfACompletion) {
  SingleRigOptions two = options();
  two.device.depth = 2;
  SingleRig rig{two};
  rig.task({sync_write(0), sync_write(100), sync_write(200), sync_write(300)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"0 task0 issue W 0+8", "0 task0 issue W 100+8",
                                           "100 ? issue W 200+8", "100 ? issue W 300+8"}));
}

TEST_P(RequestFn, ASoftirqIssuesOneCommandAfterTheOther) {
  SingleRigOptions two = options();
  two.device.depth = 2;
  two.device.faults = {{.times = 1, .delay = microseconds(50)}};  // both complete at 150 us
  two.costs.request_issue = microseconds(10);
  SingleRig rig{two};
  rig.task({sync_write(0), compute(microseconds(30)), sync_write(100), sync_write(200),
            sync_write(300)});
  rig.run();
  EXPECT_EQ(rig.log.lines("? issue"), (Lines{"160 ? issue W 200+8", "170 ? issue W 300+8"}));
}

TEST_P(RequestFn, LeavesRequestsInTheElevatorWhileTheDeviceIsFull) {
  SingleRigOptions one = options("deadline");
  one.device.depth = 1;
  SingleRig rig{one};
  // The one at 300 has been looked at; the others are still sorted and merged.
  rig.task({sync_write(500), sync_write(300), sync_write(200), sync_write(100), sync_write(108)});
  rig.run();
  EXPECT_EQ(rig.issued().size(), 4U);
  EXPECT_EQ(rig.issued().at(1), "W 300+8");
}

// 3 ms are a jiffy at HZ 250. Each refusal counts as a try: the driver looks again at once.
TEST_P(RequestFn, AnIdleDeviceThatRefusesIsLeftAloneForSomeDelays) {
  SingleRigOptions refusing = options();
  refusing.device.faults = {{.times = 1, .refuse = SubmitResult::kResource}};
  SingleRigOptions milder = options();
  milder.device.faults = {
      {.op = DeviceOp::kWrite, .times = 1, .refuse = SubmitResult::kZoneResource}};
  SingleRig host{refusing};
  SingleRig device{milder};
  for (SingleRig* rig : {&host, &device}) {
    rig->task({sync_write(0)});
    rig->run();
    EXPECT_TRUE(rig->drained());
  }
  EXPECT_EQ(device.issued_us(0), 2 * 4000) << "device_blocked 3";
  EXPECT_EQ(host.issued_us(0), 6 * 4000) << "host_blocked 7";
}

TEST_P(RequestFn, ARefusedRequestGoesBeforeAllOthersWithTheNextCompletion) {
  SingleRigOptions refusing = options();
  refusing.device.faults = {{.times = 1, .refuse = SubmitResult::kDevResource}};
  SingleRig rig{refusing};
  rig.task({sync_write(500), compute(microseconds(5)), sync_write(300), sync_write(100)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"),
            (Lines{"0 task0 issue W 500+8", "100 ? issue W 300+8", "100 ? issue W 100+8"}));
}

TEST_P(RequestFn, AnErrorReachesEveryBioOfTheRequest) {
  SingleRigOptions failing = options();
  failing.device.depth = 1;
  failing.device.faults = {{.skip = 2, .times = 1, .status = BlkStatus::kIoError}};
  SingleRig rig{failing};
  rig.task({sync_write(500), sync_write(700), sync_write(0), sync_write(8), sync_write(300)});
  rig.run();
  const auto& ends = rig.ledger.ends();
  ASSERT_EQ(ends.size(), 5U);
  EXPECT_EQ(ends[1].status, BlkStatus::kOk);
  EXPECT_EQ(ends[2].status, BlkStatus::kIoError);
  EXPECT_EQ(ends[3].status, BlkStatus::kIoError);
  EXPECT_EQ(ends[4].status, BlkStatus::kOk);
}

TEST_P(RequestFn, AQueueMayEndWithAnInterruptPending) {
  SingleRigOptions slow = options();
  slow.costs.irq_complete = microseconds(10);
  slow.costs.request_issue = microseconds(10);
  slow.device.depth = 1;
  SingleRig rig{slow};
  rig.task({sync_write(0), sync_write(100)});
  rig.run(microseconds(125));  // one has completed, the next is on its way to the device
  EXPECT_GT(rig.queue.in_flight(), 0U);
}

// What the elevators of other engineers' tests rely on: see elevator.hpp.
class HookLog final : public Elevator {
 public:
  static inline Lines lines;
  static inline SingleQueueHost* host = nullptr;
  explicit HookLog(const ElevatorContext& context) {
    lines.clear();
    host = context.single_queue;
  }
  void insert(Request& request) override {
    held_.push_back(request);
    note("insert", request);
    if (request.sector == Lba{777}) {
      host->run_after_hook();
    }
  }
  int dispatch_to(DispatchList& list, bool forced) override {
    const bool waits = !held_.empty() && held_.front().sector == Lba{666} && !forced && !released;
    if (held_.empty() || waits) {
      return 0;
    }
    Request& request = held_.front();
    held_.pop_front();
    list.add_tail(request);
    return 1;
  }
  [[nodiscard]] bool has_work() const override { return !held_.empty(); }
  void set_request(Request& request, const Bio& bio) override {
    lines.push_back(fmt::format("set {} of {}", bio.sector.value(), request.context->id));
  }
  void activate_request(Request& request) override { note("activate", request); }
  void deactivate_request(Request& request) override { note("deactivate", request); }
  void completed_request(Request& request, SimTime) override { note("complete", request); }
  void finish_request(Request& request) override { note("finish", request); }
  void io_context_exits(const IoContext& context) override {
    lines.push_back(fmt::format("exit {}", context.id));
  }
  static inline bool released = false;

 private:
  static void note(const char* what, const Request& request) {
    lines.push_back(fmt::format("{} {}", what, request.sector.value()));
  }
  RequestChain held_;
};
constexpr ElevatorType kHookLog{
    "hook-log", {}, [](const ElevatorContext& context) -> std::unique_ptr<Elevator> {
      return std::make_unique<HookLog>(context);
    }};

TEST_P(RequestFn, CallsTheHooksOfTheElevator) {
  SingleRigOptions hooked = options();
  hooked.queue.elevator = &kHookLog;
  hooked.device.faults = {{.times = 1, .refuse = SubmitResult::kZoneResource}};
  SingleRig rig{hooked};
  rig.task({sync_write(0)});
  rig.run();
  EXPECT_EQ(HookLog::lines, (Lines{"set 0 of 1", "insert 0", "activate 0", "deactivate 0",
                                   "activate 0", "exit 1", "complete 0", "finish 0"}));
}

TEST_P(RequestFn, RunsWhenTheElevatorAsksForIt) {
  HookLog::released = false;
  SingleRigOptions hooked = options();
  hooked.queue.elevator = &kHookLog;
  SingleRig rig{hooked};
  rig.task({sync_write(666), sleep_until(milliseconds(1)), compute(microseconds(1))});
  rig.run(microseconds(500));
  EXPECT_EQ(rig.issued(), Lines{}) << "it waits for something";
  HookLog::released = true;
  HookLog::host->run_async(0);
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"500 kworker/0:1H issue W 666+8"}));
  HookLog::released = false;
}

TEST(RequestFnOf2_6_18, ARunThatAHookAsksForDoesNotMindThePlug) {
  SingleRigOptions hooked = of_2_6_18();
  hooked.queue.elevator = &kHookLog;
  SingleRig rig{hooked};
  rig.task({write(0), compute(microseconds(5)), write(777)});
  rig.run();
  EXPECT_EQ(rig.log.lines("issue"), (Lines{"5 task0 issue W 0+8", "5 task0 issue W 777+8"}));
}

}  // namespace
}  // namespace wbsim::block
