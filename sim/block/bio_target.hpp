// What bios are submitted to: a request queue, or a device on top of others (stacking/).
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/base/pool.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/disk_stats.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

class TaskIo;

// The seam between file systems and what takes their bios.
class BioTarget {
 public:
  // `device`: index, for traces.
  BioTarget(engine::Machine& machine, const engine::Tracer& tracer, int device,
            const QueueLimits& limits, bool bio_runs)
      : machine_{machine},
        tracer_{tracer},
        limits_{limits},
        device_index_{device},
        bio_runs_{bio_runs} {}
  BioTarget(const BioTarget&) = delete;
  BioTarget& operator=(const BioTarget&) = delete;
  virtual ~BioTarget() = default;

  [[nodiscard]] const QueueLimits& limits() const { return limits_; }
  [[nodiscard]] int device_index() const { return device_index_; }
  [[nodiscard]] bool bio_runs() const { return bio_runs_; }
  [[nodiscard]] const engine::CpuCosts& costs() const { return machine_.costs(); }
  // Everything that is handed out: requests and bios. Zero when drained.
  [[nodiscard]] virtual std::size_t in_flight() const { return bios_.in_use(); }
  // How much is in the device now: commands, or bios in one without commands.
  [[nodiscard]] virtual int in_device() const = 0;
  // Time during which that was not zero, up to now.
  [[nodiscard]] virtual SimDuration device_busy() const = 0;

  // A partition of this device; returns its number. That of the device as a whole is 0.
  virtual int add_partition(Lba start, Sectors length) = 0;
  // The line of /proc/diskstats of the device (0) or of a partition, now.
  [[nodiscard]] virtual engine::DiskStats disk_stats(int part) const = 0;

  // A bio to fill and submit; it belongs to the target again once end_bio() has returned. Its end
  // costs what that of a page of writeback does, unless the submitter says otherwise.
  virtual Bio& new_bio();
  // The most that one bio from `at` may hold. Kernels that do not split refuse what is longer.
  [[nodiscard]] virtual Sectors bio_sectors_max(Lba /*at*/) const {
    return to_sectors(kBioPagesMax);
  }

  // How many bios of `unit` sectors, back to back from `sector`, would back-merge one after the
  // other into the newest request of the task's plug; at most `wanted`. None for a task in a
  // control group, which may be limited: each of its bios goes through submit_bio().
  [[nodiscard]] virtual std::int64_t merge_room(const TaskIo& /*io*/, Lba /*sector*/,
                                                Sectors /*unit*/, std::int64_t /*wanted*/) const {
    return 0;
  }
  // Merges such a run, the first bio now. The caller charges the CPU time next, `step` per bio.
  virtual void merge_run(TaskIo& io, Bio& run, SimDuration step);
  // CPU time of the events of a bio that is merged.
  [[nodiscard]] virtual SimDuration merge_trace_cost() const { return {}; }
  // True when what was submitted last ends where `sector` begins.
  [[nodiscard]] virtual bool follows_plug(const TaskIo& io, Lba sector) const = 0;

  // submit_bio(). May sleep for a request. Flushes to a device without a volatile cache complete
  // at once.
  virtual engine::Task<> submit_bio(TaskIo& io, Bio& bio) = 0;

  // Asked by who is about to wait for I/O: starts what a plug of the queue itself holds back
  // (blk_run_address_space(), sync_page()). True where there is such a plug, which
  // `co_await unplug()` then takes away.
  [[nodiscard]] virtual bool is_plugged() const { return false; }
  virtual engine::Task<> unplug(TaskIo& io);
  // bdi_write_congested(): nearly all requests for writes are taken. Only a single queue ever is;
  // blk-mq tells nobody.
  [[nodiscard]] virtual bool write_congested() const { return false; }

  // For devices on top of this one.
  // True of a device without requests, whose submit_bio() minds current->bio_list.
  [[nodiscard]] virtual bool is_bio_based() const { return false; }
  // Where a bio for this one goes in truth, its sector changed to fit: a partition is not a device.
  virtual BioTarget& remap(Bio& /*bio*/, const engine::Thread& /*thread*/) { return *this; }
  // What the loop of submit_bio_noacct() calls (q->make_request_fn(), ->submit_bio()).
  virtual engine::Task<> make_request(TaskIo& io, Bio& bio) { return submit_bio(io, bio); }

 protected:
  // bio_endio(): of a bio of this target, with the chain of what was split off it.
  void end_bio(Bio& bio, BlkStatus status, int cpu);
  // Models: bio_split() and bio_chain(): the part that fits becomes a bio of its own; `bio` keeps
  // the rest.
  Bio& split_off(Bio& bio, Sectors length);
  // A bio of this target has ended, as a whole.
  virtual void on_end(const Bio& /*bio*/) {}
  // One that counts in the device's line of /proc/diskstats, and perhaps is a part, has.
  virtual void on_accounted_end(Bio& /*bio*/) {}

  [[nodiscard]] engine::BioTrace trace_of(const engine::Thread& thread, const Bio& bio,
                                          SimDuration pace = {}) const;
  void emit_bio(engine::BioStep step, const engine::BioTrace& trace) const;
  // `rest`: what is left of the bio that `part` was split off from.
  void trace_split(const engine::Thread& thread, const Bio& rest, const Bio& part) const;
  void trace_bio(engine::BioStep step, const engine::Thread& thread, const Bio& bio,
                 SimDuration pace = {}) const {
    if (tracer_.active()) {
      emit_bio(step, trace_of(thread, bio, pace));
    }
  }

  engine::Machine& machine_;
  const engine::Tracer& tracer_;
  QueueLimits limits_;
  SlabPool<Bio> bios_;

 private:
  int device_index_;
  bool bio_runs_;
};

}  // namespace wbsim::block
