#include "tools/plot_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace wbsim::cli {
namespace {

constexpr double kNsPerUs = 1e3;
constexpr double kNsPerMs = 1e6;
constexpr double kNsPerSecond = 1e9;
constexpr double kSectorsPerGib = 2097152;
constexpr std::int64_t kCallsMax = 1'000'000'000'000;

// Calls `line(number, text)` for each line after the first, which is the header; stops at false.
template <class Line>
bool for_each_row(std::string_view csv, Line line) {
  std::size_t number = 0;
  while (!csv.empty()) {
    const std::size_t end = std::min(csv.find('\n'), csv.size());
    if (++number > 1 && !line(number, csv.substr(0, end))) {
      return false;
    }
    csv.remove_prefix(std::min(end + 1, csv.size()));
  }
  return true;
}

std::vector<std::string_view> fields_of(std::string_view row) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t comma = row.find(',');
    fields.push_back(row.substr(0, comma));
    if (comma == std::string_view::npos) {
      return fields;
    }
    row.remove_prefix(comma + 1);
  }
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// A title in a data block stands in quotes, on a line of its own.
std::string title_line(std::string_view title) {
  std::string line = "\"";
  for (const char c : title) {
    const bool unfit = c == '"' || static_cast<unsigned char>(c) < 0x20;
    line += unfit ? '\'' : c;
  }
  return line + "\"\n";
}

struct Curve {
  std::string title;
  std::vector<std::pair<std::int64_t, std::int64_t>> counts;  // latency_ns, calls
};

// A row of latency.csv: report,job,call,latency_ns,count. A job's name may hold commas, in quotes.
bool add_row(std::string_view row, std::map<std::string, std::size_t>& known,
             std::vector<Curve>& curves) {
  const std::vector<std::string_view> fields = fields_of(row);
  if (fields.size() < 5) {
    return false;
  }
  const std::string_view call = fields[fields.size() - 3];
  const auto latency = number(fields[fields.size() - 2]);
  const auto count = number(fields.back());
  // So many that their sum cannot overflow.
  if (!latency || !count || *count <= 0 || *count > kCallsMax) {
    return false;
  }
  const char* const job = fields[1].data();
  const std::string key{fields.front().data(), call.data() + call.size()};
  const auto [found, is_new] = known.emplace(key, curves.size());
  if (is_new) {
    std::string_view name{job, static_cast<std::size_t>(call.data() - job) - 1};
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
      name = name.substr(1, name.size() - 2);
    }
    curves.push_back({fmt::format("{} {}", name, call), {}});
  }
  curves[found->second].counts.emplace_back(*latency, *count);
  return true;
}

}  // namespace

std::vector<std::string> devices_of(std::string_view header) {
  constexpr std::string_view kColumn = "queue_depth.";
  std::vector<std::string> devices;
  for (const std::string_view field : fields_of(header.substr(0, header.find('\n')))) {
    if (field.starts_with(kColumn)) {
      devices.emplace_back(field.substr(kColumn.size()));
    }
  }
  return devices;
}

std::vector<std::string> dirtied_devices(std::string_view csv) {
  constexpr std::string_view kColumn = "wb_dirtied.";
  constexpr std::size_t kMost = 8;  // more would make a picture too high to look at
  const std::vector<std::string_view> columns = fields_of(csv.substr(0, csv.find('\n')));
  std::string_view last;
  for_each_row(csv, [&last](std::size_t, std::string_view row) {
    last = row;
    return true;
  });
  const std::vector<std::string_view> values = fields_of(last);
  std::vector<std::string> devices;
  for (std::size_t i = 0; i < std::min(columns.size(), values.size()); ++i) {
    if (columns[i].starts_with(kColumn) && values[i] != "0" && devices.size() < kMost) {
      devices.emplace_back(columns[i].substr(kColumn.size()));
    }
  }
  return devices;
}

bool is_time_series(std::string_view csv, std::string& complaint) {
  const std::string_view header = csv.substr(0, csv.find('\n'));
  if (!header.starts_with("t_ms,nr_dirty,") || devices_of(header).empty()) {
    complaint = "timeseries.csv:1: not the header of a time series";
    return false;
  }
  const std::size_t columns = fields_of(header).size();
  return for_each_row(csv, [columns, &complaint](std::size_t line, std::string_view row) {
    const bool numbers = row.find_first_not_of("0123456789.,-") == std::string_view::npos;
    if (!numbers || fields_of(row).size() != columns) {
      complaint = fmt::format("timeseries.csv:{}: not {} numbers", line, columns);
      return false;
    }
    return true;
  });
}

std::optional<PlotData> latency_curves(std::string_view csv, std::string& complaint) {
  std::map<std::string, std::size_t> known;
  std::vector<Curve> curves;
  const bool read = for_each_row(csv, [&](std::size_t line, std::string_view row) {
    if (!add_row(row, known, curves)) {
      complaint = fmt::format("latency.csv:{}: not report,job,call,latency_ns,count", line);
      return false;
    }
    return true;
  });
  if (!read) {
    return std::nullopt;
  }
  PlotData data;
  const auto out = std::back_inserter(data.text);
  for (const Curve& curve : curves) {
    std::int64_t total = 0;
    for (const auto& [latency, count] : curve.counts) {
      total += count;
    }
    data.text += title_line(curve.title);
    std::int64_t longer = total;
    for (const auto& [latency, count] : curve.counts) {
      fmt::format_to(out, "{} {}\n", static_cast<double>(latency) / kNsPerUs,
                     static_cast<double>(longer) / static_cast<double>(total));
      longer -= count;
    }
    // Where no call took longer a logarithm has no place: the curve ends at half a call.
    fmt::format_to(out, "{} {}\n", static_cast<double>(curve.counts.back().first) / kNsPerUs,
                   0.5 / static_cast<double>(total));
    data.text += "\n\n";
    ++data.blocks;
  }
  return data;
}

std::optional<PlotData> request_points(std::string_view csv, std::string& complaint) {
  constexpr std::size_t kFields = 9;
  std::string reads;
  std::string writes;
  const bool read = for_each_row(csv, [&](std::size_t line, std::string_view row) {
    const std::vector<std::string_view> fields = fields_of(row);
    const bool whole = fields.size() == kFields;
    const auto sector = whole ? number(fields[2]) : std::nullopt;
    const auto issued = whole ? number(fields[6]) : std::nullopt;
    const auto completed = whole ? number(fields[7]) : std::nullopt;
    if (!sector || !issued || !completed || fields[1].empty()) {
      complaint = fmt::format("requests.csv:{}: not a row of {} fields", line, kFields);
      return false;
    }
    const bool flush = fields[1].starts_with("FF");
    if (!flush) {
      std::string& block = fields[1].find('W') == std::string_view::npos ? reads : writes;
      fmt::format_to(std::back_inserter(block), "{} {} {}\n",
                     static_cast<double>(*completed) / kNsPerSecond,
                     static_cast<double>(*sector) / kSectorsPerGib,
                     static_cast<double>(*completed - *issued) / kNsPerMs);
    }
    return true;
  });
  if (!read) {
    return std::nullopt;
  }
  // Both blocks are there, so that each kind keeps its colour. One without points would be no
  // block, and one without a title stays out of the legend.
  const auto block = [](std::string_view title, const std::string& points) {
    return fmt::format("{}{}NaN NaN NaN\n", title_line(points.empty() ? "" : title), points);
  };
  return PlotData{block("reads", reads) + "\n\n" + block("writes", writes),
                  reads.empty() && writes.empty() ? 0 : 2};
}

}  // namespace wbsim::cli
