#include "sim/sweep/page.hpp"

#include <nlohmann/json.hpp>

#include "sim/sweep/sweep.hpp"
#include "sim/sweep/sweep_test_util.hpp"

namespace wbsim::sweep {
namespace {

class PageTest : public testing::SweepTest {
 protected:
  void SetUp() override {
    SweepTest::SetUp();
    write("chart.js", "/*! Chart.js v3.9.1 */ var hint = '</script><!-- no markup';\n");
  }

  void sweep(const std::vector<std::string>& vary) {
    const Plan points = plan(vary).value();
    Diagnostics diagnostics;
    const std::unique_ptr<Store> store = Store::open(folder_ / "out", points, diagnostics);
    run_sweep(points, *store, {});
  }
  std::optional<std::string> page(const std::string& directory) {
    Diagnostics diagnostics;
    std::optional<std::string> made =
        make_page(folder_ / directory, folder_ / "chart.js", diagnostics);
    findings_ = shortened(testing::text_of(diagnostics));
    return made;
  }
  // What the page's script gets to read.
  static nlohmann::json data_in(const std::string& html) {
    const std::string begin = R"(id="data">)";
    const std::size_t at = html.find(begin) + begin.size();
    return nlohmann::json::parse(html.substr(at, html.find("</script>", at) - at));
  }
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

TEST_F(PageTest, HasTheFiguresOfEveryPoint) {
  sweep({"vm.dirty_ratio=25,30", "kernel=5.10,5.15", "queue.scheduler=none"});
  const std::string html = page("out").value_or(findings_);
  const nlohmann::json data = data_in(html);
  ASSERT_EQ(data["points"].size(), 4U);
  EXPECT_EQ(data["points"][0]["status"], "ok");
  EXPECT_EQ(data["points"][1]["status"], "refused");
  EXPECT_FALSE(data["points"][0]["curve"]["t_ms"].empty());
  EXPECT_FALSE(data["points"][0]["latencies"]["write"].empty());
  EXPECT_EQ(data["points"][0]["latencies"]["fsync"].size(), 1U);
  EXPECT_EQ(data["effects"][0][0]["levels"][0]["points"], 1);
  EXPECT_EQ(data["knobs"][0]["numeric"], true);
  EXPECT_EQ(data["knobs"][2]["numeric"], false);
}

// A browser asked for anything else would find it in none of these ways.
TEST_F(PageTest, LoadsNothing) {
  sweep({"vm.dirty_ratio=25"});
  const std::string html = page("out").value_or(findings_);
  EXPECT_NE(html.find("content=\"default-src 'none'; script-src 'unsafe-inline'; "
                      "style-src 'unsafe-inline'; img-src data:\""),
            std::string::npos);
  for (const char* loader : {"src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"}) {
    EXPECT_EQ(html.find(loader), std::string::npos) << loader;
  }
  EXPECT_NE(html.find("/*! Chart.js v3.9.1 */"), std::string::npos);
  EXPECT_NE(html.find("Copyright (c) 2014-2022 Chart.js Contributors"), std::string::npos);
}

TEST_F(PageTest, LetsNoTextBecomeMarkup) {
  const std::string job = R"(]\nfilename=/dev/sda\nrw=write\nsize=1m\n")";
  sweep({R"(workload.fio="[</script><script>alert(1)</script>)" + job + R"(,"[x{{script}})" + job +
         R"(,"[<!--)" + job});
  const std::string html = page("out").value_or(findings_);
  EXPECT_EQ(count(html, "<script"), 3U);
  EXPECT_EQ(count(html, "</script"), 3U);
  EXPECT_EQ(count(html, "<!--"), 0U);
  EXPECT_EQ(data_in(html)["points"][0]["values"][0],
            R"("[</script><script>alert(1)</script>)" + job);
  EXPECT_EQ(data_in(html)["points"][1]["values"][0], R"("[x{{script}})" + job);
  EXPECT_EQ(data_in(html)["points"][2]["status"], "ok");
}

TEST_F(PageTest, NamesPointsThatAreDamagedOrNotDone) {
  sweep({"vm.dirty_ratio=25,30"});
  const Plan points = plan({"vm.dirty_ratio=25,30"}).value();
  write("out/points/" + points.points[0].digest + "/summary.json", "{}");
  std::filesystem::remove_all(point_folder(folder_ / "out", points.points[1].digest));
  const nlohmann::json data = data_in(page("out").value_or(findings_));
  EXPECT_EQ(data["points"][0]["status"], "not done");
  EXPECT_EQ(shortened(data["points"][0]["message"]),
            "DIR/out/points/" + points.points[0].digest + "/summary.json is damaged");
  EXPECT_EQ(data["points"][1]["message"], "");
}

TEST_F(PageTest, ShowsASingleRun) {
  sweep({"vm.dirty_ratio=25"});
  const Plan points = plan({"vm.dirty_ratio=25"}).value();
  const nlohmann::json data =
      data_in(page("out/points/" + points.points[0].digest).value_or(findings_));
  EXPECT_EQ(data["kind"], "run");
  EXPECT_EQ(data["points"].size(), 1U);
  EXPECT_EQ(data["points"][0]["identity"]["kernel"], "5.10");
}

// --- what is refused, word for word ---------------------------------------------------------

TEST_F(PageTest, NeedsResults) {
  EXPECT_FALSE(page("nowhere"));
  EXPECT_EQ(findings_, "DIR/nowhere: is not a directory\n");
  write("empty/a", "");
  EXPECT_FALSE(page("empty"));
  EXPECT_EQ(findings_,
            "DIR/empty: holds neither a sweep (no sweep.json) nor a run: DIR/empty/summary.json "
            "is missing or cannot be read\n");
}

TEST_F(PageTest, NeedsChartJs) {
  sweep({"vm.dirty_ratio=25"});
  std::filesystem::remove(folder_ / "chart.js");
  EXPECT_FALSE(page("out"));
  EXPECT_EQ(findings_,
            "DIR/chart.js: cannot be read; install the Debian package libjs-chart.js, or name a "
            "Chart.js 3 or 4 (chart.min.js, UMD) with --chart-js\n");
}

TEST_F(PageTest, TakesNothingForChartJsThatIsNot) {
  sweep({"vm.dirty_ratio=25"});
  write("chart.js", "root:x:0:0:root:/root:/bin/bash\n");
  EXPECT_FALSE(page("out"));
  EXPECT_EQ(findings_,
            "DIR/chart.js: is no Chart.js 3 or 4: it does not begin with \"/*! * Chart.js v3.\" "
            "or v4; name a chart.min.js (UMD)\n");
}

}  // namespace
}  // namespace wbsim::sweep
