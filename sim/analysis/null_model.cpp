#include "sim/analysis/null_model.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/workload/job_extent.hpp"

namespace wbsim::analysis {

namespace {

// About 1 GB/s, a round figure for a memory copy: the null model has no CPU costs.
constexpr SimDuration kCopyPerPage = microseconds(4);

// The dirty pages as disjoint, non-adjacent ranges [first, end), by first.
class DirtyRanges {
 public:
  [[nodiscard]] Pages count() const { return count_; }

  void add(PageIndex first, Pages length) {
    std::int64_t start = first.value();
    std::int64_t end = start + length.count();
    auto it = ranges_.upper_bound(start);
    if (it != ranges_.begin() && std::prev(it)->second >= start) {
      --it;
    }
    while (it != ranges_.end() && it->first <= end) {
      start = std::min(start, it->first);
      end = std::max(end, it->second);
      count_ -= Pages{it->second - it->first};
      it = ranges_.erase(it);
    }
    ranges_[start] = end;
    count_ += Pages{end - start};
  }

  // Takes at most `max` contiguous pages, in file order from where the last ones ended. The ranges
  // must not be empty.
  std::pair<PageIndex, Pages> take(Pages max) {
    SIM_CHECK(!ranges_.empty());
    auto it = ranges_.upper_bound(cursor_);
    if (it != ranges_.begin() && std::prev(it)->second > cursor_) {
      --it;
    } else if (it == ranges_.end()) {
      it = ranges_.begin();
      cursor_ = 0;
    }
    const std::int64_t start = std::max(it->first, cursor_);
    const std::int64_t end = std::min(it->second, start + max.count());
    const auto [range_start, range_end] = *it;
    ranges_.erase(it);
    if (range_start < start) {
      ranges_[range_start] = start;
    }
    if (end < range_end) {
      ranges_[end] = range_end;
    }
    cursor_ = end;
    count_ -= Pages{end - start};
    return {PageIndex{start}, Pages{end - start}};
  }

 private:
  std::map<std::int64_t, std::int64_t> ranges_;
  std::int64_t cursor_ = 0;
  Pages count_;
};

// A job; it may read as well.
struct Writer {
  enum class State { kReady, kThrottled, kSyncing, kWaiting, kDone };

  const workload::JobSpec* spec = nullptr;
  workload::JobExtent extent;
  State state = State::kReady;
  SimTime start;
  SimTime next;      // of the next write, when ready
  SimTime op_start;  // of the write or sync under way
  std::int64_t ios = 0;
  Bytes transferred;
  int under_way = 0;           // direct I/Os
  bool sync_is_write = false;  // O_SYNC: the wait belongs to the write
  std::optional<SimTime> throttled_since;
};

// A direct I/O of a job, or nothing.
struct DirectIo {
  Writer* writer = nullptr;
  workload::Io io;
  SimTime start;
};

// What the device has accepted.
struct Completion {
  SimTime time;
  Pages pages;  // of writeback
  DirectIo direct;
};

// Of what ends at the same time, direct I/Os of earlier jobs and offsets come first.
struct Later {
  bool operator()(const Completion& a, const Completion& b) const {
    const auto key = [](const Completion& c) {
      const int job = c.direct.writer == nullptr ? -1 : c.direct.writer->spec->index;
      return std::tuple{c.time, c.pages, job, c.direct.io.at};
    };
    return key(a) > key(b);
  }
};

// Device, page cache and writers, advanced from event to event.
class NullModel {
 public:
  NullModel(const system::Config& config, const std::vector<workload::JobSpec>& jobs,
            const std::vector<JobReporting>& reporting)
      : config_{config},
        device_{config.devices.front()},
        vm_{config.vm},
        recorder_{reporting, nanoseconds(1)},
        servers_(static_cast<std::size_t>(device_.simdisk.channels)) {
    for (const workload::JobSpec& job : jobs) {
      Writer writer;
      writer.spec = &job;
      std::string problem;  // a job with nothing to write ends at once
      writer.extent = workload::resolve_extent(job, device_.size, problem);
      writer.start = at(config.workload_start + job.start_delay);
      writer.next = writer.start;
      writers_.push_back(writer);
      recorder_.on_job_start(job.index, writer.start);
    }
    for (const system::ActionConfig& action : config.actions) {
      if (action.at) {
        actions_.push_back(action);
      }
      sync_at_end_ = sync_at_end_ || (action.after_workload && action.syscall == "sync");
    }
    std::sort(actions_.begin(), actions_.end(),
              [](const auto& a, const auto& b) { return *a.at < *b.at; });
  }

