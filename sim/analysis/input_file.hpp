// Files of a truth case: plain or xz-compressed text, CSV and JSON. Every finding names the file
// and, where there is one, the line or the JSON pointer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/base/units.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::analysis {

// The text of `path`, decompressed when its name ends in ".xz". Missing, cut-off and damaged files
// are errors.
std::optional<std::string> read_text(const std::filesystem::path& path, Diagnostics& diagnostics);

// The first of `folder`/`name` and `folder`/`name`.xz that exists; `folder`/`name` when neither
// does. The rig compresses a file only when it is long.
std::filesystem::path plain_or_xz(const std::filesystem::path& folder, const std::string& name);

std::optional<system::Json> read_json(const std::filesystem::path& path, Diagnostics& diagnostics);

// "12.345" microseconds, at most three digits after the point: exact nanoseconds.
std::optional<SimDuration> parse_microseconds(std::string_view text);
std::optional<SimDuration> parse_milliseconds(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);

// A number of a JSON document that counts units of `unit` nanoseconds, rounded to nanoseconds.
SimDuration duration_from(double count, double unit);

// Cuts `text` into lines without their ends; a missing end of the last line is fine.
std::vector<std::string_view> lines_of(std::string_view text);

// A CSV table with a header and no quoting, as the rig writes it. Views into the text given, which
// has to outlive it.
class CsvTable {
 public:
  // Checks that every row has as many cells as the header and that the `required` columns exist.
  static std::optional<CsvTable> parse(std::string_view text, const std::string& file,
                                       const std::vector<std::string>& required,
                                       Diagnostics& diagnostics);

  [[nodiscard]] std::size_t rows() const { return cells_.size() / width_; }
  [[nodiscard]] std::size_t column(std::string_view name) const;
  [[nodiscard]] std::string_view cell(std::size_t row, std::size_t column) const {
    return cells_[row * width_ + column];
  }
  // "FILE:LINE" of a row, for messages.
  [[nodiscard]] std::string where(std::size_t row) const;

 private:
  std::string file_;
  std::vector<std::string_view> header_;
  std::vector<std::string_view> cells_;
  std::size_t width_ = 1;
};

// Typed access to one JSON document. Numbers may also be written as strings, which is how the rig
// keeps what the kernel printed.
class JsonInput {
 public:
  JsonInput(const system::Json& document, std::string file, Diagnostics& diagnostics)
      : document_{document}, file_{std::move(file)}, diagnostics_{diagnostics} {}

  [[nodiscard]] bool has(const std::string& pointer) const;  // present and not null
  [[nodiscard]] const system::Json& at(const std::string& pointer) const;
  // Required values: an error and nullopt when missing, of another kind, or out of range. What the
  // rig counts is never negative: integers go from 0 to kCountMax, durations to kDurationMax.
  std::optional<std::int64_t> integer(const std::string& pointer);
  // A number of units of `unit` nanoseconds.
  std::optional<SimDuration> duration(const std::string& pointer, double unit);
  std::optional<std::string> text(const std::string& pointer);
  // Optional values: `absent` when missing, an error when of another kind.
  std::int64_t integer_or(const std::string& pointer, std::int64_t absent);
  bool flag_or(const std::string& pointer, bool absent);  // true/false or 1/0

  static constexpr std::int64_t kCountMax = 1'000'000'000'000'000;
  static constexpr SimDuration kDurationMax = seconds(1'000'000'000);

  [[nodiscard]] std::string where(const std::string& pointer) const {
    return file_ + ": " + pointer;
  }
  Diagnostics& diagnostics() { return diagnostics_; }

 private:
  const system::Json& document_;
  std::string file_;
  Diagnostics& diagnostics_;
};

}  // namespace wbsim::analysis
