// SIM_CHECK: an invariant of the simulator itself. Always on, also in release builds; a failure
// is a bug in wbsim, never a user error (those are Diagnostics, see diagnostics.hpp).
#pragma once

#include <string_view>

namespace wbsim {

// Prints "file:line: check failed: what" to stderr and aborts.
[[noreturn]] void check_failed(std::string_view file, int line, std::string_view what);

}  // namespace wbsim

#define SIM_CHECK(condition)                                 \
  do {                                                       \
    if (!(condition)) [[unlikely]] {                         \
      ::wbsim::check_failed(__FILE__, __LINE__, #condition); \
    }                                                        \
  } while (false)

// A place that no execution reaches. Unlike SIM_CHECK(false) it ends control flow for every
// compiler and every option: nothing has to be returned after it.
#define SIM_UNREACHABLE() ::wbsim::check_failed(__FILE__, __LINE__, "unreachable")
