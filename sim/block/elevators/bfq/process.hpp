// What bfq keeps of a process.
#pragma once

#include <array>
#include <cstdint>

#include "sim/block/bio.hpp"
#include "sim/block/elevators/bfq/queue.hpp"
#include "sim/block/io_context.hpp"

namespace wbsim::block::bfq {

// State of a queue at the time at which it was merged into another (saved_* of struct bfq_io_cq),
// given back when they are split. v5.10 keeps less.
struct SavedState {
  int own_weight = 0;
  int coefficient = 1;
  Raising raising;
  ThinkTime think_time;
  InjectionLimit injection;
  Intensity intensity;
  bool short_think_time = false;
  bool in_large_burst = false;
  bool was_in_burst = false;
};

// Models: struct bfq_io_cq.
struct Process {
  const IoContext* context = nullptr;
  Group* group = nullptr;          // of its last bio (blkcg_serial_nr)
  IoPriority priority;             // that its queues were made for
  std::array<Queue*, 2> queues{};  // by whether they are synchronous
  int requests = 0;                // allocated
  SavedState saved;
  Queue* stable_candidate = nullptr;  // stable_merge_bfqq: it may join this one later
  bool stably_merged = false;
  bool exited = false;
};

}  // namespace wbsim::block::bfq
