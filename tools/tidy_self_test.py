"""The self-test of tools/tidy: planted violations of every rule, each reported by it alone.

CLEAN is a small tree without a finding; it holds what could be mistaken for a violation. A plant
is a set of files laid over it, the file that must be named, and a part of the message.
"""

import os
import tempfile
from typing import Callable, Iterable, NamedTuple


class Plant(NamedTuple):
    rule: str
    files: dict[str, str]
    reported: str  # path that the finding names
    message: str


def header(body: str) -> str:
    return f"#pragma once\n\nnamespace wbsim {{\n{body}\n}}  // namespace wbsim\n"


def function_of(lines: int) -> str:
    statements = "".join(f"  step({n});\n" for n in range(lines - 2))
    return f"void walk() {{\n{statements}}}\n"


TRICKY = '''#include "sim/block/tricky.hpp"

#include <map>

namespace wbsim {

// "std::function", shared_ptr and rand() are only words in a comment; so is 1'000 { an apostrophe.
struct Step {
  const char* name;
  int (*apply)(int);
};
constexpr Step kSteps[] = {
    {"std::function<void()> {", [](int x) { return x + 1'000'000; }},
    {R"(float { using namespace std)", [](int x) { return x; }},
LONG_TABLE};

Tricky::Tricky(int brand, std::map<int, int> parts = {}) : brand_{brand}, parts_{parts} {
  const char quote = '"';
  for (const auto& [key, value] : parts_) {
    operand(key, value + quote);
  }
}

template <class Clock>
void wait(Clock clock) {
  clock.log(1);
}

MAXIMAL}  // namespace wbsim
'''.replace("LONG_TABLE", '    {"", nullptr},\n' * 80).replace("MAXIMAL", function_of(70))

# Spelled in two halves here as there: the rules read this file too.
UNFINISHED_WORD = "TO" + "DO"
MACHINE = "/ho" + "me/"

CLEAN = {
    "CMakeLists.txt": "project(wbsim)\n",
    "README.md": "# wbsim\n[base](sim/base) `tools/run` `units`\n",
    ".gitignore": "/build/\n",
    "sim/README.md": "# sim\n",
    "sim/base/README.md": "# base\n`units.hpp`\n",
    "sim/base/units.hpp": header("struct Units {};"),
    "sim/block/README.md": "# block\n",
    "sim/block/device.hpp": '#pragma once\n\n#include "sim/base/units.hpp"\n',
    "sim/block/tricky.hpp": "#pragma once\n",
    "sim/block/tricky.cpp": TRICKY,
    "sim/block/queue_test_util.hpp": '#pragma once\n\n#include "models/hdd.hpp"\n',
    "sim/vfs/README.md": "# vfs\n",
    "sim/vfs/files.hpp": header("struct Files {};"),
    "sim/report/README.md": "# report\n",
    "sim/report/metrics.hpp": '#pragma once\n\n#include "sim/vfs/files.hpp"\n',
    "sim/workload/README.md": "# workload\n",
    "sim/system/README.md": "# system\n",
    "sim/system/builder.hpp": '#pragma once\n\n#include "sim/report/metrics.hpp"\n',
    "models/README.md": "# models\n",
    "models/hdd.hpp": '#pragma once\n\n#include "sim/block/device.hpp"\n',
    "tools/README.md": "# tools\n",
    "tools/main.cpp": "#include <iostream>\n\nint main() { std::cout << 1; }\n",
    "tools/run": "#!/usr/bin/env bash\nset -euo pipefail\n",
    "results/README.md": "# results\n",
    "results/kernel-truth/cases-1.0/alpha-stream-20/case.json": '{"name": "alpha-stream-20"}\n',
    "configs/README.md": "# configs\n",
    "configs/a.json": '{"seed": 1}\n',
}


def banned(code: str, message: str, path: str = "sim/block/x.cpp") -> Plant:
    return Plant("banned", {path: code + "\n"}, path, message)


