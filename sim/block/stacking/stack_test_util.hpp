// For the tests of devices on top of others: test devices behind request queues as members, tasks
// that follow scripts, and what reached each member.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/test_device.hpp"
#include "sim/block/queue_test_util.hpp"
#include "sim/block/request_queue.hpp"
#include "sim/block/stacking/dm_device.hpp"
#include "sim/block/stacking/partition.hpp"
#include "sim/block/stacking/raid0.hpp"
#include "sim/block/stacking/raid1.hpp"
#include "sim/block/stacking/raid5.hpp"
#include "sim/block/stacking/stack_limits.hpp"

namespace wbsim::block {

struct StackRigOptions {
  int members = 2;
  int cpus = 1;
  models::TestDeviceParameters device{};
  QueueLimits limits{};
  engine::CpuCosts costs = free_of_cost();
  StackOrder order = StackOrder::kDepthFirst;
  MdFlush md_flush = MdFlush::kShared;
  DiskStatsRules disk_stats = DiskStatsRules::kV6_1;
  bool plug_merging = true;
};

// The bios that members got, in order.
class MemberWatch final : public engine::Observer {
 public:
  struct Seen {
    int member;
    engine::RwbsFlags flags;
  };
  explicit MemberWatch(int members) : members_{members} {}
  void on_bio(engine::BioStep step, const engine::BioTrace& trace) override {
    if (step == engine::BioStep::kQueue && trace.device < members_) {
      seen.push_back({trace.device, trace.rwbs});
    }
  }
  std::vector<Seen> seen;

 private:
  int members_;
};

class StackRig {
 public:
  explicit StackRig(const StackRigOptions& options = {})
      : machine{sim, options.cpus, engine::Jiffies{250, 0, {}, engine::TimerWheel::kNonCascading},
                options.costs},
        kblockd{machine},
        options_{options} {
    tracer.attach(log);
    for (int i = 0; i < options.members; ++i) {
      devices.push_back(std::make_unique<models::TestDevice>(sim, options.device));
      RequestQueueOptions queue;
      queue.device = i;
      queue.limits = options.limits;
      queue.nr_requests = options.device.depth;
      queue.plug_merging = options.plug_merging;
      queue.disk_stats = options.disk_stats;
      queues.push_back(
          std::make_unique<RequestQueue>(machine, tracer, kblockd, *devices.back(), queue));
    }
  }
  ~StackRig() { sim.destroy_processes(); }

  // Options of a device on top with everything allowed and a volatile cache.
  [[nodiscard]] StackedDeviceOptions stacked(const std::string& name = "md0") const {
    QueueLimits limits = stacking_limits();
    for (const auto& queue : queues) {
      stack_limits(limits, queue->limits(), Sectors{0});
    }
    limits.write_cache = limits.fua = true;
    return {.device = options_.members,
            .name = name,
            .limits = limits,
            .order = options_.order,
            .md_flush = options_.md_flush,
            .disk_stats = options_.disk_stats};
  }
  [[nodiscard]] std::vector<BioTarget*> all_members() const {
    std::vector<BioTarget*> members;
    for (const auto& queue : queues) {
      members.push_back(queue.get());
    }
    return members;
  }
  // Members of `sectors` each.
  [[nodiscard]] std::vector<Sectors> sizes(std::int64_t sectors) const {
    return std::vector<Sectors>(queues.size(), Sectors{sectors});
  }