  RunRecord run() {
    while (!end_ || next_event() <= *end_) {
      now_ = next_event();
      step();
    }
    RunRecord record = recorder_.take();
    std::sort(pauses_.begin(), pauses_.end(),
              [](const Pause& a, const Pause& b) { return a.time < b.time; });
    record.pauses = std::move(pauses_);
    record.merges = merges_;
    return record;
  }

 private:
  using State = Writer::State;

  [[nodiscard]] SimTime next_event() const {
    SimTime next = next_sample_;
    for (const Writer& writer : writers_) {
      next = writer.state == State::kReady ? std::min(next, writer.next) : next;
    }
    if (action_ < actions_.size()) {
      next = std::min(next, at(*actions_[action_].at));
    }
    return in_flight_.empty() ? next : std::min(next, in_flight_.top().time);
  }

  void step() {
    while (!in_flight_.empty() && in_flight_.top().time <= now_) {
      const Completion done = in_flight_.top();
      in_flight_.pop();
      writeback_ -= done.pages;
      if (done.direct.writer != nullptr) {
        finish_direct(done.direct);
      }
    }
    while (action_ < actions_.size() && at(*actions_[action_].at) <= now_) {
      apply(actions_[action_++]);
    }
    for (Writer& writer : writers_) {
      const bool resumed = writer.state == State::kThrottled && used() < dirty_limit();
      if (resumed) {
        pauses_.push_back({*writer.throttled_since, now_ - *writer.throttled_since});
        writer.throttled_since.reset();
        writer.state = State::kReady;
        writer.next = now_;
      }
      if (writer.state == State::kReady && writer.next <= now_) {
        transfer(writer);
      }
    }
    issue();
    finish_syncs();
    if (now_ == next_sample_) {
      sample();
    }
    if (!end_ && ended()) {
      end_ = now_ + config_.tail;
    }
  }

  void apply(const system::ActionConfig& action) {
    for (const auto& [name, value] : action.set) {
      if (name == "vm.dirty_ratio") {
        vm_.dirty_ratio = static_cast<int>(value);
        vm_.dirty_bytes = Bytes{};
      } else if (name == "vm.dirty_background_ratio") {
        vm_.dirty_background_ratio = static_cast<int>(value);
        vm_.dirty_background_bytes = Bytes{};
      } else if (name == "vm.dirty_bytes") {
        vm_.dirty_bytes = Bytes{value};
      } else if (name == "vm.dirty_background_bytes") {
        vm_.dirty_background_bytes = Bytes{value};
      }
    }
    syncing_ = syncing_ || action.syscall == "sync";
  }

  [[nodiscard]] Pages used() const { return dirty_.count() + writeback_; }
  [[nodiscard]] Pages limit(Bytes bytes, int percent) const {
    const Pages pages =
        bytes > Bytes{} ? pages_ceil(bytes) : pages_floor(config_.memory.total) * percent / 100;
    return std::max(pages, Pages{1});  // 0 would stop the writers for ever
  }
  [[nodiscard]] Pages dirty_limit() const { return limit(vm_.dirty_bytes, vm_.dirty_ratio); }
  [[nodiscard]] Pages background() const {
    return limit(vm_.dirty_background_bytes, vm_.dirty_background_ratio);
  }

  // A writer's next I/O. Jobs that are not given theirs go through their region from the beginning
  // to the end, again and again; of a mix every other one reads.
  [[nodiscard]] static workload::Io next_io(const Writer& writer) {
    const workload::JobSpec& spec = *writer.spec;
    const auto n = static_cast<std::size_t>(writer.ios);
    if (!spec.replay.empty()) {
      return spec.replay[n % spec.replay.size()];
    }
    const bool reads = spec.mixed() ? n % 2 == 0 : spec.reads;
    const Bytes block = spec.block_size();
    const std::int64_t blocks = std::max<std::int64_t>(1, writer.extent.length / block);
    return {reads ? workload::Direction::kRead : workload::Direction::kWrite,
            writer.extent.begin + block * (writer.ios % blocks), block};
  }

