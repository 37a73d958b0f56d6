#include "sim/analysis/truth_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "sim/analysis/input_file.hpp"

namespace wbsim::analysis {

namespace fs = std::filesystem;

namespace {

// Reads cells of a CSV table as integers and stops reporting after the first bad one: a damaged
// table would otherwise give one message a row.
class CellReader {
 public:
  CellReader(const CsvTable& table, Diagnostics& diagnostics)
      : table_{table}, diagnostics_{diagnostics} {}

  std::int64_t integer(std::size_t row, std::size_t column, std::string_view name) {
    const auto value = parse_integer(table_.cell(row, column));
    return value ? *value : (fail(row, column, name, "a whole number"), 0);
  }
  SimTime microseconds(std::size_t row, std::size_t column, std::string_view name) {
    const auto value = parse_microseconds(table_.cell(row, column));
    return at(value ? *value : (fail(row, column, name, "microseconds"), SimDuration{}));
  }
  SimTime milliseconds(std::size_t row, std::size_t column, std::string_view name) {
    const auto value = parse_milliseconds(table_.cell(row, column));
    return at(value ? *value : (fail(row, column, name, "milliseconds"), SimDuration{}));
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  void fail(std::size_t row, std::size_t column, std::string_view name, std::string_view wanted) {
    if (good_) {
      diagnostics_.error(table_.where(row), fmt::format("{} is \"{}\"; {} expected", name,
                                                        table_.cell(row, column), wanted));
    }
    good_ = false;
  }

  const CsvTable& table_;
  Diagnostics& diagnostics_;
  bool good_ = true;
};

LatencyRecord read_latency(JsonInput& input, const std::string& pointer) {
  LatencyRecord latency;
  latency.count = input.integer(pointer + "/N").value_or(0);
  const auto percentile = [&](const char* name) -> std::optional<SimDuration> {
    const std::string place = pointer + "/percentile/" + name;
    const auto value = input.has(place) ? input.integer(place) : std::nullopt;
    return value ? std::optional{nanoseconds(*value)} : std::nullopt;
  };
  latency.p50 = percentile("50.0");
  latency.p99 = percentile("99.0");
  latency.p999 = percentile("99.9");
  return latency;
}

void read_jobs(JsonInput& input, RunRecord& record) {
  if (!input.has("/fio/jobs") || !input.at("/fio/jobs").is_array()) {
    input.diagnostics().error(input.where("/fio/jobs"), "missing; fio's list of jobs is expected");
    return;
  }
  for (std::size_t i = 0; i < input.at("/fio/jobs").size(); ++i) {
    const std::string job = fmt::format("/fio/jobs/{}", i);
    JobRecord record_of_job;
    record_of_job.name = input.text(job + "/name").value_or("");
    if (input.has(job + "/write")) {
      record_of_job.written = Bytes{input.integer(job + "/write/io_bytes").value_or(0)};
      record_of_job.runtime = milliseconds(input.integer(job + "/write/runtime_ms").value_or(0));
      record_of_job.write = read_latency(input, job + "/write/clat_ns");
    }
    if (input.has(job + "/read")) {
      record_of_job.read_bytes = Bytes{input.integer(job + "/read/io_bytes").value_or(0)};
      record_of_job.runtime = std::max(
          record_of_job.runtime, milliseconds(input.integer(job + "/read/runtime_ms").value_or(0)));
      record_of_job.read = read_latency(input, job + "/read/clat_ns");
    }
    if (input.has(job + "/sync")) {
      record_of_job.sync = read_latency(input, job + "/sync/lat_ns");
    }
    record.jobs.push_back(std::move(record_of_job));
  }
}

void read_summary(const fs::path& folder, RunRecord& record, Diagnostics& diagnostics) {
  const auto document = read_json(folder / "summary.json", diagnostics);
  if (!document) {
    return;
  }
  JsonInput input{*document, (folder / "summary.json").string(), diagnostics};
  read_jobs(input, record);
  record.merges =
      input.integer("/disk/wr_merges").value_or(0) + input.integer_or("/disk/rd_merges", 0);
}

void read_samples(const fs::path& folder, RunRecord& record, Diagnostics& diagnostics) {
  const fs::path path = plain_or_xz(folder, "dirty.csv");
  const auto text = read_text(path, diagnostics);
  if (!text) {
    return;
  }
  const auto table = CsvTable::parse(
      *text, path.string(),
      {"t_ms", "nr_dirty", "nr_writeback", "nr_dirty_threshold", "nr_dirty_background_threshold"},
      diagnostics);
  if (!table) {
    return;
  }
  const std::size_t time = table->column("t_ms");
  const std::size_t dirty = table->column("nr_dirty");
  const std::size_t writeback = table->column("nr_writeback");
  const std::size_t limit = table->column("nr_dirty_threshold");
  const std::size_t background = table->column("nr_dirty_background_threshold");
  CellReader cells{*table, diagnostics};
  for (std::size_t row = 0; row < table->rows() && cells.good(); ++row) {
    record.samples.push_back(
        {cells.milliseconds(row, time, "t_ms"), Pages{cells.integer(row, dirty, "nr_dirty")},
         Pages{cells.integer(row, writeback, "nr_writeback")},
         Pages{cells.integer(row, background, "nr_dirty_background_threshold")},
         Pages{cells.integer(row, limit, "nr_dirty_threshold")}});
  }
}

// The operation's letter of an rwbs string: a leading F is REQ_PREFLUSH when another operation
// letter follows it (blk_fill_rwbs(), kernel/trace/blktrace.c).
char op_of_rwbs(std::string_view rwbs) {
  if (rwbs.size() >= 2 && rwbs[0] == 'F') {
    rwbs.remove_prefix(1);
  }
  return rwbs.empty() ? '?' : rwbs[0];
}

void read_issues(const fs::path& folder, RunRecord& record, Diagnostics& diagnostics) {
  const fs::path path = plain_or_xz(folder, "issue.csv");
  const auto text = read_text(path, diagnostics);
  if (!text) {
    return;
  }
  const auto table = CsvTable::parse(
      *text, path.string(), {"time_us", "event", "rwbs", "sector", "nr_sectors"}, diagnostics);
  if (!table) {
    return;
  }
  const std::size_t time = table->column("time_us");
  const std::size_t event = table->column("event");
  const std::size_t rwbs = table->column("rwbs");
  const std::size_t sector = table->column("sector");
  const std::size_t length = table->column("nr_sectors");
  CellReader cells{*table, diagnostics};
  for (std::size_t row = 0; row < table->rows() && cells.good(); ++row) {
    if (table->cell(row, event) != "rq_issue") {
      continue;
    }
    IssuedRequest request{cells.microseconds(row, time, "time_us"),
                          op_of_rwbs(table->cell(row, rwbs)),
                          Lba{cells.integer(row, sector, "sector")},
                          Sectors{cells.integer(row, length, "nr_sectors")}};
    if (request.time < SimTime{}) {
      continue;
    }
    if (request.op == 'F') {
      request.sector = Lba{};
      request.length = Sectors{};
    }
    record.issues.push_back(request);
  }
}

// The value of "KEY=" in the blank-separated fields of a trace line.
std::string_view field(std::string_view line, std::string_view key) {
  const std::string wanted = fmt::format(" {}=", key);
  const std::size_t start = line.find(wanted);
  if (start == std::string_view::npos) {
    return {};
  }
  line.remove_prefix(start + wanted.size());
  return line.substr(0, line.find(' '));
}

void read_trace_line(std::string_view line, SimTime time, RunRecord& record) {
  if (line.find(" balance_dirty_pages ") != std::string_view::npos) {
    const std::int64_t pause = parse_integer(field(line, "pause")).value_or(0);  // milliseconds
    if (pause > 0) {
      record.pauses.push_back({time, milliseconds(pause)});
    }
  } else if (line.find(" writeback_start ") != std::string_view::npos && !record.periodic_start &&
             field(line, "for_kupdate") == "1") {
    record.periodic_start = time;
  } else if (line.find(" wbt_step ") != std::string_view::npos) {
    ++record.wbt_steps;
  }
}

void read_trace(const fs::path& folder, RunRecord& record, Diagnostics& diagnostics) {
  const fs::path path = plain_or_xz(folder, "trace.txt");
  const auto text = read_text(path, diagnostics);
  if (!text) {
    return;
  }
  const auto lines = lines_of(*text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with('#')) {
      continue;
    }
    const auto time = parse_microseconds(lines[i].substr(0, lines[i].find(' ')));
    if (!time) {
      diagnostics.error(fmt::format("{}:{}", path.string(), i + 1),
                        "no event: a time in microseconds is expected at the start of the line");
      return;
    }
    if (*time >= SimDuration{}) {
      read_trace_line(lines[i], at(*time), record);
    }
  }
}

}  // namespace

std::optional<RunRecord> read_answer(const fs::path& folder, SimTime first_io,
                                     Diagnostics& diagnostics) {
  RunRecord record;
  record.first_io = first_io;
  Diagnostics findings;
  read_summary(folder, record, findings);
  read_samples(folder, record, findings);
  read_issues(folder, record, findings);
  read_trace(folder, record, findings);
  diagnostics.append(findings);
  return findings.has_errors() ? std::nullopt : std::optional{std::move(record)};
}

}  // namespace wbsim::analysis
