// Memory for coroutine frames: short-lived, few distinct sizes, allocated on every call of a Task.
//
// A promise's operator new is given a size and nothing else, so it cannot reach its simulation;
// therefore the free lists belong to the thread. This is no state of the simulation: which address
// a frame gets is not observable, and every block is an allocation of its own, so that a block may
// be released on another thread than it came from, or after that thread has ended.
//
// Under AddressSanitizer the lists are bypassed, so that use of a dead frame is found.
#pragma once

#include <cstddef>

namespace wbsim {

// Aligned as operator new. Allocates from the system only while its size class grows.
void* acquire_frame(std::size_t size);
// `size` as given to acquire_frame.
void release_frame(void* frame, std::size_t size) noexcept;

}  // namespace wbsim
