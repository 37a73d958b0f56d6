// Shared by the tests of elevators: an elevator without a queue, and requests to put into it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/block/dispatch_queue.hpp"
#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/io_context.hpp"
#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {

struct ElevatorRigOptions {
  std::string_view elevator = "mq-deadline";
  ElevatorGeneration generation = ElevatorGeneration::kV5_10;
  TunableValues tunables{};
  int nr_requests = 64;
  int default_nr_requests = 64;
  int bits_per_word = 16;
  int default_bits_per_word = 16;
  TagWakeRule tag_wake = TagWakeRule::kPerWaitQueue;
  int cpus = 1;
  QueueLimits limits{};
  ControlGroups cgroups{};
};

// Stands for the queue of an elevator: takes what it gives up, counts how often it asked for a run.
class TestElevatorHost final : public SingleQueueHost {
 public:
  explicit TestElevatorHost(SortedDirections directions) : list{directions} {}
  void run_async(int /*cpu*/) override { ++async_runs; }
  void run_after_hook() override { ++runs; }
  DispatchList& dispatch_list() override { return list; }

  DispatchQueue list;
  int runs = 0;
  int async_runs = 0;
};

// Who submits a bio. Id 0: somebody of its own for each priority.
struct Submitter {
  int id = 0;
  IoPriority priority{};
  std::int8_t nice = 0;
  int cgroup = 0;
};

class ElevatorRig {
 public:
  explicit ElevatorRig(const ElevatorRigOptions& options)
      : options_{options},
        owner_{RigOptions{.cpus = options.cpus}},
        merger_{options_.limits, false, bios_},
        host_{options.generation == ElevatorGeneration::kV2_6_18 ? SortedDirections::kMixed
                                                                 : SortedDirections::kApart} {
    const ElevatorContext context{.machine = owner_.machine,
                                  .host = &host_,
                                  .generation = options_.generation,
                                  .nr_requests = options_.nr_requests,
                                  .default_nr_requests = options_.default_nr_requests,
                                  .bits_per_word = options_.bits_per_word,
                                  .default_bits_per_word = options_.default_bits_per_word,
                                  .tag_wake = options_.tag_wake,
                                  .rotational = options_.limits.rotational,
                                  .tunables = options_.tunables,
                                  .single_queue = &host_,
                                  .request_numbers = kRequestNumbers,
                                  .cgroups = options_.cgroups};
    queue_ = std::make_unique<ElevatorQueue>(find_elevator(options_.elevator)->make(context),
                                             merger_, options_.limits, options_.nr_requests);
    host_.list.attach(*queue_);
  }
  ElevatorRig(const ElevatorRig&) = delete;
  ElevatorRig& operator=(const ElevatorRig&) = delete;
  ~ElevatorRig() {
    owner_.sim.cancel(clock_);
    while (!host_.list.empty()) {
      host_.list.pop_front();
    }
  }

  [[nodiscard]] ElevatorQueue& queue() { return *queue_; }
  [[nodiscard]] Elevator& elevator() { return queue_->elevator(); }
  [[nodiscard]] TestElevatorHost& host() { return host_; }
  [[nodiscard]] int queue_runs() const { return host_.async_runs; }
  void run_until(SimDuration time) {
    owner_.sim.schedule(clock_, at(time));
    owner_.sim.run(at(time));
  }