  [[nodiscard]] bool has_ended(const Writer& writer) const {
    const workload::JobSpec& spec = *writer.spec;
    if (spec.runtime && now_ - writer.start >= *spec.runtime) {
      return true;
    }
    if (spec.number_ios && writer.ios >= *spec.number_ios * spec.loops) {
      return true;
    }
    return writer.extent.length == Bytes{} ||
           (!spec.time_based && writer.transferred >= writer.extent.amount * spec.loops);
  }

  void transfer(Writer& writer) {
    if (has_ended(writer)) {
      // Direct I/Os under way are waited for.
      writer.state = writer.under_way > 0 ? State::kWaiting : State::kDone;
      if (writer.state == State::kDone) {
        recorder_.on_job_end(writer.spec->index, now_);
      }
      return;
    }
    const workload::Io io = next_io(writer);
    if (writer.spec->direct) {
      start_direct(writer, io);
    } else {
      write(writer, io);
    }
  }

  void start_direct(Writer& writer, const workload::Io& io) {
    ++writer.ios;
    writer.transferred += io.length;
    ++writer.under_way;
    direct_.push_back({&writer, io, now_});
    const bool full = writer.under_way >= writer.spec->queueing.depth;
    writer.state = full ? State::kWaiting : State::kReady;
    writer.next = std::max(now_, offered_time(writer));
  }

  void write(Writer& writer, const workload::Io& io) {
    if (used() >= dirty_limit()) {
      writer.state = State::kThrottled;
      writer.throttled_since = now_;
      return;
    }
    const workload::JobSpec& spec = *writer.spec;
    const PageIndex first = page_containing(io.at);
    const Pages pages = page_containing(io.at + io.length - Bytes{1}) - first + Pages{1};
    dirty_.add(first, pages);
    ++writer.ios;
    writer.transferred += io.length;
    writer.op_start = now_;
    const SimTime done = now_ + kCopyPerPage * pages.count();
    const std::int64_t every = std::max(spec.fsync_every, spec.fdatasync_every);
    writer.sync_is_write = spec.open_sync != workload::OpenSync::kNone;
    if (!writer.sync_is_write) {
      report(writer, engine::SyscallKind::kWrite, now_, done, io.length);
      writer.op_start = done;
    }
    const bool sync = writer.sync_is_write || (every > 0 && writer.ios % every == 0);
    writer.state = sync ? State::kSyncing : State::kReady;
    writer.next = std::max(done, offered_time(writer));
  }

  // When the offered rate allows the next I/O.
  [[nodiscard]] static SimTime offered_time(const Writer& writer) {
    const workload::JobSpec& spec = *writer.spec;
    std::int64_t per_second = 0;
    for (const auto direction : {workload::Direction::kRead, workload::Direction::kWrite}) {
      per_second += spec.does(direction) ? spec.rate_of(direction).value_or(Bytes{}).count() : 0;
    }
    if (per_second == 0) {
      return writer.start;
    }
    const double ns = static_cast<double>(writer.transferred.count()) * 1e9;
    return writer.start +
           nanoseconds(static_cast<std::int64_t>(ns / static_cast<double>(per_second)));
  }

  void report(const Writer& writer, engine::SyscallKind kind, SimTime start, SimTime end,
              Bytes length) {
    recorder_.on_syscall({start, end, writer.spec->index, kind, FileOffset{}, length, 0, {}});
  }

  [[nodiscard]] bool flushing() const {
    const bool wanted = std::any_of(writers_.begin(), writers_.end(), [](const Writer& writer) {
      return writer.state == State::kSyncing || writer.state == State::kThrottled;
    });
    return wanted || syncing_ || dirty_.count() > background();
  }

  void issue() {
    const auto tags =
        static_cast<std::size_t>(device_.queue.nr_requests.value_or(device_.simdisk.depth));
    while (!direct_.empty() && in_flight_.size() < tags) {
      serve_direct(direct_.front());
      direct_.pop_front();
    }
    const Pages max = pages_floor(kibibytes(device_.queue.max_sectors_kb));
    while (dirty_.count() > Pages{} && in_flight_.size() < tags && flushing()) {
      const auto [first, pages] = dirty_.take(max);
      writeback_ += pages;
      merges_ += pages.count() - 1;
      const std::int64_t kib = to_bytes(pages) / kibibytes(1);
      serve('W', lba_of(first), to_sectors(pages),
            device_.simdisk.write + device_.simdisk.per_kib * kib, pages);
    }
  }

