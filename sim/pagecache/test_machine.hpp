// For tests: a small computer whose code takes no CPU time, and files that write themselves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/engine/task.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/wb_domain.hpp"
#include "sim/pagecache/write_cache_pages.hpp"

namespace wbsim::pagecache {

// A piece of a test that something else calls. Empty unless made from a callable.
template <class Result, class Argument>
class TestCallback {
 public:
  TestCallback() = default;
  template <class Fn>
  TestCallback(Fn fn) : held_{std::make_unique<Holder<Fn>>(std::move(fn))} {}

  explicit operator bool() const { return held_ != nullptr; }
  Result operator()(Argument argument) const { return held_->call(argument); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual Result call(Argument argument) = 0;
  };
  template <class Fn>
  struct Holder final : Base {
    explicit Holder(Fn callable) : fn{std::move(callable)} {}
    Result call(Argument argument) override { return fn(argument); }
    Fn fn;
  };
  std::unique_ptr<Base> held_;
};

inline engine::CpuCosts no_costs() {
  engine::CpuCosts costs;
  for (const engine::CpuCostComponent& component : engine::cpu_cost_components()) {
    costs.*component.value = SimDuration{};
  }
  return costs;
}

// HZ, the first jiffy and memory of test machines. Jiffies tick at multiples of 4 ms.
inline constexpr int kTestHz = 250;
inline constexpr std::uint64_t kTestJiffies = 1'000'000;
inline constexpr Pages kTestMemory{1 << 20};

// A thread with its task state; run() starts a body on it, once.
class TestTask {
 public:
  using Body = TestCallback<engine::Task<>, TaskContext&>;

  explicit TestTask(engine::Machine& machine, std::string name = "task")
      : machine_{machine}, thread_{machine, std::move(name), 100}, context_{thread_} {}

  [[nodiscard]] TaskContext& context() { return context_; }
  [[nodiscard]] bool done() const { return done_; }
  void run(Body body) { machine_.simulator().spawn("test task", run_body(*this, std::move(body))); }

 private:
  static engine::Task<> run_body(TestTask& self, Body body) {
    co_await self.thread_.begin();
    co_await body(self.context_);
    self.done_ = true;
    co_await self.thread_.exit();
  }

  engine::Machine& machine_;
  engine::Thread thread_;
  TaskContext context_;
  bool done_ = false;
};

struct TestMachine {
  explicit TestMachine(int cpus = 1, Pages memory = kTestMemory,
                       engine::TimerWheel wheel = engine::TimerWheel::kNonCascading)
      : machine{simulator, cpus, {kTestHz, kTestJiffies, SimDuration{}, wheel}, no_costs()},
        domain{machine, memory / 5},
        cache{machine, domain, memory},
        setup{machine, "setup"} {
    cache.stat().nr_free = memory;
  }
  ~TestMachine() {
    simulator.destroy_processes();
    simulator.cancel(clock);
  }
  TestMachine(const TestMachine&) = delete;
  TestMachine& operator=(const TestMachine&) = delete;

  // Lets time pass, also where nothing happens.
  void run_for(SimDuration time) {
    const SimTime until = simulator.now() + time;
    simulator.reschedule(clock, until);
    simulator.run(until);
  }
  // Pages are cached if they are not, and dirtied, at this instant and outside of any thread.
  void dirty(AddressSpace& mapping, PageIndex first, Pages count) {
    for (PageIndex page = first; page < first + count; ++page) {
      const std::uint64_t bit = PageTree::mask(page, Pages{1});
      const PageTree::Leaf* leaf = mapping.pages.find(page);
      if (leaf == nullptr || (leaf->present & bit) == 0) {
        cache.add_pages(mapping, page, bit);
      }
      cache.set_dirty(setup.context(), mapping, page, bit, 0);
    }
  }

