#include "sim/base/frame_pool.hpp"

#include <array>
#include <new>

namespace wbsim {
namespace {

constexpr std::size_t kClassSize = 32;  // bytes by which size classes differ
constexpr std::size_t kClasses = 128;   // larger frames (> 4 KiB) go to operator new

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPooled = false;
#elif defined(__has_feature)
constexpr bool kPooled = !__has_feature(address_sanitizer);
#else
constexpr bool kPooled = true;
#endif

struct FreeFrame {
  FreeFrame* next;
};

// Free frames of class c have (c + 1) * kClassSize bytes. Constant-initialised and without a
// destructor, so that the common path has no initialisation guard.
constinit thread_local std::array<FreeFrame*, kClasses> free_frames{};

// Returns the free frames to the system when the thread ends.
struct FreeFramesOwner {
  bool armed = false;
  ~FreeFramesOwner() {
    for (FreeFrame*& list : free_frames) {
      while (list != nullptr) {
        FreeFrame* const frame = list;
        list = frame->next;
        ::operator delete(frame);
      }
    }
  }
};
thread_local FreeFramesOwner free_frames_owner;

constexpr std::size_t class_of(std::size_t size) { return (size - 1) / kClassSize; }

}  // namespace

void* acquire_frame(std::size_t size) {
  const std::size_t size_class = class_of(size);
  if (!kPooled || size_class >= kClasses) {
    return ::operator new(size);
  }
  if (FreeFrame* const frame = free_frames[size_class]; frame != nullptr) {
    free_frames[size_class] = frame->next;
    return frame;
  }
  free_frames_owner.armed = true;  // makes the thread construct it, and so destroy it at its end
  return ::operator new((size_class + 1) * kClassSize);
}

void release_frame(void* frame, std::size_t size) noexcept {
  const std::size_t size_class = class_of(size);
  if (!kPooled || size_class >= kClasses) {
    ::operator delete(frame);
    return;
  }
  free_frames[size_class] = new (frame) FreeFrame{free_frames[size_class]};
}

}  // namespace wbsim
