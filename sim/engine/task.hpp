// Task<T>: what runs in thread context (fio job, flusher worker, jbd2 commit), as a coroutine.
//
//   Task<Bytes> read_block(Simulator& sim, Disk& disk) {
//     co_await sim.sleep_for(microseconds(10));
//     co_return Bytes{512};
//   }
//   const Bytes got = co_await read_block(sim, disk);
//
// A Task is started by co_await and runs in place, like a function call: a child that does not
// sleep never suspends its parent. A child that slept and finishes leaves its parent in the
// simulator's ready slot; the run loop resumes it at the same time, before any other event. So no
// coroutine is ever resumed from within another one, and returning through a chain of callers of
// any length costs no stack. (Symmetric transfer would cost it, with g++ 12: it is a tail call only
// at -O2 without sanitizers.)
//
// A default-constructed Task<> has ended already and costs no frame: a function returns it that did
// without sleeping what else takes a coroutine. Such a function works when it is called, so the
// rule for it is `co_await f()`, never a Task kept for later.
//
// Rules
// - A coroutine is a function or member function, never a capturing lambda: the closure would die
//   before the frame does.
// - References passed to a coroutine must outlive it.
// - Destroying a suspended Task destroys its chain of children, one native call deep per child.
// - A low-level awaiter stores the handle given to await_suspend and later calls resume() as the
//   last action of an event handler; a handler resumes at most one coroutine.
#pragma once

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/base/frame_pool.hpp"

namespace wbsim::engine {

template <class T = void>
class Task;

struct ProcessContext;

// What coroutines leave for the run loop of their simulator. At most one of both is set by the
// end of an event: only one coroutine runs at a time.
struct ReadySlot {
  std::coroutine_handle<> continuation;  // resume this
  ProcessContext* finished = nullptr;    // and then free this
};

// What all coroutines of one process share.
struct ProcessContext {
  // In place, so that taking it as a label of an event touches no memory: a sleeping process is
  // cold. Longer names are cut (the kernel's comm has 16 bytes).
  static constexpr std::size_t kNameSize = 32;
  std::array<char, kNameSize> name{};  // ends with a NUL
  ReadySlot* ready = nullptr;
  const void* root = nullptr;  // address of the frame that spawn() was given
};

// Part of every promise. `process` is inherited from the parent at co_await.
class PromiseBase {
 public:
  PromiseBase() = default;
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  // For awaiters: name of the process, for use as a label of its events.
  [[nodiscard]] const char* process_name() const { return process_->name.data(); }

  static std::suspend_always initial_suspend() noexcept { return {}; }
  static auto final_suspend() noexcept { return FinalAwaiter{}; }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  template <class U>
  auto await_transform(Task<U>&& child) noexcept;
  template <class U>
  auto await_transform(Task<U>& child) noexcept = delete;  // a Task is awaited once: std::move it
  template <class Awaiter>
  auto await_transform(Awaiter&& awaiter) noexcept {
    return AwaiterReference<std::remove_reference_t<Awaiter>>{awaiter};
  }

  static void* operator new(std::size_t size) { return acquire_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    release_frame(frame, size);
  }

 protected:
  ~PromiseBase() = default;

  void rethrow() const {
    if (exception_) {
      std::rethrow_exception(exception_);
    }
  }

 private:
  template <class U>
  friend class Task;
  friend class Simulator;

  // Stands for an awaiter that is no Task. Not the plain reference: g++ 12 copies the awaiter then.
  template <class Awaiter>
  struct AwaiterReference {
    Awaiter& awaiter;

    bool await_ready() const { return awaiter.await_ready(); }
    template <class Promise>
    auto await_suspend(std::coroutine_handle<Promise> self) const {
      return awaiter.await_suspend(self);
    }
    decltype(auto) await_resume() const { return awaiter.await_resume(); }
  };

  struct FinalAwaiter {
    static bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      self.promise().finish(self);
    }
    static void await_resume() noexcept {}
  };

  void finish(std::coroutine_handle<> self) const {
    ReadySlot& ready = *process_->ready;
    if (parent_) {
      SIM_CHECK(!ready.continuation);
      ready.continuation = parent_;
    } else if (self.address() == process_->root) {
      SIM_CHECK(ready.finished == nullptr);
      ready.finished = process_;
    }
  }

  ProcessContext* process_ = nullptr;
  std::coroutine_handle<> parent_;  // null while the parent waits in place
  std::exception_ptr exception_;
};

namespace detail {

template <class T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T result() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void result() const { rethrow(); }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  Task(Task&& other) noexcept : handle_{std::exchange(other.handle_, {})} {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) {
      handle_.destroy();
    }
  }

 private:
  friend class PromiseBase;
  friend class Simulator;
  friend promise_type;

  struct Awaiter {
    Handle child;

    bool await_ready() const {
      if (std::is_void_v<T> && !child) {
        return true;
      }
      child.resume();
      return child.done();
    }
    template <class Parent>
    void await_suspend(std::coroutine_handle<Parent> parent) const noexcept {
      child.promise().parent_ = parent;
    }
    T await_resume() const {
      if constexpr (std::is_void_v<T>) {
        if (!child) {
          return;
        }
      }
      return child.promise().result();
    }
  };

  explicit Task(Handle handle) : handle_{handle} {}

  Handle handle_;
};

template <class U>
auto PromiseBase::await_transform(Task<U>&& child) noexcept {
  if (child.handle_) {
    child.handle_.promise().process_ = process_;
  }
  return typename Task<U>::Awaiter{child.handle_};
}

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>{std::coroutine_handle<Promise>::from_promise(*this)};
}

}  // namespace detail
}  // namespace wbsim::engine
