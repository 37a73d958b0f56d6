// The hold model on queues alone, without an engine: pop the earliest, push it again later. last()
// is the number of the one popped last, by which queues are compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/hold_increments.hpp"
#include "bench/linked_radix_heap.hpp"
#include "sim/base/units.hpp"
#include "sim/engine/event.hpp"
#include "sim/engine/event_queue.hpp"

namespace wbsim::bench {

// Queues of numbers (yardsticks/).
template <class Queue>
class BareHold {
 public:
  BareHold(IncrementTable& increments, std::size_t pending) : increments_{increments} {
    for (std::uint32_t i = 0; i < pending; ++i) {
      queue_.push(increments_.next(), i);
    }
  }

  void run(std::uint64_t events) {
    for (; events != 0; --events) {
      const auto [time, handle] = queue_.pop();
      last_ = handle;
      queue_.push(time + increments_.next(), handle);
    }
  }
  [[nodiscard]] std::size_t last() const { return last_; }

 private:
  Queue queue_;
  IncrementTable& increments_;
  std::size_t last_ = 0;
};

class EventQueueHold {
 public:
  EventQueueHold(IncrementTable& increments, std::size_t pending)
      : models_(pending), increments_{increments} {
    for (Model& model : models_) {
      queue_.schedule(model.event, at(nanoseconds(increments_.next())));
    }
  }

  void run(std::uint64_t events) {
    for (; events != 0; --events) {
      const SimTime time = queue_.next_time();  // as the run loop does before every pop
      engine::Event& event = queue_.pop();
      last_ = &event;
      queue_.schedule(event, time + nanoseconds(increments_.next()));
    }
  }
  [[nodiscard]] std::size_t last() const {
    std::size_t i = 0;
    while (&models_[i].event != last_) {
      ++i;
    }
    return i;
  }

 private:
  struct Model {
    engine::Event event{[](void*) {}, nullptr};
  };

  std::vector<Model> models_;
  engine::EventQueue queue_;  // dies first, leaving the events idle
  IncrementTable& increments_;
  const engine::Event* last_ = nullptr;
};

class LinkedRadixHeapHold {
 public:
  LinkedRadixHeapHold(IncrementTable& increments, std::size_t pending)
      : nodes_(pending), increments_{increments} {
    for (LinkedRadixHeap::Node& node : nodes_) {
      heap_.schedule(node, increments_.next());
    }
  }

  void run(std::uint64_t events) {
    for (; events != 0; --events) {
      LinkedRadixHeap::Node& node = heap_.pop();
      last_ = &node;
      heap_.schedule(node, node.time + increments_.next());
    }
  }
  [[nodiscard]] std::size_t last() const { return static_cast<std::size_t>(last_ - nodes_.data()); }

 private:
  std::vector<LinkedRadixHeap::Node> nodes_;
  LinkedRadixHeap heap_;
  IncrementTable& increments_;
  const LinkedRadixHeap::Node* last_ = nullptr;
};

}  // namespace wbsim::bench
