// Random bios through every kind of device on top of others: nothing is lost, everything lands
// where a mapping of its own says, parity is never written without what it is computed from.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "sim/base/rng.hpp"
#include "sim/block/stacking/stack_test_util.hpp"

namespace wbsim::block {
namespace {

constexpr std::int64_t kMemberSectors = 4096;
constexpr std::int64_t kChunk = 16;

using Spot = std::pair<std::size_t, std::int64_t>;
using Counts = std::map<Spot, int>;

struct RandomIo {
  std::int64_t sector;
  std::int64_t sectors;
  bool write;
};

// Reads and writes of up to 64 sectors, some in plugs, none while another of the same sectors may
// be under way: each task has a part of the device of its own and pauses now and then.
std::vector<RandomIo> submit_random(StackRig& rig, BioTarget& top, std::int64_t size,
                                    std::uint64_t seed) {
  Rng rng = Rng::stream(seed, "stack");
  std::vector<RandomIo> all;
  constexpr int kTasks = 4;
  const std::int64_t part = size / kTasks;
  for (int task = 0; task < kTasks; ++task) {
    IoScript script;
    SimDuration time{};
    for (int i = 0; i < 60; ++i) {
      const auto length = static_cast<std::int64_t>(1 + rng.uniform(64));
      const std::int64_t at = task * part + static_cast<std::int64_t>(
                                                rng.uniform(static_cast<std::uint64_t>(part - 64)));
      const bool is_write = rng.uniform(3) != 0;
      const bool plugged = rng.uniform(4) == 0;
      if (plugged) {
        script.push_back(plug());
      }
      all.push_back({at, length, is_write});
      script.push_back(is_write ? write(at, length) : read(at, length));
      if (plugged) {
        script.push_back(unplug());
      }
      if (rng.uniform(8) == 0) {
        time += milliseconds(static_cast<std::int64_t>(1 + rng.uniform(3)));
        script.push_back(sleep_until(time));
      }
    }
    rig.task(script, top);
  }
  rig.run();
  return all;
}

Counts reached(const StackRig& rig, DeviceOp op) {
  Counts counts;
  for (std::size_t member = 0; member < rig.devices.size(); ++member) {
    for (const DeviceCommand& command : rig.devices[member]->accepted()) {
      for (std::int64_t i = 0; command.op == op && i < command.length.count(); ++i) {
        ++counts[{member, command.sector.value() + i}];
      }
    }
  }
  return counts;
}

void expect_as_mapped(const StackRig& rig, const std::vector<RandomIo>& all,
                      const std::function<Spot(std::int64_t)>& reference) {
  for (const bool is_write : {false, true}) {
    Counts expected;
    for (const RandomIo& io : all) {
      for (std::int64_t i = 0; io.write == is_write && i < io.sectors; ++i) {
        ++expected[reference(io.sector + i)];
      }
    }
    EXPECT_EQ(reached(rig, is_write ? DeviceOp::kWrite : DeviceOp::kRead), expected);
  }
}

class StackProperty : public testing::TestWithParam<std::tuple<StackOrder, int>> {
 protected:
  [[nodiscard]] StackRigOptions options(int members) const {
    StackRigOptions made;
    made.members = members;
    made.order = std::get<0>(GetParam());
    return made;
  }
  [[nodiscard]] static std::uint64_t seed() {
    return static_cast<std::uint64_t>(std::get<1>(GetParam()));
  }
};

INSTANTIATE_TEST_SUITE_P(Seeds, StackProperty,
                         testing::Combine(testing::Values(StackOrder::kDepthFirst,
                                                          StackOrder::kBreadthFirst),
                                          testing::Range(1, 9)));

TEST_P(StackProperty, EverySectorOfAStripedDeviceLandsOnceWhereItBelongs) {
  StackRig rig{options(3)};
  const auto top = rig.striped(kMemberSectors, kChunk);
  const auto all = submit_random(rig, *top, 3 * kMemberSectors, seed());
  expect_as_mapped(rig, all, [](std::int64_t sector) {
    const std::int64_t chunk = sector / kChunk;
    return Spot{static_cast<std::size_t>(chunk % 3), chunk / 3 * kChunk + sector % kChunk};
  });
  EXPECT_TRUE(rig.drained(*top));
}

TEST_P(StackProperty, EverySectorOfALinearDeviceOnPartitionsLandsOnceWhereItBelongs) {
  StackRig rig{options(2)};
  const auto a = rig.partition(*rig.queues[0], 100, kMemberSectors);
  const auto b = rig.partition(*rig.queues[1], 200, kMemberSectors);
  DmDevice top{rig.machine,
               rig.tracer,
               rig.stacked(),
               {a.get(), b.get()},
               std::make_unique<LinearMap>(rig.sizes(kMemberSectors)),
               DmPiece::kTarget};
  const auto all = submit_random(rig, top, 2 * kMemberSectors, seed());
  expect_as_mapped(rig, all, [](std::int64_t sector) {
    return sector < kMemberSectors ? Spot{0, sector + 100} : Spot{1, sector - kMemberSectors + 200};
  });
  EXPECT_TRUE(rig.drained(top));
}

// The reference counts chunks as they are laid out: row after row over the members that go on.
TEST_P(StackProperty, EverySectorOfARaid0OfUnequalMembersLandsOnceWhereItBelongs) {
  StackRig rig{options(3)};
  const std::vector<std::int64_t> sizes{2048, 4096, 3072};
  Raid0 top{rig.machine,
            rig.tracer,
            rig.stacked(),
            rig.all_members(),
            {.chunk = Sectors{kChunk},
             .layout = ZoneLayout::kAlternate,
             .member_sizes = {Sectors{2048}, Sectors{4096}, Sectors{3072}}}};
  std::vector<Spot> chunks;
  for (std::int64_t at = 0; at < 4096; at += kChunk) {
    for (std::size_t member = 0; member < sizes.size(); ++member) {
      if (at < sizes[member]) {
        chunks.emplace_back(member, at);
      }
    }
  }
  const auto all = submit_random(rig, top, 9216, seed());
  expect_as_mapped(rig, all, [&chunks](std::int64_t sector) {
    const Spot start = chunks[static_cast<std::size_t>(sector / kChunk)];
    return Spot{start.first, start.second + sector % kChunk};
  });
  EXPECT_TRUE(rig.drained(top));
}

TEST_P(StackProperty, EverySectorOfARaid1IsWrittenToAllMirrorsAndReadFromOne) {
  for (const MirrorWrites writes : {MirrorWrites::kByPlug, MirrorWrites::kDirect}) {
    StackRig rig{options(3)};
    const auto top = rig.raid1(writes);
    const auto all = submit_random(rig, *top, kMemberSectors, seed());
    std::map<std::int64_t, int> wrote;
    std::map<std::int64_t, int> read_of;
    for (const RandomIo& io : all) {
      for (std::int64_t i = 0; i < io.sectors; ++i) {
        ++(io.write ? wrote : read_of)[io.sector + i];
      }
    }
    for (const auto& [spot, count] : reached(rig, DeviceOp::kWrite)) {
      EXPECT_EQ(count, wrote[spot.second]);
    }
    std::map<std::int64_t, int> read_at;
    for (const auto& [spot, count] : reached(rig, DeviceOp::kRead)) {
      read_at[spot.second] += count;
    }
    EXPECT_EQ(read_at, read_of);
    EXPECT_EQ(reached(rig, DeviceOp::kWrite).size(), 3 * wrote.size());
    EXPECT_TRUE(rig.drained(*top));
  }
}

// What md may know of the blocks of a stripe, from the commands of its members alone.
class ParityWatch {
 public:
  ParityWatch(const ParityLayout& layout, const StackRig& rig) : layout_{layout} {
    for (std::size_t member = 0; member < rig.devices.size(); ++member) {
      for (const DeviceCommand& command : rig.devices[member]->accepted()) {
        for (std::int64_t at = 0; at < command.length.count(); at += 8) {
          events_.push_back({command.submitted, command.op == DeviceOp::kWrite, member,
                             command.sector.value() + at});
        }
      }
    }
    // Reads before writes of the same instant.
    std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
      return std::pair{a.time, a.write} < std::pair{b.time, b.write};
    });
  }

