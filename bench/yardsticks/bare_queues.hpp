// Bare event queues: the least that a queue in (time, order of scheduling) order can do. They hold
// numbers, not events; there is no cancelling, no check, no look at the next time. Ties are FIFO by
// construction or by a sequence number, so all give the same order.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace wbsim::yardsticks {

struct Item {
  std::uint64_t time;
  std::uint32_t handle;
};

// Hierarchical wheel, six bits per level, over a pool of singly linked nodes: what EventQueue is
// made of.
class BareWheel {
 public:
  void push(std::uint64_t time, std::uint32_t handle) {
    std::uint32_t i = free_;
    if (i != 0) {
      free_ = nodes_[i].next;
    } else {
      i = static_cast<std::uint32_t>(nodes_.size());
      nodes_.emplace_back();
    }
    nodes_[i].time = time;
    nodes_[i].handle = handle;
    link(i);
  }

  Item pop() {
    for (;;) {
      const auto level = static_cast<unsigned>(std::countr_zero(levels_used_));
      const auto digit = static_cast<unsigned>(std::countr_zero(slots_used_[level]));
      List& list = lists_[level * kSlots + digit];
      std::uint32_t i = list.head;
      if (level == 0 || list.head == list.tail) {
        list.head = nodes_[i].next;
        if (list.head == 0) {
          mark_empty(level, digit);
        }
        base_ = nodes_[i].time;
        nodes_[i].next = free_;
        free_ = i;
        return {nodes_[i].time, nodes_[i].handle};
      }
      base_ = std::numeric_limits<std::uint64_t>::max();
      for (std::uint32_t j = i; j != 0; j = nodes_[j].next) {
        base_ = std::min(base_, nodes_[j].time);
      }
      list.head = 0;
      mark_empty(level, digit);
      while (i != 0) {
        const std::uint32_t next = nodes_[i].next;
        link(i);
        i = next;
      }
    }
  }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;
  static constexpr unsigned kLevels = 11;
  struct Node {
    std::uint64_t time = 0;
    std::uint32_t handle = 0;
    std::uint32_t next = 0;
  };
  struct List {
    std::uint32_t head = 0;
    std::uint32_t tail = 0;
  };

  void link(std::uint32_t i) {
    const std::uint64_t time = nodes_[i].time;
    const auto highest = static_cast<unsigned>(std::bit_width((time ^ base_) | 1)) - 1;
    const unsigned level = highest / kBits;
    const unsigned digit = static_cast<unsigned>(time >> (level * kBits)) & (kSlots - 1);
    List& list = lists_[level * kSlots + digit];
    nodes_[i].next = 0;
    if (list.head != 0) {
      nodes_[list.tail].next = i;
    } else {
      list.head = i;
      slots_used_[level] |= std::uint64_t{1} << digit;
      levels_used_ |= 1U << level;
    }
    list.tail = i;
  }
  void mark_empty(unsigned level, unsigned digit) {
    slots_used_[level] &= ~(std::uint64_t{1} << digit);
    if (slots_used_[level] == 0) {
      levels_used_ &= ~(1U << level);
    }
  }

  std::vector<Node> nodes_{1};  // node 0 means none
  std::uint32_t free_ = 0;
  std::uint64_t base_ = 0;
  std::uint32_t levels_used_ = 0;
  std::vector<std::uint64_t> slots_used_ = std::vector<std::uint64_t>(kLevels);
  std::vector<List> lists_{kLevels * kSlots};
};

// Radix heap over plain arrays: bucket = highest bit in which a time differs from the last one.
class BareRadixHeap {
 public:
  void push(std::uint64_t time, std::uint32_t handle) { file({time, handle}); }

  Item pop() {
    if (next_ == buckets_[0].size()) {
      refill();
    }
    return buckets_[0][next_++];
  }

 private:
  void file(Item item) {
    const auto bucket = static_cast<unsigned>(std::bit_width(item.time ^ base_));
    buckets_[bucket].push_back(item);
    if (bucket != 0) {
      used_ |= std::uint64_t{1} << (bucket - 1);
    }
  }
  void refill() {
    buckets_[0].clear();
    next_ = 0;
    std::vector<Item>& lowest = buckets_[static_cast<unsigned>(std::countr_zero(used_)) + 1];
    used_ &= used_ - 1;
    base_ = std::min_element(lowest.begin(), lowest.end(), [](const Item& a, const Item& b) {
              return a.time < b.time;
            })->time;
    for (const Item& item : lowest) {
      file(item);
    }
    lowest.clear();
  }

  std::array<std::vector<Item>, 65> buckets_;
  std::size_t next_ = 0;  // first not yet popped of bucket 0
  std::uint64_t used_ = 0;
  std::uint64_t base_ = 0;
};

}  // namespace wbsim::yardsticks
