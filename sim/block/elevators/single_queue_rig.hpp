// Shared by the tests of elevators of single queues: the parts of the queue and the driver played
// by hand. A test submits for tasks, lets the driver fetch and complete, and lets time pass.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/block/dispatch_queue.hpp"
#include "sim/block/elevators/elevator_queue.hpp"
#include "sim/block/elevators/elevator_table.hpp"
#include "sim/block/io_context.hpp"
#include "sim/block/queue_test_util.hpp"

namespace wbsim::block {

struct SingleQueueRigOptions {
  std::string_view elevator = "cfq";
  ElevatorGeneration generation = ElevatorGeneration::kV3_6;
  TunableValues tunables{};
  bool rotational = true;
  int hz = 250;
};

// A direct write, behind which more may follow. Other synchronous writes announce that none does.
inline IoStep direct_write(std::int64_t sector, std::int64_t sectors = 8) {
  return {
      .flags = {.write = true, .sync = true, .idle = true}, .sector = sector, .sectors = sectors};
}
inline IoStep prio_read(std::int64_t sector, std::int64_t sectors = 8) {
  return {.flags = {.prio = true}, .sector = sector, .sectors = sectors};
}

inline std::string text_of(const Request& request) {
  return fmt::format("{} {}+{}", request.is_write() ? "W" : "R", request.sector.value(),
                     request.length.count());
}

class SingleQueueRig : private SingleQueueHost {
 public:
  explicit SingleQueueRig(const SingleQueueRigOptions& options = {})
      : options_{options},
        owner_{{.hz = options.hz, .wheel = engine::TimerWheel::kCascading}},
        merger_{limits_, false, bios_, PriorityMerge::kKeepsBest},
        list_{is_old() ? SortedDirections::kMixed : SortedDirections::kApart} {
    const ElevatorContext context{.machine = owner_.machine,
                                  .host = this,
                                  .generation = options_.generation,
                                  .nr_requests = 128,
                                  .default_nr_requests = 128,
                                  .bits_per_word = 64,
                                  .rotational = options_.rotational,
                                  .tunables = options_.tunables,
                                  .single_queue = this,
                                  .request_numbers = kNumbers};
    queue_ = std::make_unique<ElevatorQueue>(find_elevator(options_.elevator)->make(context),
                                             merger_, limits_, kNumbers);
    list_.attach(*queue_);
    for (int number = kNumbers - 1; number >= 0; --number) {
      requests_.push_back(std::make_unique<Request>(owner_.queue, number));
      free_.push_back(requests_.back().get());
    }
  }
  ~SingleQueueRig() { sim().cancel(clock_); }

  [[nodiscard]] Elevator& elevator() { return queue_->elevator(); }
  [[nodiscard]] engine::Simulator& sim() { return owner_.sim; }
  // Lets time pass.
  void wait(SimDuration time) {
    now_ += time;
    sim().schedule(clock_, at(now_));
    sim().run(at(now_));
  }
  void wait_ticks(int ticks) { wait(owner_.machine.jiffies().tick() * ticks); }

  [[nodiscard]] IoContext& task(int id) {
    std::unique_ptr<IoContext>& context = tasks_[id];
    if (context == nullptr) {
      context = std::make_unique<IoContext>(id);
    }
    return *context;
  }
  void end_task(int id) {
    task(id).exited = true;
    elevator().io_context_exits(task(id));
  }

  // A bio that merges with none: a request is allocated and inserted.
  Request& submit(int task_id, const IoStep& step) {
    Request& request = allocate(task_id, step);
    insert(request);
    return request;
  }
  Request& allocate(int task_id, const IoStep& step) {
    Bio& bio = new_bio(task_id, step);
    Request& request = *free_.back();
    free_.pop_back();
    request.sector = bio.sector;
    request.length = bio.length();
    request.flags = bio.flags;
    request.priority = bio.priority;
    request.segments = 1;
    request.bio_count = 1;
    request.bio = request.bio_tail = &bio;
    request.context = bio.context;
    request.started = sim().now();
    request.in_elevator = false;
    request.no_merge = false;
    request.seen = false;
    request.soft_barrier = false;
    elevator().set_request(request, bio);
    return request;
  }
  void insert(Request& request) {
    RequestChain absorbed;
    queue_->insert(request, absorbed, is_old() ? InsertMerge::kNot : InsertMerge::kOnce);
    while (!absorbed.empty()) {
      Request& gone = absorbed.front();
      absorbed.pop_front();
      free(gone);
    }
  }
  MergeKind merge(int task_id, const IoStep& step) {
    Bio& bio = new_bio(task_id, step);
    const ElevatorQueue::BioMerge merge = queue_->merge(bio, 0);
    if (merge.absorbed != nullptr) {
      free(*merge.absorbed);
    }
    if (merge.kind == MergeKind::kNone) {
      bios_.release(bio);
    }
    return merge.kind;
  }
  MayQueue may_queue(int task_id, const IoStep& step) {
    Bio& bio = new_bio(task_id, step);
    const MayQueue answer = elevator().may_queue(bio);
    bios_.release(bio);
    return answer;
  }