  std::unique_ptr<Partition> partition(BioTarget& whole, std::int64_t start,
                                       std::int64_t sectors = 1024) {
    return std::make_unique<Partition>(machine, tracer, whole,
                                       PartitionOptions{.device = options_.members + 1,
                                                        .start = Lba{start},
                                                        .length = Sectors{sectors},
                                                        .disk_stats = options_.disk_stats});
  }
  std::unique_ptr<DmDevice> linear(std::int64_t sectors) {
    return std::make_unique<DmDevice>(machine, tracer, stacked("dm-0"), all_members(),
                                      std::make_unique<LinearMap>(sizes(sectors)),
                                      DmPiece::kTarget);
  }
  std::unique_ptr<DmDevice> striped(std::int64_t sectors, std::int64_t chunk) {
    return std::make_unique<DmDevice>(machine, tracer, stacked("dm-0"), all_members(),
                                      std::make_unique<StripeMap>(sizes(sectors), Sectors{chunk}),
                                      DmPiece::kChunk);
  }
  std::unique_ptr<Raid0> raid0(std::int64_t sectors, std::int64_t chunk) {
    const Raid0Options raid{.chunk = Sectors{chunk}, .member_sizes = sizes(sectors)};
    return std::make_unique<Raid0>(machine, tracer, stacked(), all_members(), raid);
  }
  std::unique_ptr<Raid1> raid1(MirrorWrites writes = MirrorWrites::kDirect) {
    return std::make_unique<Raid1>(machine, tracer, stacked(), all_members(),
                                   Raid1Options{.writes = writes});
  }
  std::unique_ptr<Raid5> raid5(Raid5Options raid) {
    return std::make_unique<Raid5>(machine, tracer, stacked(), all_members(), raid);
  }

  void task(IoScript script, BioTarget& target) {
    tasks_.push_back(std::make_unique<ScriptTask>(*this, std::move(script), target,
                                                  fmt::format("task{}", tasks_.size())));
    sim.spawn("task", follow(*tasks_.back()));
  }
  void run(SimDuration until = seconds(100)) { sim.run(at(until)); }

  // What member `i` accepted, in order: "W 0+8".
  [[nodiscard]] Lines issued(std::size_t i) const {
    Lines lines;
    for (const DeviceCommand& command : devices[i]->accepted()) {
      lines.push_back(command.op == DeviceOp::kFlush
                          ? "F"
                          : fmt::format("{} {}+{}{}", command.op == DeviceOp::kRead ? "R" : "W",
                                        command.sector.value(), command.length.count(),
                                        command.fua ? " fua" : ""));
    }
    return lines;
  }
  [[nodiscard]] bool drained(const BioTarget& top) const {
    for (const auto& queue : queues) {
      if (queue->in_flight() != 0) {
        return false;
      }
    }
    return top.in_flight() == 0 && ledger.balanced();
  }

  engine::Simulator sim;
  engine::Machine machine;
  engine::Tracer tracer;
  Kblockd kblockd;
  std::vector<std::unique_ptr<models::TestDevice>> devices;
  std::vector<std::unique_ptr<RequestQueue>> queues;
  BioLedger ledger{sim};
  BlockLog log;

 private:
  struct ScriptTask {
    ScriptTask(StackRig& owner, IoScript steps, BioTarget& to, const std::string& name)
        : rig{owner},
          script{std::move(steps)},
          target{to},
          thread{owner.machine, name, 1 + static_cast<int>(owner.tasks_.size())},
          io{thread} {}
    StackRig& rig;
    IoScript script;
    BioTarget& target;
    engine::Thread thread;
    TaskIo io;
  };

  static engine::Task<> follow(ScriptTask& task) {
    co_await task.thread.begin();
    for (const IoStep& step : task.script) {
      switch (step.kind) {
        case IoStep::Kind::kBio: {
          Bio& bio = task.target.new_bio();
          bio.sector = Lba{step.sector};
          bio.unit = Sectors{step.sectors};
          bio.segment = Sectors{step.segment};
          bio.flags = step.flags;
          bio.priority = step.priority;
          bio.end_io = &task.rig.ledger;
          task.rig.ledger.submitted(bio);
          co_await task.target.submit_bio(task.io, bio);
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
          co_await task.target.unplug(task.io);
          break;
        case IoStep::Kind::kSleepUntil:
          co_await task.thread.nanosleep(at(step.time));
          break;
        case IoStep::Kind::kRun:
          co_await task.thread.run(step.time);
          break;
      }
    }
    co_await task.thread.exit();
  }

  StackRigOptions options_;
  std::vector<std::unique_ptr<ScriptTask>> tasks_;
};

}  // namespace wbsim::block
