#include "sim/sweep/page_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sim/sweep/effects.hpp"
#include "sim/sweep/merged.hpp"

namespace wbsim::sweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Columns rather than rows: a third of the size.
Json curve_json(const std::vector<DirtySample>& samples) {
  Json curve = {{"t_ms", Json::array()},
                {"dirty", Json::array()},
                {"background_thresh", Json::array()},
                {"dirty_thresh", Json::array()}};
  for (const DirtySample& sample : thinned(samples, kCurveSamplesMax)) {
    curve["t_ms"].push_back(sample.time_ms);
    curve["dirty"].push_back(sample.dirty);
    curve["background_thresh"].push_back(sample.background_thresh);
    curve["dirty_thresh"].push_back(sample.dirty_thresh);
  }
  return curve;
}

// [[nanoseconds, calls], ...] of each kind of call that there were any of.
Json latencies_json(const std::map<std::string, LatencyCounts>& latencies) {
  Json all = Json::object();
  for (const auto& [call, counts] : latencies) {
    Json buckets = Json::array();
    for (const auto& [latency, count] : counts) {
      buckets.push_back({latency, count});
    }
    if (!buckets.empty()) {
      all[call] = std::move(buckets);
    }
  }
  return all;
}

Json figures_json(const Headlines& figures) {
  Json values = Json::array();
  for (const std::optional<double>& figure : figures) {
    values.push_back(figure ? Json(*figure) : Json(nullptr));
  }
  return values;
}

Json headlines_json(const std::vector<Row>& rows) {
  const std::vector<std::size_t> shown = shown_headlines(rows);
  Json all = Json::array();
  for (std::size_t i = 0; i < kHeadlines; ++i) {
    const Headline& headline = headlines()[i];
    const bool chosen = std::find(shown.begin(), shown.end(), i) != shown.end();
    all.push_back({{"name", headline.name},
                   {"label", headline.label},
                   {"unit", headline.unit},
                   {"scale", headline.scale},
                   {"better", headline.better == Better::kHigher  ? "higher"
                              : headline.better == Better::kLower ? "lower"
                                                                  : ""},
                   {"chosen", chosen}});
  }
  return all;
}

// What a summary says about itself.
Json identity_json(const Json& summary) {
  Json identity = Json::object();
  for (const char* member : {"wbsim", "kernel", "seed", "config_digest", "result_digest"}) {
    identity[member] = summary.value(member, Json(nullptr));
  }
  const Json trust = summary.value("trust", Json{});
  identity["trust"] = trust.is_object() ? trust.value("statement", Json(nullptr)) : Json(nullptr);
  return identity;
}

Json point_json(const RunFiles& files, const Headlines& figures) {
  return {{"identity", identity_json(files.summary)},
          {"figures", figures_json(figures)},
          {"curve", curve_json(files.samples)},
          {"latencies", latencies_json(files.latencies)}};
}

bool is_number(const std::string& text) {
  double ignored = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ignored);
  return error == std::errc{} && end == text.data() + text.size();
}

Json knobs_json(const Plan& plan) {
  Json knobs = Json::array();
  for (const Variation& variation : plan.variations) {
    // A kernel's version looks like a number, but 5.10 lies between no two of them.
    const bool numeric = variation.key != "kernel" &&
                         std::all_of(variation.values.begin(), variation.values.end(), is_number);
    knobs.push_back({{"key", variation.key}, {"values", variation.values}, {"numeric", numeric}});
  }
  return knobs;
}

Json effects_json(const Plan& plan, const std::vector<Row>& rows) {
  Json all = Json::array();
  for (std::size_t i = 0; i < kHeadlines; ++i) {
    Json of_headline = Json::array();
    for (const Effect& effect : main_effects(plan, rows, i)) {
      Json levels = Json::array();
      for (const Level& level : effect.levels) {
        levels.push_back({{"value", level.value},
                          {"points", level.points},
                          {"mean", level.mean},
                          {"min", level.min},
                          {"max", level.max}});
      }
      of_headline.push_back({{"levels", std::move(levels)},
                             {"range", effect.range ? Json(*effect.range) : Json(nullptr)}});
    }
    all.push_back(std::move(of_headline));
  }
  return all;
}

}  // namespace

std::vector<DirtySample> thinned(const std::vector<DirtySample>& samples, std::size_t most) {
  if (samples.size() <= most) {
    return samples;
  }
  const auto lower = [](const DirtySample& a, const DirtySample& b) { return a.dirty < b.dirty; };
  std::vector<DirtySample> kept;
  const std::size_t groups = std::max<std::size_t>(most / 2, 1);
  for (std::size_t group = 0; group < groups; ++group) {
    const auto at = [&](std::size_t g) {
      return samples.begin() + static_cast<std::ptrdiff_t>(g * samples.size() / groups);
    };
    const auto [low, high] = std::minmax_element(at(group), at(group + 1), lower);
    kept.push_back(*std::min(low, high));
    if (low != high) {
      kept.push_back(*std::max(low, high));
    }
  }
  return kept;
}

Json sweep_data(const fs::path& directory, const Plan& plan) {
  std::vector<Row> rows;
  Json points = Json::array();
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    const Point& point = plan.points[i];
    const StoredPoint stored = look_up(directory, point.digest);
    Json shown = {{"number", i + 1}, {"digest", point.digest}, {"values", point.values}};
    if (!stored.end) {
      shown.update({{"status", "not done"}, {"message", stored.damage}});
      points.push_back(std::move(shown));
      continue;
    }
    shown.update({{"status", to_string(stored.end->status)}, {"message", stored.end->message}});
    rows.push_back({i, *stored.end, {}});
    std::string ignored;  // a refused point has no summary
    if (const auto files =
            read_run_files(point_folder(directory, point.digest), Series::kYes, ignored)) {
      rows.back().headlines = headlines_of(*files);
      shown.update(point_json(*files, rows.back().headlines));
    }
    points.push_back(std::move(shown));
  }
  return {{"kind", "sweep"},
          {"directory", directory.native()},
          {"wbsim", plan.program.version},
          {"config", plan.source.config},
          {"set", plan.source.sets},
          {"workload", plan.source.workloads},
          {"knobs", knobs_json(plan)},
          {"headlines", headlines_json(rows)},
          {"points", std::move(points)},
          {"effects", effects_json(plan, rows)}};
}

Json run_data(const fs::path& directory, std::string& problem) {
  const std::optional<RunFiles> files = read_run_files(directory, Series::kYes, problem);
  if (!files) {
    return nullptr;
  }
  Json point = {{"number", 1},
                {"digest", files->summary.value("config_digest", Json(""))},
                {"values", Json::array()},
                {"status", "ok"},
                {"message", ""}};
  Row row;
  row.headlines = headlines_of(*files);
  point.update(point_json(*files, row.headlines));
  return {{"kind", "run"},
          {"directory", directory.native()},
          {"wbsim", files->summary.value("wbsim", Json(""))},
          {"config", ""},
          {"set", Json::array()},
          {"workload", Json::array()},
          {"knobs", Json::array()},
          {"headlines", headlines_json({row})},
          {"points", Json::array({std::move(point)})},
          {"effects", Json::array()}};
}

}  // namespace wbsim::sweep
