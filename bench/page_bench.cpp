// The life of pages written at random: cached, dirtied, written back, completed, reclaimed. The
// page cache beside a bare one, without the layers around it; the figure to read is per_page.
//   page_bench --benchmark_enable_random_interleaving=true --benchmark_repetitions=7
// Goal: at most 1.5 times the bare page cache.
#include <benchmark/benchmark.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include "bench/yardsticks/bare_page_cache.hpp"
#include "sim/base/rng.hpp"
#include "sim/engine/cpu.hpp"
#include "sim/engine/simulator.hpp"
#include "sim/pagecache/inode.hpp"
#include "sim/pagecache/page_cache.hpp"
#include "sim/pagecache/task.hpp"
#include "sim/pagecache/wb_domain.hpp"

namespace wbsim::bench {
namespace {

using pagecache::Mark;
using pagecache::PageTree;

constexpr std::int64_t kPagesPerGib = 1 << 18;
constexpr std::int64_t kFileFactor = 12;  // the file is so many times as large as what is written
constexpr int kReclaimBatch = 32;         // SWAP_CLUSTER_MAX

using Runs = std::vector<std::pair<PageIndex, Pages>>;

// Distinct pages of the file in random order: one of each stretch of kFileFactor pages.
std::vector<std::int64_t> random_pages(std::int64_t count) {
  Rng rng = Rng::stream(42, "bench/pages");
  std::vector<std::int64_t> pages(static_cast<std::size_t>(count));
  std::iota(pages.begin(), pages.end(), 0);
  for (std::size_t i = pages.size() - 1; i > 0; --i) {
    std::swap(pages[i], pages[rng.uniform(i + 1)]);
  }
  for (std::int64_t& page : pages) {
    page = page * kFileFactor + static_cast<std::int64_t>(rng.uniform(kFileFactor));
  }
  return pages;
}

class ModelPages final : public pagecache::AddressSpaceOps {
 public:
  explicit ModelPages(std::int64_t pages) {
    cache_.stat().nr_free = 2 * Pages{pages};
    cache_.add_mapping(inode_.mapping);
  }
  ~ModelPages() { inode_.unlink(); }

  void write(std::int64_t number) {
    const PageIndex page{number};
    const std::uint64_t bit = PageTree::mask(page, Pages{1});
    const PageTree::Leaf* leaf = inode_.mapping.pages.find(page);
    if (leaf == nullptr || (leaf->present & bit) == 0) {
      cache_.add_pages(inode_.mapping, page, bit);
    }
    cache_.set_dirty(task_, inode_.mapping, page, bit, 0);
  }

  void write_back(Runs& runs) {
    pagecache::AddressSpace& mapping = inode_.mapping;
    for (auto page = mapping.pages.next(Mark::kDirty, PageIndex{0}); page;
         page = mapping.pages.next(Mark::kDirty, *page)) {
      const std::uint64_t dirty =
          mapping.pages.find(*page)->marked(Mark::kDirty) >> PageTree::slot(*page);
      const Pages count{std::countr_one(dirty)};
      cache_.start_writeback(0, mapping, *page, PageTree::mask(*page, count));
      runs.emplace_back(*page, count);
    }
  }

  void complete(const Runs& runs) {
    for (const auto& [first, count] : runs) {
      cache_.end_writeback(0, inode_.mapping, first, count);
    }
  }

  void reclaim() {
    while (cache_.shrink_inactive(kReclaimBatch)) {
    }
  }

  [[nodiscard]] bool empty() const { return inode_.mapping.pages.pages() == Pages{0}; }

  engine::Task<> writepages(pagecache::TaskContext&, pagecache::AddressSpace&,
                            pagecache::WritebackControl&) override {
    std::abort();  // nobody asks: the benchmark writes back itself
  }
  engine::Task<> read_pages(pagecache::TaskContext&, pagecache::AddressSpace&, PageIndex, Pages,
                            pagecache::ReadKind) override {
    std::abort();  // nobody reads
  }

 private:
  engine::Simulator simulator_;
  engine::Machine machine_{simulator_, 1, engine::Jiffies{250, 0, SimDuration{}}, {}};
  pagecache::WbDomain domain_{machine_, Pages{1} * kPagesPerGib};
  pagecache::PageCache cache_{machine_, domain_, Pages{16} * kPagesPerGib};
  pagecache::BdiWriteback wb_{0, 1, Pages{25'600}};
  pagecache::Inode inode_{wb_, *this};
  engine::Thread thread_{machine_, "bench", 1};
  pagecache::TaskContext task_{thread_};
};

class BarePages {
 public:
  explicit BarePages(std::int64_t pages)
      : cache_{static_cast<std::uint64_t>(pages * kFileFactor)} {}

  void write(std::int64_t page) { cache_.write(static_cast<std::uint64_t>(page)); }
  void write_back(Runs& runs) {
    cache_.write_back([&runs](std::uint64_t first, std::uint64_t count) {
      runs.emplace_back(PageIndex{static_cast<std::int64_t>(first)},
                        Pages{static_cast<std::int64_t>(count)});
    });
  }
  void complete(const Runs& runs) {
    for (const auto& [first, count] : runs) {
      cache_.complete(static_cast<std::uint64_t>(first.value()),
                      static_cast<std::uint64_t>(count.count()));
    }
  }
  void reclaim() {
    while (cache_.reclaim_oldest()) {
    }
  }
  [[nodiscard]] bool empty() const { return cache_.dirty_or_writeback() == 0; }

 private:
  yardsticks::BarePageCache cache_;
};

template <class Cache>
void page_life(benchmark::State& state) {
  const std::int64_t count = state.range(0) * kPagesPerGib;
  const std::vector<std::int64_t> pages = random_pages(count);
  Cache cache{count};
  Runs runs;
  for (auto unused : state) {
    (void)unused;
    for (const std::int64_t page : pages) {
      cache.write(page);
    }
    cache.write_back(runs);
    cache.complete(runs);
    cache.reclaim();
    runs.clear();
  }
  if (!cache.empty()) {
    state.SkipWithError("pages are left");
  }
  state.counters["per_page"] =
      benchmark::Counter(static_cast<double>(state.iterations() * count),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(page_life<ModelPages>)->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond);
BENCHMARK(page_life<BarePages>)->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wbsim::bench

BENCHMARK_MAIN();
