#pragma once

#include <cstdint>

namespace wbsim::pagecache {

// Models: errseq_t, lib/errseq.c, v5.10: the last write error of a mapping and how often one was
// set, so that every open file reports it once.
class ErrSeq {
 public:
  void set(int error) {
    error_ = error;
    ++sequence_;
  }
  [[nodiscard]] std::uint64_t sample() const { return sequence_; }
  // The error since `*since` (negative errno), 0 when there is none; moves `*since` up.
  int check_and_advance(std::uint64_t* since) const {
    if (*since == sequence_) {
      return 0;
    }
    *since = sequence_;
    return error_;
  }

 private:
  int error_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace wbsim::pagecache
