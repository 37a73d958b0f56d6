#include "sim/pagecache/truncate.hpp"

#include <cstdint>
#include <optional>

#include "sim/pagecache/page_wait.hpp"

namespace wbsim::pagecache {

namespace {

// Drops what nobody works on; returns the first page that is left.
std::optional<PageIndex> drop_idle(int cpu, PageCache& cache, AddressSpace& mapping,
                                   PageIndex first) {
  std::optional<PageIndex> left;
  for (auto page = mapping.pages.next_present(first); page;) {
    const PageTree::Leaf* leaf = mapping.pages.find(*page);
    const std::uint64_t bits = leaf->present & PageTree::mask(*page, Pages{PageTree::kFanOut});
    const std::uint64_t busy =
        bits & (leaf->marked(Mark::kWriteback) | mapping.pages.flagged(*page, Flag::kLocked));
    if ((bits & ~busy) != 0) {
      cache.discard(cpu, mapping, *page, bits & ~busy);
    }
    const PageIndex next{(PageTree::leaf_number(*page) + 1) * PageTree::kFanOut};
    if (busy != 0 && !left) {
      left = mapping.pages.next_present(*page);
    }
    page = mapping.pages.next_present(next);
  }
  return left;
}

}  // namespace

engine::Task<> truncate_inode_pages(TaskContext& task, PageCache& cache, AddressSpace& mapping,
                                    PageIndex first) {
  while (const auto page = drop_idle(task.cpu(), cache, mapping, first)) {
    co_await wait_on_page_writeback(task, mapping, *page);
    co_await wait_on_page_locked(task, mapping, *page);
  }
}

}  // namespace wbsim::pagecache
