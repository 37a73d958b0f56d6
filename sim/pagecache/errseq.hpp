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
    seen_ = false;
  }
  // What a file starts from when it is opened. An error that nobody has seen yet is reported to
  // whoever asks first, even if the file was opened after it happened.
  [[nodiscard]] std::uint64_t sample() const { return seen_ ? sequence_ : 0; }
  // For who wants to know of errors from now on, and reports none: errseq_sample() and
  // errseq_check() of somebody without an open file.
  [[nodiscard]] std::uint64_t now() const { return sequence_; }
  [[nodiscard]] int check(std::uint64_t since) const { return since == sequence_ ? 0 : error_; }
  // The error since `*since` (negative errno), 0 when there is none; moves `*since` up.
  int check_and_advance(std::uint64_t* since) {
    if (*since == sequence_) {
      return 0;
    }
    *since = sequence_;
    seen_ = true;
    return error_;
  }

 private:
  int error_ = 0;
  std::uint64_t sequence_ = 0;
  bool seen_ = false;
};

}  // namespace wbsim::pagecache
