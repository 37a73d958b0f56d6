// Bios, and runs of equal bios.
#pragma once

#include <cstdint>

#include "sim/base/units.hpp"
#include "sim/block/device.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

inline constexpr int kIoError = -5;        // EIO, what BlkStatus::kIoError is to a system call
inline constexpr Pages kBioPagesMax{256};  // BIO_MAX_PAGES (v5.10), BIO_MAX_VECS (v6.1)

class Bio;
class BioTarget;   // bio_target.hpp
struct IoContext;  // io_context.hpp

// Called once when all bios of a run have completed, in softirq context at the completion's end.
// It may change state and wake threads; it must not submit.
class BioEndIo {
 public:
  virtual void end_bio(Bio& bio, BlkStatus status) = 0;

 protected:
  ~BioEndIo() = default;
};

// I/O priority as ioprio_set() takes it: a class, and a level within it of which 0 is the highest.
enum class IoClass : std::uint8_t { kNone, kRealTime, kBestEffort, kIdle };
struct IoPriority {
  IoClass io_class = IoClass::kNone;
  std::uint8_t level = 0;
  friend bool operator==(const IoPriority&, const IoPriority&) = default;
};
// task_nice_ioclass() and task_nice_ioprio() of a normal task with nice 0, (0 + 20) / 5: the
// priority of a task that was given none, where somebody asks (__get_task_ioprio(), v6.1).
inline constexpr IoPriority kPriorityOfNiceZero{IoClass::kBestEffort, 4};

// Which writes of which tasks a piece of data comes from: an inclusive range of write ids, 0 when
// provenance is switched off (sim/pagecache/provenance.hpp).
struct WriteIds {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// `count` bios of `unit` sectors each, back to back from `sector`, with equal flags: charged and
// counted as `count` bios, carried as one object. A run is split wherever the kernel's decision
// could differ from bio to bio. With bio_runs=off every run has one bio.
class Bio {
 public:
  Lba sector;
  Sectors unit;  // length of one bio
  std::int64_t count = 1;
  Sectors segment;  // of memory that is contiguous, within one bio; 0: all of the bio
  Bytes memory;     // where its data begins in the memory of its task; of each bio of a run
  engine::RwbsFlags flags;
  IoPriority priority;
  IoContext* context = nullptr;  // of its submitter; set when it is submitted
  BioEndIo* end_io = nullptr;
  SimDuration end_cost{};  // CPU time that the end of one bio takes, end_io included
  WriteIds writes;
  Bio* next = nullptr;  // in its request, in order of merging
  int cgroup = 0;       // of its submitter, where the queue has control groups; 0: the root
  int cpu = 0;          // that it ended on, with its last part: set before end_io is called

  // Of a single bio whose first parts were split off (bio_chain()). The parts are bios of their
  // own; end_io is called when all have ended, with the extent that was submitted.
  Bio* chained_to = nullptr;  // of a part: the bio that it belongs to
  Sectors split_off;          // what the parts hold
  int remaining = 1;          // bios that have to end
  BlkStatus status = BlkStatus::kOk;
  bool accounted = false;  // in a device on top of others, since accounted_at (BioAccounting)
  std::uint16_t part = 0;  // of the device, that it was submitted to (PartStats); 0: to the device

  // Of devices on top of others (stacking/).
  BioTarget* target = nullptr;     // that takes it next, while it waits in a list of its task
  Bio* cloned_from = nullptr;      // bio of the device above that it is part of
  SimTime submitted{};             // to a device on top of others
  Sectors remapped;                // how far partitions have moved it; taken back when it ends
  std::uint64_t accounted_at = 0;  // in jiffies

  [[nodiscard]] bool is_part() const { return chained_to != nullptr; }
  [[nodiscard]] Sectors length() const { return unit * count; }
  [[nodiscard]] Lba end() const { return sector + length(); }
  [[nodiscard]] bool is_flush() const { return flags.preflush || flags.fua; }
};

// Bios that wait to be submitted, linked through `next` (struct bio_list).
class BioList {
 public:
  [[nodiscard]] bool empty() const { return head_ == nullptr; }
  void push_back(Bio& bio) {
    bio.next = nullptr;
    (head_ == nullptr ? head_ : tail_->next) = &bio;
    tail_ = &bio;
  }
  // Takes all of `other`, behind what is here.
  void append(BioList& other) {
    if (other.head_ != nullptr) {
      (head_ == nullptr ? head_ : tail_->next) = other.head_;
      tail_ = other.tail_;
      other.head_ = nullptr;
    }
  }
  // Null when empty.
  Bio* pop_front() {
    Bio* const first = head_;
    if (first != nullptr) {
      head_ = first->next;
      first->next = nullptr;
    }
    return first;
  }

 private:
  Bio* head_ = nullptr;
  Bio* tail_ = nullptr;
};

}  // namespace wbsim::block
