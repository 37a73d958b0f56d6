// The least that anybody must do for a bio on its way through plug, elevator, tags and device: no
// policy beyond what forces an operation on a data structure, no CPU, no processes, no tracing.
//  plug (up to 32, back-merge with the newest) -> insertion (back-merge hash, front-merge look-up,
//  tree and FIFO) -> dispatch (expiry of the oldest, next in sector order) -> tag bitmap -> device
//  (32 dies, one service time) -> completion through an event queue -> ends of bios
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/yardsticks/bare_elevator.hpp"
#include "bench/yardsticks/bare_queues.hpp"

namespace wbsim::yardsticks {

template <class EventQueue>
class BarePipeline {
 public:
  explicit BarePipeline(std::uint32_t requests) : requests_(requests), bios_(requests * 64) {
    for (std::uint32_t i = requests; i-- > 0;) {
      requests_[i].id = i;
      free_requests_.push_back(i);
    }
    for (auto i = static_cast<std::uint32_t>(bios_.size()); i-- > 0;) {
      free_bios_.push_back(i);
    }
  }
  BarePipeline(const BarePipeline&) = delete;
  BarePipeline& operator=(const BarePipeline&) = delete;

  [[nodiscard]] std::uint64_t bios_done() const { return bios_done_; }
  [[nodiscard]] std::size_t held() const { return elevator_.size() + in_device_ + plug_.size(); }
  [[nodiscard]] std::size_t plugged() const { return plug_.size(); }

  void submit(std::uint64_t sector, std::uint32_t length) {
    const std::uint32_t bio = free_bios_.back();
    free_bios_.pop_back();
    bios_[bio] = {kNobody, now_};
    if (!plug_.empty()) {
      BareRequest& newest = requests_[plug_.back()];
      if (newest.end() == sector && newest.length + length <= kLengthMax) {
        newest.length += length;
        append(newest, bio, bio);
        return;
      }
    }
    const std::uint32_t id = free_requests_.back();
    free_requests_.pop_back();
    BareRequest& request = requests_[id];
    request.sector = sector;
    request.length = length;
    request.first_bio = request.last_bio = bio;
    request.deadline = now_ + 5'000'000;
    plug_.push_back(id);
    if (plug_.size() == 32) {
      flush_plug();
    }
  }

  void flush_plug() {
    for (const std::uint32_t id : plug_) {
      insert(id);
    }
    plug_.clear();
    dispatch();
  }

  // One completion; false where nothing is in the device.
  bool step() {
    if (in_device_ == 0) {
      return false;
    }
    const Item item = events_.pop();
    now_ = item.time;
    BareRequest& request = requests_[item.handle];
    tags_ |= std::uint32_t{1} << request.hash_next;
    --in_device_;
    for (std::uint32_t bio = request.first_bio; bio != kNobody;) {
      latency_ += now_ - bios_[bio].since;
      ++bios_done_;
      free_bios_.push_back(bio);
      bio = bios_[bio].next;
    }
    free_requests_.push_back(item.handle);
    dispatch();
    return true;
  }

 private:
  static constexpr std::size_t kBuckets = 64;

  struct BareBio {
    std::uint32_t next = kNobody;
    std::uint64_t since = 0;
  };

  void append(BareRequest& request, std::uint32_t first, std::uint32_t last) {
    bios_[request.last_bio].next = first;
    request.last_bio = last;
  }

  void insert(std::uint32_t id) {
    BareRequest& request = requests_[id];
    if (BareRequest* found = elevator_.find_back(request.sector, request.length)) {
      elevator_.grow_back(*found, request.length);
      append(*found, request.first_bio, request.last_bio);
      free_requests_.push_back(id);
    } else if (found = elevator_.find_front(request.sector, request.length); found != nullptr) {
      BareElevator::grow_front(*found, request.sector, request.length);
      bios_[request.last_bio].next = found->first_bio;
      found->first_bio = request.first_bio;
      free_requests_.push_back(id);
    } else {
      elevator_.add(request);
    }
  }

  void dispatch() {
    while (elevator_.size() > 0 && tags_ != 0) {
      BareRequest& request = elevator_.take(now_);
      ++in_device_;
      const auto tag = static_cast<std::uint32_t>(std::countr_zero(tags_));
      tags_ &= tags_ - 1;
      request.hash_next = tag;
      std::uint64_t& die = dies_[(request.sector >> 3U) % dies_.size()];
      die = std::max(now_, die) + 20'000 + request.length * 50 + (request.sector & 4095U);
      events_.push(die, request.id);
    }
  }

  EventQueue events_;
  std::uint64_t now_ = 0;
  std::vector<BareRequest> requests_;
  std::vector<std::uint32_t> free_requests_;
  std::vector<BareBio> bios_;
  std::vector<std::uint32_t> free_bios_;
  BareElevator elevator_{requests_, kBuckets};
  std::uint32_t tags_ = ~std::uint32_t{0};
  std::uint32_t in_device_ = 0;
  std::array<std::uint64_t, 32> dies_{};
  std::vector<std::uint32_t> plug_;
  std::uint64_t bios_done_ = 0;
  std::uint64_t latency_ = 0;
};

}  // namespace wbsim::yardsticks
