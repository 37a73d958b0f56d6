#include "sim/report/output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "sim/base/check.hpp"

namespace wbsim::report {

namespace {

std::string message_of(int error) { return std::generic_category().message(error); }

}  // namespace

OutputFile::OutputFile(std::filesystem::path path)
    : path_{std::move(path)}, temporary_{path_.native() + ".tmp"} {
  file_ = std::fopen(temporary_.c_str(), "wb");
  if (file_ == nullptr) {
    fail(errno);
  }
}

OutputFile::~OutputFile() { close_file(); }

void OutputFile::close_file() {
  if (file_ != nullptr) {
    std::fclose(file_);
    file_ = nullptr;
    std::remove(temporary_.c_str());
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

OutputError OutputFile::commit() {
  if (error_) {
    return error_;
  }
  SIM_CHECK(file_ != nullptr);
  // Without fsync a crash of the machine could leave the new name with no content.
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0 ||
      std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail(errno);
    return error_;
  }
  std::fclose(std::exchange(file_, nullptr));
  return std::nullopt;
}

OutputError write_file(const std::filesystem::path& path, std::string_view content) {
  OutputFile file{path};
  file.append(content);
  return file.commit();
}

OutputError create_output_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && !std::filesystem::is_directory(path, error)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    return fmt::format("cannot create directory {}: {}", path.native(), error.message());
  }
  return std::nullopt;
}

OutputError prepare_output_directory(const std::filesystem::path& path) {
  if (OutputError error = create_output_directory(path)) {
    return error;
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return fmt::format("cannot write to {}: {}", path.native(), message_of(errno));
  }
  return std::nullopt;
}

}  // namespace wbsim::report
