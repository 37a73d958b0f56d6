#include "sim/engine/event_queue.hpp"

#include <algorithm>

namespace wbsim::engine {

EventQueue::EventQueue() {
  for (Slot& slot : slots_) {
    slot.list.next = &slot.list;
    slot.list.prev = &slot.list;
  }
}

EventQueue::~EventQueue() {
  for (Slot& slot : slots_) {
    while (slot.list.next != &slot.list) {
      unlink(event_of(slot.list.next));
    }
  }
}

void EventQueue::remove(Event& event) {
  const Place place = place_of(event.time_);
  Slot& slot = slot_at(place);
  unlink(event);
  if (slot.list.next == &slot.list) {
    mark_empty(place);
  } else if (place.level > 0 && event.time_ == slot.earliest) {
    slot.earliest = kUnknown;
  }
}

// Moves base_ to the earliest time of a slot, returns the first event of that time and files the
// others anew, in their order; each lands at a lower level.
Event& EventQueue::spread(Place place) {
  Slot& slot = slot_at(place);
  base_ = slot.earliest != kUnknown ? slot.earliest : search_earliest(slot);
  next_time_ = kUnknown;
  EventLink* link = slot.list.next;
  slot.list.prev->next = nullptr;
  slot.list.next = &slot.list;
  slot.list.prev = &slot.list;
  mark_empty(place);
  Event* first = nullptr;
  while (link != nullptr) {
    Event& event = event_of(link);
    link = link->next;
    if (first == nullptr && event.time_ == base_) {
      first = &event;
    } else {
      file(event);
    }
  }
  first->next = nullptr;
  return *first;
}

SimTime EventQueue::find_next_time() const {
  if (size_ == 0) {
    next_time_ = kSimTimeMax;
  } else {
    const Place place = first_place();
    const Slot& slot = slots_[place.level * kSlots + place.digit];
    if (slot.earliest == kUnknown) {
      slot.earliest = search_earliest(slot);
    }
    next_time_ = slot.earliest;
  }
  return next_time_;
}

SimTime EventQueue::search_earliest(const Slot& slot) {
  SimTime earliest = kSimTimeMax;
  for (const EventLink* link = slot.list.next; link != &slot.list; link = link->next) {
    earliest = std::min(earliest, static_cast<const Event*>(link)->time_);
  }
  return earliest;
}

}  // namespace wbsim::engine
