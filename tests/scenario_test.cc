// Scenarios: the sentences of section 3 of docs/language.md, each a `test` block in tests/scenarios/*.omen. The machine
// must give what the block expects, and so must the reference interpreter.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/test_block.h"
#include "compiler/compile.h"
#include "tests/support/machine.h"

namespace omen {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> scenario_files() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(fs::path(OMEN_SOURCE_ROOT) / "tests/scenarios")) {
    if (entry.path().extension() == ".omen") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<reference::StreamItem> stream_of(const std::vector<ast::File>& files, const ast::Test& test) {
  std::vector<reference::StreamItem> out;
  for (const ast::TestLine& line : test.lines) {
    if (line.kind == ast::TestLine::Kind::at) {
      out.push_back({test_start_us + line.time->us, reference::parse_json(event_line(files, line))});
    } else if (line.kind == ast::TestLine::Kind::clock) {
      out.push_back({test_start_us + line.time->us, std::nullopt});
    }
  }
  return out;
}

std::string print(const std::vector<reference::Alert>& alerts) {
  std::string out;
  for (const reference::Alert& alert : alerts) out += "  " + alert.print() + "\n";
  return out;
}

}  // namespace

TEST_CASE("every sentence of section 3 has its scenario, and it holds") {
  size_t count = 0;
  for (const fs::path& path : scenario_files()) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    Sources sources;
    sources.files.push_back({path.filename().string(), text.str()});
    Compilation compilation = compile(sources);
    for (const Diagnostic& diagnostic : compilation.diagnostics.items) {
      if (diagnostic.severity == Severity::error) FAIL_CHECK(render_text(diagnostic, sources, false));
    }
    if (!compilation.program) continue;
    for (const ast::Test& test : compilation.files[0].tests) {
      count++;
      INFO(path.filename().string() << ": " << test.title);
      std::vector<reference::StreamItem> stream = stream_of(compilation.files, test);
      std::string machine = print(reference::run_machine(*compilation.program, stream));
      std::string expected = print(reference::run_reference(compilation.files, stream));
      expected += print(reference::run_measure_reference(compilation.files, stream));
      TestOutcome outcome = run_test(*compilation.program, compilation.files, test);
      CHECK_MESSAGE(outcome.passed(), "the machine raised:\n" << machine << "the reference:\n" << expected);
      CHECK_MESSAGE(machine == expected, "the machine:\n" << machine << "the reference:\n" << expected);
    }
  }
  CHECK(count >= 120);
  MESSAGE(count << " scenarios");
}

}  // namespace omen
