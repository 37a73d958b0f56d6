// How cfq and anticipatory share a disk among tasks that always want more: behind the real single
// queue, before a disk that serves one command at a time and seeks.
#include <gtest/gtest.h>

#include "models/simdisk.hpp"
#include "sim/block/single_queue_test_util.hpp"

namespace wbsim::block {
namespace {

// A task that keeps `depth` requests going, one block behind the other or anywhere.
struct Job {
  bool writes = false;
  IoPriority priority{};
  int depth = 1;
  bool sequential = true;
  SimDuration think{};  // after each request
};

constexpr Sectors kBlock{8};
constexpr std::int64_t kPart = 10'000'000;  // sectors: the part of the disk that is a task's

class Worker final : public BioEndIo {
 public:
  Worker(engine::Machine& machine, BlockQueue& queue, const Job& job, int id)
      : queue_{queue}, job_{job}, base_{id * kPart}, thread_{machine, "worker", id}, io_{thread_} {
    io_.context().priority = job.priority;
  }
  engine::Task<> run() {
    co_await thread_.begin();
    while (true) {
      while (in_flight_ < job_.depth) {
        ++in_flight_;
        Bio& bio = queue_.new_bio();
        bio.sector = Lba{next_sector()};
        bio.unit = kBlock;
        bio.flags.write = job_.writes;
        bio.priority = job_.priority;
        bio.end_io = this;
        co_await queue_.submit_bio(io_, bio);
      }
      while (in_flight_ == job_.depth) {
        if (queue_.is_plugged()) {
          co_await queue_.unplug(io_);
        }
        if (in_flight_ == job_.depth) {
          co_await thread_.block();
        }
      }
      co_await thread_.nanosleep(thread_.now() + job_.think);
    }
  }
  void end_bio(Bio&, BlkStatus) override {
    --in_flight_;
    ++done_;
    thread_.wake();
  }
  [[nodiscard]] std::int64_t done() const { return done_; }

 private:
  std::int64_t next_sector() {
    ++count_;
    const std::int64_t block =
        job_.sequential ? count_ : count_ * 7'654'321 % (kPart / kBlock.count());
    return base_ + block * kBlock.count();
  }

