// What the verbs of the command line share: arguments, exit codes and messages.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"

namespace wbsim::cli {

// What the program returns to the shell.
inline constexpr int kOk = 0;
inline constexpr int kRunFailed = 1;
inline constexpr int kBadInput = 2;       // of usage, or a configuration or job file with errors
inline constexpr int kRefused = 3;        // valid, but asks for what is not simulated
inline constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells report it

using Arguments = std::vector<std::string>;

struct Verb {
  std::string_view name;
  std::string_view synopsis;  // what follows the name
  std::string_view summary;   // one line, for `wbsim --help`
  std::string_view help;      // text and examples, for `wbsim NAME --help`
  int (*run)(const Verb& verb, const Arguments& arguments);
};

// One per cli_NAME.cpp.
extern const Verb kCheckVerb;
extern const Verb kGraphVerb;
extern const Verb kListVerb;
extern const Verb kPlotVerb;
extern const Verb kReportVerb;
extern const Verb kRunVerb;
extern const Verb kSweepVerb;
extern const Verb kValidateVerb;

// A verb's command line. `positional` is the option that arguments without a dash belong to.
struct CommandLine {
  boost::program_options::options_description options{"Options"};
  std::string positional;
};

// Parses `arguments` into `values`. Returns the exit code when there is nothing left to do: help
// was asked for and printed, or the usage is wrong and was complained about.
std::optional<int> parse(const Verb& verb, CommandLine line, const Arguments& arguments,
                         boost::program_options::variables_map& values);

// "wbsim run: MESSAGE", and where to find help; returns kBadInput.
int usage_error(const Verb& verb, const std::string& message);

// To stderr, one line each; very many are cut short.
void print(const Diagnostics& diagnostics);

// The values of an option that may be given several times, or none.
std::vector<std::string> texts(const boost::program_options::variables_map& values,
                               const std::string& option);

}  // namespace wbsim::cli
