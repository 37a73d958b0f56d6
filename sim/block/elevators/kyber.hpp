// kyber: a limited number of requests of each kind in the device, so that latency targets are met.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/kyber_latency.hpp"
#include "sim/block/tag_set.hpp"
#include "sim/engine/event.hpp"

namespace wbsim::block {

// Models: block/kyber-iosched.c, v5.10 to v6.12. Simplified: the timer takes no CPU time; all CPUs
// take tokens at the hint of the first; no requeues.
// Properties:
//  1. Requests wait by software queue (CPU) and domain, and each hardware queue has those of its
//     CPUs. A bio joins one of the eight newest of its own CPU and domain.
//  2. A domain gives up to its batch of requests in a row, then the next one has its turn. One
//     without requests or tokens is passed over.
//  3. A request needs a token of its domain from dispatch until it is freed. Where there is none,
//     its domain waits: a batch of freed tokens has the queue run.
//  4. All software queues of a domain are emptied at once, CPU by CPU, when the first request of
//     them is given a token: until then they can be merged with, and are not any more.
//  5. All but synchronous requests may use three quarters of each word of the tags. v5.10 counts
//     them in the tags that there were when it was chosen: after nr_requests was raised words have
//     more bits, of which no more are used, and wake-ups come in batches as if all were.
//  6. 100 ms after a first completion, in ticks of the timer wheel, the depths are adjusted by what
//     KyberLatencies concludes: to at least 1 and at most what they were at the start.
class Kyber final : public Elevator {
 public:
  explicit Kyber(const ElevatorContext& context);
  ~Kyber() override;

  static std::span<const Tunable> tunables();

  void insert(Request& request) override;
  [[nodiscard]] bool goes_by_hw_queue() const override { return true; }
  Request* dispatch_for(int hw_queue) override;
  [[nodiscard]] bool has_work_for(int hw_queue) const override;
  [[nodiscard]] bool has_work() const override;
  [[nodiscard]] bool merges_bios_itself() const override { return true; }
  MergeOutcome merge_bio(RequestMerger& merger, Bio& bio, int cpu) override;
  [[nodiscard]] int word_depth(const engine::RwbsFlags& flags) const override;
  [[nodiscard]] int min_word_depth() const override { return min_word_depth_; }
  void completed_request(Request& request, SimTime now) override;
  void finish_request(Request& request) override;
  void requeue_request(Request& request) override { finish_request(request); }

 private:
  enum Domain : std::size_t { kRead, kWrite, kDiscard, kOther, kDomains };
  static constexpr std::array<int, kDomains> kDepths{256, 128, 64, 16};
  static constexpr std::array<int, kDomains> kBatches{16, 8, 1, 1};

  class TokenWaiter final : public TagWaiter {
   public:
    TokenWaiter(ElevatorHost& host, int hw_queue) : host_{host}, hw_queue_{hw_queue} {}

   private:
    void on_tags_freed(int cpu) override { host_.run_hw_queue_async(hw_queue_, cpu); }
    ElevatorHost& host_;
    int hw_queue_;
  };

  // What each hardware queue has of its own (struct kyber_hctx_data); tokens are all queues'.
  struct HardwareQueue {
    HardwareQueue(ElevatorHost& host, int hw_queue, int cpus);

    using Lists = std::array<RequestChain, kDomains>;
    std::vector<Lists> by_cpu;                       // kcqs
    std::array<std::int64_t, kDomains> in_by_cpu{};  // requests in these
    Lists taken_out;                                 // of by_cpu, and waiting for tokens
    std::array<TokenWaiter, kDomains> waiters;
    std::size_t domain = kRead;  // whose turn it is
    int batching = 0;            // requests of this batch
  };

  static Domain domain_of(const engine::RwbsFlags& flags);
  [[nodiscard]] HardwareQueue& queue_of(int cpu) {
    return *queues_[static_cast<std::size_t>(hw_queue_of_cpu_[static_cast<std::size_t>(cpu)])];
  }
  Request* dispatch_from_domain(HardwareQueue& queue);
  int get_token(HardwareQueue& queue);
  static void take_out(HardwareQueue& queue, std::size_t domain);
  void on_timer();

  const engine::Machine& machine_;
  int async_word_depth_;
  int min_word_depth_;
  std::array<TagSet, kDomains> tokens_;
  KyberLatencies latencies_;
  engine::Event timer_;
  std::vector<int> hw_queue_of_cpu_;
  std::vector<std::unique_ptr<HardwareQueue>> queues_;
};

}  // namespace wbsim::block
