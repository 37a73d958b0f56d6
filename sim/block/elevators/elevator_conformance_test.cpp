// What every elevator owes the queue, whatever its policy: no request is lost, handed out twice or
// left behind; merged requests stay within the limits and hold just what was put into them; nothing
// waits for longer than its bound while others are served.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/base/rng.hpp"
#include "sim/block/elevators/elevator_test_util.hpp"
#include "sim/block/random_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr int kRequests = 48;
constexpr std::uint64_t kBlocks = 300;  // of 8 sectors: few, so that much is adjacent
constexpr std::int64_t kUnit = 8;

struct Subject {
  std::string_view elevator;
  ElevatorGeneration generation;
};

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  for (const ElevatorType& type : elevator_types()) {
    for (const ElevatorGeneration generation :
         {ElevatorGeneration::kV2_6_18, ElevatorGeneration::kV3_6, ElevatorGeneration::kV5_10,
          ElevatorGeneration::kV6_1, ElevatorGeneration::kV6_6, ElevatorGeneration::kV6_12}) {
      if (type.exists_in(generation)) {
        all.push_back({type.name, generation});
      }
    }
  }
  return all;
}

std::string name_of(const ::testing::TestParamInfo<Subject>& info) {
  std::string name{info.param.elevator};
  std::replace(name.begin(), name.end(), '-', '_');
  static constexpr const char* kGenerations[] = {"_2_6_18", "_3_6", "_5_10",
                                                 "_6_1",    "_6_6", "_6_12"};
  return name + kGenerations[static_cast<int>(info.param.generation)];
}

class ElevatorConformance : public ::testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(All, ElevatorConformance, ::testing::ValuesIn(subjects()), name_of);

// Puts random bios into an elevator and keeps account of each by an id of its own.
class Traffic {
 public:
  Traffic(const Subject& subject, std::uint64_t seed, bool classes)
      : rng_{Rng::stream(seed, "elevator")},
        classes_{classes},
        options_{options(subject, rng_)},
        merging_{insert_merge(subject.generation)},
        rig_{options_} {}

  [[nodiscard]] int allocated() const { return waiting_requests_ + in_device(); }
  [[nodiscard]] int in_device() const { return static_cast<int>(device_.size()); }
  [[nodiscard]] std::size_t bios_waiting() const { return waiting_.size(); }
  [[nodiscard]] std::int64_t longest_wait() const { return longest_wait_; }
  [[nodiscard]] bool has_work() { return rig_.elevator().has_work() || !rig_.host().list.empty(); }
  [[nodiscard]] std::int64_t merges() const { return merges_; }
  [[nodiscard]] std::int64_t dispatched() const { return dispatched_; }

  void wait(SimDuration time) { rig_.run_until(now_ += time); }

  // As the queue does: tries to merge, else allocates and inserts.
  void submit() {
    const auto sector = static_cast<std::int64_t>(rng_.uniform(kBlocks)) * kUnit;
    const std::int64_t sectors = kUnit * static_cast<std::int64_t>(1 + rng_.uniform(2));
    const IoPriority priority{.io_class = classes_ ? static_cast<IoClass>(rng_.uniform(4))
                                                   : IoClass::kNone};
    ++last_id_;
    Bio& bio = rig_.bio(rng_.bernoulli(1, 2) ? write(sector, sectors) : read(sector, sectors),
                        priority, {.id = 1 + (classes_ ? static_cast<int>(last_id_ % 3) : 0)});
    bio.writes.first = last_id_;
    waiting_[last_id_] = {bio.sector, bio.unit, bio.flags.write, dispatched_};
    if (rng_.bernoulli(1, 2)) {
      const ElevatorQueue::BioMerge merge = rig_.queue().merge(bio);
      if (merge.absorbed != nullptr) {
        free_absorbed(*merge.absorbed);
      }
      if (merge.kind != MergeKind::kNone) {
        ++merges_;
        return;
      }
    }
    ++waiting_requests_;
    RequestChain absorbed;
    const bool taken = rig_.queue().insert(rig_.request(bio), absorbed, merging_);
    EXPECT_EQ(taken, absorbed.empty());
    while (!absorbed.empty()) {
      Request& request = absorbed.front();
      absorbed.pop_front();
      free_absorbed(request);
    }
  }

  // False where the elevator gives nothing.
  bool dispatch() {
    Request* request = rig_.take();
    if (request == nullptr) {
      return false;
    }
    --waiting_requests_;
    ++dispatched_;
    device_.push_back(request);
    check(*request);
    return true;
  }

