#include "sim/pagecache/write_cache_pages.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sim/pagecache/indexed_list.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_wait.hpp"

namespace wbsim::pagecache {

namespace {

constexpr std::int64_t kOldPagevecSize = 14;  // PAGEVEC_SIZE, v2.6.18 and v3.6

// Models: tag_pages_for_writeback(): what is dirty now, and nothing that follows.
void tag_pages_for_writeback(AddressSpace& mapping, PageIndex first, PageIndex last) {
  PageTree& pages = mapping.pages;
  for (auto page = pages.next(Mark::kDirty, first); page && *page <= last;) {
    const PageIndex leaf_start{PageTree::leaf_number(*page) * PageTree::kFanOut};
    const PageIndex leaf_last = leaf_start + Pages{PageTree::kFanOut - 1};
    const PageIndex end = std::min(leaf_last, last);
    const std::uint64_t bits =
        PageTree::mask(*page, end - *page + Pages{1}) & pages.find(*page)->marked(Mark::kDirty);
    pages.set_mark(*page, bits, Mark::kToWrite);
    page = pages.next(Mark::kDirty, leaf_last + Pages{1});
  }
}

// The pages that one look-up found, first to last. Their state may change before it is their turn;
// pages that get the tag later are met by the next look-up.
class Pagevec {
 public:
  explicit Pagevec(std::int64_t capacity) : capacity_{capacity} {}

  // Models: pagevec_lookup_range_tag(): tagged pages of [from, last], as many as it holds.
  void look_up(const PageTree& pages, PageIndex from, PageIndex last, Mark tag) {
    taken_ = 0;
    found_ = 0;
    std::int64_t room = capacity_;
    while (room > 0) {
      const std::optional<PageIndex> page = pages.next(tag, from);
      if (!page || *page > last) {
        break;
      }
      const PageIndex start{PageTree::leaf_number(*page) * PageTree::kFanOut};
      const PageIndex leaf_last = start + Pages{PageTree::kFanOut - 1};
      const Pages wanted = std::min(leaf_last, last) - *page + Pages{1};
      const std::uint64_t bits = lowest_bits(
          PageTree::mask(*page, wanted) & pages.find(*page)->marked(tag), static_cast<int>(room));
      leaves_[found_++] = {start, bits};
      room -= std::popcount(bits);
      from = start + Pages{static_cast<std::int64_t>(std::bit_width(bits))};
    }
    behind_ = from;
    full_ = room == 0;
  }

  [[nodiscard]] bool empty() const { return taken_ == found_; }
  [[nodiscard]] PageIndex front() const {
    return leaves_[taken_].start + Pages{std::countr_zero(leaves_[taken_].bits)};
  }
  // The pages that share a leaf with the front one, as a mask.
  [[nodiscard]] std::uint64_t leaf_bits() const { return leaves_[taken_].bits; }
  // Removes the front page and those that follow it: `count` consecutive ones.
  void pop(Pages count) {
    std::uint64_t& bits = leaves_[taken_].bits;
    bits &= ~PageTree::mask(front(), count);
    taken_ += bits == 0 ? 1 : 0;
  }
  // A look-up that found fewer pages than it could hold has seen the whole range.
  [[nodiscard]] bool full() const { return full_; }
  // Where the next look-up begins.
  [[nodiscard]] PageIndex behind() const { return behind_; }

 private:
  struct Leaf {
    PageIndex start;  // its first page
    std::uint64_t bits = 0;
  };
  std::int64_t capacity_;
  std::array<Leaf, kPagevecSize> leaves_;
  std::size_t taken_ = 0;
  std::size_t found_ = 0;
  bool full_ = false;
  PageIndex behind_;
};

// How many of the pages of `bits`, consecutive from `page` on, can be written now: dirty still,
// and not under writeback.
Pages writable_run(const AddressSpace& mapping, PageIndex page, std::uint64_t bits) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  if (leaf == nullptr) {
    return Pages{0};
  }
  const std::uint64_t good = bits & leaf->marked(Mark::kDirty) & ~leaf->marked(Mark::kWriteback);
  return Pages{std::countr_one(good >> PageTree::slot(page))};
}

bool marked(const AddressSpace& mapping, PageIndex page, Mark mark) {
  const PageTree::Leaf* leaf = mapping.pages.find(page);
  return leaf != nullptr && (leaf->marked(mark) & PageTree::mask(page, Pages{1})) != 0;
}

}  // namespace

