// `wbsim plot`: pictures of a run's output folder, drawn by gnuplot.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/report/output_file.hpp"
#include "tools/cli.hpp"
#include "tools/plot_data.hpp"

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr int kCommandNotFound = 127;

std::string content_of(const fs::path& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// One picture: what it needs beside the paths, prepared from the folder's file.
struct Picture {
  std::string name;  // of the script, and of the PNG
  fs::path data;     // what gnuplot reads
  std::vector<std::string> further;
};

// gnuplot's exit status; kCommandNotFound where it is not installed.
int run_gnuplot(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "gnuplot");
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawnp(&pid, "gnuplot", nullptr, nullptr, argv.data(), environ) != 0) {
    return kCommandNotFound;
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
    return kRunFailed;
  }
  return WEXITSTATUS(status);
}

class Plotter {
 public:
  Plotter(fs::path folder, fs::path out) : folder_{std::move(folder)}, out_{std::move(out)} {}
  Plotter(const Plotter&) = delete;
  Plotter& operator=(const Plotter&) = delete;
  ~Plotter() {
    std::error_code ignored;
    for (const fs::path& file : temporary_) {
      fs::remove(file, ignored);
    }
  }

  // kOk, or the exit code after a complaint.
  int draw_all() {
    for (const auto prepare : {&Plotter::dirty_picture, &Plotter::bdi_picture,
                               &Plotter::latency_picture, &Plotter::requests_picture}) {
      const std::optional<Picture> picture = (this->*prepare)();
      if (exit_code_ != kOk) {
        return exit_code_;
      }
      if (picture && draw(*picture) != kOk) {
        return exit_code_;
      }
    }
    if (drawn_ == 0) {
      return complain(kBadInput,
                      fmt::format("{} holds nothing to draw: make it with `wbsim run CONFIG --out "
                                  "{}`",
                                  folder_.string(), folder_.string()));
    }
    return kOk;
  }

 private:
  int complain(int exit_code, const std::string& problem) {
    fmt::print(stderr, "wbsim plot: {}\n", problem);
    exit_code_ = exit_code;
    return exit_code;
  }

  // The text of one of the folder's files; nullopt where there is none, or after a complaint.
  std::optional<std::string> whole_file(const std::string& name) {
    const fs::path path = folder_ / name;
    if (!fs::is_regular_file(path)) {
      return std::nullopt;
    }
    std::string text = content_of(path);
    if (!text.ends_with('\n')) {
      complain(kBadInput, fmt::format("{} is cut off: {}; repeat the run", path.string(),
                                      text.empty() ? "it is empty" : "its last line has no end"));
      return std::nullopt;
    }
    return text;
  }

  static void skip(const fs::path& path, std::string_view why) {
    fmt::print(stderr, "{}: {}, nothing to draw\n", path.string(), why);
  }

  // timeseries.csv, where it has what makes a line: a header and two samples.
  std::optional<std::string> time_series() {
    const std::optional<std::string> text = whole_file("timeseries.csv");
    if (!text) {
      return std::nullopt;
    }
    std::string problem;
    if (!is_time_series(*text, problem)) {
      complain(kBadInput, (folder_ / problem).string());
      return std::nullopt;
    }
    return std::count(text->begin(), text->end(), '\n') < 3 ? std::nullopt : text;
  }

  std::optional<Picture> dirty_picture() {
    const fs::path csv = folder_ / "timeseries.csv";
    const std::optional<std::string> text = time_series();
    if (!text) {
      if (exit_code_ == kOk && fs::is_regular_file(csv)) {
        skip(csv, "fewer than two samples");
      }
      return std::nullopt;
    }
    return Picture{"dirty", csv, {fmt::format("{}", fmt::join(devices_of(*text), " "))}};
  }

  // Nothing is dirty where all I/O is direct.
  std::optional<Picture> bdi_picture() {
    const std::optional<std::string> text = time_series();
    const std::vector<std::string> devices =
        text ? dirtied_devices(*text) : std::vector<std::string>{};
    if (devices.empty()) {
      return std::nullopt;
    }
    return Picture{"bdi", folder_ / "timeseries.csv", {fmt::format("{}", fmt::join(devices, " "))}};
  }

