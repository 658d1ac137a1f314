// Goldens: files of tests/golden with the expected text beside them. UPDATE=1 rewrites what is expected; the diff is
// then read like any other change.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/compile.h"

namespace omen {

namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> rule_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".omen") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void compare(const fs::path& expected_file, const std::string& actual) {
  if (std::getenv("UPDATE") != nullptr) {
    std::ofstream(expected_file, std::ios::binary) << actual;
    return;
  }
  CHECK_MESSAGE(read_file(expected_file) == actual, expected_file.string());
}

const fs::path golden = fs::path(OMEN_SOURCE_ROOT) / "tests" / "golden";

}  // namespace

TEST_CASE("diagnostics: every mistake reads as it is written down") {
  const std::vector<fs::path> files = rule_files(golden / "diagnostics");
  CHECK(files.size() >= 60);
  for (const fs::path& file : files) {
    Sources sources;
    sources.files.push_back({file.filename().string(), read_file(file)});
    const Compilation compilation = compile(sources);
    std::string text;
    for (const Diagnostic& diagnostic : compilation.diagnostics.items)
      text += render_text(diagnostic, sources, false) + "\n";
    INFO(file.string());
    CHECK_FALSE(text.empty());
    CHECK(compilation.program.has_value() == !compilation.diagnostics.has_errors());
    compare(fs::path(file).replace_extension(".txt"), text);
  }
}

}  // namespace omen
