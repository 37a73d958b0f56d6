// Readahead: how much to read beyond what was asked for, and when.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/base/units.hpp"
#include "sim/pagecache/page_tree.hpp"

namespace wbsim::pagecache {

// What kernel generations do differently.
//   kV5_10  a window shrinks when the file's maximum does; after a read the position is the start
//           of its last page
//   kV6_1   a window never shrinks; after a read the position is its end
enum class ReadaheadRules { kV5_10, kV6_1 };

// Of the device, struct backing_dev_info.
struct ReadaheadLimits {
  Pages ra_pages{32};   // read_ahead_kb
  Pages io_pages{320};  // max_sectors_kb: what a large request may read at once
  ReadaheadRules rules = ReadaheadRules::kV5_10;
};

// Models: struct file_ra_state and FMODE_RANDOM of one open file.
struct FileReadahead {
  explicit FileReadahead(Pages maximum = Pages{32}) : ra_pages{maximum} {}

  PageIndex start;          // of the last window
  Pages size{0};            // of the last window
  Pages async_size{0};      // its last pages, whose first one is marked
  Pages ra_pages;           // greatest window
  FileOffset prev_pos{-1};  // where the last read was
  bool random = false;      // FADV_RANDOM: read what is asked for and nothing else
};

// Pages to read from `start` on; the page `async_size` before the end is marked. An async_size of
// 0 marks nothing.
struct ReadaheadWindow {
  PageIndex start;
  Pages size{0};
  Pages async_size{0};
};

// Models: get_init_ra_size(): the first window for a request of `size` pages.
Pages get_init_ra_size(Pages size, Pages max);
// Models: get_next_ra_size(): the window after one of `size` pages.
Pages get_next_ra_size(Pages size, Pages max);

// Models: page_cache_next_miss(): the first page from `index` on that is not cached. Where all of
// `max_scan` pages are, the last of these.
PageIndex next_miss(const PageTree& pages, PageIndex index, Pages max_scan);
// Models: count_history_pages(): pages cached right before `index`; at most max - 1.
Pages count_history_pages(const PageTree& pages, PageIndex index, Pages max);

// Models: ondemand_readahead(), mm/readahead.c, v5.10 and v6.1, for mappings without large folios.
// `request` pages are wanted from `index` on, which is not cached, or is a marked page
// (`hit_marker`). Rules, the first that holds:
//   1. the first page of the file starts a stream
//   2. the marked page or the end of the last window continues it: the next window is larger
//   3. any other marked page continues a stream that the file has forgotten (interleaved readers):
//      as long as the pages cached from there on
//   4. a request beyond the maximum starts a stream
//   5. so does one right behind, or within, the last page read
//   6. more cached pages before it than it asks for: a stream, as long as these and the request
//   7. random: the request alone; the file's state stays
// A window whose own first page is marked takes the next one in. Nothing: no readahead.
std::optional<ReadaheadWindow> ondemand_readahead(FileReadahead& ra, const PageTree& pages,
                                                  const ReadaheadLimits& limits, PageIndex index,
                                                  bool hit_marker, Pages request);

// Models: force_page_cache_ra(): pages of a request that are read at once without any detection.
Pages forced_readahead(const FileReadahead& ra, const ReadaheadLimits& limits, Pages request);

}  // namespace wbsim::pagecache
