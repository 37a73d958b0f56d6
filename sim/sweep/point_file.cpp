#include "sim/sweep/point_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "sim/report/digest.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kPointFile = "point.json";

constexpr std::array<std::pair<PointStatus, std::string_view>, 3> kStatusNames{{
    {PointStatus::kOk, "ok"},
    {PointStatus::kFailed, "failed"},
    {PointStatus::kRefused, "refused"},
}};

// Messages may carry any bytes of a job's name.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string check_of(const Json& without_check) {
  return report::to_string(report::digest_of(dump(without_check, -1)));
}

// Names of everything in the folder but point.json, sorted. Empty when it cannot be read.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator{folder, failed}) {
    if (entry.path().filename() != kPointFile) {
      names.push_back(entry.path().filename().native());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The end that an undamaged document tells. Throws Json::exception when members are missing.
std::optional<PointEnd> end_of(const Json& json) {
  const auto name = json.at("status").get<std::string>();
  const auto status = std::find_if(kStatusNames.begin(), kStatusNames.end(),
                                   [&name](const auto& each) { return each.second == name; });
  if (status == kStatusNames.end()) {
    return std::nullopt;
  }
  return PointEnd{status->first, json.at("message").get<std::string>()};
}

// Why the files beside point.json are not those of the point, or nothing.
std::string problem_with_files(const fs::path& folder, const Json& files) {
  for (const std::string& name : names_in(folder)) {
    if (!files.contains(name)) {
      return fmt::format("{} does not belong there", (folder / name).native());
    }
  }
  for (const auto& [name, digest] : files.items()) {
    const std::optional<std::string> content = file_content(folder / name);
    if (!content) {
      return fmt::format("{} is missing or cannot be read", (folder / name).native());
    }
    if (digest != Json(report::to_string(report::digest_of(*content)))) {
      return fmt::format("{} is damaged", (folder / name).native());
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(PointStatus status) {
  return kStatusNames[static_cast<std::size_t>(status)].second;
}

std::optional<std::string> file_content(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) {
    return std::nullopt;  // a pipe would make us wait
  }
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file{std::fopen(path.c_str(), "rb")};
  if (!file) {
    return std::nullopt;
  }
  std::string content;
  std::array<char, 65536> part;
  while (const std::size_t got = std::fread(part.data(), 1, part.size(), file.get())) {
    content.append(part.data(), got);
  }
  return std::ferror(file.get()) != 0 ? std::nullopt : std::optional{std::move(content)};
}

report::OutputError write_point_file(const fs::path& folder, const std::string& digest,
                                     const PointEnd& end) {
  Json files = Json::object();
  for (const std::string& name : names_in(folder)) {
    const std::optional<std::string> content = file_content(folder / name);
    if (!content) {
      return fmt::format("cannot read {} back", (folder / name).native());
    }
    files[name] = report::to_string(report::digest_of(*content));
  }
  Json json = {{"point", digest},
               {"status", to_string(end.status)},
               {"message", end.message},
               {"files", std::move(files)}};
  json["check"] = check_of(json);
  return report::write_file(folder / kPointFile, dump(json, 2) + "\n");
}

std::optional<PointEnd> read_point_file(const fs::path& folder, const std::string& digest,
                                        std::string& problem) {
  const fs::path path = folder / kPointFile;
  const std::optional<std::string> text = file_content(path);
  Json json = text ? Json::parse(*text, nullptr, false) : Json{};
  if (!json.is_object() || !json.contains("check")) {
    problem = fmt::format("{} is {}", path.native(), text ? "damaged" : "missing");
    return std::nullopt;
  }
  const Json check = json["check"];
  json.erase("check");
  try {
    if (check != Json(check_of(json)) || !json.at("files").is_object()) {
      problem = fmt::format("{} is damaged", path.native());
      return std::nullopt;
    }
    if (json.at("point") != Json(digest)) {
      problem = fmt::format("{} is that of another point", path.native());
      return std::nullopt;
    }
    problem = problem_with_files(folder, json.at("files"));
    return problem.empty() ? end_of(json) : std::nullopt;
  } catch (const Json::exception&) {
    problem = fmt::format("{} is damaged", path.native());
    return std::nullopt;
  }
}

}  // namespace wbsim::sweep
