// Provenance: which writes the dirty data of a file comes from.
#pragma once

#include <cstdint>
#include <map>

#include "sim/base/units.hpp"
#include "sim/block/bio.hpp"

namespace wbsim::pagecache {

struct DirtyOrigin {
  std::uint64_t task = 0;
  std::uint64_t write_id = 0;
  SimTime dirtied_at{};
  friend bool operator==(const DirtyOrigin&, const DirtyOrigin&) = default;
};

// Runs of pages with equal origin, beside the bitmap of dirty pages. Neighbours with the same
// origin are one run. Empty and without cost while switched off.
class Provenance {
 public:
  struct Run {
    PageIndex first;
    Pages length;
    DirtyOrigin origin;
  };

  void enable() { enabled_ = true; }
  [[nodiscard]] bool enabled() const { return enabled_; }
  [[nodiscard]] std::size_t runs() const { return runs_.size(); }

  // The pages were dirtied by `origin`; it replaces earlier origins of theirs.
  void dirtied(PageIndex first, Pages length, const DirtyOrigin& origin);
  // The pages go to the device: forgets them, returns the range of write ids they carried.
  block::WriteIds take(PageIndex first, Pages length);
  // The run that holds a page; length 0 when there is none.
  [[nodiscard]] Run find(PageIndex page) const;

 private:
  struct Value {
    Pages length;
    DirtyOrigin origin;
  };
  using Runs = std::map<PageIndex, Value>;

  void cut(PageIndex at);

  bool enabled_ = false;
  Runs runs_;  // by first page; disjoint
};

}  // namespace wbsim::pagecache
