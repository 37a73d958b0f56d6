// The driver's tags: of one request queue, or of a host whose devices share them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "sim/block/tag_set.hpp"

namespace wbsim::block {

// What one user of shared tags has of them: a hardware queue, or with tags of the whole host a
// request queue (BLK_MQ_S_TAG_ACTIVE and nr_active, QUEUE_FLAG_HCTX_ACTIVE and
// nr_active_requests_shared_tags).
struct TagShare {
  bool active = false;
  int requests = 0;  // in the driver, or about to be
};

struct TagHostOptions {
  int depth = 0;         // of each set
  TagSetOptions tags{};  // of each set
  int hw_queues = 1;
  // BLK_MQ_F_TAG_HCTX_SHARED: all hardware queues take from one set.
  bool host_wide = false;
  // A batch of wake-ups is no larger than the share of one user (v6.1).
  bool wakes_by_share = false;
};

// Models: struct blk_mq_tags, hctx_may_queue(), blk_mq_tag_busy() and blk_mq_tag_idle(),
// block/blk-mq-tag.c and blk-mq.h, v5.10 and v6.1. Properties:
//  1. Where several request queues take from it, a user that is active may have a fair share of
//     the tags, rounded up, but at least four. One that is not active may have all.
//  2. A user is active from when it first asks until its queue has been idle for some time.
class DriverTags {
 public:
  explicit DriverTags(const TagHostOptions& options)
      : tags_{options.depth, options.tags}, wakes_by_share_{options.wakes_by_share} {}

  [[nodiscard]] TagSet& tags() { return tags_; }
  [[nodiscard]] int active_users() const { return active_users_; }
  void busy(TagShare& share);
  // Wakes who waits, for whom there is more now.
  void idle(TagShare& share, int cpu);
  [[nodiscard]] bool may_take(const TagShare& share) const;

 private:
  void update_wake_batch();

  TagSet tags_;
  bool wakes_by_share_;
  int active_users_ = 0;
};

// Models: struct blk_mq_tag_set. Its request queues all have as many hardware queues.
class TagHost {
 public:
  explicit TagHost(const TagHostOptions& options);

  [[nodiscard]] const TagHostOptions& options() const { return options_; }
  [[nodiscard]] DriverTags& of(int hw_queue) {
    return *sets_[options_.host_wide ? 0 : static_cast<std::size_t>(hw_queue)];
  }
  // The number of the first tag of a hardware queue among all of the host.
  [[nodiscard]] int first_tag(int hw_queue) const {
    return options_.host_wide ? 0 : hw_queue * options_.depth;
  }
  [[nodiscard]] int tags() const { return static_cast<int>(sets_.size()) * options_.depth; }

  // blk_mq_add_queue_tag_set(): all of them before the first command.
  void add_queue() { ++queues_; }
  // BLK_MQ_F_TAG_QUEUE_SHARED.
  [[nodiscard]] bool shared() const { return queues_ > 1; }

 private:
  TagHostOptions options_;
  std::vector<std::unique_ptr<DriverTags>> sets_;
  int queues_ = 0;
};

}  // namespace wbsim::block
