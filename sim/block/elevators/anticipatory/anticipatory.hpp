// anticipatory: batches of reads and of writes, and waiting for the next read of the same task.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim/block/elevators/anticipatory/anticipation.hpp"
#include "sim/block/elevators/anticipatory/write_batch.hpp"
#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/head_order.hpp"

namespace wbsim::block {

// Models: block/as-iosched.c, v2.6.18. Requests are synchronous (reads, and writes of an fsync) or
// asynchronous. Properties, beside those of Anticipation and WriteBatch:
//  1. A batch has requests of one kind, in the order of HeadOrder (1048576 sectors back, twice as
//     far). The kinds alternate where both wait: after read_batch_expire of synchronous requests,
//     after write_batch_expire or the number of WriteBatch of asynchronous ones.
//  2. A batch begins when all requests of the one before have completed (changed_batch). The time
//     of a synchronous one counts from its first completion (new_batch), of an asynchronous one
//     from its first dispatch.
//  3. Once in read_expire (write_expire) the oldest request is looked at, and goes first if it has
//     waited for longer than that; without anticipation.
//  4. A batch of synchronous requests begins with the oldest one, of asynchronous ones where the
//     last one ended.
//  5. Without asynchronous requests that wait, a synchronous batch does not run out.
class Anticipatory final : public Elevator {
 public:
  explicit Anticipatory(const ElevatorContext& context);

  static std::span<const Tunable> tunables();

  void insert(Request& request) override;
  int dispatch_to(DispatchList& list, bool forced) override;
  [[nodiscard]] bool has_work() const override;
  [[nodiscard]] Request* find_front_merge(const Bio& bio) override;
  void request_merged(Request& request, MergeKind kind) override;
  void requests_merged(Request& request, Request& next) override;
  [[nodiscard]] Request* former_request(Request& request) override;
  [[nodiscard]] Request* latter_request(Request& request) override;
  [[nodiscard]] MayQueue may_queue(const Bio& bio) override;
  void set_request(Request& request, const Bio& bio) override;
  void activate_request(Request& request) override;
  void deactivate_request(Request& request) override;
  void completed_request(Request& request, SimTime now) override;
  void finish_request(Request& request) override;

  [[nodiscard]] const Anticipation& anticipation() const { return anticipation_; }
  [[nodiscard]] const WriteBatch& write_batch() const { return write_batch_; }

 private:
  enum Kind : std::size_t { kAsync, kSync, kKinds };
  // What belongs to a request from its allocation until it is freed; by number.
  struct Owner {
    AnticipatedTask* task = nullptr;
    Kind kind = kAsync;
  };

  Owner& owner_of(const Request& request) {
    return owners_[static_cast<std::size_t>(request.number)];
  }
  AnticipatedTask& task_of(const IoContext& context);
  [[nodiscard]] std::int64_t now() const {
    return static_cast<std::int64_t>(machine_.jiffies_now());
  }

  void add_sorted(Request& request);
  void remove(Request& request);
  void move_to(DispatchList& list, Request& request);
  [[nodiscard]] Request* next_after(Request& request);

  // What the next turn of dispatch comes to: a request, or null to wait.
  Request* choose(bool reads, bool writes);
  Request& begin_batch(bool reads, bool writes);
  [[nodiscard]] bool batch_expired() const;
  [[nodiscard]] bool fifo_expired(Kind kind);
  [[nodiscard]] bool may_begin();
  int dispatch_everything(DispatchList& list);
  [[nodiscard]] bool should_wait_instead_of(Request* next);

  const engine::Machine& machine_;
  SingleQueueHost& host_;
  std::array<std::int64_t, kKinds> fifo_expire_;  // jiffies
  std::int64_t read_batch_expire_;                // jiffies
  HeadOrder head_order_;
  Anticipation anticipation_;
  WriteBatch write_batch_;
  std::vector<Owner> owners_;
  std::vector<std::unique_ptr<AnticipatedTask>> tasks_;  // by IoContext::id

  std::array<SectorOrder, kKinds> sorted_;
  std::array<RequestChain, kKinds> fifo_;
  std::array<Request*, kKinds> next_{};
  std::array<Lba, kKinds> head_{};                      // where the last one of a kind ended
  std::array<std::int64_t, kKinds> last_fifo_check_{};  // jiffies
  Kind batch_ = kAsync;
  bool changed_batch_ = false;
  bool new_batch_ = false;
  std::int64_t batch_expires_;  // jiffies
  int dispatched_ = 0;          // and not completed
};

}  // namespace wbsim::block
