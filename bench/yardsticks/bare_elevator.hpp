// The least that an elevator must do: requests in a tree by sector, in a list by age and in a hash
// by end sector; ascending batches that begin with the oldest where that has expired. No policy
// beyond what forces an operation on a data structure, no virtual calls.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wbsim::yardsticks {

inline constexpr std::uint32_t kNobody = ~std::uint32_t{0};
inline constexpr std::uint32_t kLengthMax = 256;  // sectors of a request

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

class BareElevator {
 public:
  // `requests` outlives it. `buckets`: of the hash, a power of two from 2 on.
  BareElevator(std::vector<BareRequest>& requests, std::size_t buckets)
      : requests_{requests}, hash_(buckets, kNobody) {
    for (std::size_t size = buckets; size > 1; size /= 2) {
      --shift_;
    }
  }
  ~BareElevator() { sorted_.clear(); }
  BareElevator(const BareElevator&) = delete;
  BareElevator& operator=(const BareElevator&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }

  // The request that a piece of so many sectors continues; null where there is none.
  BareRequest* find_back(std::uint64_t sector, std::uint32_t length) {
    for (std::uint32_t i = bucket(sector); i != kNobody; i = requests_[i].hash_next) {
      BareRequest& found = requests_[i];
      if (found.end() == sector && found.length + length <= kLengthMax) {
        return &found;
      }
    }
    return nullptr;
  }
  // The request that follows a piece of so many sectors.
  BareRequest* find_front(std::uint64_t sector, std::uint32_t length) {
    BareRequest key;
    key.sector = sector + length;
    const auto found = sorted_.find(key);
    return found != sorted_.end() && found->length + length <= kLengthMax ? &*found : nullptr;
  }
  void grow_back(BareRequest& request, std::uint32_t length) {
    hash_remove(request);
    request.length += length;
    hash_add(request);
  }
  static void grow_front(BareRequest& request, std::uint64_t sector, std::uint32_t length) {
    request.sector = sector;
    request.length += length;
  }

  void add(BareRequest& request) {
    sorted_.insert(request);
    request.older = youngest_;
    request.younger = kNobody;
    (youngest_ == kNobody ? oldest_ : requests_[youngest_].younger) = request.id;
    youngest_ = request.id;
    hash_add(request);
    ++size_;
  }

  // The next to be issued; there must be one.
  BareRequest& take(std::uint64_t now) {
    std::uint32_t id = next_;
    if (next_ == kNobody || batch_ >= kBatch) {
      batch_ = 0;
      id = next_ == kNobody || requests_[oldest_].deadline <= now ? oldest_ : next_;
    } else {
      ++batch_;
    }
    BareRequest& request = requests_[id];
    const auto after = sorted_.erase(sorted_.iterator_to(request));
    next_ = after == sorted_.end() ? kNobody : after->id;
    (request.older == kNobody ? oldest_ : requests_[request.older].younger) = request.younger;
    (request.younger == kNobody ? youngest_ : requests_[request.younger].older) = request.older;
    hash_remove(request);
    --size_;
    return request;
  }

 private:
  static constexpr std::uint32_t kBatch = 16;
  using Sorted =
      boost::intrusive::multiset<BareRequest, boost::intrusive::constant_time_size<false>>;

  std::uint32_t& bucket(std::uint64_t end) {
    return hash_[(end * 0x9E3779B97F4A7C15ULL) >> shift_];
  }
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

  std::vector<BareRequest>& requests_;
  Sorted sorted_;
  std::uint32_t oldest_ = kNobody;
  std::uint32_t youngest_ = kNobody;
  std::vector<std::uint32_t> hash_;
  unsigned shift_ = 64;
  std::uint32_t next_ = kNobody;
  std::uint32_t batch_ = 0;
  std::size_t size_ = 0;
};

}  // namespace wbsim::yardsticks
