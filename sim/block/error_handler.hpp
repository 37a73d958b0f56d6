// Errors and timeouts of one queue before a device with faults.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "sim/block/driver.hpp"
#include "sim/block/request.hpp"
#include "sim/block/request_timer.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/tracepoints.hpp"

namespace wbsim::block {

// What the handler asks of its queue.
class ErrorHost {
 public:
  // A command that was given up has left the device; the verdict is set.
  virtual void end_given_up(Request& request) = 0;
  [[nodiscard]] virtual int in_device() const = 0;
  // The host takes commands again.
  virtual void run_after_recovery() = 0;

 protected:
  ~ErrorHost() = default;
};

// Models: blk_mq_timeout_work(), block/blk-mq.c, v6.1;
// scsi_timeout(), scmd_eh_abort_handler() and scsi_error_handler(), drivers/scsi/scsi_error.c,
// v6.1; scsi_times_out(), v2.6.18 and v3.6; nvme_timeout(), drivers/nvme/host/pci.c, v6.1.
// Properties:
//  1. One timer looks for commands that are too late: about six seconds, or about one after its
//     deadline, after the first was issued, then at the earliest deadline of what is in the device,
//     or about six seconds later where more is issued. Nothing is noticed at its deadline sharp.
//     v2.6.18: each command has a timer of its own.
//  2. SCSI since v3.14: a late command is aborted HZ / 100 later, and tried again or ended.
//  3. One that was aborted before, and any before that version: the host takes no more commands
//     until all it has have ended or are late; then all that are late are tried again or ended.
//  4. NVMe: a late command is aborted at once, which the driver sees as an error like others. Of a
//     look's late commands only four are; the others are given another timeout.
//  5. blk-mq treats late commands in the order of their tags, the queues before in that of issue.
// Simplified: aborts and resets succeed and take no time, the timer needs no worker, and none of it
// takes CPU time.
class ErrorHandler {
 public:
  ErrorHandler(ErrorHost& host, engine::Machine& machine, const DriverOptions& options);
  ErrorHandler(const ErrorHandler&) = delete;
  ErrorHandler& operator=(const ErrorHandler&) = delete;
  ~ErrorHandler();

  void on_issue(Request& request);
  // The device has ended the command: sets the verdict.
  void on_end(Request& request);
  // After each end of a command.
  void look_for_recovery();
  // The host is in recovery.
  [[nodiscard]] bool recovering() const { return !failed_.empty(); }
  [[nodiscard]] const engine::ErrorCounts& counts() const { return counts_; }

 private:
  struct Aborting {
    Request* request;
    SimTime when;
  };
  void set(Request& request, const Verdict& verdict);
  void on_timer();
  void on_late(Request& request);
  void on_abort();
  void recover();

  ErrorHost& host_;
  engine::Machine& machine_;
  DriverOptions options_;
  std::uint64_t timeout_;            // in jiffies
  std::vector<Request*> in_device_;  // commands with a deadline, in order of issue
  std::deque<Aborting> aborting_;
  std::vector<Request*> failed_;  // that wait for recovery
  engine::Event late_;
  RequestTimer timer_;
  engine::Event abort_;
  engine::Event recovery_;
  engine::ErrorCounts counts_;
};

}  // namespace wbsim::block
