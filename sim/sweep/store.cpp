#include "sim/sweep/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "sim/sweep/point_file.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlanFile = "sweep.json";
constexpr std::string_view kNewPrefix = ".new-";  // being filled
constexpr std::string_view kOldPrefix = ".old-";  // damaged, on its way out

fs::path temporary(const fs::path& directory, std::string_view prefix, const std::string& digest) {
  return directory / "points" / (std::string{prefix} + digest);
}

// Makes new names in a directory survive a crash of the machine.
report::OutputError sync_directory(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) {
    ::close(descriptor);
  }
  if (!synced) {
    return fmt::format("cannot write {}: {}", path.native(),
                       std::generic_category().message(error));
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 3> kFiles{kPlanFile, "sweep-long.csv", "sweep-wide.csv"};

// An empty directory may become a sweep's, and so may one that has lost its plan.
bool holds_foreign_files(const fs::path& directory) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator{directory, failed}) {
    const std::string name = entry.path().filename().native();
    const bool own = name == "points" || name == "report.html" ||
                     std::any_of(kFiles.begin(), kFiles.end(), [&name](std::string_view file) {
                       return name == file || report::is_temporary_of(name, file);
                     });
    if (!own) {
      return true;
    }
  }
  return false;
}

// Writes the plan, unless another one is there that it does not continue. False after errors.
bool settle_plan(const fs::path& directory, const Plan& plan, Diagnostics& diagnostics) {
  std::error_code failed;
  if (fs::exists(fs::symlink_status(directory / kPlanFile, failed))) {
    const std::optional<Plan> there = read_plan(directory, diagnostics);
    if (!there) {
      return false;
    }
    if (const std::string differs = difference(*there, plan); !differs.empty()) {
      diagnostics.error(directory.native(),
                        fmt::format("holds another sweep: {}; name another directory (a sweep may "
                                    "be given more points, but not fewer)",
                                    differs));
      return false;
    }
    if (plan_json(*there) == plan_json(plan)) {
      return true;
    }
  } else if (holds_foreign_files(directory)) {
    diagnostics.error(directory.native(),
                      "is not empty and holds no sweep; name a new or empty directory");
    return false;
  }
  if (const report::OutputError error =
          report::write_file(directory / kPlanFile, plan_json(plan))) {
    diagnostics.error(directory.native(), *error);
    return false;
  }
  return true;
}

// What a killed sweep was running lives a moment longer than itself, and keeps the lock that long.
bool lock_directory(int descriptor) {
  constexpr int kTries = 20;
  for (int i = 0; descriptor >= 0 && i < kTries; ++i) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return false;
}

}  // namespace

fs::path point_folder(const fs::path& directory, const std::string& digest) {
  return directory / "points" / digest;
}

StoredPoint look_up(const fs::path& directory, const std::string& digest) {
  const fs::path folder = point_folder(directory, digest);
  std::error_code failed;
  if (!fs::exists(fs::symlink_status(folder, failed))) {
    return {};
  }
  if (!fs::is_directory(fs::symlink_status(folder, failed))) {
    return {std::nullopt, folder.native() + " is not a folder"};
  }
  StoredPoint stored;
  stored.end = read_point_file(folder, digest, stored.damage);
  return stored;
}

std::optional<Plan> read_plan(const fs::path& directory, Diagnostics& diagnostics) {
  const fs::path path = directory / kPlanFile;
  const std::optional<std::string> text = file_content(path);
  if (!text) {
    diagnostics.error(directory.native(), "holds no sweep: there is no sweep.json to read");
    return std::nullopt;
  }
  std::string problem;
  std::optional<Plan> plan = parse_plan(*text, problem);
  if (!plan) {
    diagnostics.error(path.native(),
                      fmt::format("{}; remove it and repeat the sweep's command: results that are "
                                  "there are kept",
                                  problem));
  }
  return plan;
}

std::unique_ptr<Store> Store::open(const fs::path& directory, const Plan& plan,
                                   Diagnostics& diagnostics) {
  if (const report::OutputError error = report::prepare_output_directory(directory)) {
    diagnostics.error("-o", *error);
    return nullptr;
  }
  const int lock = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<Store> store{new Store{directory, lock}};
  if (!lock_directory(lock)) {
    diagnostics.error(directory.native(), "is in use by another sweep");
    return nullptr;
  }
  if (!settle_plan(directory, plan, diagnostics)) {
    return nullptr;
  }
  if (const report::OutputError error = report::create_output_directory(directory / "points")) {
    diagnostics.error("-o", *error);
    return nullptr;
  }
  store->remove_leftovers();
  return store;
}

Store::Store(fs::path directory, int lock) : directory_{std::move(directory)}, lock_{lock} {}

Store::~Store() {
  if (lock_ >= 0) {
    ::close(lock_);
  }
}

void Store::remove_leftovers() {
  std::vector<fs::path> leftovers;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator{directory_ / "points", failed}) {
    const std::string name = entry.path().filename().native();
    if (name.starts_with(kNewPrefix) || name.starts_with(kOldPrefix)) {
      leftovers.push_back(entry.path());
    }
  }
  for (const auto& entry : fs::directory_iterator{directory_, failed}) {
    const std::string name = entry.path().filename().native();
    if (std::any_of(kFiles.begin(), kFiles.end(), [&name](std::string_view file) {
          return report::is_temporary_of(name, file);
        })) {
      leftovers.push_back(entry.path());
    }
  }
  for (const fs::path& leftover : leftovers) {
    fs::remove_all(leftover, failed);
  }
}

report::OutputError Store::begin(const std::string& digest, fs::path& folder) {
  folder = temporary(directory_, kNewPrefix, digest);
  abandon(digest);
  return report::create_output_directory(folder);
}

report::OutputError Store::commit(const std::string& digest, const PointEnd& end) {
  const fs::path from = temporary(directory_, kNewPrefix, digest);
  if (report::OutputError error = write_point_file(from, digest, end)) {
    return error;
  }
  if (report::OutputError error = sync_directory(from)) {
    return error;
  }
  // A folder that is not empty cannot be replaced in one step; between the two the point is absent.
  const fs::path to = point_folder(directory_, digest);
  const fs::path old = temporary(directory_, kOldPrefix, digest);
  std::error_code failed;
  if (fs::exists(fs::symlink_status(to, failed))) {
    fs::rename(to, old, failed);
    fs::remove_all(old, failed);
  }
  fs::rename(from, to, failed);
  if (failed) {
    return fmt::format("cannot write {}: {}", to.native(), failed.message());
  }
  return sync_directory(directory_ / "points");
}

void Store::abandon(const std::string& digest) {
  std::error_code ignored;
  fs::remove_all(temporary(directory_, kNewPrefix, digest), ignored);
}

}  // namespace wbsim::sweep
