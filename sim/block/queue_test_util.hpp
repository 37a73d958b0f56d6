// Shared by the tests of the block layer: a computer without CPU costs, a test device behind a
// request queue, tasks that follow scripts, and notes of everything that happens.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/faulty_device.hpp"
#include "models/test_device.hpp"
#include "sim/block/request_queue.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::block {

// One step of a task's script.
struct IoStep {
  enum class Kind { kBio, kStartPlug, kFinishPlug, kFlushPlug, kUnplugQueue, kSleepUntil, kRun };
  Kind kind = Kind::kBio;
  engine::RwbsFlags flags{};
  std::int64_t sector = 0;
  std::int64_t sectors = 0;
  SimDuration time{};
  std::int64_t segment = 0;  // sectors of contiguous memory; 0: all
  IoPriority priority{};
  std::int64_t memory = 0;  // bytes: where its data begins
};
using IoScript = std::vector<IoStep>;

inline IoStep write(std::int64_t sector, std::int64_t sectors = 8) {
  return {.flags = {.write = true}, .sector = sector, .sectors = sectors};
}
inline IoStep read(std::int64_t sector, std::int64_t sectors = 8) {
  return {.sector = sector, .sectors = sectors};
}
inline IoStep sync_write(std::int64_t sector, std::int64_t sectors = 8) {
  return {.flags = {.write = true, .sync = true}, .sector = sector, .sectors = sectors};
}
inline IoStep fua(std::int64_t sector, std::int64_t sectors = 8) {
  return {
      .flags = {.write = true, .fua = true, .sync = true}, .sector = sector, .sectors = sectors};
}
inline IoStep discard(std::int64_t sector, std::int64_t sectors = 8) {
  return {.flags = {.write = true, .discard = true}, .sector = sector, .sectors = sectors};
}
// A write that is preceded by a flush.
inline IoStep preflush(std::int64_t sector, std::int64_t sectors = 8) {
  return {.flags = {.write = true, .preflush = true}, .sector = sector, .sectors = sectors};
}
inline IoStep flush() { return {.flags = {.write = true, .preflush = true}}; }
// What somebody does who is about to wait for I/O.
inline IoStep unplug_queue() { return {.kind = IoStep::Kind::kUnplugQueue}; }
inline IoStep plug() { return {.kind = IoStep::Kind::kStartPlug}; }
inline IoStep unplug() { return {.kind = IoStep::Kind::kFinishPlug}; }
inline IoStep sleep_until(SimDuration time) {
  return {.kind = IoStep::Kind::kSleepUntil, .time = time};
}
inline IoStep compute(SimDuration time) { return {.kind = IoStep::Kind::kRun, .time = time}; }
inline IoScript operator+(IoScript a, const IoScript& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline engine::CpuCosts free_of_cost() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

template <class QueueOptions>
struct BasicRigOptions {
  QueueOptions queue{};
  models::TestDeviceParameters device{};
  std::vector<models::Fault> faults{};  // around the device: then its driver looks for errors
  engine::CpuCosts costs = free_of_cost();
  int cpus = 1;
  bool run_ahead = true;
  int hz = 250;
  engine::TimerWheel wheel = engine::TimerWheel::kNonCascading;
};
using RigOptions = BasicRigOptions<RequestQueueOptions>;

inline char letter_of(DeviceOp op) {
  return op == DeviceOp::kRead ? 'R' : op == DeviceOp::kDiscard ? 'D' : 'W';
}

// Which bios ended when and how. A merged run ends as one object and is taken apart again.
class BioLedger final : public BioEndIo {
 public:
  struct End {
    std::int64_t sector;
    std::int64_t us;
    BlkStatus status;
    friend bool operator==(const End&, const End&) = default;
  };
  using Key = std::pair<std::int64_t, std::int64_t>;  // sector and sectors of one bio

  explicit BioLedger(const engine::Simulator& simulator) : simulator_{simulator} {}
  void submitted(const Bio& bio) { ++open_[{bio.sector.value(), bio.unit.count()}]; }
  void end_bio(Bio& bio, BlkStatus status) override {
    const std::int64_t now = simulator_.now().time_since_epoch().count() / 1000;
    for (std::int64_t i = 0; i < bio.count; ++i) {
      const std::int64_t sector = (bio.sector + bio.unit * i).value();
      --open_[{sector, bio.unit.count()}];
      ends_.push_back({sector, now, status});
    }
  }

  [[nodiscard]] const std::vector<End>& ends() const { return ends_; }
  // Every submitted bio has ended once, and nothing else has.
  [[nodiscard]] bool balanced() const {
    for (const auto& [bio, count] : open_) {
      if (count != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  const engine::Simulator& simulator_;
  std::map<Key, int> open_;
  std::vector<End> ends_;
};

// Every block event as a line: "12 kworker/0:1H issue W 0+8".
class BlockLog final : public engine::Observer {
 public:
  void on_bio(engine::BioStep step, const engine::BioTrace& trace) override {
    static constexpr const char* kSteps[] = {"queue", "getrq", "backmerge",   "frontmerge",
                                             "split", "remap", "bio complete"};
    note(trace.time, trace.task, kSteps[static_cast<int>(step)],
         fmt::format("{}+{}", trace.sector.value(), trace.length.count()));
  }
  void on_request(engine::RequestStep step, const engine::RequestTrace& trace) override {
    static constexpr const char* kSteps[] = {"insert", "issue",   "complete",
                                             "merge",  "requeue", "partly"};
    const char* op = trace.rwbs.flush     ? "F"
                     : trace.rwbs.discard ? "D"
                     : trace.rwbs.write   ? "W"
                                          : "R";
    note(trace.time, trace.task, kSteps[static_cast<int>(step)],
         fmt::format("{} {}+{}{}", op, trace.sector.value(), trace.length.count(),
                     trace.error != 0 ? " error" : ""));
  }
  void on_unplug(const engine::UnplugTrace& trace) override {
    note(trace.time, trace.task, trace.from_schedule ? "unplug by sleep" : "unplug",
         std::to_string(trace.requests));
  }
  // Lines that contain `word`.
  [[nodiscard]] std::vector<std::string> lines(const std::string& word) const {
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      if (line.find(word) != std::string::npos) {
        found.push_back(line);
      }
    }
    return found;
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  void note(SimTime time, engine::TaskName task, const char* what, const std::string& object) {
    lines_.push_back(fmt::format("{} {} {} {}", time.time_since_epoch().count() / 1000, task.comm,
                                 what, object));
  }
  std::vector<std::string> lines_;
};

template <class Queue, class QueueOptions>
class BasicQueueRig {
 public:
  explicit BasicQueueRig(const BasicRigOptions<QueueOptions>& options = {})
      : machine{sim, options.cpus, engine::Jiffies{options.hz, 0, {}, options.wheel},
                options.costs},
        kblockd{machine},
        device{sim, options.device},
        faulty{sim, device, options.faults, Rng::stream(1, "faults")},
        queue{machine, tracer, kblockd, front(options), queue_options(options)} {
    sim.set_run_ahead(options.run_ahead);
    tracer.attach(log);
  }
  ~BasicQueueRig() { sim.destroy_processes(); }

  // A task that follows `script`; submits to `queue` unless another one is given.
  void task(IoScript script, BlockQueue* other = nullptr, IoPriority priority = {},
            int cgroup = 0) {
    tasks_.push_back(std::make_unique<ScriptTask>(
        *this, std::move(script), other == nullptr ? static_cast<BlockQueue&>(queue) : *other,
        fmt::format("task{}", tasks_.size())));
    tasks_.back()->io.set_priority(priority);
    tasks_.back()->io.set_cgroup(cgroup);
    sim.spawn("task", follow(*tasks_.back()));
  }
  void task_in(int cgroup, IoScript script) { task(std::move(script), nullptr, {}, cgroup); }
  void run(SimDuration until = seconds(100)) { sim.run(at(until)); }

  // What the device accepted, in order: "W 0+8", "W 0+8 fua", "F".
  [[nodiscard]] std::vector<std::string> issued() const {
    std::vector<std::string> lines;
    for (const DeviceCommand& command : device.accepted()) {
      lines.push_back(command.op == DeviceOp::kFlush
                          ? "F"
                          : fmt::format("{} {}+{}{}", letter_of(command.op), command.sector.value(),
                                        command.length.count(), command.fua ? " fua" : ""));
    }
    return lines;
  }
  // When the n-th command reached the device, in us.
  [[nodiscard]] std::int64_t issued_us(std::size_t n) const {
    return device.accepted().at(n).submitted.time_since_epoch().count() / 1000;
  }
  [[nodiscard]] bool drained() const { return queue.in_flight() == 0 && ledger.balanced(); }

  engine::Simulator sim;
  engine::Machine machine;
  engine::Tracer tracer;
  Kblockd kblockd;
  models::TestDevice device;
  models::FaultyDevice faulty;  // used where there are faults
  Queue queue;
  BioLedger ledger{sim};
  BlockLog log;

 private:
  DeviceModel& front(const BasicRigOptions<QueueOptions>& options) {
    return options.faults.empty() ? static_cast<DeviceModel&>(device) : faulty;
  }
  QueueOptions queue_options(const BasicRigOptions<QueueOptions>& options) {
    QueueOptions queue_options = options.queue;
    queue_options.driver.fallible = options.faults.empty() ? nullptr : &faulty;
    return queue_options;
  }

  struct ScriptTask {
    ScriptTask(BasicQueueRig& owner, IoScript steps, BlockQueue& target, const std::string& name)
        : rig{owner},
          script{std::move(steps)},
          queue{target},
          thread{owner.machine, name, 1 + static_cast<int>(owner.tasks_.size())},
          io{thread} {}
    BasicQueueRig& rig;
    IoScript script;
    BlockQueue& queue;
    engine::Thread thread;
    TaskIo io;
  };

  static engine::Task<> follow(ScriptTask& task) {
    co_await task.thread.begin();
    for (const IoStep& step : task.script) {
      switch (step.kind) {
        case IoStep::Kind::kBio: {
          Bio& bio = task.queue.new_bio();
          bio.sector = Lba{step.sector};
          bio.unit = Sectors{step.sectors};
          bio.segment = Sectors{step.segment};
          bio.memory = Bytes{step.memory};
          bio.flags = step.flags;
          bio.priority = step.priority;
          bio.end_io = &task.rig.ledger;
          task.rig.ledger.submitted(bio);
          co_await task.queue.submit_bio(task.io, bio);
          break;
        }
        case IoStep::Kind::kStartPlug:
          task.io.start_plug();
          break;
        case IoStep::Kind::kFinishPlug:
          co_await task.io.finish_plug();
          break;
        case IoStep::Kind::kFlushPlug:
          co_await task.io.flush_plug();
          break;
        case IoStep::Kind::kUnplugQueue:
          co_await task.queue.unplug(task.io);
          break;
        case IoStep::Kind::kSleepUntil:
          co_await task.thread.nanosleep(at(step.time));
          break;
        case IoStep::Kind::kRun:
          co_await task.thread.run(step.time);
          break;
      }
    }
    task.io.context().exit();
    co_await task.thread.exit();
  }

  std::vector<std::unique_ptr<ScriptTask>> tasks_;
};
using QueueRig = BasicQueueRig<RequestQueue, RequestQueueOptions>;

using Lines = std::vector<std::string>;

}  // namespace wbsim::block
