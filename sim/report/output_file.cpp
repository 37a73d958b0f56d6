#include "sim/report/output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::report {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporaryEnd = ".tmp";

std::string message_of(int error) { return std::generic_category().message(error); }

// The end of a chain of symbolic links, whether it exists or not. What goes round in circles is
// left for open() to refuse.
fs::path resolved(fs::path path) {
  constexpr int kLinksMax = 40;
  std::error_code failed;
  for (int links = 0; links < kLinksMax && fs::is_symlink(fs::symlink_status(path, failed));
       ++links) {
    path = path.parent_path() / fs::read_symlink(path, failed);
  }
  return path;
}

}  // namespace

OutputFile::OutputFile(fs::path path) : path_{std::move(path)}, target_{resolved(path_)} {
  std::error_code failed;
  const fs::file_status there = fs::status(target_, failed);
  if (!fs::exists(there) || fs::is_regular_file(there)) {
    temporary_ = fmt::format("{}.{}{}", target_.native(), ::getpid(), kTemporaryEnd);
  }
  file_ = std::fopen(temporary_.empty() ? target_.c_str() : temporary_.c_str(), "wb");
  if (file_ == nullptr) {
    fail(errno);
  }
}

OutputFile::~OutputFile() { close_file(); }

void OutputFile::close_file() {
  if (file_ != nullptr) {
    std::fclose(file_);
    file_ = nullptr;
    if (!temporary_.empty()) {
      std::remove(temporary_.c_str());
    }
  }
}

void OutputFile::fail(int error) {
  error_ = fmt::format("cannot write {}: {}", path_.native(), message_of(error));
  close_file();
}

void OutputFile::append(std::string_view text) {
  if (!error_ && std::fwrite(text.data(), 1, text.size(), file_) != text.size()) {
    fail(errno);
  }
}

void OutputFile::replace_start(std::string_view text) {
  if (error_ || temporary_.empty()) {
    return;
  }
  if (std::fseek(file_, 0, SEEK_SET) != 0 ||
      std::fwrite(text.data(), 1, text.size(), file_) != text.size() ||
      std::fseek(file_, 0, SEEK_END) != 0) {
    fail(errno);
  }
}

OutputError OutputFile::commit() {
  if (error_) {
    return error_;
  }
  SIM_CHECK(file_ != nullptr);
  // Without fsync a crash of the machine could leave the new name with no content.
  const bool renamed = !temporary_.empty();
  if (std::fflush(file_) != 0 || (renamed && ::fsync(::fileno(file_)) != 0) ||
      (renamed && std::rename(temporary_.c_str(), target_.c_str()) != 0)) {
    fail(errno);
    return error_;
  }
  std::fclose(std::exchange(file_, nullptr));
  return std::nullopt;
}

bool is_temporary_of(std::string_view name, std::string_view file) {
  return name.size() > file.size() && name.starts_with(file) && name[file.size()] == '.' &&
         name.ends_with(kTemporaryEnd);
}

OutputError write_file(const fs::path& path, std::string_view content) {
  OutputFile file{path};
  file.append(content);
  return file.commit();
}

OutputError create_output_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error && !fs::is_directory(path, error)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    return fmt::format("cannot create directory {}: {}", path.native(), error.message());
  }
  return std::nullopt;
}

OutputError prepare_output_directory(const fs::path& path) {
  if (OutputError error = create_output_directory(path)) {
    return error;
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return fmt::format("cannot write to {}: {}", path.native(), message_of(errno));
  }
  return std::nullopt;
}

}  // namespace wbsim::report