PLANTS = [
    Plant("top-level", {"src/a.txt": "a\n", "src/README.md": "# src\n"}, "src", "agreed entry"),
    Plant("ranks", {"sim/block/x.cpp": '#include "sim/vfs/files.hpp"\n'}, "sim/block/x.cpp",
          "sim/block (rank 2) includes sim/vfs/files.hpp (rank 6)"),
    Plant("ranks", {"sim/workload/x.cpp": '#include "sim/report/metrics.hpp"\n'},
          "sim/workload/x.cpp", "sim/workload includes sim/report/metrics.hpp; only"),
    Plant("ranks", {"models/x.cpp": '#include "sim/block/tricky.hpp"\n'}, "models/x.cpp",
          "models include of sim/block only sim/block/device.hpp"),
    Plant("ranks", {"sim/utils/x.cpp": "\n", "sim/utils/README.md": "# utils\n"},
          "sim/utils/x.cpp", "lies in no ranked folder"),
    Plant("full-path-includes", {"sim/block/x.cpp": '#include "device.hpp"\n'}, "sim/block/x.cpp",
          "not a file of the project"),
    Plant("header-guard", {"sim/block/x.hpp": "int x();\n"}, "sim/block/x.hpp", "#pragma once"),
    Plant("folder-readme", {"bench/x.cpp": "int x();\n"}, "bench", "has no README.md"),
    Plant("folder-readme", {"sim/block/README.md": "text\n" * 41}, "sim/block/README.md",
          "more than 40 lines"),
    Plant("readme-mentions", {"sim/block/README.md": "Read `bio.hpp` first.\n"},
          "sim/block/README.md", "names bio.hpp"),
    Plant("readme-mentions", {"README.md": "[plots](results/plots)\n"}, "README.md",
          "names results/plots"),
    Plant("file-size", {"sim/block/x.cpp": "int x();\n" * 501}, "sim/block/x.cpp", "501 lines"),
    Plant("file-size", {"sim/block/x_test.cpp": "int x();\n" * 601}, "sim/block/x_test.cpp",
          "601 lines"),
    Plant("file-size", {"results/x.csv": "1,2\n" * 300000}, "results/x.csv", "1200000 bytes"),
    Plant("line-length", {"sim/block/x.cpp": "// " + "a" * 98 + "\n"}, "sim/block/x.cpp",
          "101 columns"),
    Plant("line-length", {"tools/run": "#!/usr/bin/env bash\n# " + "a" * 99 + "\n"}, "tools/run",
          "101 columns"),
    Plant("function-length", {"sim/block/x.cpp": function_of(71)}, "sim/block/x.cpp",
          "function of 71 lines"),
    Plant("function-length",
          {"sim/block/x.cpp": "class X {\n public:\n" + function_of(71).replace("\n", "\n  ")
                              + "};\n"}, "sim/block/x.cpp", "function of 71 lines"),
    banned("std::function<void()> hook;", "std::function"),
    banned("std::shared_ptr<int> p;", "shared ownership", "tools/x.cpp"),
    banned("int x = rand();", "foreign randomness"),
    banned("std::mt19937 generator;", "foreign randomness", "sim/workload/x.cpp"),
    banned("std::random_device device;", "foreign randomness"),
    banned("auto t = std::chrono::steady_clock::now();", "wall clock", "models/x.cpp"),
    banned("double y = std::log(2.0);", "libm transcendental", "models/x.cpp"),
    banned("double y = pow(2.0, x);", "libm transcendental"),
    banned("using namespace std;", "using namespace std", "sim/block/x_test.cpp"),
    banned("float x;", "float"),
    banned("void f() { std::cout << 1; }", "standard streams"),
    banned("#include <iostream>", "<iostream>"),
    Plant("hash-order",
          {"sim/block/x.hpp": "#pragma once\nstd::unordered_map<int, std::map<int, int>> seen_;\n",
           "sim/block/x.cpp": "void f() {\n  for (const auto& [k, v] : seen_) {\n  }\n}\n"},
          "sim/block/x.cpp", "hash container seen_"),
    Plant("unfinished", {"configs/README.md": f"# configs\n{UNFINISHED_WORD}: write\n"},
          "configs/README.md", f"unfinished: {UNFINISHED_WORD}"),
    Plant("machine-paths", {"configs/a.json": f'{{"out": "{MACHINE}x"}}\n'}, "configs/a.json",
          f"path of a machine: {MACHINE}"),
    Plant("case-names", {"sim/block/x.cpp": 'const char* kName = "alpha-stream-20";\n'},
          "sim/block/x.cpp", "case or family alpha-stream-20"),
    Plant("case-names", {"models/x.cpp": "// Slower for alpha-stream alone.\n"}, "models/x.cpp",
          "case or family alpha-stream"),
    Plant("json-parses", {"configs/a.json": '{"seed": 1,}\n'}, "configs/a.json", "no valid JSON"),
    Plant("json-parses", {"configs/a.json": '{"seed": 1, "seed": 2}\n'}, "configs/a.json",
          "key given twice: seed"),
    Plant("scripts-parse", {"tools/run": "#!/usr/bin/env bash\nif true; then\n"}, "tools/run",
          "bash -n"),
    Plant("scripts-parse", {"tools/plot": "#!/usr/bin/env python3\nif True\n"}, "tools/plot",
          "python3:"),
    Plant("formatted", {"sim/block/x.cpp": "int  x( );\n"}, "sim/block/x.cpp", "tools/format"),
]


def write_tree(root: str, files: dict[str, str]) -> None:
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def findings_of(files: dict[str, str], formatted: bool, check_tree: Callable) -> list:
    style = "BasedOnStyle: Google\nColumnLimit: 100\n"
    # A plant of another rule need not be formatted as well.
    style += "" if formatted else "DisableFormat: true\n"
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, CLEAN | files | {".clang-format": style})
        return check_tree(root)


def problem_of(plant: Plant, check_tree: Callable) -> str:
    found = findings_of(plant.files, plant.rule == "formatted", check_tree)
    expected = [f for rule, f in found
                if (rule, f.path) == (plant.rule, plant.reported) and plant.message in f.message]
    others = [f"[{rule}] {f.path}: {f.message}" for rule, f in found if rule != plant.rule]
    if not expected:
        return f"{plant.rule}: {plant.reported} with '{plant.message}' was not reported"
    return f"{plant.rule}: also reported {others}" if others else ""


def run(check_tree: Callable, rules: Iterable[str], formatter: bool) -> int:
    plants = [p for p in PLANTS if formatter or p.rule != "formatted"]
    problems = [f"clean tree: [{rule}] {f.path}:{f.line}: {f.message}"
                for rule, f in findings_of({}, True, check_tree)]
    problems += [problem for plant in plants if (problem := problem_of(plant, check_tree))]
    planted = {plant.rule for plant in PLANTS}
    problems += [f"{rule}: has no plant" for rule in rules if rule not in planted]
    for problem in problems:
        print(problem)
    print(f"tidy --self-test: {len(plants)} plants, {len(problems)} problem(s)")
    return 1 if problems else 0
