// Where a sector of a device on top of others lies: arithmetic only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/base/units.hpp"

namespace wbsim::block {

// A sector of a member, and how much follows it there as it does above.
struct Extent {
  std::size_t member = 0;
  Lba sector;
  Sectors left;
  friend bool operator==(const Extent&, const Extent&) = default;
};

class AddressMap {
 public:
  AddressMap() = default;
  AddressMap(const AddressMap&) = delete;
  AddressMap& operator=(const AddressMap&) = delete;
  virtual ~AddressMap() = default;

  [[nodiscard]] virtual Sectors size() const = 0;
  // `sector` is below size().
  [[nodiscard]] virtual Extent map(Lba sector) const = 0;
};

// Members one behind the other, each as a whole (dm-linear, one target each).
class LinearMap final : public AddressMap {
 public:
  explicit LinearMap(const std::vector<Sectors>& sizes);
  [[nodiscard]] Sectors size() const override { return ends_.back() - Lba{0}; }
  [[nodiscard]] Extent map(Lba sector) const override;

 private:
  std::vector<Lba> ends_;
};

// Chunks in turn, as many of each member as the smallest has. Models: stripe_map_sector(),
// drivers/md/dm-stripe.c, v5.10 and v6.1.
class StripeMap final : public AddressMap {
 public:
  StripeMap(const std::vector<Sectors>& sizes, Sectors chunk);
  [[nodiscard]] Sectors size() const override { return width_ * members_; }
  [[nodiscard]] Extent map(Lba sector) const override;

 private:
  std::int64_t members_;
  Sectors chunk_;
  Sectors width_;  // used of each member
};

// How md raid0 numbers the chunks of zones behind the first (v5.4, default_layout): from the
// beginning of the array (original: v3.14 and before, v5.4 on with default_layout=1), or of the
// zone (alternate).
enum class ZoneLayout { kOriginal, kAlternate };

// Chunks in turn over members of different sizes: where the smallest ends, a new zone goes on over
// the others. Models: create_strip_zones(), find_zone() and map_sector(), drivers/md/raid0.c, v5.10
// and v6.1.
class ZonedStripeMap final : public AddressMap {
 public:
  ZonedStripeMap(const std::vector<Sectors>& sizes, Sectors chunk,
                 ZoneLayout layout = ZoneLayout::kOriginal);
  [[nodiscard]] Sectors size() const override { return zones_.back().end - Lba{0}; }
  [[nodiscard]] Extent map(Lba sector) const override;
  [[nodiscard]] std::size_t zones() const { return zones_.size(); }
  // How many members go on in a zone.
  [[nodiscard]] std::size_t zone_members(std::size_t zone) const {
    return zones_[zone].members.size();
  }

 private:
  struct Zone {
    Lba end;                           // of the array
    Sectors member_start;              // where it begins on each of its members
    std::vector<std::size_t> members;  // in order of their slots
  };
  Sectors chunk_;
  ZoneLayout layout_;
  std::vector<Zone> zones_;
};

// Where parity goes. Models: raid5_compute_sector(), ALGORITHM_LEFT_SYMMETRIC (the default of
// mdadm), drivers/md/raid5.c, v5.10 and v6.1.
class ParityLayout {
 public:
  static constexpr std::size_t kNoMember = static_cast<std::size_t>(-1);

  // `parities`: 1 (raid5) or 2 (raid6).
  ParityLayout(std::size_t members, std::size_t parities, Sectors chunk, Sectors member_size);

  // The members of a row of chunks.
  struct Row {
    std::size_t p = 0;
    std::size_t q = kNoMember;  // of raid6
  };
  struct Place {
    std::size_t member = 0;
    Lba sector;  // on the member
  };
  [[nodiscard]] Sectors size() const { return used_ * static_cast<std::int64_t>(data_); }
  [[nodiscard]] Sectors chunk() const { return chunk_; }
  [[nodiscard]] std::size_t members() const { return members_; }
  [[nodiscard]] std::size_t data_members() const { return data_; }
  [[nodiscard]] Row row(Lba member_sector) const;
  [[nodiscard]] Place place(Lba sector) const;
  // The sector of the array that is at `member_sector` of a member that holds data there
  // (raid5_compute_blocknr()).
  [[nodiscard]] Lba sector_of(std::size_t member, Lba member_sector) const;

 private:
  std::size_t members_;
  std::size_t data_;
  Sectors chunk_;
  Sectors used_;  // of each member
};

}  // namespace wbsim::block
