#include "sim/report/progress.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

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

}  // namespace
}  // namespace wbsim::report
