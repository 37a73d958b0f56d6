// mq-deadline: sectors in one direction, in batches, and a time limit for every request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sim/block/elevators/elevator.hpp"
#include "sim/block/elevators/sector_order.hpp"

namespace wbsim::block {

// Models: block/mq-deadline.c, v5.10 to v6.12. Simplified: no zoned devices, no requeues.
// Properties:
//  1. A batch is up to fifo_batch requests of one direction in ascending order of sectors. It ends
//     early at the highest sector; there is no way back.
//  2. Reads go first, but after writes_starved batches of reads that writes had to wait for, writes
//     have a turn.
//  3. A new batch starts with the oldest request of its direction if that has expired or nothing is
//     left above the last one, else goes on in order of sectors. Thus expiry is looked at once a
//     batch.
//  4. v5.10 forgets where the other direction was with every dispatch, v6.1 remembers it: the
//  request
//     behind the last one. v6.6 remembers the sector where the last one began: what arrived behind
//     it since counts too.
//  5. v6.1: a priority class has requests of its own and waits until higher ones have neither
//     queued nor in the device; what has waited for prio_aging_expire goes first.
//  6. v6.1: all but synchronous reads may use async_depth of the tags. Its default is nr_requests
//     as it was when the elevator was chosen: a changed nr_requests does not change it. In v6.12 it
//     is of all tags, before of each word.
class MqDeadline final : public Elevator {
 public:
  explicit MqDeadline(const ElevatorContext& context);

  static std::span<const Tunable> tunables();

  void insert(Request& request) override;
  Request* dispatch() override;
  [[nodiscard]] bool has_work() const override;
  [[nodiscard]] Request* find_front_merge(const Bio& bio) override;
  void request_merged(Request& request, MergeKind kind) override;
  void requests_merged(Request& request, Request& next) override;
  [[nodiscard]] Request* former_request(Request& request) override;
  [[nodiscard]] Request* latter_request(Request& request) override;
  [[nodiscard]] int word_depth(const engine::RwbsFlags& flags) const override;
  [[nodiscard]] int min_word_depth() const override;
  void finish_request(Request& request) override;

 private:
  enum Direction : std::size_t { kRead, kWrite, kDirections };
  enum LevelIndex : std::size_t { kRealTime, kBestEffort, kIdle, kLevels };

  // The requests of one priority class (struct dd_per_prio).
  struct Level {
    std::array<SectorOrder, kDirections> sorted;
    std::array<RequestChain, kDirections> fifo;
    std::array<Request*, kDirections> next{};  // next_rq: where a direction goes on, up to v6.1
    std::array<Lba, kDirections> position{};   // latest_pos: the same since v6.5
    int queued = 0;                            // inserted and not yet freed
  };

  static Direction direction_of(const Request& request) {
    return request.is_write() ? kWrite : kRead;
  }
  [[nodiscard]] LevelIndex level_of(const IoPriority& priority) const;
  Level& level_of(const Request& request) { return levels_[level_of(request.priority)]; }
  [[nodiscard]] std::uint64_t now() const;

  Request* dispatch_aged(std::uint64_t now);
  Request* dispatch_from(Level& level, std::uint64_t now, std::uint64_t latest_start);
  std::optional<Direction> choose_direction(const Level& level);
  [[nodiscard]] Request* next_of(Level& level, Direction direction);
  Request& start_of_batch(Level& level, Direction direction, std::uint64_t now);
  void note_dispatched(Level& level, Direction direction, Request& request);
  [[nodiscard]] bool started_after(const Request& request, std::uint64_t latest_start) const;
  void remove(Level& level, Request& request);

  const engine::Machine& machine_;
  bool priorities_;                                     // since v6.1: properties 4, 5 and 6
  bool by_position_;                                    // since v6.5: property 4
  std::array<std::uint64_t, kDirections> fifo_expire_;  // jiffies
  std::uint64_t prio_aging_expire_;                     // jiffies
  std::int64_t writes_starved_;
  std::int64_t fifo_batch_;
  int async_word_depth_ = Sbitmap::kWholeWord;  // of requests other than synchronous reads
  bool front_merges_;

  std::array<Level, kLevels> levels_;
  Direction last_direction_ = kWrite;
  std::int64_t batching_ = 0;  // requests of this batch
  std::int64_t starved_ = 0;   // batches of reads that writes have waited for
};

}  // namespace wbsim::block