  void serve_direct(const DirectIo& direct) {
    const bool reads = direct.io.direction == workload::Direction::kRead;
    const std::int64_t kib = (direct.io.length + kibibytes(1) - Bytes{1}) / kibibytes(1);
    const SimDuration fixed = reads ? device_.simdisk.read : device_.simdisk.write;
    const Lba sector{direct.io.at.value() / kSectorSize.count()};
    serve(reads ? 'R' : 'W', sector, sectors_floor(direct.io.length),
          fixed + device_.simdisk.per_kib * kib, Pages{}, direct);
  }

  // A direct I/O is over: its job goes on.
  void finish_direct(const DirectIo& direct) {
    Writer& writer = *direct.writer;
    const bool reads = direct.io.direction == workload::Direction::kRead;
    report(writer, reads ? engine::SyscallKind::kRead : engine::SyscallKind::kWrite, direct.start,
           now_, direct.io.length);
    --writer.under_way;
    writer.state = State::kReady;
    writer.next = std::max(writer.next, now_);
  }

  void serve(char op, Lba sector, Sectors length, SimDuration service, Pages pages,
             const DirectIo& direct = {}) {
    engine::RequestTrace request;
    request.time = now_;
    request.sector = sector;
    request.length = length;
    request.rwbs.write = op == 'W';
    request.rwbs.flush = op == 'F';
    recorder_.on_request(engine::RequestStep::kIssue, request);
    SimTime& server = *std::min_element(servers_.begin(), servers_.end());
    server = std::max(server, now_) + service;
    in_flight_.push({server, pages, direct});
  }

  // A sync is done when nothing is dirty or under way, the flush of a volatile cache included.
  void finish_syncs() {
    if (dirty_.count() > Pages{} || writeback_ > Pages{}) {
      return;
    }
    syncing_ = false;
    for (Writer& writer : writers_) {
      if (writer.state != State::kSyncing) {
        continue;
      }
      const SimDuration flush = device_.queue.write_cache ? device_.simdisk.flush : SimDuration{};
      if (device_.queue.write_cache) {
        serve('F', Lba{}, Sectors{}, flush, Pages{});
      }
      const SimTime done = std::max(now_, writer.next) + flush;
      report(writer,
             writer.sync_is_write ? engine::SyscallKind::kWrite : engine::SyscallKind::kFsync,
             writer.op_start, done, writer.sync_is_write ? writer.spec->block_size() : Bytes{});
      writer.state = State::kReady;
      writer.next = done;
    }
  }

  void sample() {
    engine::StateSample state;
    state.time = now_;
    state.nr_dirty = dirty_.count();
    state.nr_writeback = writeback_;
    state.dirty_thresh = dirty_limit();
    state.background_thresh = background();
    recorder_.on_sample(state);
    next_sample_ = now_ + config_.output.interval;
  }

  // All jobs and actions are over; a sync after the workload is started here, once.
  bool ended() {
    const bool jobs_done = std::all_of(writers_.begin(), writers_.end(), [](const Writer& writer) {
      return writer.state == State::kDone;
    });
    if (!jobs_done || action_ < actions_.size()) {
      return false;
    }
    if (sync_at_end_) {
      sync_at_end_ = false;
      syncing_ = true;
    }
    if (syncing_) {
      issue();
      finish_syncs();
    }
    return !syncing_;
  }

  const system::Config& config_;
  const system::DeviceConfig& device_;
  system::VmConfig vm_;
  Recorder recorder_;
  std::vector<Writer> writers_;
  std::vector<system::ActionConfig> actions_;  // those with a time, by time
  std::size_t action_ = 0;
  bool sync_at_end_ = false;
  bool syncing_ = false;

  DirtyRanges dirty_;
  Pages writeback_;
  std::vector<SimTime> servers_;  // when each is free
  std::deque<DirectIo> direct_;   // submitted, not issued
  std::priority_queue<Completion, std::vector<Completion>, Later> in_flight_;
  std::vector<Pause> pauses_;
  std::int64_t merges_ = 0;

  SimTime now_;
  SimTime next_sample_;
  std::optional<SimTime> end_;
};

}  // namespace

RunRecord run_null_model(const system::Config& config, const std::vector<workload::JobSpec>& jobs,
                         const std::vector<JobReporting>& reporting) {
  return NullModel{config, jobs, reporting}.run();
}

}  // namespace wbsim::analysis
