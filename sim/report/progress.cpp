#include "sim/report/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace wbsim::report {

namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";  // ECMA-48 "erase in line"; no colour
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kPlain = "\x1b[0m";

double to_seconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e9; }

void put(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

bool is_terminal(std::FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

Colour colour_for(std::FILE* stream, const char* no_color) {
  const bool refused = no_color != nullptr && *no_color != '\0';
  return is_terminal(stream) && !refused ? Colour::kYes : Colour::kNo;
}

std::string progress_text(SimDuration now, std::optional<SimDuration> end,
                          std::chrono::nanoseconds wall, Colour colour) {
  std::string text = fmt::format("{:.1f} s", to_seconds(now));
  if (end && *end > SimDuration::zero()) {
    text += fmt::format(" of {:.1f} s simulated ({} %)", to_seconds(*end), now * 100 / *end);
  } else {
    text += " simulated";
  }
  if (colour == Colour::kYes) {
    text = fmt::format("{}{}{}", kCyan, text, kPlain);
  }
  if (wall > std::chrono::nanoseconds::zero()) {
    text += fmt::format(", {:.4g}x real time", to_seconds(now) / to_seconds(wall));
  }
  return text;
}

Progress::Progress(std::FILE* stream, std::optional<SimDuration> end, Colour colour,
                   WallTime wall_time)
    : stream_{stream}, end_{end}, colour_{colour}, wall_time_{wall_time}, began_{wall_time()} {}

Progress::~Progress() {
  if (drawn_) {
    put(stream_, kClearLine);
  }
}

void Progress::on_sample(const engine::StateSample& sample) {
  constexpr std::chrono::milliseconds kRedraw{100};
  const std::chrono::nanoseconds wall = wall_time_();
  if (wall - drawn_.value_or(began_) < kRedraw) {
    return;
  }
  drawn_ = wall;
  put(stream_,
      fmt::format("{}{}", kClearLine,
                  progress_text(sample.time.time_since_epoch(), end_, wall - began_, colour_)));
}

}  // namespace wbsim::report
