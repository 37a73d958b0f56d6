// md raid5 and raid6: data in chunks over all members, with one or two parities in each row.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/pool.hpp"
#include "sim/block/stacking/address_map.hpp"
#include "sim/block/stacking/device_thread.hpp"
#include "sim/block/stacking/md_device.hpp"
#include "sim/block/stacking/stripe_cache.hpp"
#include "sim/engine/wait_queue.hpp"

namespace wbsim::block {

// How a write goes through the rows of stripes.
//   kByBlock  block after block in order of its sectors (v5.10)
//   kByStripe  stripe after stripe, with all of its blocks that the write has, from the one that is
//             lowest on the members (v6.0)
enum class StripeVisit { kByBlock, kByStripe };

struct Raid5Options {
  std::size_t parities = 1;  // 2: raid6
  Sectors chunk{1024};
  Sectors data_offset{0};
  Sectors member_size;  // of the data of the smallest member
  int stripe_cache_size = 256;
  int preread_bypass_threshold = 1;
  int rmw_level = 1;  // 0: never read-modify-write; 2: also where reconstruct-write is as cheap
  StripeVisit visit = StripeVisit::kByBlock;
};

struct Raid5Stats {
  std::int64_t full_writes = 0;         // stripes whose data was all new
  std::int64_t reconstruct_writes = 0;  // parity from all data, some of it read or in the cache
  std::int64_t read_modify_writes = 0;  // parity from what it was
  std::int64_t preread_blocks = 0;      // read for either
};

// Models: raid5_make_request(), chunk_aligned_read(), handle_stripe(), handle_stripe_dirtying(),
// ops_run_io() and raid5d(), drivers/md/raid5.c, v5.10 and v6.1, of an array that is in sync, with
// layout left-symmetric, no bitmap, no journal, no worker groups (group_thread_cnt 0).
// Simplified: no batches of full stripes (stripe_add_to_batch_list()); parity is computed by the
// CPU at once (no async_tx engine); where a member fails, the array does not go on without it: the
// error travels up, of a write with those of its stripe.
class Raid5 final : public MdDevice, private StripeCacheClient {
 public:
  static constexpr std::int64_t kRequestStripesMax = 256;  // RAID5_MAX_REQ_STRIPES

  Raid5(engine::Machine& machine, const engine::Tracer& tracer, const StackedDeviceOptions& options,
        std::vector<BioTarget*> members, const Raid5Options& raid);

  [[nodiscard]] const Raid5Stats& raid_stats() const { return raid_stats_; }
  [[nodiscard]] const StripeCache& cache() const { return cache_; }
  [[nodiscard]] std::size_t in_flight() const override;

 protected:
  engine::Task<> take(TaskIo& io, Bio& bio) override;

 private:
  friend struct StripeBlock;
  // What analyse_stripe() counts (struct stripe_head_state).
  struct State {
    int locked = 0;
    int to_write = 0;
    int non_overwrite = 0;
    int written = 0;
  };
  // Stripes that wait for the plug of a task (struct raid5_plug_cb).
  struct PluggedStripes final : PlugCallback {
    explicit PluggedStripes(Raid5& of) : array{of} {}
    engine::Task<> unplug(TaskIo& io) override;
    SimDuration unplug_from_schedule(TaskIo& io) override;
    Raid5& array;
    StripeList stripes;
  };
  // The blocks of a bio that are yet to be added to stripes: at most those of the largest bio, one
  // more where it begins inside a block.
  static constexpr std::size_t kBlocksMax = 2560 / 8 + 1;  // BLK_DEF_MAX_SECTORS
  struct Visit {
    Lba first;  // of the array, where the first block begins
    Lba end;    // of the bio
    std::bitset<kBlocksMax> to_do;
  };

  // Submission (raid5.cpp).
  engine::Task<> read_chunk(TaskIo& io, Bio& bio);
  engine::Task<> write(TaskIo& io, Bio& bio);
  [[nodiscard]] Lba lowest_sector(const Bio& bio) const;
  bool add_to_stripe(Stripe& stripe, Bio& bio, Lba sector, Visit& visit);
  [[nodiscard]] static bool overlaps(const StripeBlock& block, const Bio& bio);
  void add_to_block(StripeBlock& block, Bio& bio);
  void release_to_plug(TaskIo& io, Stripe& stripe);
  void release_plugged(PluggedStripes& plugged, const engine::Thread& thread, bool from_schedule);
  void wake_raid5d() override { raid5d_.wake(); }

  // Handling of stripes, by raid5d (raid5_handle.cpp).
  engine::Task<> raid5d(TaskIo& io);
  engine::Task<int> handle_active_stripes(TaskIo& io);
  engine::Task<> handle_stripe(TaskIo& io, Stripe& stripe);
  [[nodiscard]] static State analyse(const Stripe& stripe);
  [[nodiscard]] static bool parity_is_written(const Stripe& stripe);
  void want_writes(Stripe& stripe);
  SimDuration fail_stripe(Stripe& stripe, int cpu);
  SimDuration clean_event(Stripe& stripe, int cpu);
  SimDuration return_bios(StripeBio*& list, BlkStatus status, int cpu);
  void want_read(StripeBlock& block, State& state);
  void fill(Stripe& stripe, State& state);
  engine::Task<> run_io(TaskIo& io, Stripe& stripe);
  void end_block(StripeBlock& block, const Bio& bio, BlkStatus status);
  void clear_overlaps(Stripe& stripe);

  // New parity (raid5_parity.cpp).
  SimDuration dirty(Stripe& stripe, State& state);
  int want_old_blocks(Stripe& stripe, State& state, bool read_modify_write);
  SimDuration reconstruct(Stripe& stripe, State& state, bool all_data);
  std::int64_t drain(Stripe& stripe);

  Raid5Options raid_;
  ParityLayout layout_;
  Raid5Stats raid_stats_;
  SlabPool<StripeBio> stripe_bios_;
  SlabPool<PluggedStripes> plugged_;
  engine::WaitQueue wait_for_overlap_;
  StripeCache cache_;
  DeviceThread raid5d_;
};

}  // namespace wbsim::block
