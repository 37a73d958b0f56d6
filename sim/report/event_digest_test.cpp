#include "sim/report/event_digest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wbsim::report {
namespace {

using engine::BioStep;
using engine::BioTrace;

BioTrace bios(SimDuration time, std::int64_t sector, std::int64_t count, SimDuration step) {
  return {.time = at(time),
          .task = {"flush", 7},
          .sector = Lba{sector},
          .length = Sectors{8},
          .rwbs = {.write = true},
          .count = count,
          .step = step};
}

// The ranges, each cut into pieces of at most `piece` bios.
Digest digest_in_pieces(const std::vector<BioTrace>& ranges, std::int64_t piece) {
  EventDigest digest;
  for (BioTrace range : ranges) {
    while (range.count > 0) {
      BioTrace part = range;
      part.count = std::min(piece, range.count);
      if (part.count == 1) {
        part.step = {};  // nothing to step to
      }
      digest.on_bio(BioStep::kQueue, part);
      range.time += range.step * part.count;
      range.sector += range.length * part.count;
      range.count -= part.count;
    }
  }
  return digest.finish();
}

TEST(EventDigest, DoesNotDependOnHowBiosAreGrouped) {
  const std::vector<std::vector<BioTrace>> cases = {
      {bios(nanoseconds(100), 0, 32, nanoseconds(900))},
      // Contiguous, but the step changes; then a gap in time; then one in space.
      {bios(nanoseconds(100), 0, 5, nanoseconds(900)),
       bios(nanoseconds(4600), 40, 4, nanoseconds(700)),
       bios(nanoseconds(99'000), 72, 3, nanoseconds(700)),
       bios(nanoseconds(101'100), 800, 2, nanoseconds(700))},
      // A single bio whose distance to the next range differs from that range's step.
      {bios(nanoseconds(100), 0, 1, {}), bios(nanoseconds(150), 8, 6, nanoseconds(900))},
      {bios(nanoseconds(100), 0, 2, nanoseconds(50)),
       bios(nanoseconds(200), 16, 6, nanoseconds(9))},
  };
  for (const std::vector<BioTrace>& ranges : cases) {
    const Digest whole = digest_in_pieces(ranges, 1000);
    for (std::int64_t piece = 1; piece <= 6; ++piece) {
      EXPECT_EQ(digest_in_pieces(ranges, piece), whole) << piece;
    }
  }
}

TEST(EventDigest, DoesNotDependOnTheOrderOfKindsWithinAnInstant) {
  EventDigest ranges;
  ranges.on_bio(BioStep::kQueue, bios(nanoseconds(100), 0, 2, nanoseconds(50)));
  ranges.on_bio(BioStep::kBackMerge, bios(nanoseconds(100), 0, 2, nanoseconds(50)));
  EventDigest singles;
  for (int i = 0; i < 2; ++i) {
    singles.on_bio(BioStep::kQueue, bios(nanoseconds(100 + 50 * i), 8 * i, 1, {}));
    singles.on_bio(BioStep::kBackMerge, bios(nanoseconds(100 + 50 * i), 8 * i, 1, {}));
  }
  EXPECT_EQ(ranges.finish(), singles.finish());
}

TEST(EventDigest, TellsEveryBioApart) {
  const BioTrace plain = bios(nanoseconds(100), 0, 3, nanoseconds(50));
  std::vector<BioTrace> others(9, plain);
  others[0].time += nanoseconds(1);
  others[1].sector += Sectors{8};
  others[2].length = Sectors{16};
  others[3].count = 4;
  others[4].step += nanoseconds(1);
  others[5].rwbs.sync = true;
  others[6].device = 1;
  others[7].task.pid = 8;
  others[8].task.comm = "fio";
  for (std::size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(digest_in_pieces({others[i]}, 100), digest_in_pieces({plain}, 100)) << i;
  }
}

TEST(EventDigest, KeepsACommThatIsGoneByTheTimeOfHashing) {
  EventDigest kept;
  {
    const std::string comm = "kworker/u2:0-flush-8:0";
    BioTrace trace = bios(nanoseconds(1), 0, 1, {});
    trace.task.comm = comm;
    kept.on_bio(BioStep::kQueue, trace);
  }
  BioTrace trace = bios(nanoseconds(1), 0, 1, {});
  trace.task.comm = "kworker/u2:0-flush-8:0";
  EXPECT_EQ(kept.finish(), digest_in_pieces({trace}, 1));
}

template <class Emit>
Digest digest_after(Emit emit) {
  EventDigest digest;
  emit(digest);
  return digest.finish();
}

TEST(EventDigest, EveryKindOfEventCounts) {
  const std::vector<Digest> digests = {
      digest_after([](EventDigest&) {}),
      digest_after([](EventDigest& d) { d.on_bio(BioStep::kQueue, {}); }),
      digest_after([](EventDigest& d) { d.on_bio(BioStep::kGetRequest, {}); }),
      digest_after([](EventDigest& d) { d.on_request(engine::RequestStep::kIssue, {}); }),
      digest_after([](EventDigest& d) { d.on_request(engine::RequestStep::kComplete, {}); }),
      digest_after([](EventDigest& d) { d.on_unplug({}); }),
      digest_after([](EventDigest& d) { d.on_wbt_window({}); }),
      digest_after([](EventDigest& d) { d.on_wbt_step({}); }),
      digest_after([](EventDigest& d) { d.on_global_dirty_state({}); }),
      digest_after([](EventDigest& d) { d.on_bdi_dirty_ratelimit({}); }),
      digest_after([](EventDigest& d) { d.on_balance_dirty_pages({}); }),
      digest_after([](EventDigest& d) { d.on_writeback(engine::WritebackStep::kStart, {}); }),
      digest_after([](EventDigest& d) { d.on_single_inode({}); }),
      digest_after([](EventDigest& d) { d.on_queue_io({}); }),
      digest_after([](EventDigest& d) { d.on_syscall({}); }),
      digest_after([](EventDigest& d) { d.on_job_start(0, {}); }),
      digest_after([](EventDigest& d) { d.on_job_end(0, {}); }),
  };
  for (std::size_t i = 0; i < digests.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(digests[i], digests[j]) << i << " and " << j;
    }
  }
}

TEST(EventDigest, LeavesSamplesOut) {
  EXPECT_EQ(digest_after([](EventDigest& d) { d.on_sample({.nr_dirty = Pages{5}}); }),
            digest_after([](EventDigest&) {}));
}

TEST(Digest, IsXxh3Of128Bits) {
  // The published XXH3-128 of the empty input with seed 0.
  EXPECT_EQ(to_string(digest_of("")), "99aa06d3014798d86001c324468d497f");
}

TEST(Digest, HasherEqualsTheDigestOfTheWhole) {
  Hasher hasher;
  hasher.add("hello, ");
  hasher.add("world");
  EXPECT_EQ(hasher.digest(), digest_of("hello, world"));
  Hasher words;
  words.add(std::vector<std::uint64_t>{0x0807060504030201});
  EXPECT_EQ(words.digest(), digest_of("\x01\x02\x03\x04\x05\x06\x07\x08"));
}

}  // namespace
}  // namespace wbsim::report
