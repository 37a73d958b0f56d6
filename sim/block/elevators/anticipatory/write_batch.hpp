// How many writes the anticipatory scheduler lets through in a row.
#pragma once

#include <algorithm>
#include <cstdint>

namespace wbsim::block {

// Models: update_write_batch(), v2.6.18. A batch of writes shall take `target` jiffies; since a
// disk with a cache swallows many writes at once, that is steered by their number. When the first
// read after a batch of writes has completed, the time since the batch began is compared:
//  1. longer: one write less next time, half as many if it took more than three times as long;
//     unless the batch ran out of writes meanwhile and says nothing.
//  2. shorter, with all its writes used: one more, twice as many if it took less than a third.
//  3. never less than one.
class WriteBatch {
 public:
  explicit WriteBatch(std::int64_t target)
      : target_{target}, most_{std::max<std::int64_t>(target / 10, 2)} {}

  void begin() {
    left_ = most_;
    idled_ = false;
  }
  void dispatched() { left_ = std::max<std::int64_t>(left_ - 1, 0); }
  // Nothing waited for the batch to end, or it had no more writes.
  void note_idle() { idled_ = true; }

  // `expires`: when the batch should have been over.
  void tune(std::int64_t now, std::int64_t expires) {
    const std::int64_t took = now - expires + target_;
    if (took > target_ && !idled_) {
      most_ = took > 3 * target_ ? most_ / 2 : most_ - 1;
    } else if (took < target_ && left_ == 0) {
      most_ = target_ > 3 * took ? 2 * most_ : most_ + 1;
    }
    most_ = std::max<std::int64_t>(most_, 1);
  }

  [[nodiscard]] bool used_up() const { return left_ == 0; }
  [[nodiscard]] std::int64_t most() const { return most_; }
  [[nodiscard]] std::int64_t target() const { return target_; }

 private:
  std::int64_t target_;    // write_batch_expire
  std::int64_t most_;      // write_batch_count
  std::int64_t left_ = 0;  // current_write_count
  bool idled_ = false;     // write_batch_idled
};

}  // namespace wbsim::block
