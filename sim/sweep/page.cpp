#include "sim/sweep/page.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/sweep/page_data.hpp"
#include "sim/sweep/page_parts.hpp"
#include "sim/sweep/point_file.hpp"
#include "sim/sweep/store.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Replaces every `from` by `to`.
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// JSON that may stand inside a script element whatever its strings hold: no "<" begins a tag there.
std::string inside_script(const Json& data) {
  return replaced(data.dump(-1, ' ', true, Json::error_handler_t::replace), "<", "\\u003c");
}

// Code that may stand inside a script element. "<\/" means the same in a string or pattern.
std::string code_inside_script(const std::string& code) {
  return replaced(replaced(code, "</script", "<\\/script"), "<!--", "<\\!--");
}

// Chart.js begins with a comment that names it. Nothing else may end up in a page, which is made to
// be passed on.
bool is_chart_js(const std::string& code) {
  const std::string_view head = std::string_view{code}.substr(0, 200);
  return head.find("Chart.js v3.") != std::string_view::npos ||
         head.find("Chart.js v4.") != std::string_view::npos;
}

std::optional<Json> data_of(const fs::path& directory, Diagnostics& diagnostics) {
  std::error_code failed;
  if (!fs::is_directory(directory, failed)) {
    diagnostics.error(directory.native(), "is not a directory");
    return std::nullopt;
  }
  if (fs::exists(directory / "sweep.json", failed)) {
    const std::optional<Plan> plan = read_plan(directory, diagnostics);
    return plan ? std::optional{sweep_data(directory, *plan)} : std::nullopt;
  }
  std::string problem;
  Json data = run_data(directory, problem);
  if (data.is_null()) {
    diagnostics.error(directory.native(),
                      "holds neither a sweep (no sweep.json) nor a run: " + problem);
    return std::nullopt;
  }
  return data;
}

}  // namespace

std::optional<std::string> make_page(const fs::path& directory, const fs::path& chart_js,
                                     Diagnostics& diagnostics) {
  const std::optional<Json> data = data_of(directory, diagnostics);
  const std::optional<std::string> charts = file_content(chart_js);
  if (!charts) {
    diagnostics.error(chart_js.native(),
                      "cannot be read; install the Debian package libjs-chart.js, or name a "
                      "Chart.js 3 or 4 (chart.min.js, UMD) with --chart-js");
  } else if (!is_chart_js(*charts)) {
    diagnostics.error(chart_js.native(),
                      "is no Chart.js 3 or 4: it does not begin with \"/*! * Chart.js v3.\" or v4; "
                      "name a chart.min.js (UMD)");
  }
  if (!data || !charts || diagnostics.has_errors()) {
    return std::nullopt;
  }
  const std::array<std::pair<std::string_view, std::string>, 4> parts{{
      {"{{style}}", std::string{kPageStyle}},
      {"{{charts}}", code_inside_script(*charts)},
      {"{{data}}", inside_script(*data)},
      {"{{script}}", std::string{kPageScript}},
  }};
  // In the template's order, so that a part is never searched for another one's place.
  std::string page;
  std::string_view rest = kPageTemplate;
  for (const auto& [place, text] : parts) {
    const std::size_t at = rest.find(place);
    SIM_CHECK(at != std::string_view::npos);
    page.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + place.size());
  }
  return page.append(rest);
}

}  // namespace wbsim::sweep
