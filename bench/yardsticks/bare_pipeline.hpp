// The least that anybody must do for a bio on its way through plug, elevator, tags and device: no
// policy beyond what forces an operation on a data structure, no CPU, no processes, no tracing.
//  plug (up to 32, back-merge with the newest) -> insertion (back-merge hash, front-merge look-up,
//  tree and FIFO) -> dispatch (expiry of the oldest, next in sector order) -> tag bitmap -> device
//  (32 dies, one service time) -> completion through an event queue -> ends of bios
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/yardsticks/bare_queues.hpp"

namespace wbsim::yardsticks {

inline constexpr std::uint32_t kNobody = ~std::uint32_t{0};

struct alignas(64) BareRequest
    : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>,
                                      boost::intrusive::optimize_size<true>> {
  std::uint64_t sector = 0;
  std::uint32_t length = 0;
  std::uint32_t id = 0;
  std::uint32_t first_bio = kNobody;
  std::uint32_t last_bio = kNobody;
  std::uint32_t older = kNobody;
  std::uint32_t younger = kNobody;
  std::uint32_t hash_next = kNobody;  // while in the device: its tag
  std::uint64_t deadline = 0;
  [[nodiscard]] std::uint64_t end() const { return sector + length; }
  friend bool operator<(const BareRequest& a, const BareRequest& b) { return a.sector < b.sector; }
};

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
    hash_.fill(kNobody);
  }
  ~BarePipeline() { sorted_.clear(); }
  BarePipeline(const BarePipeline&) = delete;
  BarePipeline& operator=(const BarePipeline&) = delete;

  [[nodiscard]] std::uint64_t bios_done() const { return bios_done_; }
  [[nodiscard]] std::size_t held() const { return queued_ + in_device_ + plug_.size(); }
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
  static constexpr std::uint32_t kLengthMax = 256;
  static constexpr std::uint32_t kBatch = 16;
  struct BareBio {
    std::uint32_t next = kNobody;
    std::uint64_t since = 0;
  };
  using Sorted =
      boost::intrusive::multiset<BareRequest, boost::intrusive::constant_time_size<false>>;

  void append(BareRequest& request, std::uint32_t first, std::uint32_t last) {
    bios_[request.last_bio].next = first;
    request.last_bio = last;
  }
  std::uint32_t& bucket(std::uint64_t end) { return hash_[(end * 0x9E3779B97F4A7C15ULL) >> 58U]; }
  void hash_add(BareRequest& request) {
    std::uint32_t& head = bucket(request.end());
    request.hash_next = head;
    head = request.id;
  }
  void hash_remove(const BareRequest& request) {
    std::uint32_t* link = &bucket(request.end());
    while (*link != request.id) {
      link = &requests_[*link].hash_next;
    }
    *link = request.hash_next;
  }

  void insert(std::uint32_t id) {
    BareRequest& request = requests_[id];
    for (std::uint32_t i = bucket(request.sector); i != kNobody; i = requests_[i].hash_next) {
      BareRequest& found = requests_[i];
      if (found.end() == request.sector && found.length + request.length <= kLengthMax) {
        hash_remove(found);
        found.length += request.length;
        append(found, request.first_bio, request.last_bio);
        hash_add(found);
        free_requests_.push_back(id);
        return;
      }
    }
    BareRequest key;
    key.sector = request.end();
    if (const auto found = sorted_.find(key);
        found != sorted_.end() && found->length + request.length <= kLengthMax) {
      found->sector = request.sector;
      found->length += request.length;
      bios_[request.last_bio].next = found->first_bio;
      found->first_bio = request.first_bio;
      free_requests_.push_back(id);
      return;
    }
    sorted_.insert(request);
    request.older = youngest_;
    request.younger = kNobody;
    (youngest_ == kNobody ? oldest_ : requests_[youngest_].younger) = id;
    youngest_ = id;
    hash_add(request);
    ++queued_;
  }

  void dispatch() {
    while (queued_ > 0 && tags_ != 0) {
      std::uint32_t id = next_;
      if (next_ == kNobody || batch_ >= kBatch) {
        batch_ = 0;
        id = next_ == kNobody || requests_[oldest_].deadline <= now_ ? oldest_ : next_;
      } else {
        ++batch_;
      }
      BareRequest& request = requests_[id];
      const auto after = sorted_.erase(sorted_.iterator_to(request));
      next_ = after == sorted_.end() ? kNobody : after->id;
      (request.older == kNobody ? oldest_ : requests_[request.older].younger) = request.younger;
      (request.younger == kNobody ? youngest_ : requests_[request.younger].older) = request.older;
      hash_remove(request);
      --queued_;
      ++in_device_;
      const auto tag = static_cast<std::uint32_t>(std::countr_zero(tags_));
      tags_ &= tags_ - 1;
      request.hash_next = tag;
      std::uint64_t& die = dies_[(request.sector >> 3U) % dies_.size()];
      die = std::max(now_, die) + 20'000 + request.length * 50 + (request.sector & 4095U);
      events_.push(die, id);
    }
  }

  EventQueue events_;
  std::uint64_t now_ = 0;
  std::vector<BareRequest> requests_;
  std::vector<std::uint32_t> free_requests_;
  std::vector<BareBio> bios_;
  std::vector<std::uint32_t> free_bios_;
  Sorted sorted_;
  std::uint32_t oldest_ = kNobody;
  std::uint32_t youngest_ = kNobody;
  std::array<std::uint32_t, 64> hash_{};
  std::uint32_t tags_ = ~std::uint32_t{0};
  std::uint32_t next_ = kNobody;
  std::uint32_t batch_ = 0;
  std::uint32_t queued_ = 0;
  std::uint32_t in_device_ = 0;
  std::array<std::uint64_t, 32> dies_{};
  std::vector<std::uint32_t> plug_;
  std::uint64_t bios_done_ = 0;
  std::uint64_t latency_ = 0;
};

}  // namespace wbsim::yardsticks
