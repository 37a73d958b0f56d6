// For tests: a machine with the throttles and flushers of v2.6.18 and v3.6.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/block/congestion.hpp"
#include "sim/pagecache/testing_queue.hpp"
#include "sim/writeback/bandwidth.hpp"
#include "sim/writeback/pdflush.hpp"
#include "sim/writeback/test_machine.hpp"
#include "sim/writeback/writer_throttle.hpp"

namespace wbsim::writeback {

// Of 2.6.18 with 100'000 pages of memory: the limit is 40'000 of them, background 10'000, and a CPU
// looks every 1024.
inline WritebackOptions options_of_2_6_18(ThrottleAction action = ThrottleAction::kWriteBack) {
  WritebackOptions options;
  options.vm.dirty_ratio = 40;
  options.throttle.action = action;
  options.throttle.limits = LimitRules::kV2_6_18;
  options.throttle.memory = {Pages{100'000}, Pages{0}};
  options.throttle.writepages = pagecache::WritepagesRules::kV2_6_18;
  return options;
}

inline constexpr SimDuration kUp = seconds(1001);  // the timer of old data is 4 s from its end

struct OldMachine : pagecache::TestMachine {
  explicit OldMachine(const WritebackOptions& options = options_of_2_6_18())
      : TestMachine{options.cpus, options.memory, engine::TimerWheel::kCascading},
        throttle{machine, tracer, cache, domain, options.vm, options.throttle, congestion},
        pdflush{machine, tracer, throttle, cache, congestion, options.inodes_in_use, kUp} {
    tracer.attach(log);
    run_for(SimDuration{});  // the threads begin and wait for work
  }
  ~OldMachine() { simulator.destroy_processes(); }

  struct Device {
    Device(OldMachine& owner, int index, SimDuration per_page, std::size_t depth)
        : wb{index, owner.machine.cpus(), kInitialBandwidth},
          file{owner, wb, per_page, depth},
          queue{owner.machine},
          flusher{owner.pdflush, wb} {
      wb.queue = &queue;
      owner.pdflush.super_block().adopt(file.inode);
      file.rules = pagecache::WritepagesRules::kV2_6_18;
    }
    pagecache::BdiWriteback wb;
    pagecache::TestFile file;
    pagecache::TestingQueue queue;
    PdflushDevice flusher;
  };

  Device& add_device(SimDuration per_page = SimDuration{}, std::size_t depth = 1'000'000) {
    devices.push_back(
        std::make_unique<Device>(*this, static_cast<int>(devices.size()), per_page, depth));
    return *devices.back();
  }
  // Dirtied outside of any thread: nobody is held back for these.
  void dirty_file(Device& device, std::int64_t pages, std::int64_t first = 0) {
    dirty(device.file.inode.mapping, PageIndex{first}, Pages{pages});
  }
  // A task's balance_dirty_pages(), to its end or for at most `time`.
  bool balance(pagecache::TestTask& task, Device& device, SimDuration time = SimDuration{}) {
    task.run([this, &device](pagecache::TaskContext& context) {
      return throttle.balance_dirty_pages(context, device.wb);
    });
    run_for(time);
    return task.done();
  }

  engine::Tracer tracer;
  WritebackLog log;
  block::Congestion congestion;
  WriterThrottle throttle;
  Pdflush pdflush;
  std::vector<std::unique_ptr<Device>> devices;
};

using OldDevice = OldMachine::Device;

}  // namespace wbsim::writeback
