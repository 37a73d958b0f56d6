// errno values of system calls, negative as the kernel returns them.
#pragma once

#include "sim/fs/file.hpp"

namespace wbsim::vfs {

using fs::kEfbig;
using fs::kEnospc;
using fs::kEopnotsupp;

inline constexpr int kEperm = -1;
inline constexpr int kEnoent = -2;
inline constexpr int kEbadf = -9;
inline constexpr int kEexist = -17;
inline constexpr int kEinval = -22;
inline constexpr int kEmfile = -24;
inline constexpr int kEnotty = -25;

}  // namespace wbsim::vfs
