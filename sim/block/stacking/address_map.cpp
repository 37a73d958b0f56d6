#include "sim/block/stacking/address_map.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace wbsim::block {
namespace {

constexpr Lba kStart{0};

Sectors smallest(const std::vector<Sectors>& sizes) {
  return *std::min_element(sizes.begin(), sizes.end());
}

Sectors whole_chunks(Sectors size, Sectors chunk) { return size - size % chunk; }

}  // namespace

LinearMap::LinearMap(const std::vector<Sectors>& sizes) {
  Lba end = kStart;
  for (const Sectors size : sizes) {
    end += size;
    ends_.push_back(end);
  }
}

Extent LinearMap::map(Lba sector) const {
  const auto found = std::upper_bound(ends_.begin(), ends_.end(), sector);
  SIM_CHECK(found != ends_.end());
  const auto member = static_cast<std::size_t>(found - ends_.begin());
  const Lba start = member == 0 ? kStart : ends_[member - 1];
  return {member, kStart + (sector - start), *found - sector};
}

StripeMap::StripeMap(const std::vector<Sectors>& sizes, Sectors chunk)
    : members_{static_cast<std::int64_t>(sizes.size())},
      chunk_{chunk},
      width_{whole_chunks(smallest(sizes), chunk)} {}

Extent StripeMap::map(Lba sector) const {
  SIM_CHECK(sector - kStart < size());
  const Sectors inside = (sector - kStart) % chunk_;
  const std::int64_t number = (sector - kStart) / chunk_;
  return {static_cast<std::size_t>(number % members_),
          kStart + chunk_ * (number / members_) + inside, chunk_ - inside};
}

ZonedStripeMap::ZonedStripeMap(const std::vector<Sectors>& sizes, Sectors chunk, ZoneLayout layout)
    : chunk_{chunk}, layout_{layout} {
  Lba end = kStart;
  Sectors start{0};
  while (true) {
    Zone zone{.end = end, .member_start = start, .members = {}};
    Sectors next{0};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const Sectors size = whole_chunks(sizes[i], chunk);
      if (size > start) {
        next = zone.members.empty() ? size : std::min(next, size);
        zone.members.push_back(i);
      }
    }
    if (zone.members.empty()) {
      break;
    }
    zone.end += (next - start) * static_cast<std::int64_t>(zone.members.size());
    end = zone.end;
    start = next;
    zones_.push_back(std::move(zone));
  }
  SIM_CHECK(!zones_.empty());
}

Extent ZonedStripeMap::map(Lba sector) const {
  std::size_t number = 0;
  while (number < zones_.size() && sector >= zones_[number].end) {
    ++number;
  }
  SIM_CHECK(number < zones_.size());
  const Zone& zone = zones_[number];
  const Sectors inside_zone = sector - (number == 0 ? kStart : zones_[number - 1].end);
  const auto width = static_cast<std::int64_t>(zone.members.size());
  const Sectors inside = (sector - kStart) % chunk_;
  const Sectors counted = layout_ == ZoneLayout::kOriginal ? sector - kStart : inside_zone;
  const std::int64_t slot = counted / chunk_ % width;
  const std::int64_t chunk_of_member = inside_zone / (chunk_ * width);
  return {zone.members[static_cast<std::size_t>(slot)],
          kStart + zone.member_start + chunk_ * chunk_of_member + inside, chunk_ - inside};
}

ParityLayout::ParityLayout(std::size_t members, std::size_t parities, Sectors chunk,
                           Sectors member_size)
    : members_{members},
      data_{members - parities},
      chunk_{chunk},
      used_{whole_chunks(member_size, chunk)} {
  SIM_CHECK(parities >= 1 && parities <= 2 && members > parities);
}

ParityLayout::Row ParityLayout::row(Lba member_sector) const {
  const auto number = static_cast<std::size_t>((member_sector - kStart) / chunk_);
  Row row;
  row.p = members_ - 1 - number % members_;
  if (members_ - data_ == 2) {
    row.q = (row.p + 1) % members_;
  }
  return row;
}

ParityLayout::Place ParityLayout::place(Lba sector) const {
  SIM_CHECK(sector - kStart < size());
  const Sectors inside = (sector - kStart) % chunk_;
  const auto number = static_cast<std::size_t>((sector - kStart) / chunk_);
  const Lba on_member = kStart + chunk_ * static_cast<std::int64_t>(number / data_) + inside;
  // Data begins behind the last parity.
  const std::size_t first = row(on_member).p + (members_ - data_);
  return {(first + number % data_) % members_, on_member};
}

Lba ParityLayout::sector_of(std::size_t member, Lba member_sector) const {
  const Sectors inside = (member_sector - kStart) % chunk_;
  const std::int64_t number = (member_sector - kStart) / chunk_;
  const std::size_t first = row(member_sector).p + (members_ - data_);
  const std::size_t index = (member + 2 * members_ - first) % members_;
  SIM_CHECK(index < data_);
  const std::int64_t chunk =
      number * static_cast<std::int64_t>(data_) + static_cast<std::int64_t>(index);
  return kStart + chunk_ * chunk + inside;
}

}  // namespace wbsim::block
