// The dirty part of a disk's write cache: what is to be written to the medium, in order of address.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstddef>

#include "models/geometry.hpp"
#include "sim/base/pool.hpp"
#include "sim/base/units.hpp"

namespace wbsim::models {

// Disjoint ranges of sectors. They are linked through themselves and come from a pool, so that in
// steady state nothing is allocated.
class DirtyExtents {
 public:
  struct Extent : boost::intrusive::set_base_hook<> {
    Lba first;
    Sectors length;
    Place place;  // of `first`
    [[nodiscard]] Lba end() const { return first + length; }
  };

  explicit DirtyExtents(const Geometry& geometry) : geometry_{geometry} {}
  DirtyExtents(const DirtyExtents&) = delete;
  DirtyExtents& operator=(const DirtyExtents&) = delete;
  ~DirtyExtents();

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] Sectors sectors() const { return sectors_; }

  // Joins the range with what it overlaps, and with its neighbours as long as the extent that
  // results is not longer than `longest`.
  void add(Lba first, Sectors length, Sectors longest);
  // Forgets the range.
  void cut(Lba first, Sectors length);
  // Whether a single extent holds all of it.
  [[nodiscard]] bool contains(Lba first, Sectors length) const;

  // Calls visit(extent) for up to `most` extents at or behind `around` and as many before it.
  template <class Visit>
  void visit_near(Lba around, int most, Visit visit) {
    const auto begin = tree_.lower_bound(around, ByFirst{});
    int left = most;
    for (auto it = begin; it != tree_.end() && left > 0; ++it, --left) {
      visit(*it);
    }
    left = most;
    for (auto it = begin; it != tree_.begin() && left > 0; --left) {
      visit(*--it);
    }
  }
  void remove(Extent& extent);

 private:
  struct ByFirst {
    bool operator()(const Extent& a, Lba b) const { return a.first < b; }
    bool operator()(Lba a, const Extent& b) const { return a < b.first; }
    bool operator()(const Extent& a, const Extent& b) const { return a.first < b.first; }
  };
  using Tree = boost::intrusive::set<Extent, boost::intrusive::compare<ByFirst>,
                                     boost::intrusive::constant_time_size<false>>;

  void insert(Lba first, Lba end);
  // The first extent that ends behind `at`.
  Tree::iterator first_ending_behind(Lba at);

  const Geometry& geometry_;
  SlabPool<Extent> pool_;
  Tree tree_;
  std::size_t count_ = 0;
  Sectors sectors_{0};
};

}  // namespace wbsim::models