  // The driver takes the next request; null where there is none for it.
  Request* fetch() {
    if (list_.empty()) {
      elevator().dispatch_to(list_, false);
    }
    if (list_.empty()) {
      return nullptr;
    }
    Request& request = list_.front();
    list_.look_at_front();
    list_.pop_front();
    elevator().activate_request(request);
    device_.push_back(&request);
    return &request;
  }
  std::string issue() {
    const Request* request = fetch();
    return request == nullptr ? "-" : text_of(*request);
  }
  Lines issue_all(int most = 100) {
    Lines lines;
    for (int i = 0; i < most; ++i) {
      lines.push_back(issue());
      if (lines.back() == "-") {
        lines.pop_back();
        break;
      }
    }
    return lines;
  }
  void complete(Request& request) {
    std::erase(device_, &request);
    elevator().completed_request(request, sim().now());
    free(request);
  }
  void complete_oldest() { complete(*device_.front()); }
  void complete_all() {
    while (!device_.empty()) {
      complete_oldest();
    }
  }
  // Issues one, which takes `time`.
  std::string serve(SimDuration time = microseconds(100)) {
    Request* request = fetch();
    if (request == nullptr) {
      return "-";
    }
    const std::string text = text_of(*request);
    wait(time);
    complete(*request);
    return text;
  }
  Lines serve_all(SimDuration time = microseconds(100), int most = 1000) {
    Lines lines;
    for (int i = 0; i < most; ++i) {
      lines.push_back(serve(time));
      if (lines.back() == "-") {
        lines.pop_back();
        break;
      }
    }
    return lines;
  }
  // All that the elevator has, at once.
  Lines drain() {
    elevator().dispatch_to(list_, true);
    Lines lines = listed();
    while (!list_.empty()) {
      fetch();
    }
    return lines;
  }
  // What went to the driver's list and was not fetched.
  [[nodiscard]] Lines listed() {
    Lines lines;
    for (const Request& request : list_) {
      lines.push_back(text_of(request));
    }
    return lines;
  }
  [[nodiscard]] const std::vector<Request*>& in_device() const { return device_; }

  // How often the elevator asked for a run of the queue since the last call.
  int runs_asked() { return std::exchange(runs_, 0); }
  int async_runs_asked() { return std::exchange(async_runs_, 0); }

 protected:
  // For rigs that run the queue by themselves.
  virtual void on_run_asked() {}

 private:
  static constexpr int kNumbers = 256;

  [[nodiscard]] bool is_old() const { return options_.generation == ElevatorGeneration::kV2_6_18; }

  void run_after_hook() override {
    ++runs_;
    on_run_asked();
  }
  void run_async(int /*cpu*/) override {
    ++async_runs_;
    on_run_asked();
  }
  DispatchList& dispatch_list() override { return list_; }

  Bio& new_bio(int task_id, const IoStep& step) {
    Bio& bio = bios_.acquire();
    bio.sector = Lba{step.sector};
    bio.unit = Sectors{step.sectors};
    bio.flags = step.flags;
    bio.context = &task(task_id);
    bio.priority = bio.context->priority;
    return bio;
  }
  void free(Request& request) {
    elevator().finish_request(request);
    for (Bio* bio = request.bio; bio != nullptr;) {
      Bio* next = bio->next;
      bios_.release(*bio);
      bio = next;
    }
    request.bio = request.bio_tail = nullptr;
    free_.push_back(&request);
  }

  SingleQueueRigOptions options_;
  QueueRig owner_;
  engine::Event clock_{[](void*) {}, nullptr};  // so that there is something to run up to
  SimDuration now_{};
  QueueLimits limits_;
  SlabPool<Bio> bios_;
  RequestMerger merger_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::vector<Request*> free_;
  std::map<int, std::unique_ptr<IoContext>> tasks_;
  std::unique_ptr<ElevatorQueue> queue_;
  DispatchQueue list_;
  std::vector<Request*> device_;
  int runs_ = 0;
  int async_runs_ = 0;
};

}  // namespace wbsim::block
