#include "sim/block/sbitmap.hpp"

#include <algorithm>
#include <bit>

#include "sim/base/check.hpp"

namespace wbsim::block {

namespace {

// Models: sbitmap_calculate_shift(): words shrink until there are four.
int word_shift(int depth) {
  constexpr int kWordsWanted = 4;
  int shift = 6;  // ilog2(BITS_PER_LONG)
  while (depth >= kWordsWanted && (kWordsWanted << shift) > depth) {
    --shift;
  }
  return shift;
}

}  // namespace

Sbitmap::Sbitmap(int depth, int allocated, int cpus, ShallowDepth limits)
    : limits_{limits},
      depth_{depth},
      shift_{word_shift(allocated)},
      words_(static_cast<std::size_t>((depth + (1 << shift_) - 1) >> shift_)),
      hints_(static_cast<std::size_t>(cpus)) {
  SIM_CHECK(depth > 0 && allocated >= depth && cpus > 0);
  share_depth_out();
}

int Sbitmap::bits_per_word_for(int depth) { return 1 << word_shift(depth); }

void Sbitmap::share_depth_out() {
  int left = depth_;
  words_in_use_ = 0;
  while (left > 0) {
    Word& word = words_[words_in_use_++];
    word.depth = std::min(left, bits_per_word());
    left -= word.depth;
  }
}

void Sbitmap::resize(int depth) {
  SIM_CHECK(depth > 0 && depth <= static_cast<int>(words_.size()) * bits_per_word());
  for (std::size_t index = 0; index < words_in_use_; ++index) {
    Word& word = words_[index];
    word.used &= ~word.cleared;
    word.cleared = 0;
  }
  depth_ = depth;
  share_depth_out();
  busy_ = 0;
  for (std::size_t index = 0; index < words_in_use_; ++index) {
    const Word& word = words_[index];
    busy_ += std::popcount(word.used & ~word.cleared & (~std::uint64_t{0} >> (64 - word.depth)));
  }
}

// Models: sbitmap_find_bit_in_word() with wrapping: the first free bit from `hint`, else from 0,
// else the same again with the bits freed meanwhile.
int Sbitmap::find_in_word(Word& word, int depth, int hint) {
  const std::uint64_t usable = ~std::uint64_t{0} >> (64 - depth);
  while (true) {
    const std::uint64_t free = ~word.used & usable;
    if (free != 0) {
      const std::uint64_t from_hint = hint < depth ? free & (~std::uint64_t{0} << hint) : 0;
      const int bit = std::countr_zero(from_hint != 0 ? from_hint : free);
      word.used |= std::uint64_t{1} << bit;
      return bit;
    }
    if (word.cleared == 0) {
      return kNone;
    }
    word.used &= ~word.cleared;
    word.cleared = 0;
  }
}

// Models: __map_depth_with_shallow(): what rounding leaves over goes to the first words.
int Sbitmap::usable_in_word(std::size_t index, int limit) const {
  const int depth = words_[index].depth;
  if (limits_ == ShallowDepth::kEachWord || limit >= depth_) {
    return std::min(depth, limit);
  }
  const std::int64_t wanted = static_cast<std::int64_t>(depth) * limit;
  const bool more = wanted % depth_ >= static_cast<std::int64_t>(index + 1) * depth;
  return static_cast<int>(wanted / depth_) + (more ? 1 : 0);
}

int Sbitmap::get(int cpu, int limit) {
  int& hint = hints_[static_cast<std::size_t>(cpu)];
  if (busy_ == depth_) {  // no need to look
    hint = 0;
    return kNone;
  }
  if (hint >= depth_) {
    hint = 0;  // update_alloc_hint_before_get() draws one, as at the start
  }
  const bool shallow = limit != kWholeWord;
  std::size_t index = static_cast<std::size_t>(hint >> shift_);
  // Without a limit the hint chooses the word alone.
  int start = shallow ? hint & (bits_per_word() - 1) : 0;
  for (std::size_t tried = 0; tried < words_in_use_; ++tried) {
    Word& word = words_[index];
    const int usable = shallow ? usable_in_word(index, limit) : word.depth;
    const int bit = usable > 0 ? find_in_word(word, usable, start) : kNone;
    if (bit != kNone) {
      const int found = static_cast<int>(index << shift_) + bit;
      ++in_use_;
      ++busy_;
      // Models: update_alloc_hint_after_get(): on from the hint, as long as it was right.
      if (found == hint) {
        hint = found + 1 >= depth_ - 1 ? 0 : found + 1;
      }
      return found;
    }
    start = 0;
    index = index + 1 == words_in_use_ ? 0 : index + 1;
  }
  hint = 0;
  return kNone;
}

void Sbitmap::put(int bit, int cpu) {
  Word& word = words_[static_cast<std::size_t>(bit >> shift_)];
  const std::uint64_t mask = std::uint64_t{1} << (bit & (bits_per_word() - 1));
  SIM_CHECK((word.used & mask) != 0 && (word.cleared & mask) == 0);
  word.cleared |= mask;
  --in_use_;
  if (bit < depth_) {
    --busy_;
    hints_[static_cast<std::size_t>(cpu)] = bit;
  }
}

}  // namespace wbsim::block