  std::optional<Picture> latency_picture() {
    return from_data("latency", "latency.csv", latency_curves);
  }
  std::optional<Picture> requests_picture() {
    return from_data("requests", "requests.csv", request_points);
  }

  std::optional<Picture> from_data(const std::string& name, const std::string& file,
                                   std::optional<PlotData> (*prepare)(std::string_view,
                                                                      std::string&)) {
    const std::optional<std::string> csv = whole_file(file);
    if (!csv) {
      return std::nullopt;
    }
    std::string problem;
    const std::optional<PlotData> data = prepare(*csv, problem);
    if (!data) {
      complain(kBadInput, (folder_ / problem).string());
      return std::nullopt;
    }
    if (data->blocks == 0) {
      skip(folder_ / file, "no rows");
      return std::nullopt;
    }
    const fs::path prepared = out_ / (name + ".dat.tmp");
    if (const report::OutputError error = report::write_file(prepared, data->text)) {
      complain(kRunFailed, *error);
      return std::nullopt;
    }
    temporary_.push_back(prepared);
    return Picture{name, prepared, {std::to_string(data->blocks)}};
  }

  int draw(const Picture& picture) {
    const fs::path png = out_ / (picture.name + ".png");
    const fs::path partial = out_ / (picture.name + ".png.tmp");
    temporary_.push_back(partial);
    std::vector<std::string> arguments{
        "-c", fs::path{WBSIM_PLOTS_DIR} / (picture.name + ".gnuplot"), picture.data, partial};
    arguments.insert(arguments.end(), picture.further.begin(), picture.further.end());
    const int status = run_gnuplot(std::move(arguments));
    if (status == kCommandNotFound) {
      return complain(kRefused, "needs gnuplot (Debian package gnuplot-nox)");
    }
    if (status != 0) {
      return complain(kRunFailed, fmt::format("gnuplot failed (exit code {})", status));
    }
    std::error_code error;
    fs::rename(partial, png, error);
    if (error) {
      return complain(kRunFailed,
                      fmt::format("cannot write {}: {}", png.string(), error.message()));
    }
    fmt::print("{}\n", png.string());
    ++drawn_;
    return kOk;
  }

  fs::path folder_;
  fs::path out_;
  std::vector<fs::path> temporary_;
  int drawn_ = 0;
  int exit_code_ = kOk;
};

int run(const Verb& verb, const Arguments& arguments) {
  CommandLine line;
  line.positional = "folder";
  line.options.add_options()("out", po::value<std::string>()->value_name("DIR"),
                             "where the pictures go (default: the folder itself)");
  po::variables_map values;
  if (const std::optional<int> done = parse(verb, std::move(line), arguments, values)) {
    return *done;
  }
  const std::vector<std::string> folders = texts(values, "folder");
  if (folders.size() != 1) {
    return usage_error(verb, "exactly one folder is needed");
  }
  if (!fs::is_directory(folders.front())) {
    return usage_error(verb, fmt::format("{} is not a folder", folders.front()));
  }
  const std::string out =
      values.count("out") != 0 ? values["out"].as<std::string>() : folders.front();
  if (report::OutputError error = report::create_output_directory(out)) {
    return usage_error(verb, *error);
  }
  return Plotter{folders.front(), out}.draw_all();
}

}  // namespace

const Verb kPlotVerb{"plot", "FOLDER [--out DIR]", "draw pictures of a run's output",
                     R"(Draws what the output folder of a run holds, as PNG, with gnuplot:
  dirty.png     timeseries.csv: dirty memory and its limits, rates, pauses, load of the devices
  bdi.png       timeseries.csv: each device's dirty memory, set-point, limits, rates, inodes
  latency.png   latency.csv: which share of the calls took at least a time
  requests.png  requests.csv, where it was asked for (output.requests): place and time of each

Example:
  wbsim run configs/experiments/quickstart.json --out out && wbsim plot out

Exit code: 0 drawn, 1 gnuplot failed, 2 nothing to draw or bad files, 3 gnuplot is not installed.
)",
                     run};

}  // namespace wbsim::cli
