// The command line of wbsim: one verb each, see cli_*.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

#include "tools/cli.hpp"

namespace wbsim::cli {
namespace {

constexpr std::array kVerbs{&kRunVerb,   &kSweepVerb, &kReportVerb, &kPlotVerb,
                            &kCheckVerb, &kListVerb,  &kGraphVerb,  &kValidateVerb};

void print_overview() {
  fmt::print(
      "wbsim {} simulates the write path of Linux.\n\n"
      "Usage: wbsim VERB [ARGUMENTS]\n\n",
      WBSIM_VERSION);
  for (const Verb* verb : kVerbs) {
    fmt::print("  {:<9} {}\n", verb->name, verb->summary);
  }
  fmt::print(
      "  {:<9} {}\n\n"
      "Try \"wbsim VERB --help\".\n"
      "Exit code: 0 fine, 1 a run failed, 2 wrong usage or input, 3 asks for what is not\n"
      "simulated, 130 interrupted.\n",
      "version", "print the version");
}

int unknown_verb(const std::string& name) {
  std::vector<std::string> names{"version"};
  for (const Verb* verb : kVerbs) {
    names.emplace_back(verb->name);
  }
  const std::string likely = did_you_mean(name, names);
  fmt::print(stderr, "wbsim: unknown verb \"{}\"{}\nTry \"wbsim --help\".\n", name,
             likely.empty() ? "" : fmt::format(". Did you mean \"{}\"?", likely));
  return kBadInput;
}

int dispatch(const Arguments& arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "wbsim: which verb?\nTry \"wbsim --help\".\n");
    return kBadInput;
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    print_overview();
    return kOk;
  }
  if (name == "--version" || name == "version") {
    fmt::print("wbsim {}\n", WBSIM_VERSION);
    return kOk;
  }
  for (const Verb* verb : kVerbs) {
    if (verb->name == name) {
      return verb->run(*verb, {arguments.begin() + 1, arguments.end()});
    }
  }
  return unknown_verb(name);
}

}  // namespace
}  // namespace wbsim::cli

int main(int argc, char** argv) {
  try {
    const int exit_code = wbsim::cli::dispatch({argv + std::min(argc, 1), argv + argc});
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      fmt::print(stderr, "wbsim: cannot write to stdout\n");
      return wbsim::cli::kRunFailed;
    }
    return exit_code;
  } catch (const std::exception& error) {
    fmt::print(stderr, "wbsim: {}\n", error.what());
    return wbsim::cli::kRunFailed;
  }
}
