#include "sim/system/flusher_factory.hpp"

#include "sim/base/check.hpp"
#include "sim/writeback/work_queue_flusher.hpp"
#include "sim/writeback/writer_throttle.hpp"

namespace wbsim::system {

namespace {

// get_nr_dirty_inodes() adds the inodes in use to the budget of periodic writeback; a small system
// has about this many (seen on the truth rig).
constexpr std::int64_t kInodesInUse = 10'500;

}  // namespace

writeback::ThrottleOptions throttle_options(const Config& config, const writeback::MemoryUse& use,
                                            SimDuration trace_writeback) {
  const KernelSwitches& switches = config.switches;
  using Start = KernelSwitches::BackgroundStart;
  using Update = KernelSwitches::BandwidthUpdate;
  return {.action = switches.throttle_action,
          .limits = switches.dirty_limits,
          .laws = switches.control_laws,
          .memory = use,
          .writepages = switches.writepages,
          .reclaim_wakeup = switches.reclaim_wakeup,
          .flusher_plug = switches.flusher_plug,
          .sync_writes = switches.sync_writes,
          .write_begin_waits = switches.write_begin_waits,
          .write_marks_accessed = switches.write_marks_accessed,
          .errors_per_file = switches.errors_per_file,
          .background_start = switches.background_start == Start::kOnExit
                                  ? writeback::BackgroundStart::kOnExit
                                  : writeback::BackgroundStart::kEveryTurn,
          .bandwidth_update = switches.bandwidth_update == Update::kThrottleAndFlusher
                                  ? writeback::BandwidthUpdate::kThrottleAndFlusher
                                  : writeback::BandwidthUpdate::kDoWritepages,
          .dirty_check = switches.dirty_check,
          .over_background_exact = switches.over_background_exact,
          .requeues_young = switches.requeues_young,
          .throttling = switches.throttling,
          .background_writeback = switches.background_writeback,
          .trace_writeback = trace_writeback};
}

std::unique_ptr<writeback::DirtyThrottle> make_throttle(
    engine::Machine& machine, const engine::Tracer& tracer, pagecache::PageCache& cache,
    pagecache::WbDomain& domain, const writeback::VmSysctl& vm,
    const writeback::ThrottleOptions& options, block::Congestion& congestion) {
  if (options.action == writeback::ThrottleAction::kPause) {
    return std::make_unique<writeback::DirtyThrottle>(machine, tracer, cache, domain, vm, options);
  }
  return std::make_unique<writeback::WriterThrottle>(machine, tracer, cache, domain, vm, options,
                                                     congestion);
}

FlusherFactory::FlusherFactory(engine::Machine& machine, const engine::Tracer& tracer,
                               writeback::DirtyThrottle& throttle, pagecache::PageCache& cache,
                               block::Congestion& congestion, const Config& config)
    : machine_{machine},
      tracer_{tracer},
      throttle_{throttle},
      cache_{cache},
      kind_{config.switches.flusher} {
  if (kind_ == KernelSwitches::Flusher::kBdiThreads) {
    forker_ = std::make_unique<writeback::BdiForker>(machine, throttle, config.boot.fork_failures);
  } else if (kind_ == KernelSwitches::Flusher::kPdflush) {
    pdflush_ = std::make_unique<writeback::Pdflush>(machine, tracer, throttle, cache, congestion,
                                                    kInodesInUse, config.boot.device_age);
  }
}

std::unique_ptr<writeback::DeviceFlusher> FlusherFactory::make(pagecache::BdiWriteback& wb) {
  switch (kind_) {
    case KernelSwitches::Flusher::kPdflush:
      return std::make_unique<writeback::PdflushDevice>(*pdflush_, wb);
    case KernelSwitches::Flusher::kBdiThreads:
      return std::make_unique<writeback::BdiThread>(machine_, tracer_, throttle_, cache_, wb,
                                                    kInodesInUse, *forker_);
    case KernelSwitches::Flusher::kWorkQueue:
      return std::make_unique<writeback::WorkQueueFlusher>(machine_, tracer_, throttle_, cache_, wb,
                                                           kInodesInUse);
  }
  SIM_UNREACHABLE();
}

void FlusherFactory::adopt(pagecache::Inode& inode) {
  if (pdflush_ != nullptr) {
    pdflush_->super_block().adopt(inode);
  }
}

}  // namespace wbsim::system
