#include "tools/cli.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace wbsim::cli {
namespace {

namespace po = boost::program_options;

constexpr std::size_t kFindingsShownMax = 100;

// `--resutls`: the option's name is checked against those there are.
std::string unknown_option(const po::unknown_option& error,
                           const po::options_description& options) {
  const std::string name = error.get_option_name();
  std::vector<std::string> known;
  for (const auto& option : options.options()) {
    known.push_back("--" + option->long_name());
  }
  std::string message = fmt::format("unknown option \"{}\"", name);
  const std::string likely = did_you_mean(name, known);
  return likely.empty() ? message : message + fmt::format(". Did you mean \"{}\"?", likely);
}

void print_help(const Verb& verb, const po::options_description& options) {
  std::ostringstream listed;
  listed << options;
  fmt::print("Usage: wbsim {} {}\n\n{}\n{}", verb.name, verb.synopsis, verb.help, listed.str());
}

}  // namespace

std::optional<int> parse(const Verb& verb, CommandLine line, const Arguments& arguments,
                         po::variables_map& values) {
  line.options.add_options()("help,h", "this text");
  po::options_description all = line.options;
  po::positional_options_description positions;
  if (!line.positional.empty()) {
    all.add_options()(line.positional.c_str(), po::value<std::vector<std::string>>());
    positions.add(line.positional.c_str(), -1);
  }
  try {
    // No guessing: an abbreviation that is unique today need not be so tomorrow.
    const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
    po::store(
        po::command_line_parser(arguments).options(all).positional(positions).style(style).run(),
        values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    return usage_error(verb, unknown_option(error, line.options));
  } catch (const po::error& error) {
    return usage_error(verb, error.what());
  }
  if (values.count("help") != 0) {
    print_help(verb, line.options);
    return kOk;
  }
  return std::nullopt;
}

int usage_error(const Verb& verb, const std::string& message) {
  fmt::print(stderr, "wbsim {0}: {1}\nTry \"wbsim {0} --help\".\n", verb.name, message);
  return kBadInput;
}

void print(const Diagnostics& diagnostics) {
  const auto& all = diagnostics.all();
  const std::size_t shown = std::min(all.size(), kFindingsShownMax);
  for (std::size_t i = 0; i < shown; ++i) {
    fmt::print(stderr, "{}\n", to_string(all[i]));
  }
  if (shown < all.size()) {
    fmt::print(stderr, "... and {} more\n", all.size() - shown);
  }
}

std::vector<std::string> texts(const po::variables_map& values, const std::string& option) {
  return values.count(option) == 0 ? std::vector<std::string>{}
                                   : values[option].as<std::vector<std::string>>();
}

}  // namespace wbsim::cli
