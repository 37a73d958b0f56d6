// A device without a request queue, whose driver makes bios for other devices of those it gets:
// device mapper and md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/block/bio.hpp"
#include "sim/block/bio_target.hpp"
#include "sim/block/plug.hpp"
#include "sim/block/queue_limits.hpp"
#include "sim/block/stacking/bio_accounting.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

// In which order bios that drivers submit from within submit_bio() are taken (7.3).
//   kDepthFirst    those of the bio that is being mapped first, of these the ones for other devices
//                  before the rest of the same bio (since v4.11)
//   kBreadthFirst  in order of submission (v2.6.22 to v4.10)
enum class StackOrder { kDepthFirst, kBreadthFirst };

// How md flushes for those who ask while another flush is under way.
//   kInTurn  each has a flush of its own, and its data is submitted before the next begins; the
//            flushes are REQ_SYNC (v3.6)
//   kShared  one flush that begins later does for all of them (v5.2)
enum class MdFlush { kInTurn, kShared };

// CPU time of events that are traced in the simulated machine.
struct StackTraceCosts {
  SimDuration bio_queue{};
  SimDuration bio_remap{};
  SimDuration split{};
};

struct StackedDeviceOptions {
  int device = 0;    // index, for traces
  std::string name;  // "md0"; threads are named for it
  QueueLimits limits;
  StackOrder order = StackOrder::kDepthFirst;
  MdFlush md_flush = MdFlush::kShared;
  DiskStatsRules disk_stats = DiskStatsRules::kV6_1;
  bool bio_runs = true;
  StackTraceCosts trace{};
  int first_pid = 0;  // of its threads
};

// Models: submit_bio_noacct() for devices with a ->submit_bio() of their own (v5.10, v6.1),
// generic_make_request() (v3.6).
class StackedDevice : public BioTarget, public BioEndIo {
 public:
  StackedDevice(engine::Machine& machine, const engine::Tracer& tracer,
                const StackedDeviceOptions& options, std::vector<BioTarget*> members,
                BioDriver driver);

  [[nodiscard]] const std::vector<BioTarget*>& members() const { return members_; }
  int add_partition(Lba start, Sectors length) final {
    return accounting_.add_partition(start, length);
  }
  [[nodiscard]] engine::DiskStats disk_stats(int part) const final {
    return accounting_.stats(part);
  }
  [[nodiscard]] int in_device() const override { return in_device_; }
  [[nodiscard]] SimDuration device_busy() const override;
  [[nodiscard]] bool follows_plug(const TaskIo& io, Lba sector) const override;

  // Maps `bio` and all that comes of it, down to the request queues; where the task is in here
  // already, the bio is only put on its list. `bio` is a single one.
  engine::Task<> submit_bio(TaskIo& io, Bio& bio) final;
  [[nodiscard]] bool is_bio_based() const final { return true; }
  [[nodiscard]] bool is_plugged() const final;
  // bdi_congested() asks the members (->congested_fn()).
  [[nodiscard]] bool write_congested() const final;
  engine::Task<> unplug(TaskIo& io) final;

  // BioEndIo: a clone has ended.
  void end_bio(Bio& clone, BlkStatus status) override;

 protected:
  using BioTarget::end_bio;
  // The driver: submits by submit_below() what becomes of `bio`, perhaps later. May sleep.
  engine::Task<> make_request(TaskIo& io, Bio& bio) override = 0;

  // A bio for a member with the flags and the data of `bio`, from `sector` on. `bio` ends when it
  // does: it counts in bio.remaining, where the first clone takes the place of the bio itself.
  Bio& clone(BioTarget& member, const Bio& bio, Lba sector);
  // submit_bio_noacct() by a driver: what it is called on may not have been reached yet when it
  // returns.
  engine::Task<> submit_below(TaskIo& io, BioTarget& member, Bio& bio);
  // The same with the remapping that leads there traced, from `from` on this device.
  engine::Task<> submit_remapped(TaskIo& io, BioTarget& member, Bio& bio, Lba from);
  // block_bio_remap: `bio` is where it goes, `from` where it was on this device.
  void trace_remap(const engine::Thread& thread, const BioTarget& member, const Bio& bio, Lba from);
  // Splits off what is longer than `length` and submits it anew (submit_bio_noacct() of the rest);
  // returns what stays to be mapped now.
  engine::Task<Bio*> keep(TaskIo& io, Bio& bio, Sectors length);
  // Models: blk_queue_split(): the same with what the limits of this device allow.
  engine::Task<Bio*> keep_in_limits(TaskIo& io, Bio& bio);
  // A bio of this device that was held back goes on, with all that comes of it.
  engine::Task<> submit_again(TaskIo& io, Bio& bio);

  void on_end(const Bio& bio) final;
  void on_accounted_end(Bio& bio) final { accounting_.end_whole(bio); }

  const StackedDeviceOptions options_;
  BioAccounting accounting_;

 private:
  engine::Task<> submit_all(TaskIo& io, Bio& bio);
  static void sort(BioTarget& driver, StackOrder order, BioList& made, BioList& waiting);
  void account(int change);

  std::vector<BioTarget*> members_;
  Lba last_end_;  // of the bio submitted last
  int in_device_ = 0;
  SimDuration busy_{};
  SimTime busy_since_{};
};

}  // namespace wbsim::block
