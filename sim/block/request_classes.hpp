// How a single queue tells its requests apart.
#pragma once

#include <cstddef>

namespace wbsim::block {

// How requests are counted: reads and writes (v2.6.18), or synchronous and asynchronous ones
// (v3.6), where every read is synchronous.
enum class RequestClasses { kByDirection, kBySync };
// READ and WRITE, or BLK_RW_SYNC and BLK_RW_ASYNC: the second is that of writeback.
enum RequestClass : std::size_t { kReadOrSync, kWriteOrAsync, kRequestClasses };

}  // namespace wbsim::block
