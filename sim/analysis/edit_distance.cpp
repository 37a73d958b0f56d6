#include "sim/analysis/edit_distance.hpp"

#include <algorithm>
#include <span>
#include <unordered_map>

namespace wbsim::analysis {

namespace {

using Sequence = std::span<const std::uint32_t>;

constexpr std::size_t kWordBits = 64;

// Where in `pattern` each symbol stands. With nearly as many symbols as elements a bit vector for
// each symbol would be quadratic in memory; positions are linear.
std::unordered_map<std::uint32_t, std::vector<std::size_t>> positions_of(Sequence pattern) {
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> positions;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    positions[pattern[i]].push_back(i);
  }
  return positions;
}

// One 64-row block of a column of the distance matrix, kept as the vertical differences between
// neighbouring rows: bit set in `plus` is +1, in `minus` is -1.
struct Block {
  std::uint64_t plus = ~std::uint64_t{0};
  std::uint64_t minus = 0;
};

// Advances a block by one column. `carry` is the horizontal difference (-1, 0, 1) that enters at
// the top; returned is the one that leaves at row `last_bit`.
int advance(Block& block, std::uint64_t equal, int carry, std::uint64_t last_bit) {
  const std::uint64_t carry_minus = carry < 0 ? 1 : 0;
  const std::uint64_t carry_plus = carry > 0 ? 1 : 0;
  const std::uint64_t vertical = equal | block.minus;
  equal |= carry_minus;
  const std::uint64_t diagonal = (((equal & block.plus) + block.plus) ^ block.plus) | equal;
  std::uint64_t plus = block.minus | ~(diagonal | block.plus);
  std::uint64_t minus = block.plus & diagonal;
  const int leaving = (plus & last_bit) != 0 ? 1 : (minus & last_bit) != 0 ? -1 : 0;
  plus = (plus << 1) | carry_plus;
  minus = (minus << 1) | carry_minus;
  block.plus = minus | ~(vertical | plus);
  block.minus = plus & vertical;
  return leaving;
}

// Algorithm: G. Myers, "A fast bit-vector algorithm for approximate string matching based on
// dynamic programming", JACM 46(3), 1999, in the block form for global distance (H. Hyyro, 2003).
std::int64_t bit_parallel(Sequence pattern, Sequence text) {
  const auto positions = positions_of(pattern);
  const std::size_t blocks = (pattern.size() + kWordBits - 1) / kWordBits;
  std::vector<Block> column(blocks);
  std::vector<std::uint64_t> equal(blocks, 0);
  const std::uint64_t top = std::uint64_t{1} << (kWordBits - 1);
  const std::uint64_t bottom = std::uint64_t{1} << ((pattern.size() - 1) % kWordBits);
  auto distance = static_cast<std::int64_t>(pattern.size());
  for (const std::uint32_t symbol : text) {
    const auto found = positions.find(symbol);
    if (found != positions.end()) {
      for (const std::size_t i : found->second) {
        equal[i / kWordBits] |= std::uint64_t{1} << (i % kWordBits);
      }
    }
    int carry = 1;  // the first row of a global distance grows by one a column
    for (std::size_t i = 0; i + 1 < blocks; ++i) {
      carry = advance(column[i], equal[i], carry, top);
    }
    distance += advance(column[blocks - 1], equal[blocks - 1], carry, bottom);
    if (found != positions.end()) {
      for (const std::size_t i : found->second) {
        equal[i / kWordBits] = 0;
      }
    }
  }
  return distance;
}

// No edit sequence is shorter than the longer side less the elements both have, in any order.
std::int64_t bag_distance(Sequence a, Sequence b) {
  std::vector<std::uint32_t> x(a.begin(), a.end());
  std::vector<std::uint32_t> y(b.begin(), b.end());
  std::sort(x.begin(), x.end());
  std::sort(y.begin(), y.end());
  std::vector<std::uint32_t> common;
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(common));
  return static_cast<std::int64_t>(std::max(x.size(), y.size()) - common.size());
}

// Position by position: replace what differs, insert or delete the rest.
std::int64_t hamming_bound(Sequence a, Sequence b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  auto distance = static_cast<std::int64_t>(std::max(a.size(), b.size()) - shorter);
  for (std::size_t i = 0; i < shorter; ++i) {
    distance += a[i] == b[i] ? 0 : 1;
  }
  return distance;
}

}  // namespace

EditDistance edit_distance(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b,
                           std::int64_t work_max) {
  Sequence x{a};
  Sequence y{b};
  while (!x.empty() && !y.empty() && x.front() == y.front()) {
    x = x.subspan(1);
    y = y.subspan(1);
  }
  while (!x.empty() && !y.empty() && x.back() == y.back()) {
    x = x.first(x.size() - 1);
    y = y.first(y.size() - 1);
  }
  if (x.empty() || y.empty()) {
    const auto rest = static_cast<std::int64_t>(std::max(x.size(), y.size()));
    return {rest, rest};
  }
  const std::uint64_t words = x.size() * ((y.size() + kWordBits - 1) / kWordBits);
  if (words > static_cast<std::uint64_t>(work_max)) {
    return {bag_distance(x, y), hamming_bound(x, y)};
  }
  const std::int64_t distance = bit_parallel(y, x);
  return {distance, distance};
}

}  // namespace wbsim::analysis
