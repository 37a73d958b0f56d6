// The hold model on the engine's public API, and on bare skeletons of an engine. Each model keeps N
// events pending and can run any number of them; all give the same order.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <string>
#include <vector>

#include "bench/hold_increments.hpp"
#include "sim/base/frame_pool.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/engine/task.hpp"

namespace wbsim::bench {

// N events that schedule themselves again.
class EngineEvents {
 public:
  EngineEvents(IncrementTable& increments, std::size_t pending) : increments_{increments} {
    for (std::size_t i = 0; i < pending; ++i) {
      models_.emplace_back(*this).arm();
    }
  }

  void run(std::uint64_t events) {
    left_ = events;
    simulator_.run(kSimTimeMax);
  }

 private:
  class Model {
   public:
    explicit Model(EngineEvents& owner) : owner_{owner} {}
    ~Model() { owner_.simulator_.cancel(event_); }
    void arm() { owner_.simulator_.schedule_after(event_, nanoseconds(owner_.increments_.next())); }

   private:
    void on_fire() {
      arm();
      if (--owner_.left_ == 0) {
        owner_.simulator_.stop();
      }
    }
    EngineEvents& owner_;
    engine::Event event_ = engine::event_calling<&Model::on_fire>(*this);
  };

  engine::Simulator simulator_;
  IncrementTable& increments_;
  std::uint64_t left_ = 0;
  std::deque<Model> models_;
};

// N processes that sleep for ever.
class EngineProcesses {
 public:
  EngineProcesses(IncrementTable& increments, std::size_t pending) : increments_{increments} {
    for (std::size_t i = 0; i < pending; ++i) {
      simulator_.spawn("sleeper", sleeper(*this));
    }
  }

  void run(std::uint64_t events) {
    left_ = events;
    simulator_.run(kSimTimeMax);
  }

 private:
  static engine::Task<> sleeper(EngineProcesses& owner) {
    for (;;) {
      co_await owner.simulator_.sleep_for(nanoseconds(owner.increments_.next()));
      if (--owner.left_ == 0) {
        owner.simulator_.stop();
      }
    }
  }

  engine::Simulator simulator_;
  IncrementTable& increments_;
  std::uint64_t left_ = 0;
};

// The bare limit of EngineEvents: a table of {function, context} over a bare queue.
template <class Queue>
class BareEvents {
 public:
  BareEvents(IncrementTable& increments, std::size_t pending)
      : increments_{increments}, models_(pending) {
    for (Model& model : models_) {
      model.owner = this;
      model.slot = static_cast<std::uint32_t>(slots_.size());
      slots_.push_back({&Model::wake, &model});
      queue_.push(increments_.next(), model.slot);
    }
  }

  void run(std::uint64_t events) {
    for (left_ = events; left_ != 0;) {
      const auto [time, handle] = queue_.pop();
      now_ = time;
      slots_[handle].fn(slots_[handle].context);
    }
  }

 private:
  struct Slot {
    void (*fn)(void*);
    void* context;
  };
  struct Model {
    BareEvents* owner = nullptr;
    std::uint32_t slot = 0;
    static void wake(void* context) {
      const Model& model = *static_cast<Model*>(context);
      BareEvents& owner = *model.owner;
      --owner.left_;
      owner.queue_.push(owner.now_ + owner.increments_.next(), model.slot);
    }
  };

  Queue queue_;
  std::uint64_t now_ = 0;
  std::uint64_t left_ = 0;
  IncrementTable& increments_;
  std::vector<Slot> slots_;
  std::vector<Model> models_;
};

// The bare limit of EngineProcesses: coroutines resumed straight from a bare queue.
template <class Queue>
class BareProcesses {
 public:
  BareProcesses(IncrementTable& increments, std::size_t pending) : increments_{increments} {
    for (std::size_t i = 0; i < pending; ++i) {
      sleeper(*this);
    }
  }
  BareProcesses(const BareProcesses&) = delete;
  BareProcesses& operator=(const BareProcesses&) = delete;
  ~BareProcesses() {
    for (const std::coroutine_handle<> process : processes_) {
      process.destroy();
    }
  }

  void run(std::uint64_t events) {
    for (left_ = events; left_ != 0;) {
      const auto [time, handle] = queue_.pop();
      now_ = time;
      processes_[handle].resume();
    }
  }

 private:
  struct Process {
    struct promise_type {
      static Process get_return_object() { return {}; }
      static std::suspend_never initial_suspend() noexcept { return {}; }
      static std::suspend_never final_suspend() noexcept { return {}; }
      static void return_void() {}
      static void unhandled_exception() { std::terminate(); }
      static void* operator new(std::size_t size) { return acquire_frame(size); }
      static void operator delete(void* frame, std::size_t size) { release_frame(frame, size); }
    };
  };
  struct Sleep {
    BareProcesses& owner;
    std::uint32_t& slot;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) const {
      if (slot == owner.processes_.size()) {
        owner.processes_.push_back(self);
      }
      owner.queue_.push(owner.now_ + owner.increments_.next(), slot);
    }
    static void await_resume() noexcept {}
  };

  static Process sleeper(BareProcesses& owner) {
    auto slot = static_cast<std::uint32_t>(owner.processes_.size());
    for (;;) {
      co_await Sleep{owner, slot};
      --owner.left_;
    }
  }

  Queue queue_;
  std::uint64_t now_ = 0;
  std::uint64_t left_ = 0;
  IncrementTable& increments_;
  std::vector<std::coroutine_handle<>> processes_;
};

}  // namespace wbsim::bench