  // Parity is written as often as needed, and with all that it is computed from known: either all
  // data of the stripe, or what parity was before and what the written data was.
  void check() {
    std::set<Spot> known;
    std::map<std::pair<SimTime, std::int64_t>, std::set<std::size_t>> writes;
    for (const Event& event : events_) {
      if (event.write) {
        writes[{event.time, event.stripe}].insert(event.member);
      }
    }
    auto next = events_.begin();
    for (const auto& [when, members] : writes) {
      for (; next != events_.end() && (next->time < when.first); ++next) {
        known.insert({next->member, next->stripe});
      }
      check_one(when.second, members, known);
    }
  }

 private:
  struct Event {
    SimTime time;
    bool write;
    std::size_t member;
    std::int64_t stripe;
  };

  void check_one(std::int64_t stripe, const std::set<std::size_t>& members,
                 const std::set<Spot>& known) const {
    const ParityLayout::Row row = layout_.row(Lba{stripe});
    EXPECT_TRUE(members.contains(row.p)) << "stripe " << stripe << " without parity";
    EXPECT_TRUE(row.q == ParityLayout::kNoMember || members.contains(row.q));
    bool all_data = true;
    bool old_values = known.contains({row.p, stripe}) &&
                      (row.q == ParityLayout::kNoMember || known.contains({row.q, stripe}));
    for (std::size_t member = 0; member < layout_.members(); ++member) {
      if (member == row.p || member == row.q) {
        continue;
      }
      const bool is_known = known.contains({member, stripe});
      all_data &= is_known || members.contains(member);
      old_values &= is_known || !members.contains(member);
    }
    EXPECT_TRUE(all_data || old_values) << "stripe " << stripe << ": parity out of nothing";
  }

