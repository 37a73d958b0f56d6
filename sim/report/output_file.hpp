// Files that are either complete or absent: written under a temporary name in the same directory,
// renamed when everything has reached the disk. Devices and pipes are written to directly, as there
// is nothing to keep; a symbolic link stays, its target is what is written.
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
  // Opens "PATH.PID.tmp", or PATH itself where it is no regular file. The directory must exist
  // (create_output_directory).
  explicit OutputFile(std::filesystem::path path);
  // Removes the temporary file unless it was committed.
  ~OutputFile() override;

  void append(std::string_view text) override;
  // Replaces what the file begins with by as many bytes. Where nothing can be replaced, as in a
  // pipe, the beginning stays what it was.
  void replace_start(std::string_view text);
  // fsync and rename to PATH, which keeps its old content until then. Call once, last.
  [[nodiscard]] OutputError commit();

 private:
  // Keeps the first error and gives up.
  void fail(int error);
  void close_file();

  std::filesystem::path path_;       // as the user named it
  std::filesystem::path target_;     // where its content belongs
  std::filesystem::path temporary_;  // empty: the target is written to directly
  std::FILE* file_ = nullptr;
  OutputError error_;
};

// Is `name` what an OutputFile for `file` leaves behind when its process is killed? Names without
// directories.
[[nodiscard]] bool is_temporary_of(std::string_view name, std::string_view file);

// A whole file at once.
[[nodiscard]] OutputError write_file(const std::filesystem::path& path, std::string_view content);

// With its parents; fine when it exists. "cannot create directory out/a: Permission denied".
[[nodiscard]] OutputError create_output_directory(const std::filesystem::path& path);

// The same, and makes sure that files can be made in it, before a long run.
[[nodiscard]] OutputError prepare_output_directory(const std::filesystem::path& path);

}  // namespace wbsim::report
