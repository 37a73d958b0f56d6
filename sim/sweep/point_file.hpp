// point.json: how a point ended, and the digest of every file beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sim/report/output_file.hpp"
#include "sim/sweep/store.hpp"

namespace wbsim::sweep {

// Lists the files of `folder` and writes point.json beside them.
[[nodiscard]] report::OutputError write_point_file(const std::filesystem::path& folder,
                                                   const std::string& digest, const PointEnd& end);

// nullopt unless point.json is whole, speaks of `digest`, and exactly the files it lists are there
// with the content it lists; `problem` then says what is wrong, beginning with a path.
std::optional<PointEnd> read_point_file(const std::filesystem::path& folder,
                                        const std::string& digest, std::string& problem);

// The content of a file; nullopt when it cannot be read.
std::optional<std::string> file_content(const std::filesystem::path& path);

}  // namespace wbsim::sweep
