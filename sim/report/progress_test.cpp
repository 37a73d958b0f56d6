#include "sim/report/progress.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>

namespace wbsim::report {
namespace {

TEST(Progress, TellsVirtualTimeShareAndSpeed) {
  EXPECT_EQ(
      progress_text(milliseconds(12'300), seconds(60), std::chrono::milliseconds{300}, Colour::kNo),
      "12.3 s of 60.0 s simulated (20 %), 41x real time");
}

TEST(Progress, HasNoShareWithoutAKnownEnd) {
  EXPECT_EQ(progress_text(seconds(5), std::nullopt, std::chrono::seconds{2}, Colour::kNo),
            "5.0 s simulated, 2.5x real time");
  EXPECT_EQ(progress_text({}, std::nullopt, {}, Colour::kNo), "0.0 s simulated");
}

TEST(Progress, ColoursOnlyWhenAsked) {
  EXPECT_EQ(progress_text(seconds(5), std::nullopt, {}, Colour::kYes),
            "\x1b[36m5.0 s simulated\x1b[0m");
}

TEST(Progress, FileIsNoTerminalAndGetsNoColour) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(is_terminal(file.get()));
  EXPECT_EQ(colour_for(file.get(), nullptr), Colour::kNo);
}

// Real time as the test sets it; a WallTime is a plain function, so it has to live outside of one.
std::chrono::nanoseconds wall_now{};

TEST(Progress, RedrawsAfter100MsOfRealTimeAndClearsItsLineAtTheEnd) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};
  ASSERT_NE(file, nullptr);
  wall_now = std::chrono::seconds{5};
  {
    Progress progress{file.get(), seconds(10), Colour::kNo, [] { return wall_now; }};
    const auto sample = [&progress](SimDuration time) {
      engine::StateSample state;
      state.time = at(time);
      progress.on_sample(state);
    };
    sample(seconds(1));
    wall_now += std::chrono::milliseconds{99};
    sample(seconds(2));
    wall_now += std::chrono::milliseconds{1};
    sample(seconds(3));
    wall_now += std::chrono::milliseconds{99};
    sample(seconds(4));
  }
  std::rewind(file.get());
  char text[200] = {};
  const std::size_t size = std::fread(text, 1, sizeof text, file.get());
  EXPECT_EQ(std::string(text, size),
            "\r\x1b[K3.0 s of 10.0 s simulated (30 %), 30x real time\r\x1b[K");
}

}  // namespace
}  // namespace wbsim::report
