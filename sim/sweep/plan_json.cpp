// The plan on disk, and what tells two plans apart.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/sweep/plan.hpp"

namespace wbsim::sweep {
namespace {

using Json = nlohmann::ordered_json;
using Texts = std::vector<std::string>;

constexpr std::string_view kFormat = "wbsim sweep 2";

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

bool is_digest(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// nlohmann's exceptions stand for every kind of damage: a missing member, another type.
Plan plan_of(const Json& json) {
  Plan plan;
  plan.program = {json.at("wbsim").get<std::string>(), json.at("build").get<std::string>()};
  plan.source.config = json.at("config").get<std::string>();
  plan.source.sets = json.at("set").get<Texts>();
  plan.source.workloads = json.at("workload").get<Texts>();
  for (const Json& variation : json.at("vary")) {
    plan.variations.push_back(
        {variation.at("key").get<std::string>(), variation.at("values").get<Texts>()});
  }
  for (const Json& point : json.at("points")) {
    plan.points.push_back({point.at("values").get<Texts>(), point.at("digest").get<std::string>(),
                           point.value("refused", "")});
  }
  return plan;
}

bool is_consistent(const Plan& plan) {
  return plan.points.size() == count_points(plan.variations) &&
         std::all_of(plan.points.begin(), plan.points.end(), [&plan](const Point& point) {
           return is_digest(point.digest) && point.values.size() == plan.variations.size();
         });
}

std::string listed(const Texts& texts) {
  return texts.empty() ? "nothing" : fmt::format("{}", fmt::join(texts, " "));
}

std::string listed(const std::vector<Variation>& variations) {
  Texts texts;
  for (const Variation& variation : variations) {
    texts.push_back(fmt::format("{}={}", variation.key, fmt::join(variation.values, ",")));
  }
  return listed(texts);
}

}  // namespace

std::string plan_json(const Plan& plan) {
  Json vary = Json::array();
  for (const Variation& variation : plan.variations) {
    vary.push_back({{"key", variation.key}, {"values", variation.values}});
  }
  Json points = Json::array();
  for (const Point& point : plan.points) {
    Json each = {{"digest", point.digest}, {"values", point.values}};
    if (!point.refusal.empty()) {
      each["refused"] = point.refusal;
    }
    points.push_back(std::move(each));
  }
  return dump({{"format", kFormat},
               {"wbsim", plan.program.version},
               {"build", plan.program.build},
               {"config", plan.source.config},
               {"set", plan.source.sets},
               {"workload", plan.source.workloads},
               {"vary", vary},
               {"points", points}}) +
         "\n";
}

std::optional<Plan> parse_plan(std::string_view text, std::string& problem) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    problem = "is damaged: it is not JSON";
    return std::nullopt;
  }
  if (!json.is_object() || json.value("format", Json{}) != Json(kFormat)) {
    problem = "is not the plan of a sweep that this wbsim can read";
    return std::nullopt;
  }
  try {
    Plan plan = plan_of(json);
    if (is_consistent(plan)) {
      return plan;
    }
    problem = "is damaged: its points do not fit its variations";
  } catch (const Json::exception&) {
    problem = "is damaged: members are missing or of another type";
  }
  return std::nullopt;
}

std::string difference(const Plan& there, const Plan& here) {
  std::set<std::string_view> digests;
  for (const Point& point : here.points) {
    digests.insert(point.digest);
  }
  // A refused point holds no result, so none is lost with it.
  const auto lost =
      std::find_if(there.points.begin(), there.points.end(), [&digests](const Point& point) {
        return point.refusal.empty() && !digests.contains(point.digest);
      });
  if (lost == there.points.end()) {
    return {};  // whatever the configuration is called, the runs are the same
  }
  const auto differ = [](std::string_view what, const std::string& a, const std::string& b) {
    return a == b ? std::string{} : fmt::format("{} is {} there and {} here", what, a, b);
  };
  const std::array<std::string, 6> differences{
      differ("the version of wbsim", there.program.version, here.program.version),
      differ("the build of wbsim", there.program.build, here.program.build),
      differ("--vary", listed(there.variations), listed(here.variations)),
      differ("--set", listed(there.source.sets), listed(here.source.sets)),
      differ("--workload", listed(there.source.workloads), listed(here.source.workloads)),
      differ("the configuration", there.source.config, here.source.config)};
  for (const std::string& each : differences) {
    if (!each.empty()) {
      return each;
    }
  }
  return fmt::format(
      "point {} ({}) has changed: the configuration or a file it names is another "
      "than when the sweep began",
      lost - there.points.begin() + 1, describe(there, *lost));
}

}  // namespace wbsim::sweep
