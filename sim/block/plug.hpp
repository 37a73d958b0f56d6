// Plugs: requests that a task holds back to merge them, and the block layer's state of a task.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/block/io_context.hpp"
#include "sim/block/request.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::block {

inline constexpr Bytes kPlugFlushSize = kibibytes(128);  // BLK_PLUG_FLUSH_SIZE

// How its owner issues a plug.
//   kFifo        oldest first; without an elevator through the software queue where the device has
//                been busy (v5.10)
//   kLifo        without an elevator and of one device newest first, straight to it (v6.1)
//   kDirectFifo  as kLifo, but oldest first (v6.12)
//   kByDevice    oldest first; of several devices one after the other (v3.6)
enum class PlugIssueOrder { kFifo, kLifo, kDirectFifo, kByDevice };

// Which requests of a plug a bio may merge with: all of its queue (v5.10), the newest of those
// (v6.1), or the newest if that is the newest of all, else the oldest (v6.12).
enum class PlugMergeRule { kAllRequests, kNewestOnly, kNewestOrOldest };

class TaskIo;

// What a device on top of others holds back in a plug of its own kind (struct blk_plug_cb). Told
// once, when the plug is flushed, before its requests are issued; no longer in the plug by then.
class PlugCallback {
 public:
  // By the plug's owner; it may submit bios.
  virtual engine::Task<> unplug(TaskIo& io) = 0;
  // By the owner's going to sleep: returns the CPU time, may wake threads, must not submit.
  virtual SimDuration unplug_from_schedule(TaskIo& io) = 0;

  PlugCallback* next = nullptr;  // in its plug
  const void* owner = nullptr;   // whose it is: one of each device in a plug

 protected:
  ~PlugCallback() = default;
};

// Models: struct blk_plug, v5.10: requests in order of submission.
struct Plug {
  RequestChain requests;
  std::size_t count = 0;
  bool multiple_queues = false;
  PlugCallback* callbacks = nullptr;  // cb_list: newest first

  [[nodiscard]] bool empty() const { return count == 0; }
  [[nodiscard]] Request& newest() { return requests.back(); }
  [[nodiscard]] const Request& newest() const { return requests.back(); }
  [[nodiscard]] const Request& oldest() const { return requests.front(); }

  // blk_check_plugged(): null where the device has none yet.
  [[nodiscard]] PlugCallback* callback_of(const void* owner) const {
    PlugCallback* each = callbacks;
    while (each != nullptr && each->owner != owner) {
      each = each->next;
    }
    return each;
  }
  void add_callback(PlugCallback& callback, const void* owner) {
    callback.owner = owner;
    callback.next = callbacks;
    callbacks = &callback;
  }

  // Models: the list_sort() of blk_mq_flush_plug_list(), v5.10: what a plug of several devices
  // holds is sorted by device and sector; and of blk_flush_plug_list(), v3.6: by device.
  void sort_if_shared();

  void push_back(Request& request) {
    multiple_queues |= !empty() && &requests.front().queue != &request.queue;
    requests.push_back(request);
    ++count;
  }
};

// What the block layer knows of a task: its thread and its current plug. Going to sleep flushes
// the plug (sched_submit_work()).
class TaskIo {
 public:
  explicit TaskIo(engine::Thread& thread);
  TaskIo(const TaskIo&) = delete;
  TaskIo& operator=(const TaskIo&) = delete;
  ~TaskIo();

  [[nodiscard]] engine::Thread& thread() const { return thread_; }
  [[nodiscard]] Plug* plug() const { return plug_; }
  // What I/O schedulers know the task by.
  [[nodiscard]] IoContext& context() { return context_; }
  [[nodiscard]] const IoContext& context() const { return context_; }
  // ioprio_set(2), and the ioprio of the task's io_context. A class of kNone: none was given.
  void set_priority(IoPriority priority) { context_.priority = priority; }
  [[nodiscard]] IoPriority priority() const { return context_.priority; }
  // cgroup.procs: the number of the control group that the task is moved to.
  void set_cgroup(int number) { context_.cgroup = number; }
  // current->bio_list: where bios are gathered that drivers submit while this task is in
  // submit_bio_noacct() already; null outside of it (stacking/stacked_device.hpp).
  [[nodiscard]] BioList* bio_list() const { return bio_list_; }
  void set_bio_list(BioList* list) { bio_list_ = list; }

  // Starts a plug; a nested one is ignored, the outer one owns the requests. Pair each start with
  // `co_await finish_plug()` (blk_start_plug(), blk_finish_plug()).
  void start_plug();
  engine::Task<> finish_plug();
  // The same where there is nothing to issue: false, and nothing done, where there is.
  bool finish_empty_plug() {
    if (depth_ == 1 && (!storage_.empty() || storage_.callbacks != nullptr)) {
      return false;
    }
    if (--depth_ == 0) {
      plug_ = nullptr;
    }
    return true;
  }
  // Issues what the plug holds, now (blk_flush_plug()).
  engine::Task<> flush_plug();

 private:
  engine::Task<> finish_filled_plug();
  engine::Task<> flush_shared_plug();
  engine::Task<> flush_plug_callbacks();
  [[nodiscard]] BlockQueue& next_queue();
  static SimDuration on_sleep(void* self);

  engine::Thread& thread_;
  IoContext context_;
  Plug storage_;
  Plug* plug_ = nullptr;
  BioList* bio_list_ = nullptr;
  int depth_ = 0;
};

}  // namespace wbsim::block
