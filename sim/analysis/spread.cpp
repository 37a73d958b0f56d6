#include "sim/analysis/spread.hpp"

#include <fmt/format.h>

#include <charconv>

#include "sim/analysis/input_file.hpp"

namespace wbsim::analysis {

namespace {

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<SpreadTable> read_spread(const std::filesystem::path& path,
                                       Diagnostics& diagnostics) {
  const auto text = read_text(path, diagnostics);
  if (!text) {
    return std::nullopt;
  }
  const auto table = CsvTable::parse(
      *text, path.string(),
      {"case", "bytes", "wr", "merges", "n", "total", "first_pause", "curve", "p99"}, diagnostics);
  if (!table) {
    return std::nullopt;
  }
  SpreadTable spreads;
  bool good = true;
  for (std::size_t row = 0; row < table->rows(); ++row) {
    const auto number = [&](std::string_view column) {
      const std::string_view cell = table->cell(row, table->column(column));
      const auto value = cell.empty() ? std::optional{0.0} : parse_number(cell);
      if (!value || *value < 0) {
        diagnostics.error(table->where(row),
                          fmt::format("{} is \"{}\"; a number >= 0 expected", column, cell));
        good = false;
      }
      return value.value_or(0);
    };
    CaseSpread& spread = spreads[std::string{table->cell(row, table->column("case"))}];
    spread.bytes = number("bytes");
    spread.requests = number("wr");
    spread.merges = number("merges");
    spread.pauses = number("n");
    spread.paused_total = number("total");
    spread.curve = number("curve");
    spread.p99 = number("p99");
    spread.first_pause = duration_from(number("first_pause"), 1e6);
  }
  return good ? std::optional{std::move(spreads)} : std::nullopt;
}

}  // namespace wbsim::analysis
