// The dispatch budget of a SCSI disk: how many commands it is given at once.
#pragma once

#include <cstdint>
#include <utility>

#include "sim/engine/jiffies.hpp"

namespace wbsim::block {

// Models: scsi_mq_get_budget(), scsi_dev_queue_ready(), scsi_device_unbusy(), scsi_set_blocked()
// and scsi_run_queue_async(), drivers/scsi/scsi_lib.c, v5.10 and v6.1; scsi_track_queue_full(),
// scsi.c, and scsi_handle_queue_ramp_up(), scsi_error.c. Properties:
//  1. Budget is taken before an elevator or software queue is asked for a request, and given back
//     when the command has ended or there was none: up to queue_depth at once.
//  2. After a command was to be tried again, the device is left alone while it has others; an idle
//     one for two runs of the queue. A command that has ended opens it.
//  3. Who found no budget has the queue run when a command has ended.
//  4. The eleventh time in a row that the device had no place for a command at the same depth takes
//     one off queue_depth; times within the same 16 jiffies count once. It grows again by one at a
//     time, 120 s after either happened.
class DispatchBudget {
 public:
  DispatchBudget(int depth, int hz) : depth_{depth}, depth_max_{depth}, hz_{hz} {}

  // False: there is none.
  [[nodiscard]] bool take();
  void put() { --busy_; }
  // scsi_set_blocked().
  void block() { blocked_ = kBlockedMax; }
  // scsi_finish_command().
  void unblock() { blocked_ = 0; }
  // Somebody found no budget since the last time.
  [[nodiscard]] bool run_wanted() { return std::exchange(refused_, false); }

  void queue_full(std::uint64_t jiffies);
  void command_ended_well(std::uint64_t jiffies);
  [[nodiscard]] int depth() const { return depth_; }

 private:
  static constexpr int kBlockedMax = 3;         // SCSI_DEFAULT_DEVICE_BLOCKED
  static constexpr int kFullTimes = 10;         // last_queue_full_count
  static constexpr int kRampUpSeconds = 120;    // SCSI_DEFAULT_RAMP_UP_PERIOD
  static constexpr unsigned kFullJiffies = 4U;  // jiffies >> 4

  int depth_;
  int depth_max_;
  int hz_;
  int busy_ = 0;          // device_busy
  int blocked_ = 0;       // device_blocked
  bool refused_ = false;  // restarts
  std::uint64_t last_full_ = 0;
  int last_full_depth_ = 0;
  int full_times_ = 0;
  std::uint64_t last_ramp_up_ = 0;
};

}  // namespace wbsim::block