  engine::Simulator simulator;
  engine::Event clock{[](void*) {}, nullptr, "test clock"};
  engine::Machine machine;
  WbDomain domain;
  PageCache cache;
  TestTask setup;
};

// A file on a device that serves one page after the other, each in `per_page`. Holds at most
// `depth` pages; a writer sleeps while it is full.
class TestFile final : public AddressSpaceOps, public PageWriter {
 public:
  TestFile(TestMachine& machine, BdiWriteback& wb, SimDuration per_page = SimDuration{},
           std::size_t depth = 1'000'000, SuperBlock* sb = nullptr)
      : inode{wb, *this, sb}, machine_{machine}, per_page_{per_page}, depth_{depth} {
    machine.cache.add_mapping(inode.mapping);
  }
  ~TestFile() {
    machine_.simulator.cancel(end_);
    machine_.simulator.cancel(read_end_);
  }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  engine::Task<> writepages(TaskContext& task, AddressSpace& mapping,
                            WritebackControl& wbc) override {
    ++calls;
    wbc.pages_skipped += std::exchange(skip_pages, 0);
    if (rules == WritepagesRules::kV2_6_18) {
      co_await mpage_writepages(task, mapping, wbc, *this);
    } else {
      co_await write_cache_pages(task, mapping, wbc, *this, rules);
    }
  }

  engine::Task<Pages> write_run(TaskContext& task, AddressSpace& mapping, PageIndex first,
                                Pages count, const WritebackControl& wbc) override {
    sync_all = wbc.sync_all;
    const Pages taken = std::min(count, run_max);
    machine_.cache.start_writeback(task.cpu(), mapping, first, PageTree::mask(first, taken));
    for (PageIndex page = first; page < first + taken; ++page) {
      written.push_back(page.value());
      submit(page);
    }
    if (on_write) {
      on_write(first);
    }
    while (queue_.size() > depth_) {
      sleepers_.push_back(&task.thread());
      co_await task.thread().block();
      early_wakeups += queue_.size() > depth_ ? 1 : 0;
    }
    co_return taken;
  }

  // Reads one run of pages after the other, each in `read_time`.
  engine::Task<> read_pages(TaskContext&, AddressSpace&, PageIndex first, Pages count,
                            ReadKind kind) override {
    reads.push_back({first.value(), count.count(), kind});
    if (!read_end_.pending()) {
      machine_.simulator.schedule_after(read_end_, read_time);
    }
    co_return;
  }
  struct Read {
    std::int64_t first;
    std::int64_t count;
    ReadKind kind;
    friend bool operator==(const Read&, const Read&) = default;
  };

  Inode inode;
  std::vector<Read> reads;            // in order of submission
  SimDuration read_time{};            // of one run
  int read_failures = 0;              // how many of the next runs fail
  std::vector<std::int64_t> written;  // pages in order of submission
  int calls = 0;                      // of writepages()
  WritepagesRules rules = WritepagesRules::kV5_10;
  bool sync_all = false;                   // of the last page
  Pages run_max{64};                       // pages per write_run()
  std::int64_t skip_pages = 0;             // what the next writepages() says it could not write
  TestCallback<void, PageIndex> on_write;  // after pages were submitted
  int early_wakeups = 0;                   // of writers, before there was room
  bool hold = false;                       // completes nothing until release()

  void release() {
    hold = false;
    start();
  }

 private:
  void submit(PageIndex page) {
    queue_.push_back(page);
    if (!hold) {
      start();
    }
  }
  void start() {
    if (!queue_.empty() && !end_.pending()) {
      machine_.simulator.schedule_after(end_, per_page_);
    }
  }
  void on_end() {
    const PageIndex page = queue_.front();
    queue_.pop_front();
    machine_.cache.end_writeback(0, inode.mapping, page, Pages{1});
    if (queue_.size() <= depth_) {
      for (engine::Thread* sleeper : std::exchange(sleepers_, {})) {
        sleeper->wake();
      }
    }
    start();
  }

  void on_read_end() {
    const Read& read = reads[reads_done_++];
    const bool failed = read_failures > 0;
    read_failures -= failed ? 1 : 0;
    machine_.cache.end_read(inode.mapping, PageIndex{read.first}, Pages{read.count}, failed);
    if (reads_done_ < reads.size()) {
      machine_.simulator.schedule_after(read_end_, read_time);
    }
  }

  TestMachine& machine_;
  std::size_t reads_done_ = 0;
  SimDuration per_page_;
  std::size_t depth_;
  std::deque<PageIndex> queue_;
  std::vector<engine::Thread*> sleepers_;
  engine::Event end_ = engine::event_calling<&TestFile::on_end>(*this, "test file");
  engine::Event read_end_ = engine::event_calling<&TestFile::on_read_end>(*this, "test read");
};

}  // namespace wbsim::pagecache
