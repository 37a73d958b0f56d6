// The event queue that lost against sim/engine/event_queue.hpp: a radix heap of doubly linked
// intrusive nodes, with the same properties (O(1) true cancel, FIFO among equal times, every bucket
// remembers its earliest time). A bucket per bit instead of a slot per six-bit digit: each event
// moves about twice as often, and each move touches a node that has left the cache.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace wbsim::bench {

class LinkedRadixHeap {
 public:
  struct Link {
    Link* next = nullptr;
    Link* prev = nullptr;
  };
  struct Node : Link {
    std::uint64_t time = 0;
    std::array<void*, 3> owner{};  // as large as an Event, for a fair use of the cache
  };

  LinkedRadixHeap() {
    for (Bucket& bucket : buckets_) {
      bucket.list.next = bucket.list.prev = &bucket.list;
    }
  }
  LinkedRadixHeap(const LinkedRadixHeap&) = delete;
  LinkedRadixHeap& operator=(const LinkedRadixHeap&) = delete;

  void schedule(Node& node, std::uint64_t time) {
    node.time = time;
    file(node);
  }

  Node& pop() {
    const auto index = static_cast<unsigned>(std::countr_zero(used_));
    Bucket& bucket = buckets_[index];
    auto& first = *static_cast<Node*>(bucket.list.next);
    if (index <= 1 || first.next == &bucket.list) {
      bucket.list.next = first.next;
      first.next->prev = &bucket.list;
      if (bucket.list.next == &bucket.list) {
        mark_empty(index);
      }
      base_ = first.time;
      first.next = nullptr;
      return first;
    }
    return spread(index);
  }

 private:
  struct Bucket {
    Link list;
    std::uint64_t earliest = std::numeric_limits<std::uint64_t>::max();
  };

  void file(Node& node) {
    const auto index = static_cast<unsigned>(std::bit_width(node.time ^ base_));
    Bucket& bucket = buckets_[index];
    node.prev = bucket.list.prev;
    node.next = &bucket.list;
    bucket.list.prev->next = &node;
    bucket.list.prev = &node;
    if (node.time < bucket.earliest) {
      bucket.earliest = node.time;
    }
    used_ |= std::uint64_t{1} << index;
  }

  void mark_empty(unsigned index) {
    buckets_[index].earliest = std::numeric_limits<std::uint64_t>::max();
    used_ &= ~(std::uint64_t{1} << index);
  }

  Node& spread(unsigned index) {
    Bucket& bucket = buckets_[index];
    base_ = bucket.earliest;
    Link* link = bucket.list.next;
    bucket.list.prev->next = nullptr;
    bucket.list.next = bucket.list.prev = &bucket.list;
    mark_empty(index);
    Node* first = nullptr;
    while (link != nullptr) {
      auto& node = *static_cast<Node*>(link);
      link = link->next;
      if (first == nullptr && node.time == base_) {
        first = &node;
      } else {
        file(node);
      }
    }
    first->next = nullptr;
    return *first;
  }

  std::array<Bucket, 64> buckets_;  // times are below 2^63, so bit 63 never differs
  std::uint64_t used_ = 0;
  std::uint64_t base_ = 0;
};

}  // namespace wbsim::bench
