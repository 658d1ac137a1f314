// Spelling mistakes and what is said of them: tests/golden/syntax/NAME.omen, the text beside it in NAME.txt.
// UPDATE=1 writes the texts anew.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "compiler/compile.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("syntax: golden diagnostics") {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(OMEN_SOURCE_ROOT) / "tests/golden/syntax")) {
    if (entry.path().extension() == ".omen") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() > 30);
  for (const fs::path& path : files) {
    omen::Sources sources;
    sources.files.push_back({path.filename().string(), read(path)});
    omen::Diagnostics diagnostics;
    omen::parse(sources, 0, diagnostics);
    diagnostics.sort();
    std::string text;
    for (const auto& item : diagnostics.items) text += omen::render_text(item, sources, false);
    fs::path expected = path;
    expected.replace_extension(".txt");
    if (std::getenv("UPDATE") != nullptr) std::ofstream(expected, std::ios::binary) << text;
    CAPTURE(path.filename().string());
    CHECK(text == read(expected));
  }
}
