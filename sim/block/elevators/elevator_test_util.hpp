// Shared by the tests of elevators: an elevator without a queue, and requests to put into it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
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
};

// Counts how often an elevator asked for the queue to be run.
class HostNotes final : public ElevatorHost {
 public:
  void run_async(int /*cpu*/) override { ++runs; }
  int runs = 0;
};

class ElevatorRig {
 public:
  explicit ElevatorRig(const ElevatorRigOptions& options)
      : options_{options},
        owner_{RigOptions{.cpus = options.cpus}},
        merger_{options_.limits, false, bios_} {
    const ElevatorContext context{.machine = owner_.machine,
                                  .host = &host_,
                                  .generation = options_.generation,
                                  .nr_requests = options_.nr_requests,
                                  .default_nr_requests = options_.default_nr_requests,
                                  .bits_per_word = options_.bits_per_word,
                                  .default_bits_per_word = options_.default_bits_per_word,
                                  .tag_wake = options_.tag_wake,
                                  .rotational = options_.limits.rotational,
                                  .tunables = options_.tunables};
    queue_ = std::make_unique<ElevatorQueue>(find_elevator(options_.elevator)->make(context),
                                             merger_, options_.limits, options_.nr_requests);
  }
  ElevatorRig(const ElevatorRig&) = delete;
  ElevatorRig& operator=(const ElevatorRig&) = delete;
  ~ElevatorRig() { owner_.sim.cancel(clock_); }

  [[nodiscard]] ElevatorQueue& queue() { return *queue_; }
  [[nodiscard]] Elevator& elevator() { return queue_->elevator(); }
  [[nodiscard]] int queue_runs() const { return host_.runs; }
  void run_until(SimDuration time) {
    owner_.sim.schedule(clock_, at(time));
    owner_.sim.run(at(time));
  }

  Bio& bio(const IoStep& step, IoPriority priority = {}, IoContext context = {}) {
    Bio& bio = bios_.acquire();
    bio.sector = Lba{step.sector};
    bio.unit = Sectors{step.sectors};
    bio.flags = step.flags;
    bio.priority = priority;
    bio.context = context;
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
    request.context = bio.context;
    request.segments = segments_of(bio, options_.limits);
    request.bio_count = 1;
    request.bio = request.bio_tail = &bio;
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
  // "R 0+8", and "-" where there is none. `held`: it stays in the device.
  std::string dispatch(bool held = false) {
    Request* request = queue_->dispatch();
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
  ElevatorRigOptions options_;
  QueueRig owner_;
  engine::Event clock_{[](void*) {}, nullptr};  // so that there is something to run up to
  HostNotes host_;
  SlabPool<Bio> bios_;
  RequestMerger merger_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::unique_ptr<ElevatorQueue> queue_;
  std::vector<Request*> held_;
  int next_number_ = 0;
};

}  // namespace wbsim::block
