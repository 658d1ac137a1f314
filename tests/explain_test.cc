// The registry of diagnostics: complete, and its examples true.
#include "compiler/explain.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "compiler/compile.h"

namespace omen {

namespace {

std::set<std::string> codes_of(std::string_view text) {
  Sources sources;
  sources.files.push_back({"example.omen", std::string(text)});
  std::set<std::string> codes;
  for (const Diagnostic& diagnostic : compile(sources).diagnostics.items) codes.insert(diagnostic.code);
  return codes;
}

}  // namespace

TEST_CASE("every code that the compiler can report is explained, once") {
  std::set<std::string> known;
  for (const Explanation& explanation : explanations()) {
    CHECK_MESSAGE(known.insert(std::string(explanation.code)).second, explanation.code);
    CHECK(find_explanation(explanation.code) == &explanation);
  }
  CHECK(find_explanation("e0202") != nullptr);
  CHECK(find_explanation("E9999") == nullptr);
  static const std::regex code("\"([EW]0[0-9]{3})\"");
  std::set<std::string> reported;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(OMEN_SOURCE_ROOT) / "compiler")) {
    if (entry.path().extension() != ".cc" || entry.path().filename().string().starts_with("explain")) continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator it(source.begin(), source.end(), code), end; it != end; ++it) reported.insert((*it)[1]);
  }
  for (const std::string& one : reported) CHECK_MESSAGE(known.contains(one), one << " is not explained");
  for (const std::string& one : known) CHECK_MESSAGE(reported.contains(one), one << " is never reported");
}

TEST_CASE("the example of a fault gives its diagnostic, the repair none") {
  for (const Explanation& explanation : explanations()) {
    INFO(explanation.code);
    if (!explanation.fault.empty()) CHECK(codes_of(explanation.fault).contains(std::string(explanation.code)));
    if (!explanation.repair.empty()) {
      std::set<std::string> codes = codes_of(explanation.repair);
      codes.erase("W0901");  // declared values are not enforced in this version
      CHECK_MESSAGE(codes.empty(), (codes.empty() ? "" : *codes.begin()));
    }
  }
}

}  // namespace omen
