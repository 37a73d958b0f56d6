// Bitmaps of tags, spread over words.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace wbsim::block {

// What a limit of the bits to be used is of.
//   kEachWord  so many of each word
//   kAll       so many of all, each word having its part of them (v6.12 stable)
enum class ShallowDepth { kEachWord, kAll };

// Models: struct sbitmap, lib/sbitmap.c, v5.10 to v6.12. Which bit is handed out matters as soon as
// a request may use only the first bits of each word (limit_depth() of an elevator): a CPU looks
// first in the word of the bit it freed last, and freed bits are not used again until the word has
// no other. Simplified: each CPU starts at bit 0; the kernel draws that at random.
class Sbitmap {
 public:
  static constexpr int kNone = -1;
  static constexpr int kWholeWord = std::numeric_limits<int>::max();  // no limit

  // `allocated`: the depth it was made for, which gives the size of the words; `depth` is what
  // it was resized to, at most as much.
  Sbitmap(int depth, int allocated, int cpus, ShallowDepth limits = ShallowDepth::kEachWord);

  // Of a bitmap that is made for `depth`.
  [[nodiscard]] static int bits_per_word_for(int depth);
  [[nodiscard]] int depth() const { return depth_; }
  [[nodiscard]] int in_use() const { return in_use_; }
  [[nodiscard]] int bits_per_word() const { return 1 << shift_; }

  // sbitmap_resize(): to at most what it was made for. Bits beyond `depth` that are taken stay so
  // until they are put.
  void resize(int depth);

  // Takes a bit among the first `limit` of some word, or its part of them; kNone where all of these
  // are taken.
  int get(int cpu, int limit = kWholeWord);
  void put(int bit, int cpu);

 private:
  struct Word {
    std::uint64_t used = 0;     // bits taken, and those of `cleared`
    std::uint64_t cleared = 0;  // freed, but not yet to be handed out
    int depth = 0;
  };

  void share_depth_out();
  [[nodiscard]] int usable_in_word(std::size_t index, int limit) const;
  static int find_in_word(Word& word, int depth, int hint);

  ShallowDepth limits_;
  int depth_;
  int in_use_ = 0;
  int busy_ = 0;  // of those in use, the ones below depth_
  int shift_;
  std::vector<Word> words_;
  std::size_t words_in_use_ = 0;  // map_nr
  std::vector<int> hints_;        // per CPU: alloc_hint
};

}  // namespace wbsim::block