  BlockQueue& queue_;
  Job job_;
  std::int64_t base_;
  engine::Thread thread_;
  TaskIo io_;
  int in_flight_ = 0;
  std::int64_t done_ = 0;
  std::int64_t count_ = 0;
};

struct Disk {
  SimDuration service = microseconds(250);
  SimDuration seek{};
  int depth = 1;
};

// Requests that each job has had done in `time`, after as much time before.
std::vector<std::int64_t> run(const SingleRigOptions& kernel, const Disk& disk,
                              const std::vector<Job>& jobs, SimDuration time = seconds(20)) {
  engine::Simulator simulator;
  engine::Tracer tracer;
  engine::Machine machine{simulator, 4,
                          engine::Jiffies{1000, 1'000'000, {}, engine::TimerWheel::kCascading},
                          free_of_cost()};
  Kblockd kblockd{machine};
  models::Simdisk device{
      simulator,
      {.depth = disk.depth, .read = disk.service, .write = disk.service, .seek = disk.seek}};
  SingleQueue queue{machine, tracer, kblockd, device, kernel.queue};
  std::vector<std::unique_ptr<Worker>> workers;
  for (const Job& job : jobs) {
    const int id = static_cast<int>(workers.size()) + 1;
    workers.push_back(std::make_unique<Worker>(machine, queue, job, id));
    simulator.spawn("worker", workers.back()->run());
  }
  simulator.run(at(time));
  std::vector<std::int64_t> done;
  for (const auto& worker : workers) {
    done.push_back(-worker->done());
  }
  simulator.run(at(2 * time));
  for (std::size_t i = 0; i < workers.size(); ++i) {
    done[i] += workers[i]->done();
  }
  simulator.destroy_processes();
  return done;
}

Job reader(int level, int depth = 4) {
  return {.priority = {IoClass::kBestEffort, static_cast<std::uint8_t>(level)}, .depth = depth};
}

SingleRigOptions with(SingleRigOptions options, TunableValues tunables) {
  options.queue.iosched = std::move(tunables);
  options.queue.limits.rotational = true;
  return options;
}

double ratio(const std::vector<std::int64_t>& done) {
  return static_cast<double>(done[0]) / static_cast<double>(done[1]);
}

TEST(CfqSharing, TwoTasksGetTheDiskInTheRatioOfTheirSlices) {
  const auto kernel = with(of_3_6("cfq"), {});
  for (const auto& [a, b, expected] :
       {std::tuple{4, 4, 1.0}, {0, 4, 1.8}, {4, 7, 2.5}, {0, 7, 4.5}, {2, 5, 140.0 / 80}}) {
    EXPECT_NEAR(ratio(run(kernel, {}, {reader(a), reader(b)})), expected, 0.05 * expected)
        << a << " and " << b;
  }
}

TEST(CfqSharing, MoreTasksOfALevelHaveEqualParts) {
  const auto done =
      run(with(of_3_6("cfq"), {}), {}, {reader(4), reader(4), reader(4), reader(4), reader(4)});
  const auto [least, most] = std::minmax_element(done.begin(), done.end());
  EXPECT_NEAR(static_cast<double>(*least) / static_cast<double>(*most), 1.0, 0.05);
}

// In v2.6.18, too: a queue's last requests are in the device when its slice ends, and until they
// have completed it is the others' turn, whatever the rounds of the levels.
TEST(CfqSharing, TwoTasksGotTheDiskInTheRatioOfTheirSlicesOfOld) {
  const auto kernel = with(of_2_6_18("cfq"), {});
  for (const auto& [a, b, expected] : {std::tuple{4, 4, 1.0}, {0, 4, 1.8}, {4, 7, 2.5}}) {
    EXPECT_NEAR(ratio(run(kernel, {}, {reader(a), reader(b)})), expected, 0.05 * expected)
        << a << " and " << b;
  }
}

TEST(CfqSharing, RealTimeHasTheDiskToItself) {
  // Of old one that runs empty at the end of its slice loses a turn: nothing preempts.
  Job urgent = reader(4, 16);
  urgent.sequential = false;
  urgent.priority = {IoClass::kRealTime, 4};
  for (const auto& kernel : {with(of_3_6("cfq"), {}), with(of_2_6_18("cfq"), {})}) {
    EXPECT_GT(ratio(run(kernel, {}, {urgent, reader(0)}, seconds(4))), 50);
  }
}

// A task that reads one block after the other beside one that writes all over the disk.
const std::vector<Job> kReaderAndWriter{{.think = microseconds(200)},
                                        {.writes = true, .depth = 64, .sequential = false}};
// Two such readers.
const std::vector<Job> kTwoReaders{{.think = microseconds(200)}, {.think = microseconds(200)}};

std::int64_t done_by_reader(const SingleRigOptions& kernel, const std::vector<Job>& jobs) {
  return run(kernel, {.service = microseconds(500), .seek = milliseconds(8)}, jobs)[0];
}

struct Idling {
  const char* name;
  SingleRigOptions kernel;
  TunableValues off;
};

class IdlingEffect : public ::testing::TestWithParam<Idling> {};
INSTANTIATE_TEST_SUITE_P(
    All, IdlingEffect,
    ::testing::Values(Idling{"cfq_3_6", of_3_6("cfq"), {{"slice_idle", 0}, {"group_idle", 0}}},
                      Idling{"cfq_2_6_18", of_2_6_18("cfq"), {{"slice_idle", 0}}},
                      Idling{"anticipatory", of_2_6_18("anticipatory"), {{"antic_expire", 0}}}),
    [](const auto& param) { return std::string{param.param.name}; });

TEST_P(IdlingEffect, AStreamOfReadsIsFasterBesideAWriterThanWithDeadline) {
  const Idling& idling = GetParam();
  SingleRigOptions deadline = idling.kernel;
  deadline.queue.elevator = find_elevator("deadline");
  const std::int64_t with_idling = done_by_reader(with(idling.kernel, {}), kReaderAndWriter);
  const std::int64_t without = done_by_reader(with(deadline, {}), kReaderAndWriter);
  EXPECT_GT(with_idling, 3 * without);
}

TEST_P(IdlingEffect, TwoStreamsOfReadsAreFasterThanWithoutIt) {
  const Idling& idling = GetParam();
  const std::int64_t on = done_by_reader(with(idling.kernel, {}), kTwoReaders);
  const std::int64_t off = done_by_reader(with(idling.kernel, idling.off), kTwoReaders);
  EXPECT_GT(on, 3 * off);
}

}  // namespace
}  // namespace wbsim::block