  void complete_one() {
    if (device_.empty()) {
      return;
    }
    const auto chosen = device_.begin() + static_cast<std::ptrdiff_t>(rng_.uniform(device_.size()));
    rig_.elevator().completed_request(**chosen, at(now_));
    rig_.elevator().finish_request(**chosen);
    device_.erase(chosen);
  }

  Rng& rng() { return rng_; }

 private:
  struct Waiting {
    Lba sector;
    Sectors length;
    bool write = false;
    std::int64_t since = 0;  // requests dispatched before
  };

  static ElevatorRigOptions options(const Subject& subject, Rng& rng) {
    ElevatorRigOptions options;
    options.elevator = subject.elevator;
    options.generation = subject.generation;
    options.nr_requests = kRequests;
    options.limits.max_sectors = Sectors{16 + 8 * static_cast<std::int64_t>(rng.uniform(10))};
    options.limits.max_segments = 2 + static_cast<std::int64_t>(rng.uniform(6));
    options.limits.nomerges = rng.bernoulli(1, 6) ? 1 : 0;
    return options;
  }

  // As the queues of the time do.
  static InsertMerge insert_merge(ElevatorGeneration generation) {
    return generation == ElevatorGeneration::kV2_6_18 ? InsertMerge::kNot
           : generation == ElevatorGeneration::kV3_6  ? InsertMerge::kOnce
                                                      : InsertMerge::kRepeatedly;
  }

  void free_absorbed(Request& request) {
    EXPECT_EQ(request.bio, nullptr) << "its data is in another request";
    ++merges_;
    --waiting_requests_;
    rig_.elevator().finish_request(request);
  }

  void check(const Request& request) {
    EXPECT_LE(request.length, options_.limits.max_sectors);
    EXPECT_LE(request.segments, options_.limits.max_segments);
    EXPECT_FALSE(request.queuelist.is_linked());
    EXPECT_FALSE(request.sort.is_linked());
    EXPECT_FALSE(request.hash.is_linked());
    Lba expected = request.sector;
    for (const Bio* bio = request.bio; bio != nullptr; bio = bio->next) {
      EXPECT_EQ(bio->sector, expected) << "bios are in order and leave no gap";
      expected = bio->end();
      const auto found = waiting_.find(bio->writes.first);
      ASSERT_NE(found, waiting_.end()) << "handed out twice";
      EXPECT_EQ(found->second.sector, bio->sector);
      EXPECT_EQ(found->second.write, request.is_write());
      longest_wait_ = std::max(longest_wait_, dispatched_ - found->second.since);
      waiting_.erase(found);
    }
    EXPECT_EQ(expected, request.end());
  }

  Rng rng_;
  bool classes_;
  ElevatorRigOptions options_;
  InsertMerge merging_;
  ElevatorRig rig_;
  SimDuration now_{};
  std::map<std::uint64_t, Waiting> waiting_;
  std::vector<Request*> device_;
  std::uint64_t last_id_ = 0;
  int waiting_requests_ = 0;
  std::int64_t dispatched_ = 0;
  std::int64_t longest_wait_ = 0;
  std::int64_t merges_ = 0;
};

