// Ctrl-C or SIGTERM as a flag that a run looks at, so that what it has so far can be written.
#pragma once

#include <atomic>

namespace wbsim::cli {

// From now on SIGINT and SIGTERM set the flag; a second one ends the program at once.
const std::atomic<bool>& catch_interrupts();

}  // namespace wbsim::cli
