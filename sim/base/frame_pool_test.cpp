#include "sim/base/frame_pool.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace wbsim {
namespace {

TEST(FramePoolTest, FramesAreDistinctAlignedAndWritable) {
  struct Frame {
    void* memory;
    std::size_t size;
  };
  std::vector<Frame> frames;
  for (std::size_t size = 1; size < 10'000; size += 97) {
    void* const memory = acquire_frame(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0U);
    std::memset(memory, static_cast<int>(size % 251), size);
    frames.push_back({memory, size});
  }
  for (const Frame& frame : frames) {
    const auto* bytes = static_cast<const unsigned char*>(frame.memory);
    EXPECT_EQ(bytes[0], frame.size % 251);
    EXPECT_EQ(bytes[frame.size - 1], frame.size % 251);
    release_frame(frame.memory, frame.size);
  }
}

TEST(FramePoolTest, FrameMayOutliveTheThreadThatMadeIt) {
  void* frame = nullptr;
  std::thread{[&] { frame = acquire_frame(200); }}.join();
  std::memset(frame, 1, 200);
  release_frame(frame, 200);
  void* const again = acquire_frame(200);
  std::memset(again, 2, 200);
  release_frame(again, 200);
}

}  // namespace
}  // namespace wbsim
