// Cuts fio job files into sections and assignments; knows lines, comments, includes and the
// substitution of variables, but no option.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/base/units.hpp"

namespace wbsim::workload {

struct FioInput {
  std::string name;  // path, for messages and for includes relative to it
  std::string text;
};

// What the caller knows about the world outside the job file.
struct FioOptions {
  // The text of an included file, or nullopt when there is none.
  std::function<std::optional<std::string>(const std::string& path)> read_include;
  std::function<std::optional<std::string>(const std::string& name)> environment;
  bool strict = false;  // notes become errors
  // The simulated machine: $ncpus and $mb_memory.
  int cpus = 1;
  Bytes memory = gibibytes(1);
};

// Where in which line something stands.
struct FioPlace {
  std::string where;       // "job.fio:12"
  std::string line;        // the line, without blanks at its ends
  std::size_t column = 0;  // of the thing complained about, in `line`
};

struct FioAssignment {
  std::string name;
  std::optional<std::string> value;  // nullopt: the name stood alone
  FioPlace place;
};

struct FioSection {
  std::string name;
  bool global = false;
  std::size_t input = 0;  // index of the job file
  FioPlace place;
  std::vector<FioAssignment> assignments;
};

// Limits on hostile input; each ends in an error that names the limit.
inline constexpr std::size_t kFioLineMax = 8192;
inline constexpr std::size_t kFioTextMax = std::size_t{16} << 20;  // bytes, includes counted
inline constexpr std::size_t kFioSectionsMax = 4096;
inline constexpr std::size_t kFioAssignmentsMax = 65536;
inline constexpr std::size_t kFioSectionNameMax = 255;  // fio's own
inline constexpr int kFioIncludeDepthMax = 16;
inline constexpr int kFioIncludesMax = 256;
inline constexpr int kFioErrorsMax = 100;

std::vector<FioSection> lex_fio_files(std::span<const FioInput> inputs, const FioOptions& options,
                                      Diagnostics& diagnostics);

// `message`, then the line and a mark below the place.
std::string with_line(std::string_view message, const FioPlace& place);

// ${NAME}, and $pagesize, $mb_memory, $ncpus. A value in which one of the latter was replaced and
// that has an operator is computed, as fio does with bc. Returns what is wrong in `problem`.
std::string substitute_fio_variables(std::string_view value, const FioOptions& options,
                                     std::string& problem);

}  // namespace wbsim::workload