void run_random(Traffic& traffic, int steps) {
  for (int i = 0; i < steps; ++i) {
    switch (traffic.rng().uniform(6)) {
      case 0:
      case 1:
      case 2:
        if (traffic.allocated() < kRequests) {
          traffic.submit();
        }
        break;
      case 3:
      case 4:
        if (traffic.in_device() < 8) {
          const bool had_work = traffic.has_work();
          EXPECT_TRUE(!traffic.dispatch() || had_work);
        }
        break;
      default:
        traffic.complete_one();
        traffic.wait(microseconds(static_cast<std::int64_t>(traffic.rng().uniform(30'000))));
        break;
    }
  }
}

// With nothing in the device nothing may be held back for ever.
void drain(Traffic& traffic) {
  int idle = 0;
  while (traffic.bios_waiting() > 0 && idle < 100) {
    while (traffic.in_device() > 0) {
      traffic.complete_one();
    }
    traffic.wait(milliseconds(20));
    idle = traffic.dispatch() ? 0 : idle + 1;
  }
  EXPECT_EQ(traffic.bios_waiting(), 0U) << "left behind";
  while (traffic.in_device() > 0) {
    traffic.complete_one();
  }
  traffic.wait(milliseconds(500));  // more than anyone waits for a next request
  EXPECT_FALSE(traffic.has_work());
  EXPECT_FALSE(traffic.dispatch());
}

TEST_P(ElevatorConformance, HandsOutEachBioOnceWithinTheLimits) {
  constexpr int kSteps = 1500;
  std::int64_t merges = 0;
  for (std::uint64_t seed = 1; seed <= random_runs(60, kSteps); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Traffic traffic{GetParam(), seed, seed % 2 == 0};
    run_random(traffic, kSteps);
    drain(traffic);
    merges += traffic.merges();
    ASSERT_GT(traffic.dispatched(), kSteps / 10) << "or nothing was tested";
    ASSERT_FALSE(HasFailure());
  }
  // Without a hash little finds what it could merge with.
  ElevatorRig rig{{.elevator = GetParam().elevator, .generation = GetParam().generation}};
  EXPECT_GT(merges, rig.elevator().uses_merge_hash() ? 100 : 10) << "or nothing was tested";
}

// A full elevator and a device that takes 20 ms a request: everything expires. Each request in
// front of one can start a batch, and before each batch others may have their turns.
TEST_P(ElevatorConformance, NothingWaitsBeyondItsBoundWhileOthersAreServed) {
  constexpr std::int64_t kBatch = 16;
  constexpr std::int64_t kTurnsOfOthers = 3;
  constexpr std::int64_t kBound = kRequests * kBatch * kTurnsOfOthers;
  constexpr int kSteps = 20'000;
  for (std::uint64_t seed = 1; seed <= random_runs(5, kSteps); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Traffic traffic{GetParam(), seed, false};
    for (int i = 0; i < kSteps; ++i) {
      while (traffic.allocated() < kRequests) {
        traffic.submit();
      }
      // Some wait for a task's next request, but not for long.
      for (int waits = 0; !traffic.dispatch(); ++waits) {
        ASSERT_LT(waits, 10);
        traffic.wait(milliseconds(4));
      }
      traffic.complete_one();
      traffic.wait(milliseconds(20));
    }
    EXPECT_LT(traffic.longest_wait(), kBound);
    if (GetParam().elevator != "noop") {
      EXPECT_GT(traffic.longest_wait(), kRequests) << "or the order was that of arrival";
    }
  }
}

// Requests of one process and one kind, so far apart (more than any elevator looks back) that none
// is merged or taken from behind.
class OneWay {
 public:
  OneWay(const Subject& subject, std::uint64_t seed, bool writes)
      : rig_{{.elevator = subject.elevator, .generation = subject.generation}} {
    constexpr std::int64_t kApart = 2'000'000;
    std::vector<std::int64_t> sectors(kRequests);
    for (std::size_t i = 0; i < sectors.size(); ++i) {
      sectors[i] = kApart * static_cast<std::int64_t>(i + 1);
    }
    Rng rng = Rng::stream(seed, "one way");
    for (std::size_t i = sectors.size(); i > 1; --i) {
      std::swap(sectors[i - 1], sectors[rng.uniform(i)]);
    }
    for (const std::int64_t sector : sectors) {
      rig_.insert(writes ? write(sector) : read(sector));
      arrivals_.push_back(Lba{sector});
    }
  }

  // In order of dispatch; some elevators wait for a while in between.
  std::vector<Lba> dispatched() {
    std::vector<Lba> order;
    SimDuration now{};
    for (int waits = 0; order.size() < arrivals_.size() && waits < 100;) {
      Request* request = rig_.take();
      if (request == nullptr) {
        rig_.run_until(now += milliseconds(4));
        ++waits;
        continue;
      }
      order.push_back(request->sector);
      rig_.elevator().completed_request(*request, at(now));
      rig_.elevator().finish_request(*request);
    }
    return order;
  }
  [[nodiscard]] const std::vector<Lba>& arrivals() const { return arrivals_; }

 private:
  ElevatorRig rig_;
  std::vector<Lba> arrivals_;
};

// Of those that sort, a lower sector follows only where nothing above the last one is left. The
// others keep the order of arrival.
TEST_P(ElevatorConformance, ABatchIsInSectorOrderOrInThatOfArrival) {
  const bool sorts = GetParam().elevator != "kyber" && GetParam().elevator != "noop";
  for (std::uint64_t seed = 1; seed <= random_runs(20, kRequests); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneWay one_way{GetParam(), seed, seed % 2 == 0};
    const std::vector<Lba> order = one_way.dispatched();
    ASSERT_EQ(order.size(), one_way.arrivals().size());
    if (!sorts) {
      ASSERT_EQ(order, one_way.arrivals());
      continue;
    }
    for (auto last = order.begin(), next = last + 1; next != order.end(); ++last, ++next) {
      ASSERT_TRUE(*next > *last || *std::max_element(next, order.end()) < *last);
    }
  }
}

}  // namespace
}  // namespace wbsim::block
