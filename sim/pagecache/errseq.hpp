#pragma once

#include <cstdint>

namespace wbsim::pagecache {

// Models: errseq_t, lib/errseq.c, v5.10: the last write error of a mapping and how often one was
// set, so that every open file reports it once. Before v4.13 there was but a flag, AS_EIO, which
// whoever waited for writeback took away, also if it had nobody to tell.
class ErrSeq {
 public:
  // From now on it is such a flag.
  void tell_first_only() {
    first_only_ = true;
    seen_ = true;
  }
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
    const bool known = first_only_ ? seen_ : *since == sequence_;
    *since = sequence_;
    if (known) {
      return 0;
    }
    seen_ = true;
    return error_;
  }
  // What waiting for writeback returns beside: the flag, which is taken away even if nobody looks.
  int take_flag() {
    if (!first_only_ || seen_) {
      return 0;
    }
    seen_ = true;
    return error_;
  }

 private:
  int error_ = 0;
  std::uint64_t sequence_ = 0;
  bool seen_ = false;
  bool first_only_ = false;
};

}  // namespace wbsim::pagecache
