// For tests of writeback throttling: throttling without a queue, requests that come and go on
// command, and notes of its windows and steps.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/block/queue_test_util.hpp"
#include "sim/block/rq_qos/wbt.hpp"

namespace wbsim::block {

inline constexpr engine::RwbsFlags kWriteFlags{.write = true};
inline constexpr engine::RwbsFlags kSyncWriteFlags{.write = true, .sync = true};
inline constexpr engine::RwbsFlags kBackgroundWriteFlags{.write = true, .background = true};
inline constexpr engine::RwbsFlags kReadFlags{};

// "104 ok step 0 inflight 2" and "104 step -1: 8/16/31 of 64".
class WbtLog final : public engine::Observer {
 public:
  void on_wbt_window(const engine::WbtWindow& window) override {
    static constexpr const char* kStatus[] = {"", "ok", "unknown", "writes", "exceeded"};
    note(window.time,
         fmt::format("{} step {} inflight {}", kStatus[static_cast<int>(window.status)],
                     window.step, window.inflight));
    windows.push_back(window);
  }
  void on_wbt_step(const engine::WbtStep& step) override {
    note(step.time,
         fmt::format("to {}: {}/{}/{}", step.step, step.background, step.normal, step.max));
  }

  Lines lines;
  std::vector<engine::WbtWindow> windows;

 private:
  void note(SimTime time, const std::string& text) {
    lines.push_back(fmt::format("{} {}", time.time_since_epoch() / milliseconds(1), text));
  }
};

// HZ is 250 and jiffies are 0 at time 0; nobody ever paused; 4 ms are too long for a read.
class WbtRig {
 public:
  explicit WbtRig(WbtOptions options = {}) : wbt_{make(options)} { owner_.tracer.attach(log); }
  ~WbtRig() {
    owner_.sim.destroy_processes();
    owner_.sim.cancel(clock_);
  }

  [[nodiscard]] Wbt& wbt() { return *wbt_; }
  [[nodiscard]] const Lines& lines() const { return log.lines; }
  void run_until(SimDuration time) {
    owner_.sim.schedule(clock_, at(time));
    owner_.sim.run(at(time));
  }
  // A task has paused at this moment.
  void pause() { dirty_sleep_ = owner_.machine.jiffies_now(); }

  // Sends a bio; its request, or null where it would have to wait.
  Request* submit(const WbtBio& bio) {
    if (!wbt_->throttle(bio)) {
      return nullptr;
    }
    return &issued(bio);
  }
  Request* submit(const engine::RwbsFlags& flags) { return submit(WbtBio{.flags = flags}); }
  // How many bios of this kind pass until one has to wait; 1000 if none does.
  int room(const WbtBio& bio) {
    int count = 0;
    while (count < 1000 && submit(bio) != nullptr) {
      ++count;
    }
    return count;
  }
  int room(const engine::RwbsFlags& flags) { return room(WbtBio{.flags = flags}); }
  void complete(Request& request) {
    wbt_->add_sample(request);
    wbt_->done(request);
  }
  // Completes requests in order of their issue, of which there are so many left.
  void complete(int count) {
    for (; count > 0; --count) {
      complete(*requests_.at(next_to_complete_++));
    }
  }
  // A read that takes so long.
  void read(SimDuration time) {
    Request& request = *submit(kReadFlags);
    run_until(now() + time);
    complete(request);
  }
  void write(int count) {
    for (; count > 0; --count) {
      complete(*submit(kSyncWriteFlags));
    }
  }

  // A task that waits with this bio and notes its name when it is through.
  void sleeper(const std::string& name, const WbtBio& bio) {
    tasks_.push_back(std::make_unique<Sleeper>(*this, name, bio));
    owner_.sim.spawn("sleeper", wait(*tasks_.back()));
    run_until(now());
  }
  void sleeper(const std::string& name, const engine::RwbsFlags& flags) {
    sleeper(name, WbtBio{.flags = flags});
  }
  // Who has come through, in order.
  [[nodiscard]] Lines woken() {
    run_until(now());
    return woken_;
  }
  [[nodiscard]] SimDuration now() const { return owner_.sim.now().time_since_epoch(); }

  WbtLog log;

 private:
  struct Sleeper {
    Sleeper(WbtRig& owner, std::string own_name, const WbtBio& what)
        : rig{owner}, name{std::move(own_name)}, thread{owner.owner_.machine, name, 1}, bio{what} {}
    WbtRig& rig;
    std::string name;
    engine::Thread thread;
    WbtBio bio;
  };

  static void on_clock(void*) {}

  std::unique_ptr<Wbt> make(WbtOptions options) {
    if (options.min_lat == SimDuration::zero()) {
      options.min_lat = milliseconds(4);
    }
    options.dirty_sleep = &dirty_sleep_;
    dirty_sleep_ -= 250;
    return std::make_unique<Wbt>(owner_.machine, owner_.tracer, 0, options);
  }
  Request& issued(const WbtBio& bio) {
    const int number = static_cast<int>(requests_.size());
    Request& request = *requests_.emplace_back(std::make_unique<Request>(owner_.queue, number));
    request.flags = bio.flags;
    request.issued = owner_.sim.now();
    wbt_->track(request, bio);
    wbt_->issue(request);
    return request;
  }
  static engine::Task<> wait(Sleeper& task) {
    co_await task.thread.begin();
    if (!task.rig.wbt_->throttle(task.bio)) {
      co_await task.rig.wbt_->wait(task.thread, task.bio);
    }
    task.rig.woken_.push_back(task.name);
    task.rig.issued(task.bio);
    co_await task.thread.exit();
  }

  std::uint64_t dirty_sleep_ = 0;
  QueueRig owner_{};  // of clock and requests
  std::unique_ptr<Wbt> wbt_;
  std::vector<std::unique_ptr<Request>> requests_;
  std::size_t next_to_complete_ = 0;
  std::vector<std::unique_ptr<Sleeper>> tasks_;
  Lines woken_;
  engine::Event clock_{&on_clock, nullptr};
};

}  // namespace wbsim::block
