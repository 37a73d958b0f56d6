#include "sim/pagecache/readahead.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::pagecache {

namespace {

bool cached(const PageTree& pages, PageIndex page) {
  const PageTree::Leaf* leaf = pages.find(page);
  return leaf != nullptr && (leaf->present & PageTree::mask(page, Pages{1})) != 0;
}

ReadaheadWindow initial_window(PageIndex index, Pages request, Pages max) {
  const Pages size = get_init_ra_size(request, max);
  return {index, size, size > request ? size - request : size};
}

}  // namespace

Pages get_init_ra_size(Pages size, Pages max) {
  const Pages rounded{
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(size.count())))};
  if (rounded <= max / 32) {
    return 4 * rounded;
  }
  return rounded <= max / 4 ? 2 * rounded : max;
}

Pages get_next_ra_size(Pages size, Pages max) {
  if (size < max / 16) {
    return 4 * size;
  }
  return size <= max / 2 ? 2 * size : max;
}

PageIndex next_miss(const PageTree& pages, PageIndex index, Pages max_scan) {
  SIM_CHECK(max_scan > Pages{0});
  PageIndex page = index;
  const PageIndex last = index + max_scan - Pages{1};
  while (page < last) {
    const PageTree::Leaf* leaf = pages.find(page);
    const int slot = PageTree::slot(page);
    const int run = leaf == nullptr ? 0 : std::countr_one(leaf->present >> slot);
    page += Pages{run};
    if (run < PageTree::kFanOut - slot) {
      break;
    }
  }
  return std::min(page, last);
}

Pages count_history_pages(const PageTree& pages, PageIndex index, Pages max) {
  Pages count{0};
  while (count < max - Pages{1} && index - count > PageIndex{0} &&
         cached(pages, index - count - Pages{1})) {
    ++count;
  }
  return count;
}

std::optional<ReadaheadWindow> ondemand_readahead(FileReadahead& ra, const PageTree& pages,
                                                  const ReadaheadLimits& limits, PageIndex index,
                                                  bool hit_marker, Pages request) {
  Pages max = ra.ra_pages;
  if (request > max && limits.io_pages > max) {
    max = std::min(request, limits.io_pages);
  }
  const auto remember = [&ra](const ReadaheadWindow& window) {
    ra.start = window.start;
    ra.size = window.size;
    ra.async_size = window.async_size;
  };
  const bool expected = index == ra.start + ra.size - ra.async_size || index == ra.start + ra.size;
  // Before the first read prev_pos is -1, and the last page the greatest there is.
  const Pages from_last = index - page_containing(ra.prev_pos);
  const bool follows =
      ra.prev_pos >= FileOffset{0} && from_last >= Pages{0} && from_last <= Pages{1};
  if (index == PageIndex{0}) {
    remember(initial_window(index, request, max));
  } else if (expected) {
    Pages size = get_next_ra_size(ra.size, max);
    if (limits.rules == ReadaheadRules::kV6_1) {
      size = std::max(size, ra.size);
    }
    remember({ra.start + ra.size, size, size});
  } else if (hit_marker) {
    const PageIndex start = next_miss(pages, index + Pages{1}, max);
    if (start - index > max) {
      return std::nullopt;
    }
    const Pages size = get_next_ra_size(start - index + request, max);
    remember({start, size, size});
  } else if (request > max || follows) {
    remember(initial_window(index, request, max));
  } else {
    Pages history = count_history_pages(pages, index, max);
    if (history <= request) {
      return ReadaheadWindow{index, request, Pages{0}};
    }
    if (history >= index - PageIndex{0}) {
      history = 2 * history;  // from the beginning of the file: surely a stream
    }
    remember({index, std::min(history + request, max), Pages{1}});
  }
  if (index == ra.start && ra.size == ra.async_size) {
    const Pages more = get_next_ra_size(ra.size, max);
    if (ra.size + more <= max) {
      ra.async_size = more;
      ra.size += more;
    } else {
      ra.size = max;
      ra.async_size = max / 2;
    }
  }
  return ReadaheadWindow{ra.start, ra.size, ra.async_size};
}

Pages forced_readahead(const FileReadahead& ra, const ReadaheadLimits& limits, Pages request) {
  return std::min(request, std::max(limits.io_pages, ra.ra_pages));
}

}  // namespace wbsim::pagecache
