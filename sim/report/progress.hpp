// One line on a terminal that says how far a run is.
#pragma once

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "sim/engine/tracepoints.hpp"

namespace wbsim::report {

enum class Colour { kNo, kYes };

// Progress is for people who look: only on a terminal.
bool is_terminal(std::FILE* stream);
// `no_color` is the environment variable NO_COLOR or null: any value but the empty one wins.
Colour colour_for(std::FILE* stream, const char* no_color);

// "12.3 s of 60.0 s simulated (20 %), 41x real time"; without a known end "12.3 s simulated, ...".
std::string progress_text(SimDuration now, std::optional<SimDuration> end,
                          std::chrono::nanoseconds wall, Colour colour);

// Real time that has passed since some fixed moment. The program hands it in: no code of the
// simulator can read a real clock.
using WallTime = std::chrono::nanoseconds (*)();

// Redraws at samples, at most ten times a second of real time.
class Progress : public engine::Observer {
 public:
  // `end` is where the run will stop, when that is known beforehand.
  Progress(std::FILE* stream, std::optional<SimDuration> end, Colour colour, WallTime wall_time);
  // Clears the line.
  ~Progress() override;

  void on_sample(const engine::StateSample& sample) override;

 private:
  std::FILE* stream_;
  std::optional<SimDuration> end_;
  Colour colour_;
  WallTime wall_time_;
  std::chrono::nanoseconds began_;
  std::optional<std::chrono::nanoseconds> drawn_;
};

}  // namespace wbsim::report
