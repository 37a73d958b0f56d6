// A sweep on disk:
//
//   DIR/sweep.json                    the plan
//   DIR/points/DIGEST/                one point: what `wbsim run --out` writes, and
//                     point.json      how it ended, with the digest of every file
//   DIR/sweep-long.csv sweep-wide.csv all results (merged.hpp)
//
// A point's folder is complete or absent: it is filled as DIR/points/.new-DIGEST and renamed when
// everything has reached the disk. What a killed sweep left is removed when the next one opens DIR.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "sim/base/diagnostics.hpp"
#include "sim/report/output_file.hpp"
#include "sim/sweep/plan.hpp"

namespace wbsim::sweep {

enum class PointStatus {
  kOk,
  kFailed,   // the run ended with a job in error, and its results are there; or wbsim failed
  kRefused,  // asks for what is not simulated
};
std::string_view to_string(PointStatus status);

// How a point ended.
struct PointEnd {
  PointStatus status = PointStatus::kOk;
  std::string message;  // why not ok
  friend bool operator==(const PointEnd&, const PointEnd&) = default;
};

// What is known of a point: it is done, or it is not, and then `damage` says what is wrong with
// the folder that is there, if any.
struct StoredPoint {
  std::optional<PointEnd> end;
  std::string damage;
};

std::filesystem::path point_folder(const std::filesystem::path& directory,
                                   const std::string& digest);
// Reads every file of the point and compares it with its digest.
StoredPoint look_up(const std::filesystem::path& directory, const std::string& digest);
// The plan of an existing sweep. nullopt after errors.
std::optional<Plan> read_plan(const std::filesystem::path& directory, Diagnostics& diagnostics);

// The writer's side. Different points may be written at the same time, also by processes that the
// store's own has forked: each sees the same lock.
class Store {
 public:
  // Creates the directory, or continues the sweep in it, where `plan` may have more points. Null
  // after errors: not writable, in use by another process, no sweep's directory, or that of another
  // sweep.
  static std::unique_ptr<Store> open(const std::filesystem::path& directory, const Plan& plan,
                                     Diagnostics& diagnostics);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  // An empty folder for the files of a point.
  [[nodiscard]] report::OutputError begin(const std::string& digest, std::filesystem::path& folder);
  // Makes what was written there the result of the point, in place of a damaged one.
  [[nodiscard]] report::OutputError commit(const std::string& digest, const PointEnd& end);
  // Forgets what was written.
  void abandon(const std::string& digest);

 private:
  Store(std::filesystem::path directory, int lock);
  void remove_leftovers();

  std::filesystem::path directory_;
  int lock_;  // descriptor of the directory; the kernel drops the lock with the last process
};

}  // namespace wbsim::sweep
