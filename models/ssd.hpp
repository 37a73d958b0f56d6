// ssd: flash dies behind channels, a write buffer and a link. One model for SATA and NVMe.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/durable_ranges.hpp"
#include "sim/base/pool.hpp"
#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"

namespace wbsim::models {

struct SsdParameters {
  int depth = 32;             // commands it holds at once
  bool queued_flush = false;  // NVMe; in SATA a flush is alone in the device
  bool full_duplex = false;   // PCIe; a SATA link carries one direction at a time
  // What reads and writes do to the rates: the time of a command in the controller and on the link
  // that no other command of its direction can use, and the bytes that pass the link in a second.
  SimDuration read_command{};
  SimDuration write_command{};
  Bytes read_link_per_second{0};
  Bytes write_link_per_second{0};
  // What they add to the latency of a command without keeping others waiting.
  SimDuration read_latency{};
  SimDuration write_latency{};
  SimDuration flush_latency{};

  int channels = 1;
  int dies = 1;  // on each channel
  Bytes channel_per_second{0};
  Bytes page{0};  // what one operation of a die reads or programs: a page of each of its planes
  SimDuration page_read{};
  SimDuration page_program{};
  Bytes buffer{0};                     // of data not yet programmed
  bool power_loss_protection = false;  // the buffer survives: flushes have nothing to do
  bool volatile_cache = false;         // the write buffer is on
  bool track_durability = false;       // costs memory; off, is_durable() may not be asked
};

// The rules:
//  - A write passes the link into the buffer and is acknowledged `write_latency` later; when the
//    buffer has no room it waits, in order of arrival. Each full page of data is programmed on the
//    next die, channel by channel; its room is free when that is done.
//  - A read takes `page_read` on the die of each page that it touches (pages are striped over the
//    dies by address), then the bytes pass the channel, then the link, then `read_latency` passes.
//  - A die does one operation at a time, in order of arrival, so reads wait for programs.
//  - The link carries one command at a time, in order of readiness. One that has both directions
//    to carry (SATA) alternates between them: reads do not wait behind a buffer full of writes.
//  - A flush programs the page that is not full, waits for all programs begun before, and takes
//    `flush_latency`; with power loss protection only the latter. Where nothing was written since
//    an earlier flush that is done, it takes what any command takes, `write_latency`. A write with
//    FUA, or with the buffer switched off, is acknowledged when its data is programmed.
//
// Preliminary: there is no flash translation layer. Nothing is erased or collected, writes are
// never slowed by it, rewriting data in the buffer takes room again, reads never find their data in
// the buffer, and an SLC cache is not told from the rest of the flash.
class Ssd final : public block::DeviceModel {
 public:
  Ssd(engine::Simulator& simulator, const SsdParameters& parameters);
  ~Ssd() override;

  block::SubmitResult submit(block::DeviceCommand& command) override;
  void attach(block::DeviceClient& client) override { client_ = &client; }
  [[nodiscard]] int queue_depth() const override { return parameters_.depth; }
  [[nodiscard]] bool is_durable(Lba first, Sectors length) const override;

  // Data in the buffer, and room that is promised.
  [[nodiscard]] Bytes buffered() const { return buffered_; }
  [[nodiscard]] int dies() const { return parameters_.channels * parameters_.dies; }

 private:
  using ListHook = boost::intrusive::list_member_hook<>;
  struct Slot;
  // One operation of a die. Programs have no command.
  struct PageJob {
    Slot* reader = nullptr;
    Bytes bytes;                // that pass the channel
    std::uint64_t program = 0;  // programs are numbered from 1 in the order of their issue
    ListHook queue;             // of the die
    ListHook programs;          // all programs not done yet, in order of issue
  };
  using JobQueue =
      boost::intrusive::list<PageJob, boost::intrusive::constant_time_size<false>,
                             boost::intrusive::member_hook<PageJob, ListHook, &PageJob::queue>>;
  using Programs =
      boost::intrusive::list<PageJob, boost::intrusive::constant_time_size<false>,
                             boost::intrusive::member_hook<PageJob, ListHook, &PageJob::programs>>;

  // One place for a command: there are `depth` of them. Its event is the end of its present step.
  struct Slot {
    enum class Step : std::uint8_t { kReceive, kProgram, kFinish };
    explicit Slot(Ssd& owner);
    void on_event() { ssd.step_done(*this); }
    Ssd& ssd;
    block::DeviceCommand* command = nullptr;
    Step step = Step::kFinish;
    std::int64_t pages_left = 0;
    SimTime first_ready;              // when the first of its pages had passed the channel
    SimTime last_ready;               // and when all of those read so far have
    std::uint64_t last_program = 0;   // what it waits for
    std::uint64_t flushes_until = 0;  // of a flush: the number of writes before it
    DurableRanges::FlushId flush = 0;
    engine::Event event;
  };
  // Transfers of commands between host and buffer.
  struct Link {
    explicit Link(Ssd& owner);
    void on_free() { ssd.transfer_next(*this); }
    Ssd& ssd;
    std::vector<Slot*> reads;  // ready to be transferred, oldest first
    std::vector<Slot*> writes;
    SimTime free_at{};
    bool read_last = false;
    engine::Event free;  // scheduled while somebody waits
  };
  struct Die {
    explicit Die(Ssd& owner, int channel_number);
    void on_end() { ssd.page_done(*this); }
    Ssd& ssd;
    int channel;
    JobQueue jobs;  // the first is under way
    engine::Event end;
  };

  [[nodiscard]] int in_device() const { return parameters_.depth - static_cast<int>(free_.size()); }
  [[nodiscard]] bool acknowledges_early(const block::DeviceCommand& command) const;
  [[nodiscard]] Link& link(block::DeviceOp op);

  void step_done(Slot& slot);
  void admit_blocked();
  void received(Slot& slot);
  void issue_program(Bytes bytes);
  void await_programs(Slot& slot);
  void wake_programmed();
  void flush(Slot& slot);
  void read(Slot& slot);
  void page_read_done(Slot& slot, int channel, Bytes bytes);
  void transfer(Slot& slot);
  void transfer_next(Link& link);
  void receive(Slot& slot, Link& link);
  void send(Slot& slot, Link& link);
  void finish(Slot& slot, SimDuration after);
  void complete(Slot& slot);

  void enqueue(PageJob& job, Die& die);
  void start_page(Die& die);
  void page_done(Die& die);

  engine::Simulator& simulator_;
  SsdParameters parameters_;
  block::DeviceClient* client_ = nullptr;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::vector<Slot*> blocked_;      // writes without room in the buffer, oldest first
  std::vector<Slot*> programming_;  // commands that wait for programs, by last_program
  Slot* lone_flush_ = nullptr;      // a flush that is not queued
  Link read_link_;                  // of a link that carries both directions at once
  Link write_link_;
  std::uint64_t writes_ = 0;          // received
  std::uint64_t writes_flushed_ = 0;  // and how many of them before a flush that is done

  SlabPool<PageJob> page_jobs_;
  std::vector<std::unique_ptr<Die>> dies_;
  std::vector<SimTime> channel_free_;
  Bytes buffered_{0};
  Bytes open_page_{0};  // data that waits for its page to fill
  std::size_t next_die_ = 0;
  std::uint64_t programs_issued_ = 0;
  Programs programs_;
  DurableRanges durable_;
};

}  // namespace wbsim::models
