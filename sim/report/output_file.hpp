// Files that are either complete or absent: written under a temporary name in the same directory,
// renamed when everything has reached the disk.
//
// Failures are not exceptions: the first one is kept, later calls do nothing, and commit() tells.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace wbsim::report {

// Where a streaming writer puts its text.
class TextSink {
 public:
  TextSink() = default;
  TextSink(const TextSink&) = delete;
  TextSink& operator=(const TextSink&) = delete;
  virtual ~TextSink() = default;
  virtual void append(std::string_view text) = 0;
};

class StringSink : public TextSink {
 public:
  void append(std::string_view text) override { text_ += text; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Why a file was not written: "cannot write out/summary.json: No space left on device".
using OutputError = std::optional<std::string>;

class OutputFile : public TextSink {
 public:
  // Opens "PATH.tmp". The directory must exist (create_output_directory).
  explicit OutputFile(std::filesystem::path path);
  // Removes the temporary file unless it was committed.
  ~OutputFile() override;

  void append(std::string_view text) override;
  // fsync and rename to PATH, which keeps its old content until then. Call once, last.
  [[nodiscard]] OutputError commit();

 private:
  // Keeps the first error and gives up.
  void fail(int error);
  void close_file();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::FILE* file_ = nullptr;
  OutputError error_;
};

// A whole file at once.
[[nodiscard]] OutputError write_file(const std::filesystem::path& path, std::string_view content);

// With its parents; fine when it exists. "cannot create directory out/a: Permission denied".
[[nodiscard]] OutputError create_output_directory(const std::filesystem::path& path);

// The same, and makes sure that files can be made in it, before a long run.
[[nodiscard]] OutputError prepare_output_directory(const std::filesystem::path& path);

}  // namespace wbsim::report
