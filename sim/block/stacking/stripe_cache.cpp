#include "sim/block/stacking/stripe_cache.hpp"

#include <algorithm>
#include <limits>

#include "sim/base/check.hpp"

namespace wbsim::block {

using engine::Task;

namespace {
constexpr std::size_t kEveryWaiter = std::numeric_limits<std::size_t>::max();
constexpr int kPrereadThreshold = 1;  // IO_THRESHOLD
}  // namespace

StripeCache::StripeCache(Raid5& array, StripeCacheClient& client, const ParityLayout& layout,
                         const Options& options)
    : array_{array}, client_{client}, layout_{layout}, options_{options} {
  for (int i = 0; i < options.stripes; ++i) {
    grow();
  }
}

// Models: grow_one_stripe(): stripes belong to the locks in turn.
void StripeCache::grow() {
  const std::size_t lock = stripes_.size() % kLocks;
  stripes_.push_back(std::make_unique<Stripe>(array_, options_.members, lock));
  inactive_[lock].push_back(*stripes_.back());
}

void StripeCache::grow_if_asked() {
  if (grow_asked_ && stripes() < kStripesMax) {
    grow_asked_ = false;
    did_grow_ = true;
    grow();
    wait_for_stripe_.wake(kEveryWaiter);
  }
}

StripeBucket& StripeCache::bucket(Lba sector) {
  return buckets_[static_cast<std::size_t>((sector - Lba{0}) / kStripeSectors) % kBuckets];
}

std::size_t StripeCache::lock_of(Lba sector) {
  return static_cast<std::size_t>((sector - Lba{0}) / kStripeSectors) % kLocks;
}

Stripe* StripeCache::find(Lba sector) {
  for (Stripe& stripe : bucket(sector)) {
    if (stripe.sector == sector) {
      return &stripe;
    }
  }
  return nullptr;
}

// Models: get_free_stripe().
Stripe* StripeCache::take_free(Lba sector) {
  StripeList& free = inactive_[lock_of(sector)];
  if (free.empty()) {
    return nullptr;
  }
  Stripe& stripe = free.front();
  free.pop_front();
  stripe.same_hash.unlink();
  ++active_;
  init(stripe, sector);
  return &stripe;
}

// Models: init_stripe().
void StripeCache::init(Stripe& stripe, Lba sector) {
  SIM_CHECK(stripe.count == 0 && !stripe.handle);
  stripe.sector = sector;
  stripe.row = layout_.row(sector);
  stripe.preread_active = stripe.io_started = stripe.full_write = stripe.delayed = false;
  for (std::size_t i = 0; i < stripe.blocks.size(); ++i) {
    StripeBlock& block = stripe.blocks[i];
    SIM_CHECK(block.towrite == nullptr && block.written == nullptr && !block.locked);
    block.uptodate = block.overwrite = block.overlap = false;
    block.sector = stripe.is_parity(i) ? Lba{0} : layout_.sector_of(i, sector);
  }
  bucket(sector).push_back(stripe);
}

Task<Stripe*> StripeCache::get(engine::Thread& thread, Lba sector) {
  while (true) {
    Stripe* stripe = find(sector);
    if (stripe != nullptr) {
      if (stripe->count == 0) {
        active_ += stripe->handle ? 0 : 1;
        stripe->lru.unlink();
      }
    } else if (!inactive_blocked_) {
      stripe = take_free(sector);
      grow_asked_ |= stripe == nullptr && !did_grow_;
    }
    if (stripe != nullptr) {
      ++stripe->count;
      co_return stripe;
    }
    inactive_blocked_ = true;
    const StripeList& free = inactive_[lock_of(sector)];
    while (free.empty() || (inactive_blocked_ && active_ >= stripes() * 3 / 4)) {
      co_await wait_for_stripe_.wait(thread);
      co_await thread.run(thread.costs().sleeper_wake);
    }
    inactive_blocked_ = false;
  }
}

// Models: do_release_stripe().
void StripeCache::release(Stripe& stripe) {
  SIM_CHECK(stripe.count > 0);
  if (--stripe.count > 0) {
    return;
  }
  if (stripe.handle) {
    const bool waits = stripe.delayed && !stripe.preread_active;
    stripe.delayed = waits;
    (waits ? delayed_ : handle_).push_back(stripe);
    client_.wake_raid5d();
    return;
  }
  if (stripe.preread_active) {
    stripe.preread_active = false;
    end_preread();
  }
  --active_;
  inactive_[stripe.hash_lock].push_back(stripe);
  wait_for_stripe_.wake(kEveryWaiter);
}

void StripeCache::begin_preread(Stripe& stripe) {
  if (!stripe.preread_active) {
    stripe.preread_active = true;
    ++preread_active_;
  }
}

void StripeCache::end_preread() {
  if (--preread_active_ < kPrereadThreshold) {
    client_.wake_raid5d();
  }
}

void StripeCache::full_write_ends() {
  if (--pending_full_writes_ == 0) {
    client_.wake_raid5d();
  }
}

void StripeCache::activate_delayed() {
  if (preread_active_ >= kPrereadThreshold) {
    return;
  }
  while (!delayed_.empty()) {
    Stripe& stripe = delayed_.front();
    delayed_.pop_front();
    stripe.delayed = false;
    begin_preread(stripe);
    hold_.push_back(stripe);
  }
}

// What waits to read (hold) is passed over by other stripes, but not for ever.
Stripe* StripeCache::next_to_handle() {
  Stripe* stripe = nullptr;
  if (!handle_.empty()) {
    stripe = &handle_.front();
    if (hold_.empty()) {
      bypass_count_ = 0;
    } else if (!stripe->io_started) {
      if (&hold_.front() == last_hold_) {
        ++bypass_count_;
      } else {
        last_hold_ = &hold_.front();
        bypass_count_ = std::max(bypass_count_ - options_.bypass_threshold, 0);
      }
    }
  } else if (!hold_.empty() &&
             ((options_.bypass_threshold != 0 && bypass_count_ > options_.bypass_threshold) ||
              pending_full_writes_ == 0)) {
    stripe = &hold_.front();
    bypass_count_ = std::max(bypass_count_ - options_.bypass_threshold, 0);
  }
  if (stripe != nullptr) {
    stripe->lru.unlink();
    SIM_CHECK(stripe->count == 0);
    ++stripe->count;
  }
  return stripe;
}

}  // namespace wbsim::block
