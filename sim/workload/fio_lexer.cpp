#include "sim/workload/fio_lexer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/workload/fio_number.hpp"

namespace wbsim::workload {

namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const std::size_t end = text.find_last_not_of(kBlanks);
  return text.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

class Lexer {
 public:
  Lexer(const FioOptions& options, Diagnostics& diagnostics)
      : options_{options}, diagnostics_{diagnostics} {}

  void lex(const FioInput& input, std::size_t index) {
    input_ = index;
    in_section_ = false;
    lex_text(input, 0);
  }

  std::vector<FioSection> take_sections() { return std::move(sections_); }

 private:
  void lex_text(const FioInput& input, int depth) {
    bytes_ += input.text.size();
    if (bytes_ > kFioTextMax) {
      stop(input.name, fmt::format("job files of more than {} MiB", kFioTextMax >> 20));
    }
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < input.text.size() && !stopped_;) {
      const std::size_t end = std::min(input.text.find('\n', begin), input.text.size());
      const std::string where = fmt::format("{}:{}", input.name, ++number);
      lex_line(std::string_view(input.text).substr(begin, end - begin), where, input, depth);
      begin = end + 1;
    }
  }

  void lex_line(std::string_view raw, const std::string& where, const FioInput& input, int depth) {
    if (raw.size() > kFioLineMax) {
      stop(where, fmt::format("the line has {} bytes, more than {}", raw.size(), kFioLineMax));
      return;
    }
    if (raw.find('\0') != std::string_view::npos) {
      stop(where, "the line has a NUL byte; this is no text file");
      return;
    }
    // fio cuts the line at the first ';' or '#', wherever it stands.
    const std::string_view line = without_blanks(raw.substr(0, raw.find_first_of(";#")));
    if (line.empty()) {
      return;
    }
    FioPlace place{where, std::string(line)};
    if (line.front() == '[') {
      lex_section(std::move(place), depth);
    } else if (line.starts_with("include ") || line.starts_with("include\t")) {
      lex_include(place, input, depth);
    } else {
      lex_assignment(std::move(place));
    }
  }

  void lex_section(FioPlace place, int depth) {
    in_section_ = true;
    const std::string& line = place.line;
    const std::size_t close = line.rfind(']');
    if (depth > 0) {
      error(place, "an included file cannot begin a section");
    } else if (close == std::string::npos) {
      place.column = line.size();
      error(place, "\"]\" is missing at the end of the section's name");
    } else if (close + 1 != line.size()) {
      place.column = close + 1;
      error(place, "nothing but a comment may follow \"]\"");
    } else if (close == 1) {
      error(place, "the section has no name");
    } else if (close - 1 > kFioSectionNameMax) {
      error(place, fmt::format("the section's name is longer than {} bytes", kFioSectionNameMax));
    } else if (sections_.size() == kFioSectionsMax) {
      stop(place.where, fmt::format("more than {} sections", kFioSectionsMax));
    } else {
      const std::string name = line.substr(1, close - 1);
      const bool global = name.starts_with("global");
      sections_.push_back({name, global, input_, std::move(place), {}});
      return;
    }
    // The options that follow must not fall into the section before: go on with a likely name.
    if (sections_.size() < kFioSectionsMax) {
      const std::string name = line.substr(1, std::min(close, kFioSectionNameMax) - 1);
      sections_.push_back({name, name.starts_with("global"), input_, std::move(place), {}});
    }
  }

  void lex_include(FioPlace& place, const FioInput& input, int depth) {
    const std::string path(without_blanks(place.line.substr(std::string_view("include").size())));
    place.column = place.line.size() - path.size();
    if (!in_section_) {
      error(place, "include stands before the first section; begin one with [name]");
    } else if (depth == kFioIncludeDepthMax) {
      stop(place.where, fmt::format("includes are nested deeper than {}; does a file include "
                                    "itself?",
                                    kFioIncludeDepthMax));
    } else if (++includes_ > kFioIncludesMax) {
      stop(place.where, fmt::format("more than {} includes", kFioIncludesMax));
    } else if (std::optional<FioInput> included = read_include(path, input.name)) {
      lex_text(*included, depth + 1);
    } else {
      error(place, fmt::format("cannot read the included file \"{}\"", printable(path)));
    }
  }

  // As given, then relative to the including file (fio HOWTO, "include").
  std::optional<FioInput> read_include(const std::string& path, const std::string& includer) const {
    if (!options_.read_include) {
      return std::nullopt;
    }
    for (const std::string& candidate : {path, folder_of(includer) + path}) {
      if (std::optional<std::string> text = options_.read_include(candidate)) {
        return FioInput{candidate, *std::move(text)};
      }
    }
    return std::nullopt;
  }

  void lex_assignment(FioPlace place) {
    if (!in_section_) {
      error(place, "this option stands before the first section; begin one with [name]");
      return;
    }
    if (++assignments_ > kFioAssignmentsMax) {
      stop(place.where, fmt::format("more than {} options", kFioAssignmentsMax));
      return;
    }
    const std::size_t equals = place.line.find('=');
    FioAssignment assignment;
    assignment.name = without_blanks(std::string_view(place.line).substr(0, equals));
    if (equals != std::string::npos) {
      const std::string_view value =
          without_blanks(std::string_view(place.line).substr(equals + 1));
      place.column = place.line.size() - value.size();
      std::string problem;
      assignment.value = substitute_fio_variables(value, options_, problem);
      if (!problem.empty()) {
        error(place, fmt::format("{}: {}", printable(place.line), problem));
        return;
      }
    }
    assignment.place = std::move(place);
    sections_.back().assignments.push_back(std::move(assignment));
  }

  void error(const FioPlace& place, std::string_view message) {
    diagnostics_.error(place.where, with_line(message, place));
    if (++errors_ == kFioErrorsMax) {
      stop(place.where, fmt::format("more than {} errors; the rest is not read", kFioErrorsMax));
    }
  }

  void stop(const std::string& where, std::string message) {
    if (!stopped_) {
      diagnostics_.error(where, std::move(message));
    }
    stopped_ = true;
  }

  const FioOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<FioSection> sections_;
  std::size_t input_ = 0;
  bool in_section_ = false;
  bool stopped_ = false;
  std::size_t bytes_ = 0;
  std::size_t assignments_ = 0;
  int includes_ = 0;
  int errors_ = 0;
};

}  // namespace

std::vector<FioSection> lex_fio_files(std::span<const FioInput> inputs, const FioOptions& options,
                                      Diagnostics& diagnostics) {
  Lexer lexer(options, diagnostics);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    lexer.lex(inputs[i], i);
  }
  return lexer.take_sections();
}

std::string with_line(std::string_view message, const FioPlace& place) {
  constexpr std::size_t kLongestShown = 60;  // printable() cuts there
  std::string text = fmt::format("{}\n  {}", message, printable(place.line));
  const std::string before = printable(std::string_view(place.line).substr(0, place.column));
  if (place.column <= kLongestShown) {
    text += fmt::format("\n  {}^ near here", std::string(before.size(), ' '));
  }
  return text;
}

}  // namespace wbsim::workload