engine::Task<> write_cache_pages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                 PageWriter& writer, WritepagesRules rules) {
  const bool whole_file = wbc.range_start == PageIndex{0} && wbc.range_end == PageIndex::max();
  const PageIndex start = wbc.range_cyclic ? mapping.writeback_index : wbc.range_start;
  PageIndex index = start;
  PageIndex last = wbc.range_cyclic ? PageIndex::max() : wbc.range_end;
  const bool v5_10 = rules == WritepagesRules::kV5_10;
  bool wraps = !v5_10 && wbc.range_cyclic && start > PageIndex{0};
  const Mark tag = wbc.sync_all || wbc.tagged_writepages ? Mark::kToWrite : Mark::kDirty;
  if (tag == Mark::kToWrite) {
    tag_pages_for_writeback(mapping, index, last);
  }
  PageIndex done_index = index;
  bool done = false;
  Pagevec pagevec{v5_10 ? kPagevecSize : kOldPagevecSize};
  while (!done) {
    pagevec.look_up(mapping.pages, index, last, tag);
    const bool found = !pagevec.empty();
    index = pagevec.behind();
    while (!pagevec.empty() && !done) {
      const PageIndex page = pagevec.front();
      Pages run = writable_run(mapping, page, pagevec.leaf_bits());
      if (run == Pages{0}) {
        if (wbc.sync_all && marked(mapping, page, Mark::kDirty)) {
          co_await wait_on_page_writeback(task, mapping, page);
          continue;
        }
        done_index = page;
        pagevec.pop(Pages{1});
        continue;
      }
      if (!wbc.sync_all) {
        run = std::min(run, Pages{wbc.nr_to_write});
      }
      const Pages written = co_await writer.write_run(task, mapping, page, run, wbc);
      done_index = page + written - Pages{1};
      pagevec.pop(written);
      wbc.nr_to_write -= written.count();
      done = wbc.nr_to_write <= 0 && !wbc.sync_all;
    }
    if (found) {
      co_await task.thread().cond_resched();
    }
    if (done || pagevec.full()) {
      continue;
    }
    if (!wraps) {
      break;
    }
    wraps = false;
    index = done_index = PageIndex{0};
    last = start - Pages{1};
    if (tag == Mark::kToWrite) {
      tag_pages_for_writeback(mapping, index, last);
    }
  }
  if (v5_10 && wbc.range_cyclic && !done) {
    done_index = PageIndex{0};
  }
  if (wbc.range_cyclic || (whole_file && wbc.nr_to_write > 0)) {
    mapping.writeback_index = done_index;
  }
}

engine::Task<> mpage_writepages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                PageWriter& writer) {
  const BdiWriteback& wb = mapping.host.wb;
  const auto meets_congestion = [&wbc, &wb] {
    const bool meets = wbc.nonblocking && wb.write_congested();
    wbc.encountered_congestion |= meets;
    return meets;
  };
  if (meets_congestion()) {
    co_return;
  }
  const bool whole_file = wbc.range_start == PageIndex{0} && wbc.range_end == PageIndex::max();
  PageIndex index = wbc.range_cyclic ? mapping.writeback_index : wbc.range_start;
  const PageIndex last = wbc.range_cyclic ? PageIndex::max() : wbc.range_end;
  bool scanned = !wbc.range_cyclic;
  bool done = false;
  Pagevec pagevec{kOldPagevecSize};
  while (!done && index <= last) {
    pagevec.look_up(mapping.pages, index, last, Mark::kDirty);
    if (pagevec.empty()) {
      if (scanned) {
        break;
      }
      scanned = true;
      index = PageIndex{0};
      continue;
    }
    scanned = true;
    index = pagevec.behind();
    while (!pagevec.empty()) {
      const PageIndex page = pagevec.front();
      const Pages run = writable_run(mapping, page, pagevec.leaf_bits());
      if (run == Pages{0}) {
        if (wbc.sync_all && marked(mapping, page, Mark::kWriteback)) {
          co_await wait_on_page_writeback(task, mapping, page);
        } else {
          pagevec.pop(Pages{1});
        }
        continue;
      }
      const Pages written = co_await writer.write_run(task, mapping, page, run, wbc);
      pagevec.pop(written);
      wbc.nr_to_write -= written.count();
      done |= wbc.nr_to_write <= 0;
      done |= meets_congestion();
    }
    co_await task.thread().cond_resched();
  }
  if (wbc.range_cyclic || (whole_file && wbc.nr_to_write > 0)) {
    mapping.writeback_index = index;
  }
}

engine::Task<> go_through_pages(TaskContext& task, AddressSpace& mapping, WritebackControl& wbc,
                                PageWriter& writer, WritepagesRules rules) {
  return rules == WritepagesRules::kV2_6_18 ? mpage_writepages(task, mapping, wbc, writer)
                                            : write_cache_pages(task, mapping, wbc, writer, rules);
}

engine::Task<> fdatawait_range(TaskContext& task, AddressSpace& mapping, PageIndex first,
                               PageIndex last) {
  PageIndex index = first;
  while (true) {
    const std::optional<PageIndex> page = mapping.pages.next(Mark::kWriteback, index);
    if (!page || *page > last) {
      co_return;
    }
    co_await wait_on_page_writeback(task, mapping, *page);
    index = *page + Pages{1};
  }
}

}  // namespace wbsim::pagecache
