// hdd: a disk with one actuator, native command queueing, a write cache and read look-ahead.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "models/dirty_extents.hpp"
#include "models/durable_ranges.hpp"
#include "models/hdd_mechanics.hpp"
#include "models/read_segments.hpp"
#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

struct HddParameters {
  int depth = 32;  // commands it holds at once
  std::int64_t rpm = 7200;
  int heads = 1;
  std::vector<ZoneParameters> zones;  // from the outside in
  SeekTimes read_seek;
  SeekTimes write_seek;  // with the longer settling of writes
  SimDuration head_switch{};
  SimDuration overhead{};         // of the controller, before it acts on a command
  Bytes link_per_second{0};       // between host and buffer
  Bytes write_cache{0};           // data that may be dirty in it
  int write_extents = 0;          // and in how many pieces
  int read_segments = 0;          // stretches of read data it remembers
  Bytes read_segment{0};          // size of each: as far as it reads ahead
  SimDuration age_limit{};        // what has waited longer is served first
  bool volatile_cache = false;    // the write cache is on
  bool track_durability = false;  // costs memory; off, is_durable() may not be asked
};

// How many sectors a skew must be so that a switch that takes `time` is over when the first sector
// of the next track comes round.
Sectors skew_covering(SimDuration time, Sectors track, std::int64_t rpm);

// The rules:
//  - A command is decoded for `overhead`. The data of reads and writes passes the link, one command
//    at a time, reads while the medium delivers them.
//  - A write is acknowledged once it is in the write cache; when there is no room it waits, in
//  order
//    of arrival. With the cache off, with FUA, or when larger than the cache, it goes to the medium
//    before it is acknowledged.
//  - The arm does one thing at a time. Of the commands that wait for the medium the one with the
//    shortest access time (move and rotation) is next, except that one older than `age_limit` is.
//  - Dirty extents are written when nothing waits for the medium. While a write waits for room they
//    take turns with what waits (no maker tells; by access time alone a stream of writes, whose
//    extents adjoin, would starve every read). The extent with the shortest access time is next;
//    the kDestageLook extents on either side of the arm in order of address are looked at.
//  - After a read the heads read on, until they are needed or a segment is full.
//  - FLUSH is not queued (as in SATA): refused while other commands are in the device, which in
//  turn
//    are refused while it is. It ends when nothing is dirty.
// Not modelled: zero-latency reads, defects and spares, retries, idle spin-down, shingled zones.
class Hdd final : public block::DeviceModel {
 public:
  static constexpr int kDestageLook = 8;

  Hdd(engine::Simulator& simulator, const HddParameters& parameters);
  ~Hdd() override;

  block::SubmitResult submit(block::DeviceCommand& command) override;
  void attach(block::DeviceClient& client) override { client_ = &client; }
  [[nodiscard]] int queue_depth() const override { return parameters_.depth; }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override;

  [[nodiscard]] const HddMechanics& mechanics() const { return mechanics_; }
  [[nodiscard]] Sectors dirty() const { return dirty_.sectors() + destaging_; }

 private:
  // One place for a command: there are `depth` of them. Its event is the end of its present step.
  struct Slot {
    enum class Step { kDecode, kReceive, kSend };
    explicit Slot(Hdd& owner);
    void on_event() { disk.step_done(*this); }
    Hdd& disk;
    block::DeviceCommand* command = nullptr;
    Step step = Step::kDecode;
    Place place;
    DurableRanges::FlushId flush = 0;
    engine::Event event;
  };
  // What the arm does.
  enum class Job : std::uint8_t { kNone, kRead, kWrite, kDestage };
  // The next thing to do: a command or an extent.
  struct Choice {
    Slot* slot = nullptr;
    DirtyExtents::Extent* extent = nullptr;
    Angle access = std::numeric_limits<Angle>::max();
  };
  // Reading on: the sector before `from` had passed at `since`; up to `limit` is worth reading.
  struct Stream {
    bool active = false;
    Lba from;
    Lba limit;
    SimTime since;
    SimTime looked;  // when it was advanced last
  };

  [[nodiscard]] int in_device() const { return parameters_.depth - static_cast<int>(free_.size()); }
  [[nodiscard]] bool is_cached(const block::DeviceCommand& command) const;
  [[nodiscard]] bool has_room(Sectors length) const;
  [[nodiscard]] bool is_overdue(const Slot& slot) const;
  [[nodiscard]] SimDuration link_time(Sectors length) const;

  void step_done(Slot& slot);
  void decoded(Slot& slot);
  void receive(Slot& slot);
  void received(Slot& slot);
  void send(Slot& slot, SimTime first_ready);
  void complete(Slot& slot);
  void admit_blocked();
  void finish_flush();

  void next_job();
  Choice choose();
  Choice nearest_command();
  Choice nearest_extent();
  void start(Slot& slot);
  void start(DirtyExtents::Extent& extent);
  void start_pass(Lba first, const Place& place, Sectors length, Motion motion);
  void job_done();

  bool continues_stream(const Slot& slot);
  void advance_stream();
  void extend_stream(Lba limit);
  void stop_stream();
  [[nodiscard]] Lba disk_end() const { return Lba{0} + mechanics_.geometry().capacity(); }

  engine::Simulator& simulator_;
  HddParameters parameters_;
  HddMechanics mechanics_;
  block::DeviceClient* client_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::vector<Slot*> waiting_;  // for the medium, oldest first
  std::vector<Slot*> blocked_;  // writes without room in the cache, oldest first
  Slot* flush_ = nullptr;
  SimTime link_free_{};

  DirtyExtents dirty_;
  Sectors reserved_{0};  // room of writes whose data is on its way
  int reserved_extents_ = 0;
  Sectors destaging_{0};
  ReadSegments segments_;
  Stream stream_;

  HddMechanics::Arm arm_;
  Lba position_;  // where the last job ended
  Job job_ = Job::kNone;
  bool destaged_last_ = false;  // whose turn it is
  Slot* job_slot_ = nullptr;
  SimTime pass_started_;
  engine::Event job_end_;
  DurableRanges durable_;
};

}  // namespace wbsim::models
