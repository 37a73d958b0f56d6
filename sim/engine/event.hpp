// Event: something that happens at a time. The form in which interrupt, softirq and driver context
// enters the simulation (device service, completions, timers); threads are Tasks, see task.hpp.
//
// An Event is a member of the object it acts on and is linked into the queue itself, so scheduling
// allocates nothing and cancelling is a true removal. The owner outlives the event's pending time:
// it cancels the event in its own destructor, and ~Event checks that it did.
#pragma once

#include "sim/base/check.hpp"
#include "sim/base/units.hpp"

namespace wbsim::engine {

// Links of the queue's circular lists; a list head is a link that is no event.
struct EventLink {
  EventLink* next = nullptr;
  EventLink* prev = nullptr;
};

class Event : private EventLink {
 public:
  using Fn = void (*)(void* context);

  // `label` names the owner in a LivelockError; the text must outlive the event.
  Event(Fn fn, void* context, const char* label = "event")
      : fn_{fn}, context_{context}, label_{label} {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { SIM_CHECK(!pending()); }

  [[nodiscard]] bool pending() const { return next != nullptr; }
  // Meaningful while pending, and in the handler: the time it was scheduled for.
  [[nodiscard]] SimTime time() const { return time_; }
  [[nodiscard]] const char* label() const { return label_; }
  void set_label(const char* label) { label_ = label; }

  // Runs the handler. Called by Simulator::run after the event has left the queue, so the handler
  // may schedule it again, or destroy it together with its owner.
  void fire() const { fn_(context_); }

 private:
  friend class EventQueue;

  SimTime time_{};
  Fn fn_;
  void* context_;
  const char* label_;
};

// An Event that calls (object.*Method)():
//   Event timer_ = event_calling<&Foo::on_timer>(*this);
template <auto Method, class Object>
Event event_calling(Object& object, const char* label = "event") {
  return Event([](void* context) { (static_cast<Object*>(context)->*Method)(); }, &object, label);
}

}  // namespace wbsim::engine
