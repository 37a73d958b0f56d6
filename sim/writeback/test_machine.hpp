// For tests: a machine with a throttle, a kswapd, and devices with one file and one flusher each.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/tracepoints.hpp"
#include "sim/pagecache/test_machine.hpp"
#include "sim/writeback/bandwidth.hpp"
#include "sim/writeback/dirty_throttle.hpp"
#include "sim/writeback/filemap.hpp"
#include "sim/writeback/reclaim.hpp"
#include "sim/writeback/work_queue_flusher.hpp"

namespace wbsim::writeback {

// What the tests ask of the tracepoints.
class WritebackLog final : public engine::Observer {
 public:
  void on_writeback(engine::WritebackStep step, const engine::WritebackTrace& event) override {
    if (step == engine::WritebackStep::kStart) {
      starts.push_back(event);
    } else if (step == engine::WritebackStep::kWakeBackground) {
      ++background_wakes;
    }
  }
  void on_single_inode(const engine::SingleInode& event) override { inodes.push_back(event); }
  void on_balance_dirty_pages(const engine::BalanceDirtyPages& event) override {
    balances.push_back(event);
  }

  std::vector<engine::WritebackTrace> starts;
  std::vector<engine::SingleInode> inodes;
  std::vector<engine::BalanceDirtyPages> balances;
  int background_wakes = 0;
};

// Limits of the default settings: 200'000 dirtyable pages (and what slab memory takes of them).
struct WritebackOptions {
  int cpus = 1;
  Pages memory{200'000};
  VmSysctl vm;
  ThrottleOptions throttle;
  Watermarks watermarks;
  // Part of the budget of periodic writeback, beside the folded counters: never 0 on a real
  // machine.
  std::int64_t inodes_in_use = 100;
};

struct WritebackMachine : pagecache::TestMachine {
  explicit WritebackMachine(const WritebackOptions& options = {})
      : TestMachine{options.cpus, options.memory},
        throttle{machine, tracer, cache, domain, options.vm, options.throttle},
        kswapd{machine, cache, options.watermarks},
        inodes_in_use{options.inodes_in_use} {
    tracer.attach(log);
  }
  ~WritebackMachine() { simulator.destroy_processes(); }

  struct Device {
    Device(WritebackMachine& owner, int index, SimDuration per_page, std::size_t depth)
        : wb{index, owner.machine.cpus(), kInitialBandwidth},
          file{owner, wb, per_page, depth},
          flusher{owner.machine, owner.tracer, owner.throttle,
                  owner.cache,   wb,           owner.inodes_in_use} {
      wb.bw_time_stamp = owner.machine.jiffies_now();
      wb.last_old_flush = owner.machine.jiffies_now();
    }
    pagecache::BdiWriteback wb;
    pagecache::TestFile file;
    WorkQueueFlusher flusher;
  };

  // A device that takes `per_page` for each page and holds at most `depth` of them.
  Device& add_device(SimDuration per_page = SimDuration{}, std::size_t depth = 64) {
    devices.push_back(
        std::make_unique<Device>(*this, static_cast<int>(devices.size()), per_page, depth));
    run_for(SimDuration{});  // the flusher's thread begins and waits for work
    return *devices.back();
  }

  // One task's balance_dirty_pages() (after `dirtied` pages), to its end or for at most `time`.
  bool balance(pagecache::TestTask& task, Device& device, SimDuration time = seconds(1)) {
    task.run([this, &device](pagecache::TaskContext& context) {
      return throttle.balance_dirty_pages(context, device.wb);
    });
    run_for(time);
    return task.done();
  }

  engine::Tracer tracer;
  WritebackLog log;
  DirtyThrottle throttle;
  Kswapd kswapd;
  std::int64_t inodes_in_use;
  std::vector<std::unique_ptr<Device>> devices;
};

// A task's buffered write, as a system call would do it.
inline engine::Task<> write_pages(WritebackMachine& m, WritebackMachine::Device& d,
                                  pagecache::TaskContext& task, PageIndex first, Pages count) {
  const std::int64_t written =
      co_await generic_perform_write(task, m.throttle, m.cache, m.kswapd, d.file.inode.mapping,
                                     FileOffset{first.value() << kPageShift}, to_bytes(count), 0);
  SIM_CHECK(written == to_bytes(count).count());
}

}  // namespace wbsim::writeback
