#include "sim/system/config_files.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "sim/system/config_fields.hpp"

namespace wbsim::system {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<fs::path>& paths) {
  std::string text;
  for (const fs::path& path : paths) {
    text += (text.empty() ? "" : ", ") + path.string();
  }
  return text;
}

// The first of `candidates` that is a readable file. When none exists, that is reported; when one
// exists but cannot be read, why.
std::optional<TextFile> first_file(ReadContext& context, const std::string& pointer,
                                   const std::string& name,
                                   const std::vector<fs::path>& candidates) {
  for (const fs::path& candidate : candidates) {
    std::error_code ignored;
    if (!fs::exists(candidate, ignored)) {
      continue;
    }
    std::string problem;
    std::optional<TextFile> file = read_text_file(candidate, problem);
    if (!file) {
      context.error(pointer, fmt::format("{} {}", in_quotes(candidate.string()), problem));
    }
    return file;
  }
  context.error(pointer, fmt::format("there is no file {}; looked for {}", in_quotes(name),
                                     joined(candidates)));
  return std::nullopt;
}

std::vector<fs::path> in_roots(const std::string& directory, const fs::path& relative) {
  std::vector<fs::path> candidates;
  for (const fs::path& root : config_roots(directory)) {
    candidates.push_back(root / relative);
  }
  return candidates;
}

std::optional<LoadedFile> parsed(ReadContext& context, std::optional<TextFile> file) {
  if (!file) {
    return std::nullopt;
  }
  std::optional<Json> document = parse_json(file->name, file->text, context.diagnostics);
  if (!document) {
    return std::nullopt;
  }
  return LoadedFile{std::move(file->name), std::move(file->directory), std::move(*document)};
}

// A profile states the source of each value beside it: {"value": ..., "source": "..."}.
Field with_source(Field field) {
  field.read = [read = std::move(field.read)](ReadContext& context, const Json& value,
                                              const std::string& pointer) {
    if (!value.is_object() || !value.contains("value") || !value.contains("source")) {
      context.error(pointer,
                    fmt::format("{} is not an object with value and source", shown(value)));
      return;
    }
    read(context, value["value"], child_pointer(pointer, "value"));
  };
  return field;
}

// Text fields that describe a data file and are read by people only.
std::vector<Field> description_fields(std::string& ignored) {
  return {text_field("$schema", ignored, ""), text_field("about", ignored, ""),
          text_field("source", ignored, "")};
}

}  // namespace

std::vector<fs::path> config_roots(const std::string& directory) {
  const char* const chosen = std::getenv("WBSIM_CONFIGS");
  if (chosen != nullptr && *chosen != '\0') {
    return {chosen};
  }
  std::vector<fs::path> roots;
  std::error_code failed;
  for (fs::path at = fs::absolute(directory.empty() ? "." : directory, failed).lexically_normal();
       !failed && at.has_relative_path(); at = at.parent_path()) {
    if (at.filename() == "configs") {
      roots.push_back(at);
      break;
    }
  }
  const fs::path built_in{WBSIM_CONFIGS_DIR};
  if (roots.empty() || roots.front() != built_in) {
    roots.push_back(built_in);
  }
  return roots;
}

std::optional<TextFile> read_text_file(const fs::path& path, std::string& problem) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) {
    problem = fs::exists(path, failed) ? "is not a regular file" : "does not exist";
    return std::nullopt;
  }
  const std::uintmax_t size = fs::file_size(path, failed);
  if (failed || size > kJsonTextBytesMax) {
    problem = fmt::format("is larger than {} bytes", kJsonTextBytesMax);
    return std::nullopt;
  }
  std::ifstream stream{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  if (!stream.is_open() || stream.bad()) {
    problem = "cannot be read";
    return std::nullopt;
  }
  return TextFile{path.string(), path.parent_path().string(), std::move(text)};
}

std::optional<TextFile> load_text(ReadContext& context, const std::string& pointer,
                                  const Json& value) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    context.error(pointer, fmt::format("{} is not the name of a file", shown(value)));
    return std::nullopt;
  }
  const auto& name = value.get_ref<const std::string&>();
  if (name.find('\0') != std::string::npos) {
    context.error(pointer, fmt::format("{} is not the name of a file", shown(value)));
    return std::nullopt;
  }
  const fs::path path{name};
  std::vector<fs::path> candidates{path};
  if (path.is_relative()) {
    candidates = in_roots(context.directory, path);
    candidates.insert(candidates.begin(), fs::path{context.directory} / path);
    if (context.is_override(pointer)) {
      candidates.push_back(path);  // as a shell completes it
    }
  }
  return first_file(context, pointer, name, candidates);
}

std::optional<LoadedFile> load_json(ReadContext& context, const std::string& pointer,
                                    const Json& value) {
  return parsed(context, load_text(context, pointer, value));
}

void load_kernel_profile(ReadContext& context, std::string_view kernel, KernelSwitches& switches) {
  const std::string name = fmt::format("kernels/{}.json", kernel);
  const std::optional<LoadedFile> file =
      parsed(context, first_file(context, "/kernel", name, in_roots(context.directory, name)));
  if (!file) {
    return;
  }
  ReadContext inside{context.diagnostics, file->name, file->directory, {}};
  std::vector<Field> members = switch_fields(switches);
  for (Field& member : members) {
    if (!file->document.contains("switches") || !file->document["switches"].contains(member.key)) {
      inside.error("/switches", fmt::format("\"{}\" is missing; a profile sets all", member.key));
    }
    member = with_source(std::move(member));
  }
  std::string ignored;
  std::vector<Field> fields = description_fields(ignored);
  fields.push_back(object_field("switches", std::move(members), ""));
  read_object(inside, file->document, "", fields);
}

void load_cpu_costs(ReadContext& context, const std::string& pointer, const std::string& name,
                    CpuCostMap& costs) {
  const std::string relative = fmt::format("machines/{}.json", name);
  const std::optional<LoadedFile> file =
      parsed(context, first_file(context, pointer, name, in_roots(context.directory, relative)));
  if (!file) {
    return;
  }
  ReadContext inside{context.diagnostics, file->name, file->directory, {}};
  std::string ignored;
  std::vector<Field> fields = description_fields(ignored);
  Field member = object_field("costs", {}, "");
  member.read = [&costs](ReadContext& at, const Json& value, const std::string& where) {
    read_cpu_costs(at, value, where, costs);
  };
  fields.push_back(std::move(member));
  read_object(inside, file->document, "", fields);
}

}  // namespace wbsim::system
