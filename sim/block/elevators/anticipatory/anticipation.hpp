// Whether to keep the disk idle for the next read of the process that read last.
#pragma once

#include <cstdint>

#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/io_history.hpp"
#include "sim/block/io_context.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::block {

// Models: struct as_io_context, v2.6.18: what is known of one task. Of its synchronous requests,
// but for the two counts.
struct AnticipatedTask {
  AnticipatedTask(const IoContext& own_owner, std::int64_t now)
      : owner{own_owner}, think_time{now} {}

  const IoContext& owner;
  int queued = 0;
  int dispatched = 0;         // given to the driver's list and not yet seen by the driver
  bool has_started = false;   // AS_TASK_IOSTARTED
  bool has_finished = false;  // AS_TASK_IORUNNING: one has completed
  ThinkTime think_time;
  SeekMean seeks;
  Lba last_end;
};

// A request as anticipation sees it.
struct AnticipatedRequest {
  const Request& request;
  AnticipatedTask& task;
  bool sync;
};

// Models: the anticipation part of block/as-iosched.c, v2.6.18. States (enum anticipation_status):
//
//   OFF --wait_for(), last read still in the device--> WAIT_REQ --it ends--> WAIT_NEXT
//   OFF --wait_for(), last read has ended------------> WAIT_NEXT
//   WAIT_REQ, WAIT_NEXT --a request that breaks it, or antic_expire after the read's end-->
//   FINISHED any --a request is dispatched--> OFF
//
// Waiting is broken, or not even begun (should_break()), for a request of the same task; when the
// time is over; when the task has more in the queue; for another task's read close by, "close"
// growing with the time waited; when the task has ended and such tasks mostly find no successor;
// when it thinks for longer than antic_expire, or, new as it is, when new tasks mostly do so.
class Anticipation {
 public:
  Anticipation(const engine::Machine& machine, SingleQueueHost& host, std::int64_t expire);
  ~Anticipation();

  enum class State { kOff, kWaitReq, kWaitNext, kFinished };
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool waiting() const {
    return state_ == State::kWaitReq || state_ == State::kWaitNext;
  }
  [[nodiscard]] bool enabled() const { return expire_ > 0; }
  [[nodiscard]] const AnticipatedTask* task() const { return task_; }

  // as_can_anticipate(): `next` (null: none) would be served. `head`: where the batch is.
  [[nodiscard]] bool should_wait(const AnticipatedRequest* next, Lba head);
  void wait();                                                // as_antic_waitreq()
  void arrived(const AnticipatedRequest& request, Lba head);  // of a request, when queued
  void stop();                                                // as_antic_stop()
  // `task`: of a synchronous request, null of an asynchronous one.
  void dispatched(AnticipatedTask* task);
  void completed(const AnticipatedTask& task);

  // as_update_iohist(): a synchronous request of the task, before it is counted.
  void update_history(AnticipatedTask& task, const Request& request);

  // What tasks do on the whole; the file est_time. Probabilities in parts of 256.
  struct Estimates {
    std::int64_t exit_prob = 0;       // a task that is waited for has issued its last read
    std::int64_t exit_no_coop = 0;    // and none takes over from it
    std::int64_t new_think_mean = 0;  // jiffies, of a task's first two reads
    Sectors new_seek_mean;
  };
  [[nodiscard]] const Estimates& estimates() const { return estimates_; }

 private:
  [[nodiscard]] bool should_break(const AnticipatedRequest* request, Lba head);
  [[nodiscard]] bool is_close(const Request& request, Lba head) const;
  void wait_next();
  void on_timeout();
  [[nodiscard]] std::int64_t now() const {
    return static_cast<std::int64_t>(machine_.jiffies_now());
  }

  const engine::Machine& machine_;
  SingleQueueHost& host_;
  std::int64_t expire_;  // antic_expire, jiffies
  State state_ = State::kOff;
  AnticipatedTask* task_ = nullptr;  // of the read that was dispatched last
  bool task_finished_ = false;       // ioc_finished: that read has ended
  std::int64_t start_ = 0;           // when it did, jiffies
  Estimates estimates_;
  std::int64_t new_think_total_ = 0;
  std::int64_t new_seek_total_ = 0;
  engine::Event timer_;
};

}  // namespace wbsim::block
