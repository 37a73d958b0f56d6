// A folder of its own for a test, removed at its end, and a small complete truth case in it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace wbsim::analysis {

class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Writes `text` to a file below the folder; compressed when the name ends in ".xz".
  void write(const std::string& name, std::string_view text) const;
  // Messages name files in the folder; this replaces its path by "DIR".
  [[nodiscard]] std::string shortened(std::string message) const;

 private:
  std::filesystem::path path_;
};

std::string compress_xz(std::string_view text);

// A case of one buffered writer at 6.1 in `folder`/NAME, with an answer of 3 samples, 2 requests
// and 1 pause; and the CPU costs it needs in `folder`/configs. Figures are stated in the tests.
void write_small_case(const TestFolder& folder, const std::string& name);

}  // namespace wbsim::analysis