  const ParityLayout& layout_;
  std::vector<Event> events_;
};

class Raid5Property : public testing::TestWithParam<std::tuple<int, int, StripeVisit, int>> {};

INSTANTIATE_TEST_SUITE_P(Seeds, Raid5Property,
                         testing::Combine(testing::Values(1, 2), testing::Values(0, 1, 2),
                                          testing::Values(StripeVisit::kByBlock,
                                                          StripeVisit::kByStripe),
                                          testing::Range(1, 6)));

// Blocks are written as a whole, so a sector is written at least as often as bios of it may have
// been joined in its stripe: once, and not more often than there were bios.
TEST_P(Raid5Property, DataLandsWhereItBelongsAndParityIsNeverWrittenOutOfNothing) {
  const auto [parities, rmw_level, visit, seed] = GetParam();
  const auto data_members = std::int64_t{3};
  // So many tags that what is issued together reaches the members together.
  StackRig rig{{.members = static_cast<int>(data_members) + parities,
                .device = models::TestDeviceParameters{.depth = 1024, .faults = {}},
                .plug_merging = false}};
  const Raid5Options raid{.parities = static_cast<std::size_t>(parities),
                          .chunk = Sectors{kChunk},
                          .member_size = Sectors{kMemberSectors},
                          .stripe_cache_size = 4096,
                          .rmw_level = rmw_level,
                          .visit = visit};
  const auto top = rig.raid5(raid);
  const auto all =
      submit_random(rig, *top, data_members * kMemberSectors, static_cast<std::uint64_t>(seed));
  const ParityLayout layout{rig.devices.size(), raid.parities, raid.chunk, raid.member_size};
  std::map<Spot, int> blocks;
  for (const RandomIo& io : all) {
    std::set<Spot> of_bio;
    for (std::int64_t i = 0; io.write && i < io.sectors; ++i) {
      const ParityLayout::Place place = layout.place(Lba{io.sector + i});
      of_bio.insert({place.member, place.sector.value() / 8 * 8});
    }
    for (const Spot& spot : of_bio) {
      ++blocks[spot];
    }
  }
  Counts data_writes;
  for (std::size_t member = 0; member < rig.devices.size(); ++member) {
    for (const DeviceCommand& command : rig.devices[member]->accepted()) {
      const ParityLayout::Row row = layout.row(command.sector);
      if (command.op == DeviceOp::kWrite && member != row.p && member != row.q) {
        EXPECT_EQ(command.length, kStripeSectors);
        ++data_writes[{member, command.sector.value()}];
      }
    }
  }
  EXPECT_EQ(data_writes.size(), blocks.size());
  for (const auto& [spot, bios] : blocks) {
    EXPECT_GE(data_writes[spot], 1);
    EXPECT_LE(data_writes[spot], bios);
  }
  ParityWatch{layout, rig}.check();
  EXPECT_TRUE(rig.drained(*top));
}

// Writers wait for stripes, overlap, and are handled in parts: still nothing is lost.
TEST_P(Raid5Property, NothingIsLostWhereTheCacheIsSmall) {
  const auto [parities, rmw_level, visit, seed] = GetParam();
  StackRig rig{{.members = 3 + parities}};
  const auto top = rig.raid5({.parities = static_cast<std::size_t>(parities),
                              .chunk = Sectors{kChunk},
                              .member_size = Sectors{kMemberSectors},
                              .stripe_cache_size = 17,
                              .rmw_level = rmw_level,
                              .visit = visit});
  const auto all = submit_random(rig, *top, 512, static_cast<std::uint64_t>(seed));
  EXPECT_EQ(rig.ledger.ends().size(), all.size());
  EXPECT_TRUE(rig.drained(*top));
}

}  // namespace
}  // namespace wbsim::block
