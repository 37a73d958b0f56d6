// EventQueue: the pending events of one simulation in the total order (time, order of scheduling).
//
// A hierarchical timing wheel without a clock of its own: the 64-bit time is read as eleven digits
// of six bits, and an event is filed by the highest digit in which it differs from the time of the
// last event popped (`base_`): level = number of that digit, slot = its value.
//
//                  slot  0   1   2  ...  63
//   level 0 (1 ns)      [ ] [e] [ ]      [ ]    one time per slot: already in order
//   level 1 (64 ns)     [ ] [ ] [ee]     [e]    spread over level 0 when its turn comes
//   level 2 (4096 ns)   [ ] [e] [ ]      [ ]    ...
//
// Properties (tested by the same numbers in event_queue_test.cpp):
//  1. All events of one level precede all events of the next; slots of a level are in order.
//  2. Where an event is filed depends on its time and base_ alone. So equal times are always in the
//     same list, which keeps them in the order of scheduling: FIFO needs no sequence number.
//  3. base_ moves only when an event is popped. Looking at next_time() moves nothing, and an event
//     earlier than next_time() may still be scheduled.
//  4. Each event moves down at most once per level: pop is amortised O(levels), and in practice
//     two moves. schedule and cancel are O(1). Nothing allocates.
//  5. next_time() is O(1) amortised: every slot remembers its earliest time. The one exception is
//     cancelling just that earliest event of a slot of level > 0; if the slot is next in turn, its
//     list is searched once.
//
// Chosen by measurement against a linked radix heap (bench/README.md).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "sim/base/check.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::engine {

class EventQueue {
 public:
  EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  // Events still pending become idle.
  ~EventQueue();

  // `event` must be idle; `time` must not precede the last popped event, nor be kSimTimeMax
  // ("never").
  void schedule(Event& event, SimTime time) {
    SIM_CHECK(!event.pending());
    SIM_CHECK(time >= base_ && time != kSimTimeMax);
    event.time_ = time;
    file(event);
    ++size_;
    if (time < next_time_) {
      next_time_ = time;
    }
  }

  // `event` must be pending in this queue.
  void cancel(Event& event) {
    SIM_CHECK(event.pending());
    if (event.time_ == next_time_) {
      next_time_ = kUnknown;
    }
    remove(event);
    --size_;
  }

  // Moves `event` to another time, behind the events already scheduled for it.
  void reschedule(Event& event, SimTime time) {
    cancel(event);
    schedule(event, time);
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }

  // Time of the earliest event, kSimTimeMax when there is none.
  [[nodiscard]] SimTime next_time() const {
    return next_time_ != kUnknown ? next_time_ : find_next_time();
  }

  // Removes and returns the earliest event. Must not be empty.
  Event& pop() {
    SIM_CHECK(size_ != 0);
    --size_;
    const Place place = first_place();
    Slot& slot = slot_at(place);
    EventLink* const second = slot.list.next->next;
    Event& event = event_of(slot.list.next);
    if (second == &slot.list) {
      mark_empty(place);
      next_time_ = kUnknown;
    } else if (place.level > 0) {
      return spread(place);
    }  // else the others of the slot have the same time, and next_time_ may stay as it is
    slot.list.next = second;
    second->prev = &slot.list;
    event.next = nullptr;
    base_ = event.time_;
    return event;
  }

 private:
  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kSlots = 1U << kDigitBits;
  static constexpr unsigned kLevels = (64 + kDigitBits - 1) / kDigitBits;
  // Marks a remembered time that has to be searched for. Less than every valid time, so that
  // taking a minimum leaves it in place.
  static constexpr SimTime kUnknown = SimTime::min();

  struct Slot {
    EventLink list;                          // circular; empty when it points to itself
    mutable SimTime earliest = kSimTimeMax;  // of the list; kSimTimeMax when empty, or kUnknown
  };
  struct Place {
    unsigned level;
    unsigned digit;
  };

  static std::uint64_t bits_of(SimTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
  }
  static Event& event_of(EventLink* link) { return *static_cast<Event*>(link); }

  [[nodiscard]] Place place_of(SimTime time) const {
    const std::uint64_t bits = bits_of(time);
    const auto highest = static_cast<unsigned>(std::bit_width((bits ^ bits_of(base_)) | 1)) - 1;
    const unsigned level = highest / kDigitBits;
    return {level, static_cast<unsigned>(bits >> (level * kDigitBits)) & (kSlots - 1)};
  }
  Slot& slot_at(Place place) { return slots_[place.level * kSlots + place.digit]; }
  [[nodiscard]] Place first_place() const {
    const auto level = static_cast<unsigned>(std::countr_zero(levels_used_));
    return {level, static_cast<unsigned>(std::countr_zero(slots_used_[level]))};
  }

  void file(Event& event) {
    const Place place = place_of(event.time_);
    Slot& slot = slot_at(place);
    EventLink* const last = slot.list.prev;
    event.prev = last;
    event.next = &slot.list;
    last->next = &event;
    slot.list.prev = &event;
    if (event.time_ < slot.earliest) {
      slot.earliest = event.time_;
    }
    slots_used_[place.level] |= std::uint64_t{1} << place.digit;
    levels_used_ |= 1U << place.level;
  }

  void mark_empty(Place place) {
    slot_at(place).earliest = kSimTimeMax;
    slots_used_[place.level] &= ~(std::uint64_t{1} << place.digit);
    if (slots_used_[place.level] == 0) {
      levels_used_ &= ~(1U << place.level);
    }
  }

  static void unlink(Event& event) {
    event.prev->next = event.next;
    event.next->prev = event.prev;
    event.next = nullptr;
  }

  void remove(Event& event);
  Event& spread(Place place);
  [[nodiscard]] SimTime find_next_time() const;
  static SimTime search_earliest(const Slot& slot);

  SimTime base_{};  // time of the last popped event
  std::size_t size_ = 0;
  mutable SimTime next_time_ = kSimTimeMax;  // or kUnknown
  std::uint32_t levels_used_ = 0;            // bit per level that has an event
  std::array<std::uint64_t, kLevels> slots_used_{};
  std::array<Slot, kLevels * kSlots> slots_;
};

}  // namespace wbsim::engine
