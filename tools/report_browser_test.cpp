// A real browser draws the report. Skipped where chromium or Chart.js is not installed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wbsim::cli {
namespace {

namespace fs = std::filesystem;

bool succeeds(const std::string& command) { return std::system(command.c_str()) == 0; }

TEST(Report, IsDrawnByABrowserWithoutAnError) {
  if (!succeeds("command -v chromium >/dev/null") ||
      !fs::exists("/usr/share/javascript/chart.js/chart.min.js")) {
    GTEST_SKIP() << "needs the Debian packages chromium and libjs-chart.js";
  }
  const fs::path folder = fs::path{::testing::TempDir()} / "wbsim_report_browser";
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream{folder / "a.json"}
      << R"({"devices":{"sda":{"per_kib":"10240ns",)"
         R"("queue":{"scheduler":"none","wbt_lat_usec":0}}},)"
         R"("workload":{"fio":"[w]\nfilename=/dev/sda\nrw=write\nsize=64m\nend_fsync=1\n"}})";
  ASSERT_TRUE(succeeds("cd " + folder.native() + " && " + WBSIM_PROGRAM +
                       " sweep run a.json --vary vm.dirty_ratio=25,30 "
                       "--vary kernel=5.10,5.15 -o out >log 2>&1; " +
                       WBSIM_PROGRAM + " report out -o page.html 2>>log"));
  ASSERT_TRUE(succeeds("cd " + folder.native() +
                       " && timeout 120 chromium --headless --no-sandbox --disable-gpu "
                       "--user-data-dir=profile --dump-dom file://$PWD/page.html >dom 2>>log"));
  std::ifstream stream{folder / "dom"};
  const std::string dom{std::istreambuf_iterator<char>{stream}, {}};
  // Two knobs, the dirty curve, the latencies.
  EXPECT_NE(dom.find("data-drawn=\"4\""), std::string::npos);
  EXPECT_NE(dom.find("<p id=\"problem\" class=\"problem\" hidden=\"\"></p>"), std::string::npos);
  EXPECT_NE(dom.find("<td class=\"text\">refused</td>"), std::string::npos);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace wbsim::cli
