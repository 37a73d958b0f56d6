// `wbsim report`: a sweep or a run as a page to look at.
#include <fmt/format.h>

#include "sim/report/output_file.hpp"
#include "sim/sweep/page.hpp"
#include "tools/cli.hpp"

namespace wbsim::cli {
namespace {

namespace po = boost::program_options;

int report_verb(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.positional = "dir";
  line.options.add_options()("out,o", po::value<std::string>()->value_name("FILE"),
                             "the page; default: report.html in DIR")(
      "chart-js", po::value<std::string>()->value_name("FILE")->default_value(sweep::kChartJs),
      "Chart.js, which is put into the page");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::vector<std::string> directories = texts(values, "dir");
  if (directories.size() != 1) {
    return usage_error(verb, "exactly one directory is needed");
  }
  const std::string& directory = directories.front();
  Diagnostics diagnostics;
  const std::optional<std::string> page =
      sweep::make_page(directory, values["chart-js"].as<std::string>(), diagnostics);
  print(diagnostics);
  if (!page) {
    return kBadInput;
  }
  const std::string out =
      values.count("out") != 0 ? values["out"].as<std::string>() : directory + "/report.html";
  if (const report::OutputError error = report::write_file(out, *page)) {
    fmt::print(stderr, "{}\n", *error);
    return kRunFailed;
  }
  return kOk;
}

}  // namespace

const Verb kReportVerb{
    "report", "DIR [-o FILE]", "draw a sweep or a run as one HTML page",
    R"(Writes one HTML page for the directory of a sweep (`wbsim sweep run -o DIR`) or of a run
(`wbsim run --out DIR`): what was run, a table of the points, what each knob does to throughput,
latency, stalls and dirty memory, and for every point the curve of dirty memory and the distribution
of latencies. The page loads nothing: it can be mailed, or read without a network.

Examples:
  wbsim report out
  wbsim report out -o report.html

The charts need Chart.js, the Debian package libjs-chart.js.
Exit code: 0 written, 1 the page could not be written, 2 wrong usage, no results or no Chart.js.
)",
    report_verb};

}  // namespace wbsim::cli
