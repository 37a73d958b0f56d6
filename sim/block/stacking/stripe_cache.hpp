// The stripe cache of md raid5 and raid6: blocks of 4 KiB, one of each member, that are handled
// together.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/bio.hpp"
#include "sim/block/stacking/address_map.hpp"
#include "sim/engine/task.hpp"
#include "sim/engine/wait_queue.hpp"

namespace wbsim::block {

inline constexpr Sectors kStripeSectors{8};  // RAID5_STRIPE_SECTORS: a page

class Raid5;
struct Stripe;

// A bio of the array that waits for a block (dev->towrite, dev->written).
struct StripeBio {
  Bio* bio = nullptr;
  StripeBio* next = nullptr;
};

// The block of one member (struct r5dev, with its flags R5_*).
struct StripeBlock final : BioEndIo {
  void end_bio(Bio& bio, BlkStatus status) override;

  Stripe* stripe = nullptr;
  Lba sector{};                  // of the array; of a parity block it means nothing
  StripeBio* towrite = nullptr;  // in order of their sectors
  StripeBio* written = nullptr;
  bool locked = false;     // I/O or an operation is under way
  bool uptodate = false;   // the cache has what is on the member, or newer
  bool overwrite = false;  // towrite covers it
  bool overlap = false;    // somebody waits to write what towrite has
  bool want_read = false;
  bool want_write = false;
  bool want_drain = false;
  bool want_fua = false;
  bool sync_io = false;
};

// struct stripe_head with its flags STRIPE_*.
struct Stripe {
  // Where the writes under way are: parity is yet to be computed, or has been from what the members
  // had (prexor) or from all data.
  enum class Reconstruct : std::uint8_t { kIdle, kDone };

  Stripe(Raid5& of, std::size_t members, std::size_t lock)
      : array{of}, blocks(members), hash_lock{lock} {
    for (StripeBlock& block : blocks) {
      block.stripe = this;
    }
  }

  [[nodiscard]] bool is_parity(std::size_t member) const {
    return member == row.p || member == row.q;
  }

  Raid5& array;
  Lba sector{};  // on the members
  ParityLayout::Row row;
  std::vector<StripeBlock> blocks;
  std::size_t hash_lock;
  int count = 0;
  BlkStatus status = BlkStatus::kOk;  // first error of a member
  Reconstruct reconstruct = Reconstruct::kIdle;
  bool handle = false;
  bool delayed = false;
  bool preread_active = false;
  bool full_write = false;
  bool io_started = false;
  bool on_unplug_list = false;

  using Hook = boost::intrusive::list_member_hook<
      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  Hook lru;        // in the list that it waits in
  Hook same_hash;  // in its hash bucket
};

using StripeList =
    boost::intrusive::list<Stripe, boost::intrusive::constant_time_size<false>,
                           boost::intrusive::member_hook<Stripe, Stripe::Hook, &Stripe::lru>>;
using StripeBucket =
    boost::intrusive::list<Stripe, boost::intrusive::constant_time_size<false>,
                           boost::intrusive::member_hook<Stripe, Stripe::Hook, &Stripe::same_hash>>;

// Who may be told that there is work for raid5d.
class StripeCacheClient {
 public:
  virtual void wake_raid5d() = 0;

 protected:
  ~StripeCacheClient() = default;
};

// Models: raid5_get_active_stripe(), do_release_stripe(), __get_priority_stripe(),
// raid5_activate_delayed() and grow_one_stripe(), drivers/md/raid5.c, v5.10 and v6.1. Simplified:
// stripes are released at once, not through conf->released_stripes; the cache grows up to the most
// that can be asked for, and never shrinks (memory is not short).
class StripeCache {
 public:
  static constexpr std::size_t kLocks = 8;  // NR_STRIPE_HASH_LOCKS
  static constexpr int kStripesMax = 32768;

  struct Options {
    std::size_t members = 0;
    int stripes = 256;         // stripe_cache_size
    int bypass_threshold = 1;  // preread_bypass_threshold
  };

  StripeCache(Raid5& array, StripeCacheClient& client, const ParityLayout& layout,
              const Options& options);

  // A reference to the stripe at `sector` of the members. Sleeps while all of its share of the
  // cache is in use.
  engine::Task<Stripe*> get(engine::Thread& thread, Lba sector);
  void release(Stripe& stripe);

  // The next stripe to handle, with a reference; null when there is none.
  Stripe* next_to_handle();
  // Lets stripes that wait to read old blocks do so, all at once, when none does.
  void activate_delayed();
  // Adds one stripe where somebody has had to wait for one.
  void grow_if_asked();
  // A stripe's I/O has ended (release_stripe_list()).
  void note_ended() { did_grow_ = false; }

  void begin_preread(Stripe& stripe);
  void end_preread();
  void full_write_begins() { ++pending_full_writes_; }
  void full_write_ends();

  [[nodiscard]] int stripes() const { return static_cast<int>(stripes_.size()); }
  [[nodiscard]] int active() const { return active_; }

 private:
  static constexpr std::size_t kBuckets = 512;  // NR_HASH

  void grow();
  [[nodiscard]] StripeBucket& bucket(Lba sector);
  [[nodiscard]] static std::size_t lock_of(Lba sector);
  Stripe* find(Lba sector);
  Stripe* take_free(Lba sector);
  void init(Stripe& stripe, Lba sector);

  Raid5& array_;
  StripeCacheClient& client_;
  const ParityLayout& layout_;
  Options options_;
  std::vector<std::unique_ptr<Stripe>> stripes_;
  std::vector<StripeBucket> buckets_{kBuckets};
  std::array<StripeList, kLocks> inactive_;  // least recently used first
  StripeList handle_;
  StripeList hold_;
  StripeList delayed_;
  const Stripe* last_hold_ = nullptr;
  engine::WaitQueue wait_for_stripe_;
  int active_ = 0;
  int preread_active_ = 0;
  int pending_full_writes_ = 0;
  int bypass_count_ = 0;
  bool inactive_blocked_ = false;  // R5_INACTIVE_BLOCKED
  bool grow_asked_ = false;        // R5_ALLOC_MORE
  bool did_grow_ = false;          // R5_DID_ALLOC
};

}  // namespace wbsim::block
