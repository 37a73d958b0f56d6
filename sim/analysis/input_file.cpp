#include "sim/analysis/input_file.hpp"

#include <fmt/format.h>
#include <lzma.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "sim/base/check.hpp"
#include "sim/system/json_text.hpp"

namespace wbsim::analysis {

namespace fs = std::filesystem;
using system::Json;

namespace {

std::optional<std::string> read_bytes(const fs::path& path, Diagnostics& diagnostics) {
  std::ifstream in{path, std::ios::binary};
  if (!in || fs::is_directory(path)) {
    diagnostics.error(path.string(), fs::exists(path) ? "cannot be read" : "no such file");
    return std::nullopt;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::string_view xz_damage(lzma_ret ret) {
  switch (ret) {
    case LZMA_FORMAT_ERROR:
      return "it is not xz data";
    case LZMA_MEM_ERROR:
      return "not enough memory to decompress it";
    case LZMA_OPTIONS_ERROR:
      return "its compression options are not supported";
    default:
      return "the xz data is damaged";
  }
}

std::optional<std::string> decompress_xz(const std::string& packed, const fs::path& path,
                                         Diagnostics& diagnostics) {
  lzma_stream stream = LZMA_STREAM_INIT;
  lzma_ret ret = lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED);
  SIM_CHECK(ret == LZMA_OK);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string text;
  std::array<std::uint8_t, 1 << 16> chunk{};
  while (ret == LZMA_OK) {
    stream.next_out = chunk.data();
    stream.avail_out = chunk.size();
    ret = lzma_code(&stream, LZMA_FINISH);
    text.append(reinterpret_cast<const char*>(chunk.data()), chunk.size() - stream.avail_out);
  }
  const std::uint64_t consumed = stream.total_in;
  lzma_end(&stream);
  if (ret == LZMA_STREAM_END) {
    return text;
  }
  if (ret == LZMA_BUF_ERROR) {  // the decoder wants more input and there is none
    diagnostics.error(path.string(), fmt::format("cut off: the xz data ends early, after {} bytes",
                                                 packed.size()));
  } else {
    diagnostics.error(path.string(), fmt::format("{} (near byte {})", xz_damage(ret), consumed));
  }
  return std::nullopt;
}

// Fixed-point "A.BCD" with at most three decimals, times 1000.
std::optional<std::int64_t> parse_thousandths(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (part.size() > 3 || !std::all_of(part.begin(), part.end(), digit)) {
    return std::nullopt;
  }
  const auto units = parse_integer(whole);
  if (!units || *units > INT64_MAX / 2000 || *units < INT64_MIN / 2000) {
    return std::nullopt;
  }
  std::int64_t thousandths = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    thousandths = thousandths * 10 + (i < part.size() ? part[i] - '0' : 0);
  }
  return *units * 1000 + (whole.starts_with('-') ? -thousandths : thousandths);
}

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> cells;
  for (;;) {
    const std::size_t end = line.find(separator);
    cells.push_back(line.substr(0, end));
    if (end == std::string_view::npos) {
      return cells;
    }
    line.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<std::string> read_text(const fs::path& path, Diagnostics& diagnostics) {
  auto bytes = read_bytes(path, diagnostics);
  if (!bytes || path.extension() != ".xz") {
    return bytes;
  }
  return decompress_xz(*bytes, path, diagnostics);
}

fs::path plain_or_xz(const fs::path& folder, const std::string& name) {
  const fs::path plain = folder / name;
  const fs::path packed = folder / (name + ".xz");
  return !fs::exists(plain) && fs::exists(packed) ? packed : plain;
}

std::optional<Json> read_json(const fs::path& path, Diagnostics& diagnostics) {
  const auto text = read_text(path, diagnostics);
  if (!text) {
    return std::nullopt;
  }
  return system::parse_json(path.string(), *text, diagnostics);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<SimDuration> parse_microseconds(std::string_view text) {
  const auto ns = parse_thousandths(text);
  return ns ? std::optional{nanoseconds(*ns)} : std::nullopt;
}

std::optional<SimDuration> parse_milliseconds(std::string_view text) {
  const auto us = parse_thousandths(text);
  return us ? std::optional{microseconds(*us)} : std::nullopt;
}

SimDuration duration_from(double count, double unit) {
  return nanoseconds(std::llround(count * unit));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  if (lines.back().empty()) {
    lines.pop_back();
  }
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
  }
  return lines;
}

std::optional<CsvTable> CsvTable::parse(std::string_view text, const std::string& file,
                                        const std::vector<std::string>& required,
                                        Diagnostics& diagnostics) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty()) {
    diagnostics.error(file, "empty; a header line is expected");
    return std::nullopt;
  }
  CsvTable table;
  table.file_ = file;
  table.header_ = split(lines.front(), ',');
  table.width_ = table.header_.size();
  bool good = true;
  for (const std::string& name : required) {
    if (std::find(table.header_.begin(), table.header_.end(), name) == table.header_.end()) {
      diagnostics.error(file + ":1", fmt::format("no column \"{}\"", name));
      good = false;
    }
  }
  for (std::size_t i = 1; i < lines.size() && good; ++i) {
    const auto cells = split(lines[i], ',');
    if (cells.size() != table.width_) {
      diagnostics.error(fmt::format("{}:{}", file, i + 1),
                        fmt::format("{} cells where the header has {}; the file may be cut off",
                                    cells.size(), table.width_));
      good = false;
    }
    table.cells_.insert(table.cells_.end(), cells.begin(), cells.end());
  }
  return good ? std::optional{std::move(table)} : std::nullopt;
}

std::size_t CsvTable::column(std::string_view name) const {
  const auto it = std::find(header_.begin(), header_.end(), name);
  SIM_CHECK(it != header_.end());
  return static_cast<std::size_t>(it - header_.begin());
}

std::string CsvTable::where(std::size_t row) const { return fmt::format("{}:{}", file_, row + 2); }

bool JsonInput::has(const std::string& pointer) const {
  const Json::json_pointer place{pointer};
  return document_.contains(place) && !document_.at(place).is_null();
}

const Json& JsonInput::at(const std::string& pointer) const {
  return document_.at(Json::json_pointer{pointer});
}

std::optional<SimDuration> JsonInput::duration(const std::string& pointer, double unit) {
  const double most = static_cast<double>(kDurationMax.count()) / unit;
  if (!has(pointer)) {
    diagnostics_.error(where(pointer), "missing; a number is expected");
    return std::nullopt;
  }
  const Json& value = at(pointer);
  const double number = value.is_number() ? value.get<double>() : -1;
  if (number >= 0 && number <= most) {
    return duration_from(number, unit);
  }
  diagnostics_.error(where(pointer),
                     fmt::format("{} is not a number from 0 to {:g}", value.dump(), most));
  return std::nullopt;
}

std::optional<std::int64_t> JsonInput::integer(const std::string& pointer) {
  if (!has(pointer)) {
    diagnostics_.error(where(pointer), "missing; a whole number is expected");
    return std::nullopt;
  }
  const Json& value = at(pointer);
  const auto integer =
      parse_integer(value.is_string() ? value.get_ref<const std::string&>() : value.dump());
  if (integer && *integer >= 0 && *integer <= kCountMax) {
    return integer;
  }
  diagnostics_.error(where(pointer),
                     fmt::format("{} is not a whole number from 0 to {}", value.dump(), kCountMax));
  return std::nullopt;
}

std::optional<std::string> JsonInput::text(const std::string& pointer) {
  if (!has(pointer)) {
    diagnostics_.error(where(pointer), "missing; a string is expected");
    return std::nullopt;
  }
  const Json& value = at(pointer);
  if (!value.is_string()) {
    diagnostics_.error(where(pointer), fmt::format("{} is not a string", value.dump()));
    return std::nullopt;
  }
  return value.get<std::string>();
}

std::int64_t JsonInput::integer_or(const std::string& pointer, std::int64_t absent) {
  return has(pointer) ? integer(pointer).value_or(absent) : absent;
}

bool JsonInput::flag_or(const std::string& pointer, bool absent) {
  if (!has(pointer)) {
    return absent;
  }
  const std::string value =
      at(pointer).is_string() ? at(pointer).get<std::string>() : at(pointer).dump();
  if (value != "true" && value != "false" && value != "1" && value != "0") {
    diagnostics_.error(where(pointer), value + " is not true, false, 1 or 0");
  }
  return value == "true" || value == "1";
}

}  // namespace wbsim::analysis