  Bio& bio(const IoStep& step, IoPriority priority = {}, Submitter who = {}) {
    Bio& bio = bios_.acquire();
    bio.sector = Lba{step.sector};
    bio.unit = Sectors{step.sectors};
    bio.flags = step.flags;
    bio.priority = priority;
    bio.context = &context_of(who, priority);
    bio.cgroup = who.cgroup;
    return bio;
  }
  // A request as the queue allocates it.
  Request& request(Bio& bio) {
    requests_.push_back(std::make_unique<Request>(owner_.queue, next_number_++));
    Request& request = *requests_.back();
    request.sector = bio.sector;
    request.length = bio.length();
    request.flags = bio.flags;
    request.priority = bio.priority;
    request.cgroup = bio.cgroup;
    request.context = bio.context;
    request.segments = segments_of(bio, options_.limits);
    request.bio_count = 1;
    request.bio = request.bio_tail = &bio;
    request.context = bio.context;
    request.started = owner_.sim.now();
    elevator().set_request(request, bio);
    return request;
  }
  // Inserts one; what was absorbed is finished. Returns the request where the elevator took it.
  Request* insert(const IoStep& step, IoPriority priority = {}, int cpu = 0) {
    Request& inserted = request(bio(step, priority));
    inserted.cpu = cpu;
    RequestChain absorbed;
    const bool taken = queue_->insert(inserted, absorbed);
    while (!absorbed.empty()) {
      Request& gone = absorbed.front();
      absorbed.pop_front();
      elevator().finish_request(gone);
    }
    return taken ? &inserted : nullptr;
  }
  MergeKind merge(const IoStep& step, IoPriority priority = {}, int cpu = 0) {
    const ElevatorQueue::BioMerge merge = queue_->merge(bio(step, priority), cpu);
    if (merge.absorbed != nullptr) {
      elevator().finish_request(*merge.absorbed);
    }
    return merge.kind;
  }
  // The next request in the way of the elevator's generation; null where there is none.
  Request* take() {
    if (!is_single_queue(options_.generation)) {
      return queue_->dispatch();
    }
    if (host_.list.empty()) {
      queue_->elevator().dispatch_to(host_.list, false);
    }
    if (host_.list.empty()) {
      return nullptr;
    }
    Request& request = host_.list.front();
    host_.list.look_at_front();
    host_.list.pop_front();
    elevator().activate_request(request);
    return &request;
  }
  // "R 0+8", and "-" where there is none. `held`: it stays in the device.
  std::string dispatch(bool held = false) {
    Request* request = take();
    if (request == nullptr) {
      return "-";
    }
    if (held) {
      held_.push_back(request);
    } else {
      elevator().finish_request(*request);
    }
    return fmt::format("{} {}+{}", request->is_write() ? "W" : "R", request->sector.value(),
                       request->length.count());
  }
  Lines dispatch_all(int most = 1000) {
    Lines lines;
    for (int i = 0; i < most; ++i) {
      lines.push_back(dispatch());
      if (lines.back() == "-") {
        lines.pop_back();
        break;
      }
    }
    return lines;
  }
  // The oldest of those that are held.
  void finish_held(std::size_t count = std::numeric_limits<std::size_t>::max()) {
    const auto end = held_.begin() + static_cast<std::ptrdiff_t>(std::min(count, held_.size()));
    std::for_each(held_.begin(), end,
                  [this](Request* request) { elevator().finish_request(*request); });
    held_.erase(held_.begin(), end);
  }

 private:
  static constexpr int kRequestNumbers = 1 << 16;  // none is used twice

  IoContext& context_of(Submitter who, IoPriority priority) {
    if (who.id == 0) {
      constexpr int kFirstNameless = 100;
      constexpr int kLevels = 8;
      who = {kFirstNameless + static_cast<int>(priority.io_class) * kLevels + priority.level,
             priority};
    }
    IoContext& context = contexts_.try_emplace(who.id, who.id).first->second;
    context.priority = who.priority;
    context.nice = who.nice;
    return context;
  }

  ElevatorRigOptions options_;
  QueueRig owner_;
  engine::Event clock_{[](void*) {}, nullptr};  // so that there is something to run up to
  SlabPool<Bio> bios_;
  RequestMerger merger_;
  TestElevatorHost host_;
  std::map<int, IoContext> contexts_;  // by id
  std::vector<std::unique_ptr<Request>> requests_;
  std::unique_ptr<ElevatorQueue> queue_;
  std::vector<Request*> held_;
  int next_number_ = 0;
};

}  // namespace wbsim::block
