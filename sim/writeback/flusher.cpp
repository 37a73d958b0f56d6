#include "sim/writeback/flusher.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/pagecache/super_block.hpp"
#include "sim/writeback/filemap.hpp"
#include "sim/writeback/inode_writeback.hpp"

namespace wbsim::writeback {

using engine::Task;
using engine::WbReason;
using engine::WritebackStep;
using pagecache::Inode;
using pagecache::WritebackControl;

namespace {

constexpr std::int64_t kMinWritebackPages = 1024;  // MIN_WRITEBACK_PAGES: 4 MiB
constexpr std::int64_t kDirtyScope = 8;            // DIRTY_SCOPE

}  // namespace

Flusher::Flusher(engine::Machine& machine, const engine::Tracer& tracer, DirtyThrottle& throttle,
                 pagecache::PageCache& cache, pagecache::BdiWriteback& wb,
                 const FlusherIdentity& self)
    : machine_{machine},
      tracer_{tracer},
      throttle_{throttle},
      cache_{cache},
      wb_{wb},
      inodes_in_use_{self.inodes_in_use},
      thread_{machine, self.comm, self.pid},
      task_{thread_},
      bandwidth_work_{engine::event_calling<&Flusher::on_bandwidth_work>(*this)},
      dirtytime_work_{engine::event_calling<&Flusher::on_dirtytime>(*this)} {
  wb.listener = this;
}

Flusher::~Flusher() {
  machine_.simulator().cancel(bandwidth_work_);
  machine_.simulator().cancel(dirtytime_work_);
}

std::uint64_t Flusher::centisecs_to_jiffies(int centisecs) const {
  return machine_.jiffies().from_centisecs_ceil(static_cast<std::uint64_t>(centisecs));
}

// When a timer of dirty_writeback_centisecs that is set now ends.
SimTime Flusher::interval_from_now() const {
  return machine_.jiffies().timer_time(
      machine_.simulator().now(), centisecs_to_jiffies(throttle_.vm().dirty_writeback_centisecs));
}

// Models: dirtytime_work, which runs twice a day and wakes who has dirty time stamps.
void Flusher::first_dirty_time(pagecache::BdiWriteback&) {
  if (dirtytime_work_.pending()) {
    return;
  }
  constexpr SimDuration kInterval = seconds(static_cast<std::int64_t>(kDirtytimeExpireSeconds));
  const SimTime now = machine_.simulator().now();
  const std::int64_t passed = now.time_since_epoch() / kInterval;
  machine_.simulator().schedule(dirtytime_work_, SimTime{kInterval * (passed + 1)});
}

void Flusher::on_dirtytime() {
  if (!wb_.b_dirty_time.empty()) {
    first_dirty_time(wb_);
    wake();
  }
}

void Flusher::start_background_writeback(pagecache::BdiWriteback&, engine::TaskName caller) {
  if (tracer_.active()) {
    trace(WritebackStep::kWakeBackground, {}, caller);
  }
  wake();
}

void Flusher::inode_writeback_start(pagecache::BdiWriteback& wb) { ++wb.writeback_inodes; }

void Flusher::inode_writeback_end(pagecache::BdiWriteback& wb) {
  --wb.writeback_inodes;
  if (throttle_.options().bandwidth_update == BandwidthUpdate::kDoWritepages &&
      !bandwidth_work_.pending()) {
    const auto interval = static_cast<std::uint64_t>(std::max(machine_.jiffies().hz() / 5, 1));
    machine_.simulator().schedule(
        bandwidth_work_, machine_.jiffies().timer_time(machine_.simulator().now(), interval));
  }
}

void Flusher::queue_work(const WritebackWork& work) {
  const bool awaited = work.done != nullptr && work.done->waiter != nullptr;
  trace(WritebackStep::kQueue, work, awaited ? work.done->waiter->name() : engine::TaskName{});
  works_.push_back(work);
  wake();
}

std::int64_t Flusher::nr_dirty_pages() const { return cache_.nr_dirty().count() + inodes_in_use_; }

// Models: wb_do_writeback().
Task<std::int64_t> Flusher::do_writeback() {
  std::int64_t wrote = 0;
  wb_.writeback_running = true;
  while (!works_.empty()) {
    const WritebackWork work = works_.front();
    works_.pop_front();
    trace(WritebackStep::kExec, work);
    wrote += co_await write_work(work);
    if (work.done != nullptr) {
      work.done->finished = true;
      if (work.done->waiter != nullptr) {
        work.done->waiter->wake();
      }
    }
  }
  if (wb_.start_all) {
    WritebackWork work{.range_cyclic = true, .reason = start_all_reason_};
    work.nr_pages = nr_dirty_pages();
    wrote += co_await write_work(work);
    wb_.start_all = false;
  }
  wrote += co_await check_old_data_flush();
  if (throttle_.options().background_writeback && throttle_.over_background(task_, wb_)) {
    const WritebackWork work{.for_background = true, .range_cyclic = true};
    wrote += co_await write_work(work);
  }
  wb_.writeback_running = false;
  co_return wrote;
}

// Models: wb_check_old_data_flush().
Task<std::int64_t> Flusher::check_old_data_flush() {
  const int interval = throttle_.vm().dirty_writeback_centisecs;
  const std::uint64_t now = machine_.jiffies_now();
  if (interval == 0 ||
      engine::time_after(wb_.last_old_flush + centisecs_to_jiffies(interval), now)) {
    co_return 0;
  }
  wb_.last_old_flush = now;
  WritebackWork work{.for_kupdate = true, .range_cyclic = true, .reason = WbReason::kPeriodic};
  work.nr_pages = nr_dirty_pages();
  if (work.nr_pages == 0) {
    co_return 0;
  }
  co_return co_await write_work(work);
}

// Models: wb_writeback().
Task<std::int64_t> Flusher::write_work(WritebackWork work) {
  const std::int64_t wanted = work.nr_pages;
  const std::uint64_t start = machine_.jiffies_now();
  const SimDuration trace_cost = throttle_.options().trace_writeback;
  constexpr int kEventsPerTurn = 4;  // global_dirty_state, start, queue_io, written
  std::uint64_t dirtied_before = start;
  const bool plug = throttle_.options().flusher_plug;
  if (plug) {
    task_.io().start_plug();
  }
  while (work.nr_pages > 0) {
    if ((work.for_background || work.for_kupdate) && !works_.empty()) {
      break;
    }
    if (work.for_background && !throttle_.over_background(task_, wb_)) {
      break;
    }
    if (work.for_kupdate) {
      dirtied_before =
          machine_.jiffies_now() - centisecs_to_jiffies(throttle_.vm().dirty_expire_centisecs);
    } else if (work.for_background) {
      dirtied_before = machine_.jiffies_now();
    }
    co_await thread_.run(thread_.costs().flusher_turn + kEventsPerTurn * trace_cost);
    trace(WritebackStep::kStart, work);
    if (wb_.b_io.empty()) {
      queue_expired(work, dirtied_before);
    }
    const std::int64_t progress = work.sb != nullptr
                                      ? co_await writeback_sb_inodes(task_, work.sb, work)
                                      : co_await writeback_inodes(task_, work);
    trace(WritebackStep::kWritten, work);
    if (throttle_.options().bandwidth_update == BandwidthUpdate::kThrottleAndFlusher) {
      throttle_.update_bandwidth(wb_, start);
    }
    if (progress > 0) {
      continue;
    }
    if (wb_.b_more_io.empty()) {
      break;
    }
    // Only an inode that somebody else writes can be left here without progress.
    trace(WritebackStep::kWait, work);
    co_await pagecache::sleep_on_inode_sync(thread_, wb_.b_more_io.back());
  }
  if (plug) {
    co_await task_.io().finish_plug();
  }
  co_return wanted - work.nr_pages;
}

// Models: writeback_inodes_wb(), v3.6: what v2.6.32 to v3.1 let throttled tasks do.
Task<std::int64_t> Flusher::write_for(pagecache::TaskContext& task, pagecache::BdiWriteback&,
                                      std::int64_t nr_pages) {
  WritebackWork work{.nr_pages = nr_pages, .range_cyclic = true};
  if (wb_.b_io.empty()) {
    queue_expired(work, machine_.jiffies_now());
  }
  co_await writeback_inodes(task, work);
  co_return nr_pages - work.nr_pages;
}

void Flusher::queue_expired(const WritebackWork& work, std::uint64_t dirtied_before) {
  const std::uint64_t interval =
      kDirtytimeExpireSeconds * static_cast<std::uint64_t>(machine_.jiffies().hz());
  const std::uint64_t time_dirtied_before =
      work.for_sync ? dirtied_before : machine_.jiffies_now() - interval;
  const int moved = queue_io(wb_, dirtied_before, time_dirtied_before);
  const engine::QueueIo event{.time = machine_.simulator().now(),
                              .device = wb_.device,
                              .older = dirtied_before,
                              .moved = moved,
                              .reason = work.reason,
                              .task = task_.name(),
                              .jiffies = machine_.jiffies_now()};
  tracer_.emit(&engine::Observer::on_queue_io, event);
}

// At most 100 ms or nr_pages, tested between inodes.
bool Flusher::slice_is_over(std::uint64_t start, const WritebackWork& work) const {
  const auto slice = static_cast<std::uint64_t>(machine_.jiffies().hz() / 10);
  return engine::time_after(machine_.jiffies_now(), start + slice) || work.nr_pages <= 0;
}

// Models: __writeback_inodes_wb(): one file system after the other, as b_io has them.
Task<std::int64_t> Flusher::writeback_inodes(pagecache::TaskContext& task, WritebackWork& work) {
  const std::uint64_t start = machine_.jiffies_now();
  std::int64_t total = 0;
  while (!wb_.b_io.empty()) {
    total += co_await writeback_sb_inodes(task, wb_.b_io.back().sb, work);
    if (total > 0 && slice_is_over(start, work)) {
      break;
    }
  }
  co_return total;
}

// Models: writeback_sb_inodes(): those of one file system (null: of the block devices).
Task<std::int64_t> Flusher::writeback_sb_inodes(pagecache::TaskContext& task,
                                                const pagecache::SuperBlock* sb,
                                                WritebackWork& work) {
  const std::uint64_t start = machine_.jiffies_now();
  std::int64_t total = 0;
  while (!wb_.b_io.empty()) {
    Inode& inode = wb_.b_io.back();
    if (inode.sb != sb) {
      if (work.sb == nullptr) {
        break;
      }
      redirty_tail(inode, machine_.jiffies_now());
      continue;
    }
    SIM_CHECK(!inode.freeing);  // who frees it has taken it off the lists
    if (inode.sync && !work.sync_all) {
      move_to_head(inode, wb_.b_more_io);
      continue;
    }
    if (inode.sync) {
      co_await pagecache::sleep_on_inode_sync(task.thread(), inode);
      continue;
    }
    total += co_await write_inode(task, inode, work);
    if (total > 0 && slice_is_over(start, work)) {
      break;
    }
  }
  co_return total;
}

// Models: the body of writeback_sb_inodes(). Returns pages written, and one more when the inode
// became clean.
Task<std::int64_t> Flusher::write_inode(pagecache::TaskContext& task, Inode& inode,
                                        WritebackWork& work) {
  inode.sync = true;
  const std::int64_t chunk = chunk_size(work);
  WritebackControl wbc{.nr_to_write = chunk,
                       .sync_all = work.sync_all,
                       .tagged_writepages = work.tagged_writepages,
                       .for_kupdate = work.for_kupdate,
                       .for_background = work.for_background,
                       .range_cyclic = work.range_cyclic,
                       .for_sync = work.for_sync};
  co_await task.thread().run(task.costs().flusher_inode + 2 * throttle_.options().trace_writeback);
  co_await write_single_inode(task, throttle_, inode, wbc);
  const std::int64_t written = chunk - wbc.nr_to_write;
  work.nr_pages -= written;
  const engine::SingleInode event{machine_.simulator().now(), task.name(), wb_.device, Pages{chunk},
                                  Pages{written}};
  tracer_.emit(&engine::Observer::on_single_inode, event);
  if (task.thread().need_resched()) {
    co_await task.io().flush_plug();
    co_await task.thread().cond_resched();
  }
  const std::int64_t wrote = std::max<std::int64_t>(written - wbc.pages_skipped, 0);
  const std::int64_t cleaned = inode.dirty_at_all() ? 0 : 1;
  const bool may_go_on = throttle_.options().requeues_young || !is_young(inode, work);
  requeue_inode(inode, wbc, may_go_on, machine_.jiffies_now());
  pagecache::end_inode_sync(inode);
  co_return wrote + cleaned;
}

// Models: writeback_chunk_size().
std::int64_t Flusher::chunk_size(const WritebackWork& work) const {
  if (work.sync_all || work.tagged_writepages) {
    return pagecache::kAllPages;
  }
  const std::int64_t pages =
      std::min({wb_.avg_write_bandwidth.count() / 2, throttle_.dirty_limit().count() / kDirtyScope,
                work.nr_pages});
  return (pages + kMinWritebackPages) / kMinWritebackPages * kMinWritebackPages;
}

// Whether it was dirtied after what `work` is to write (inode_dirtied_after()).
bool Flusher::is_young(const Inode& inode, const WritebackWork& work) const {
  const auto expire = centisecs_to_jiffies(throttle_.vm().dirty_expire_centisecs);
  return work.for_kupdate &&
         engine::time_after(inode.dirtied_when, machine_.jiffies_now() - expire);
}

void Flusher::trace(WritebackStep step, const WritebackWork& work, engine::TaskName caller) {
  const engine::WritebackTrace event{.time = machine_.simulator().now(),
                                     .task = task_.name(),
                                     .device = wb_.device,
                                     .nr_pages = work.nr_pages,
                                     .sync_all = work.sync_all,
                                     .for_kupdate = work.for_kupdate,
                                     .for_background = work.for_background,
                                     .range_cyclic = work.range_cyclic,
                                     .reason = work.reason,
                                     .sb_device = work.sb != nullptr ? work.sb->device : -1,
                                     .caller = caller};
  tracer_.emit(&engine::Observer::on_writeback, step, event);
}

void Flusher::trace_pages_written(std::int64_t pages) const {
  const engine::PagesWritten event{machine_.simulator().now(), task_.name(), wb_.device, pages};
  tracer_.emit(&engine::Observer::on_pages_written, event);
}

}  // namespace wbsim::writeback
